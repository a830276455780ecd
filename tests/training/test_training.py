"""Training with generated code: the steps are those that the equations say, a run that is killed
goes on with the same numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.cli import main
from gradproof.reports.content import plain
from gradproof.reports.language import language
from gradproof.training.checkpoint import CheckpointError
from gradproof.training.data import load
from gradproof.training.initialisations import INITIALISATIONS, drawn
from gradproof.training.loop import DivergedError, Plan, Training, train
from gradproof.training.many import Many, copied
from gradproof.training.optimisers import OPTIMISERS, steps
from gradproof.training.page import page, write_page
from gradproof.training.samples import Data
from gradproof.training.schedules import SCHEDULES, rate

MOONS = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy",
                   name="moons")


def finished(training: Training) -> Training:
    for _ in training.run():
        pass
    return training


# --- steps ----------------------------------------------------------------------------------------


def by_hand(name: str, w, g, eta, t, state, s):
    """A step as its source states it, written out in NumPy."""
    zero = np.zeros_like(w)
    match name:
        case "gradient_descent":
            return w - eta * g
        case "momentum":
            state["v"] = s["mu"] * state.get("v", zero) + g
            return w - eta * state["v"]
        case "nesterov":
            state["v"] = s["mu"] * state.get("v", zero) + g
            return w - eta * (g + s["mu"] * state["v"])
        case "adagrad":
            state["s"] = state.get("s", zero) + g * g
            return w - eta * g / (np.sqrt(state["s"]) + s["eps"])
        case "rmsprop":
            state["s"] = s["rho"] * state.get("s", zero) + (1 - s["rho"]) * g * g
            return w - eta * g / (np.sqrt(state["s"]) + s["eps"])
    state["m"] = s["beta1"] * state.get("m", zero) + (1 - s["beta1"]) * g
    state["v"] = s["beta2"] * state.get("v", zero) + (1 - s["beta2"]) * g * g
    m, v = state["m"] / (1 - s["beta1"] ** t), state["v"] / (1 - s["beta2"] ** t)
    return w * (1 - eta * s.get("lam", 0)) - eta * m / (np.sqrt(v) + s["eps"])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_is_what_its_source_says(name):
    rng = np.random.default_rng(5)
    mine, state = steps(name, 7), {}
    w = other = rng.standard_normal(7)
    for t in range(1, 6):
        g = rng.standard_normal(7)
        w = mine.step(w, g, 0.03, t)
        other = by_hand(name, other, g, 0.03, t, state, OPTIMISERS[name].settings)
        np.testing.assert_allclose(w, other, rtol=1e-13)


@pytest.mark.peers
@pytest.mark.parametrize(("name", "other", "options"), [
    ("gradient_descent", "SGD", {}),
    ("momentum", "SGD", {"momentum": 0.9}),
    ("nesterov", "SGD", {"momentum": 0.9, "nesterov": True}),
    ("adagrad", "Adagrad", {"eps": 1e-8}),
    ("rmsprop", "RMSprop", {"alpha": 0.9, "eps": 1e-8}),
    ("adam", "Adam", {}),
    ("adamw", "AdamW", {"weight_decay": 0.01}),
])
def test_a_step_is_pytorchs(name, other, options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(6)
    w = rng.standard_normal(9)
    theirs = torch.nn.Parameter(torch.tensor(w.copy()))
    optimiser = getattr(torch.optim, other)([theirs], lr=0.02, **options)
    mine = steps(name, 9)
    for t in range(1, 12):
        g = rng.standard_normal(9)
        theirs.grad = torch.tensor(g)
        optimiser.step()
        w = mine.step(w, g, 0.02, t)
        np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_a_clipped_gradient_has_the_length_asked_for_and_its_direction():
    g = np.array([3.0, 4.0])
    for clip, length in ((1.0, 1.0), (5.0, 5.0), (7.0, 5.0)):
        moved = steps("gradient_descent", 2, clip=clip).step(np.zeros(2), g, 1.0, 1)
        np.testing.assert_allclose(moved, -g / 5 * length, rtol=1e-14)
    still = steps("gradient_descent", 2, clip=1.0).step(np.ones(2), np.zeros(2), 1.0, 1)
    np.testing.assert_array_equal(still, np.ones(2))


@pytest.mark.parametrize(("name", "first", "middle", "last"), [
    ("constant", 1, 1, 1), ("linear", 1, 0.5, 0.01), ("exponential", 1, 0.1, 0.01 ** 0.99),
    ("cosine", 1, 0.5, (1 + np.cos(np.pi * 0.99)) / 2), ("inverse_time", 1, 1 / 5.5, 1 / 9.91),
    ("warmup_cosine", 0.1, 0.5, (1 + np.cos(np.pi * 0.99)) / 2),
])
def test_learning_rates_over_the_steps(name, first, middle, last):
    assert SCHEDULES[name]
    for t, due in ((1, first), (51, middle), (100, last)):
        assert rate(name, 0.2, t, 100) == pytest.approx(0.2 * due, rel=1e-12)


def test_a_run_takes_the_steps_of_a_loop_written_by_hand():
    """Batches in the order of the generator, and plain gradient descent."""
    data = load("moons", seed=1)
    plan = Plan(epochs=2, batch=100, optimiser="gradient_descent", learning_rate=0.5, seed=4)
    training = train(MOONS, data, plan)
    rng = np.random.default_rng(4)
    kept = rng.permutation(1000)[:800]
    W = {name: array.copy() for name, array in training.parameters.items()}
    for shape in ((2, 4), (4, 1)):
        rng.uniform(-1, 1, shape)
    losses = []
    for _ in range(2):
        order, total = rng.permutation(kept), 0.0
        for start in range(0, 800, 100):
            X, Y = data.X[order[start:start + 100]], data.targets[order[start:start + 100]][:, None]
            A = np.tanh(X @ W["W1"] + W["b1"])
            p = 1 / (1 + np.exp(-(A @ W["W2"] + W["b2"])))
            total += -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p)) * 100
            d = (p - Y) / 100
            e = d @ W["W2"].T * (1 - A * A)
            for name, g in {"W1": X.T @ e, "b1": e.sum(0), "W2": A.T @ d, "b2": d.sum(0)}.items():
                W[name] -= 0.5 * g
        losses.append(total / 800)
    finished(training)
    assert [epoch.loss for epoch in training.history] == pytest.approx(losses, rel=1e-12)
    for name, array in training.parameters.items():
        np.testing.assert_allclose(array, W[name], rtol=1e-10)


def test_xor_is_learned():
    training = finished(train(gp.load("xor"), load("xor"), Plan(
        epochs=2000, batch=None, test=0, optimiser="gradient_descent", learning_rate=2.0,
        init="normal", seed=3)))
    assert training.history[-1].loss < 2e-3
    assert training.evaluated(np.arange(4))[1] == 1.0


def test_rows_and_columns_train_alike():
    """The same network with a sample in each column: X, Y and W transposed, the losses the same."""
    columns = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", convention="columns",
                         loss="binary_cross_entropy")
    runs = [train(net, load("moons"), Plan(epochs=2, init="zeros")) for net in (MOONS, columns)]
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 4)), rng.standard_normal((4, 1))
    for run, turned in zip(runs, (False, True), strict=True):
        run.parameters["W1"][...] = first.T if turned else first
        run.parameters["W2"][...] = second.T if turned else second
        finished(run)
    assert [e.loss for e in runs[0].history] == pytest.approx([e.loss for e in runs[1].history])
    assert runs[0].history[-1].accuracy == runs[1].history[-1].accuracy


def test_dropout_trains_with_masks_and_is_judged_without():
    model = gp.Model("m n", [{"type": "dense", "units": 6, "activation": "relu"},
                             {"type": "dropout", "keep": 0.5}, {"type": "dense", "units": 1}],
                     loss="binary_cross_entropy_from_logits")
    plain_model = gp.Model("m n", [{"type": "dense", "units": 6, "activation": "relu"},
                                   {"type": "dense", "units": 1}],
                           loss="binary_cross_entropy_from_logits")
    training = train(model, load("moons"), Plan(epochs=1))
    other = train(plain_model, load("moons"), Plan(epochs=1))
    assert training.evaluated(training.test_places) == pytest.approx(
        other.evaluated(other.test_places))
    masks = training.fitted.drawn_masks(4000, np.random.default_rng(0))["mask2"]
    assert set(np.unique(masks)) == {0.0, 1.0}
    assert abs(masks.mean() - 0.5) < 0.02
    finished(training), finished(other)
    assert training.history[0].loss != other.history[0].loss


def test_a_loss_that_is_no_number_ends_the_run():
    plan = Plan(epochs=50, optimiser="gradient_descent", learning_rate=1e8)
    with pytest.raises(DivergedError, match=r"epoch \d+, step \d+: .*smaller learning rate"):
        finished(train(gp.Network([2, 4, 1], activation="relu"), load("moons"), plan))


@pytest.mark.peers
def test_a_small_convolution_trains_as_in_pytorch():
    """The same batches and first values: the same losses, step by step."""
    torch = pytest.importorskip("torch")
    model = gp.Model("m 1 6 6", [
        {"type": "conv2d", "channels": 3, "kernel": 3, "activation": "relu"},
        {"type": "max_pool2d", "kernel": 2}, "flatten", {"type": "dense", "units": 4}],
        loss="cross_entropy_from_logits")
    rng = np.random.default_rng(2)
    data = Data("made", rng.standard_normal((40, 36)), rng.integers(0, 4, 40), tuple("abcd"))
    training = train(model, data, Plan(epochs=3, batch=8, test=0, init="he", learning_rate=0.01))
    first = {name: torch.nn.Parameter(torch.tensor(array.copy()))
             for name, array in training.parameters.items()}
    optimiser = torch.optim.Adam(first.values(), lr=0.01)
    rng = np.random.default_rng(0)
    rng.permutation(40)
    training.fitted.parameters("he", rng)
    kept, losses = training.train_places, []
    for _ in range(3):
        order, total = rng.permutation(kept), 0.0
        for start in range(0, 40, 8):
            places = order[start:start + 8]
            X = torch.tensor(data.X[places].reshape(8, 1, 6, 6))
            h = torch.relu(torch.nn.functional.conv2d(X, first["W1"], first["b1"]))
            h = torch.nn.functional.max_pool2d(h, 2).flatten(1)
            loss = torch.nn.functional.cross_entropy(
                h @ first["W4"] + first["b4"], torch.tensor(data.targets[places]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * 8
        losses.append(total / 40)
    finished(training)
    assert [epoch.loss for epoch in training.history] == pytest.approx(losses, rel=1e-10)


# --- first values ---------------------------------------------------------------------------------


def test_first_values_have_the_spread_of_their_rule():
    rng = np.random.default_rng(0)
    shape = (200, 300)
    spread = {name: drawn(name, rng, "W1", shape).std() for name in INITIALISATIONS}
    due = {"zeros": 0, "normal": 1, "small": 0.01, "xavier": np.sqrt(2 / 500),
           "he": np.sqrt(2 / 200), "lecun": np.sqrt(1 / 200), "orthogonal": np.sqrt(1 / 300)}
    assert spread == pytest.approx(due, rel=0.02)
    q = drawn("orthogonal", rng, "W1", (30, 20))
    np.testing.assert_allclose(q.T @ q, np.eye(20), atol=1e-12)


def test_kernels_and_columns_count_their_inputs_behind_their_outputs():
    rng = np.random.default_rng(0)
    kernel = drawn("he", rng, "W1", (64, 16, 5, 5), outputs_first=True)
    assert kernel.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    stack = drawn("lecun", rng, "WQ1", (4, 100, 50))
    assert stack.std() == pytest.approx(0.1, rel=0.02)
    assert (drawn("he", rng, "gamma2", (3,)) == 1).all()
    assert (drawn("he", rng, "b1", (3,)) == 0).all()


# --- checkpoints ----------------------------------------------------------------------------------


def test_a_run_goes_on_from_its_checkpoint_with_the_numbers_it_would_have_had(tmp_path):
    file = tmp_path / "run.npz"
    plans = [Plan(epochs=n, batch=64, clip=1.0) for n in (2, 5)]
    finished(train(MOONS, load("moons"), plans[0], checkpoint_file=file))
    resumed = train(MOONS, load("moons"), plans[1], checkpoint_file=file, resume=True)
    assert len(resumed.history) == 2
    whole = train(MOONS, load("moons"), plans[1])
    assert finished(resumed).history == finished(whole).history
    np.testing.assert_array_equal(resumed.w, whole.w)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_with_the_numbers_it_would_have_had(tmp_path):
    file = tmp_path / "run.npz"
    command = [sys.executable, "-m", "gradproof", "train", "moons", "--data", "moons", "--epochs"]
    begun = subprocess.Popen([*command, "100000", "--checkpoint", str(file)],
                             stdout=subprocess.DEVNULL)
    while not file.exists():
        time.sleep(0.05)
    time.sleep(0.3)
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    with np.load(file) as found:
        done = len(json.loads(str(found["known"]))["history"])
    plan = Plan(epochs=done + 3)
    resumed = finished(train(gp.load("moons"), load("moons"), plan, checkpoint_file=file,
                             resume=True))
    assert resumed.history == finished(train(gp.load("moons"), load("moons"), plan)).history
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    file = tmp_path / "run.npz"
    finished(train(MOONS, load("moons"), Plan(epochs=1), checkpoint_file=file))
    for network, plan in ((MOONS, Plan(epochs=2, seed=1)), (gp.load("moons"), Plan(epochs=2)),
                          (MOONS, Plan(epochs=2, optimiser="adagrad"))):
        with pytest.raises(CheckpointError, match="of another run"):
            train(network, load("moons"), plan, checkpoint_file=file, resume=True)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        train(MOONS, load("moons"), Plan(), checkpoint_file=tmp_path / "x.npz", resume=True)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(CheckpointError, match="no checkpoint that can be read"):
        train(MOONS, load("moons"), Plan(epochs=1), checkpoint_file=file, resume=True)


def test_a_run_that_begins_takes_nothing_of_anybodys(tmp_path, capsys):
    table, file, plan = tmp_path / "table.npz", tmp_path / "run.npz", Plan(epochs=1)
    np.savez(table, X=np.ones((3, 2)), Y=np.arange(3))
    for force in (False, True):
        with pytest.raises(CheckpointError, match="it is no checkpoint; take another name"):
            train(MOONS, load("moons"), plan, checkpoint_file=table, force=force)
    finished(train(MOONS, load("moons"), plan, checkpoint_file=file))
    before = file.read_bytes()
    assert main(["train", "moons", "--data", "moons", "--checkpoint", str(file)]) == 2
    assert "resume goes on from it, force replaces it" in capsys.readouterr().err
    assert file.read_bytes() == before
    finished(train(MOONS, load("moons"), Plan(epochs=1, seed=2), checkpoint_file=file, force=True))
    assert file.read_bytes() != before
    with pytest.raises(CheckpointError, match="a folder that is there"):
        train(MOONS, load("moons"), plan, checkpoint_file=tmp_path / "no" / "run.npz")


@pytest.mark.parametrize(("changed", "says"), [
    ({"w": np.ones(3)}, "its arrays are not those of this run"),
    ({"state_m": np.ones((13, 1))}, "its arrays are not those of this run"),
    ({"w": np.full(13, 2, dtype=complex)}, "its arrays are not those of this run"),
    ({"version": 7, "run": None}, "of another version"),
    ({"taken": "many"}, "its arrays are not those of this run"),
    ({"history": [{"number": 3}]}, "its epochs do not follow each other"),
    ({"history": 5}, "that can be gone on from"),
    ({"generator": {"bit_generator": "PCG64", "state": 1}}, "that can be gone on from"),
    ({"known": "[" * 100_000}, "no checkpoint that can be read"),
    ({"known": "[]"}, "no checkpoint that can be read"),
])
def test_a_checkpoint_that_was_changed_is_refused(tmp_path, changed, says):
    file = tmp_path / "run.npz"
    finished(train(MOONS, load("moons"), Plan(epochs=1, batch=None), checkpoint_file=file))
    with np.load(file) as found:
        arrays = dict(found)
    known = json.loads(str(arrays["known"]))
    for name, value in changed.items():
        if name in arrays:
            arrays[name] = np.array(value)
        else:
            known[name] = value
    np.savez(file, **({"known": np.array(json.dumps(known))} | arrays if "known" in changed else
                      arrays | {"known": np.array(json.dumps(known))}))
    with pytest.raises(CheckpointError, match=says):
        train(MOONS, load("moons"), Plan(epochs=2, batch=None), checkpoint_file=file, resume=True)


# --- the command and the page ---------------------------------------------------------------------


@pytest.mark.parametrize("command", [["train", "moons", "--data", "moons"], ["run", "moons"]])
@pytest.mark.parametrize(("more", "says"), [
    (["--format", "nonsense"], "formats: expected some of markdown"),
    (["--language", "xx"], "language: expected one of en, zh"),
    (["-o", "{}/others"], "is no report that gradproof wrote"),
    (["-o", "{}/others/training.svg"], "expected a folder for the report, got a file"),
])
def test_what_keeps_a_page_from_being_written_is_said_before_the_run(
    tmp_path, capsys, command, more, says
):
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "training.svg").write_text("mine")
    options = ["-o", str(tmp_path / "run"), "--format", "markdown"]
    assert main([*command, *options, *(one.format(tmp_path) for one in more)]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert not told.out


def test_the_command_trains_and_writes_a_page(tmp_path, capsys):
    written = tmp_path / "run"
    assert main(["train", "moons", "--data", "moons", "--epochs", "3", "-o", str(written),
                 "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert "800 samples to train with, 200 set aside, 75 steps" in told
    assert "epoch 3: loss" in told
    assert {path.name for path in written.iterdir()} == {"report.md", "training.svg"}
    text = (written / "report.md").read_text(encoding="utf-8")
    assert "A^{(1)} &= \\tanh(Z^{(1)})" in text
    assert "\\beta _{1} m _{0}" in text


@pytest.mark.parametrize(("arguments", "says"), [
    (["--set", "mu"], "expected NAME=VALUE"),
    (["--set", "mu=x"], "mu: expected a number"),
    (["--size", "h=2.5"], "h: expected a whole number"),
    (["--batch", "some"], "--batch"),
])
def test_an_argument_that_is_none_says_why(arguments, says, capsys):
    with pytest.raises(SystemExit):
        main(["train", "moons", "--data", "moons", *arguments])
    assert says in capsys.readouterr().err


def test_the_page_is_there_in_chinese():
    plan = Plan(epochs=2, schedule="cosine", optimiser="momentum")
    training = finished(train(MOONS, load("moons"), plan))
    made = page(training).translated(language("zh"))
    told = [plain(made.title)]
    for section in made.sections:
        told.append(plain(section.title))
        for block in section.blocks:
            match block.kind:
                case "paragraph":
                    told.append(plain(block.prose))
                case "picture":
                    told.append(plain(block.caption))
                case "table":
                    told += [plain(cell) for cell in block.header]
    for text in told:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text), text


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_the_page_says_what_its_functions_are(spoken, tmp_path):
    training = finished(train(MOONS, load("moons"), Plan(epochs=1)))
    (file,) = write_page(training, tmp_path, ["markdown"], language=spoken)[:1]
    text = file.read_text(encoding="utf-8")
    heading = {"en": "## The functions\n", "zh": "## 所用函数\n"}[spoken]
    told = text.partition(heading)[2].partition("\n## ")[0]
    for one in ("sigma", "sigma'"):
        assert any(line.startswith(f"\\{one}(z) ") for line in told.splitlines()), one


def test_the_documents_run_is_the_programs(capsys):
    """What docs/training.md prints of its first run."""
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    block = text.split("```console\n")[1].split("```")[0]
    command, *due = block.strip().splitlines()
    assert main(command.removeprefix("$ gradproof ").split()) == 0
    assert capsys.readouterr().out.strip().splitlines() == due


def test_many_copies_at_once_are_each_as_alone():
    """The equations with one more index: each copy takes the steps of a run of its own."""
    network = gp.Network([2, 3, 1], activation="tanh", output="sigmoid", convention="columns",
                         loss="binary_cross_entropy")
    plan = Plan(epochs=5, batch=None, test=0, optimiser="adam", learning_rate=0.05)
    many = Many(network, load("xor"), plan, seeds=3)
    firsts = {name: array.copy() for name, array in many.parameters.items()}
    finished(many)
    losses = []
    for copy in range(3):
        alone = Training(network, load("xor"), plan)
        for name, array in alone.parameters.items():
            array[...] = firsts[name][copy]
        finished(alone)
        losses.append([epoch.loss for epoch in alone.history])
        for name, array in alone.parameters.items():
            np.testing.assert_allclose(many.parameters[name][copy], array, rtol=1e-9, atol=1e-12)
        loss, right = alone.evaluated(np.arange(4))
        assert many.losses[copy] == pytest.approx(loss, rel=1e-9)
        assert many.learned[copy] == (right == 1.0)
    np.testing.assert_allclose([epoch.loss for epoch in many.history], np.mean(losses, 0))
    with pytest.raises(ValueError, match="expected the whole batch, no clip"):
        Many(network, load("xor"), Plan())
    recurrent = gp.Model("T m n", [{"type": "rnn", "units": 2}, "last",
                                   {"type": "dense", "units": 1}])
    with pytest.raises(gp.EquationError, match="read each other, such as a recurrence's"):
        copied(recurrent.system(), recurrent.parameters, "L")


def test_many_without_a_compiler_are_trained_by_numpy(monkeypatch):
    plan = Plan(epochs=30, batch=None, test=0, optimiser="gradient_descent", learning_rate=0.5)
    compiled = finished(Many(gp.load("xor"), load("xor"), plan, seeds=5))
    monkeypatch.setenv("CC", "no-such-compiler")
    plain = finished(Many(gp.load("xor"), load("xor"), plan, seeds=5))
    for mine, theirs in zip(compiled.history, plain.history, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-12)
    np.testing.assert_allclose(compiled.w, plain.w, rtol=1e-11)
