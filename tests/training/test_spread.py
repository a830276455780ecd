"""Steps spread over processes: the numbers of one machine, whatever becomes of a worker."""

import os
import re
import runpy
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.cli import main
from gradproof.derivations.dask_blocks import NoDaskError
from gradproof.symbolic.splitting.additive import NotAdditiveError
from gradproof.training.data import load
from gradproof.training.examples import Study, chosen, names
from gradproof.training.folders import OnDisk, is_on_disk
from gradproof.training.loop import Plan, Training, begun, train
from gradproof.training.samples import DataError

MOONS = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", l2=0.01,
                   loss="binary_cross_entropy", name="moons")
STEPS = gp.Model("T m n", [{"type": "rnn", "units": 3}, {"type": "last"},
                           {"type": "dropout", "keep": 0.5}, {"type": "dense", "units": 2}],
                 loss="cross_entropy_from_logits")


def finished(training):
    for _ in training.run():
        pass
    return training


def folder_of(path, data):
    path.mkdir()
    np.save(path / "X.npy", data.X)
    np.save(path / "Y.npy", data.targets)
    return str(path)


def expect_same(one, other):
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-12)
        assert mine.accuracy == theirs.accuracy
        if theirs.test_loss is None:
            assert mine.test_loss is None
        else:
            assert mine.test_loss == pytest.approx(theirs.test_loss, rel=1e-12)
    np.testing.assert_allclose(one.w, other.w, rtol=1e-9, atol=1e-12)


# --- without Dask ---------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_samples_on_disk_train_as_samples_in_memory(tmp_path, columns):
    net = gp.Network([2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy",
                     convention="columns" if columns else "rows")
    data = load("moons")
    on_disk = load(folder_of(tmp_path / "moons", data))
    plan = Plan(epochs=2, batch=100)
    one, other = train(net, data, plan), train(net, on_disk, plan)
    assert is_on_disk(other.fitted.arrays["X"])
    assert one.fingerprint == other.fingerprint
    expect_same(finished(one), finished(other))
    places = np.array([5, 900, 17])
    rows = OnDisk.of(other.fitted.arrays["X"], other.fitted.along["X"])
    np.testing.assert_array_equal(rows.read(places), one.fitted.batch(places)["X"])


def test_what_is_wrong_with_a_folder_is_said(tmp_path):
    with pytest.raises(DataError, match=r"X\.npy: there is no such file; a folder of samples"):
        load(str(tmp_path))
    np.save(tmp_path / "X.npy", np.ones((4, 2)))
    for Y, said in ((np.ones(3), "X has 4 samples and Y 3"), (np.array(["a"] * 4), "of type <U1"),
                    (np.array([1, 2, np.nan, 1]), "Y: expected numbers that a float holds")):
        np.save(tmp_path / "Y.npy", Y)
        with pytest.raises(DataError, match=said):
            load(str(tmp_path))
    np.save(tmp_path / "Y.npy", np.ones(4))
    (tmp_path / "X.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match=r"as numpy.save writes it"):
        load(str(tmp_path))
    np.save(tmp_path / "X.npy", np.asfortranarray(np.ones((4, 2))))
    with pytest.raises(DataError, match="Fortran's order"):
        load(str(tmp_path))
    np.save(tmp_path / "X.npy", np.array([[1, 2], [3, 4], [5, np.inf], [7, 8]]))
    with pytest.raises(DataError, match=r"X\.npy: expected numbers .* sample 3"):
        finished(train(gp.Network([2, 1]), load(str(tmp_path)), Plan(test=0)))


def test_without_dask_it_is_said_what_to_install(monkeypatch, capsys):
    for module in ("dask", "dask.utils", "dask.array", "distributed"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["train", "moons", "--data", "moons", "--dask"]) == 2
    assert "pip install 'gradproof[dask]'" in capsys.readouterr().err
    with pytest.raises(NoDaskError, match="pip install"):
        gp.derive(MOONS).additive().delayed()


@pytest.mark.parametrize(("options", "said"), [
    (["--workers", "2"], "--workers goes with --dask"),
    (["--memory", "1GB"], "--memory goes with --dask"),
])
def test_options_of_a_cluster_need_one(options, said, capsys):
    assert main(["train", "moons", "--data", "moons", *options]) == 2
    assert said in capsys.readouterr().err


# --- with Dask ------------------------------------------------------------------------------------


def test_a_dask_array_is_split_as_it_lies():
    """On threads: blocks of any lengths, an empty one among them, other axes put together."""
    array = pytest.importorskip("dask.array")
    rng = np.random.default_rng(1)
    derivation = gp.derive(MOONS)
    values = {"X": rng.standard_normal((9, 2)), "Y": rng.integers(0, 2, (9, 1)).astype(float),
              "W1": rng.standard_normal((2, 4)), "b1": rng.standard_normal(4),
              "W2": rng.standard_normal((4, 1)), "b2": rng.standard_normal(1)}
    loss, due = derivation.compile()(**values)
    blocks = derivation.additive()
    for chunks in ((9, 2), (4, 1), ((2, 0, 6, 1), (1, 1))):
        X = array.from_array(values["X"], chunks=chunks)
        for Y in (values["Y"], array.from_array(values["Y"], chunks=(5, 1))):
            found, gradients = blocks.delayed(**values | {"X": X, "Y": Y}).compute(
                scheduler="synchronous")
            assert found == pytest.approx(loss, rel=1e-13)
            for name, value in due.items():
                np.testing.assert_allclose(gradients[name], value, rtol=1e-10, atol=1e-14)
    with pytest.raises(ValueError, match="expected 9 samples along axis 0, as in X, got 8"):
        blocks.delayed(**values | {"Y": values["Y"][1:]})
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        blocks.delayed(**values | {"X": (X := array.from_array(values["X"]))[X[:, 0] > 0]})
    with pytest.raises(TypeError, match="missing arrays: W2"):
        blocks.delayed(**{name: value for name, value in values.items() if name != "W2"})
    with pytest.raises(ValueError, match="got none"):
        blocks.delayed(**values | {"X": values["X"][:0], "Y": values["Y"][:0]})


@pytest.mark.rows
def test_the_command_spreads_its_steps(capsys):
    """Of the same line, with --dask, the same numbers are printed; batch norm is refused."""
    pytest.importorskip("distributed")
    line = ["train", "moons", "--data", "moons", "--epochs", "2", "--batch", "400"]
    assert main(line) == 0
    due = capsys.readouterr().out
    assert main([*line, "--dask", "--workers", "2", "--memory", "1GB", "--block", "150"]) == 0
    assert capsys.readouterr().out == due
    for scheduler, said in (("nowhere", "tcp://HOST:PORT; got 'nowhere'"),
                            ("tcp://127.0.0.1:9", "no scheduler answers at tcp://127.0.0.1:9")):
        assert main([*line, "--dask", scheduler]) == 2
        assert said in capsys.readouterr().err
    assert main([*line, "--dask", "--memory", "much"]) == 2
    assert "expected a size such as 400MB, got 'much'" in capsys.readouterr().err
    assert main([*line, "--dask", "--workers", "0"]) == 2
    assert "workers: expected one or more, got 0" in capsys.readouterr().err


@pytest.fixture(scope="module")
def client():
    pytest.importorskip("distributed")
    from gradproof.training.cluster import opened

    with opened(workers=2, memory="1GB") as found:
        yield found


def spread(client, network, data, plan, block=None):
    from gradproof.training.spread import Spread

    return Spread(network, data, plan, client=client, block=block)


@pytest.mark.rows
def test_a_spread_run_has_the_numbers_of_one_machine(client, tmp_path):
    """From memory and from a file, with a penalty that is added once, and blocks that do not go
    into the batch."""
    data = load("moons")
    plan = Plan(epochs=2, batch=300)
    one = finished(train(MOONS, data, plan))
    for source in (data, load(folder_of(tmp_path / "moons", data))):
        expect_same(finished(spread(client, MOONS, source, plan, block=70)), one)


@pytest.mark.rows
def test_masks_and_axes_of_steps_are_those_of_one_machine(client):
    data, plan = load("echo"), Plan(epochs=1, batch=100, sizes={})
    expect_same(finished(spread(client, STEPS, data, plan, block=33)),
                finished(train(STEPS, data, plan)))


class InThisProcess:
    """Runs what a client would."""

    def compute(self, delayed):
        return type("Future", (), {"result": lambda _: delayed.compute(scheduler="synchronous")})()


@pytest.mark.rows
@pytest.mark.parametrize("name", names())
def test_every_example_spreads_but_for_batch_norm(name):
    """With blocks that do not go into its batches, from the first values to the end of an epoch."""
    pytest.importorskip("dask.array")
    found = chosen(name)
    if isinstance(found, Study):
        return
    for variant in found.variants:
        try:
            data = load(found.data, seed=variant.plan.seed)
        except DataError as error:
            pytest.skip(str(error))
        plan = replace(variant.plan, epochs=1, batch=200 if len(data) > 300 else None, clip=1.0)
        if (name, variant.label) == ("batch-norm", "with"):
            with pytest.raises(NotAdditiveError, match=r"var\["):
                spread(InThisProcess(), variant.network, data, plan)
            continue
        runs = (finished(spread(InThisProcess(), variant.network, data, plan, block=67)),
                finished(train(variant.network, data, plan)))
        expect_same(*runs)


@pytest.mark.rows
def test_a_run_goes_on_from_a_checkpoint_of_the_other_kind(tmp_path):
    pytest.importorskip("dask.array")
    from gradproof.training.spread import Spread

    data, file = load("moons"), tmp_path / "run.npz"
    due = finished(train(MOONS, data, Plan(epochs=3)))
    finished(train(MOONS, data, Plan(epochs=1), checkpoint_file=file))
    for epochs in (2, 3):
        made = Spread if epochs == 2 else Training
        more = {"client": InThisProcess(), "block": 9} if epochs == 2 else {}
        run = begun(made(MOONS, data, Plan(epochs=epochs), file, **more), resume=True)
        assert len(run.history) == epochs - 1
        expect_same(finished(run), due) if epochs == 3 else finished(run)


@pytest.mark.rows
def test_batch_norm_is_refused(client):
    model = gp.Model("m n", [{"type": "dense", "units": 3}, {"type": "batch_norm"},
                             {"type": "dense", "units": 1}],
                     loss="binary_cross_entropy_from_logits")
    with pytest.raises(NotAdditiveError, match=r"does not split along m.*var\["):
        spread(client, model, load("moons"), Plan())


@pytest.mark.rows
def test_a_worker_that_is_killed_changes_nothing(client):
    """Workers are killed one after the other while the run goes on; it ends with the same bits."""
    rng = np.random.default_rng(0)
    data = many(rng)
    plan = Plan(epochs=3, batch=None, test=0.1)
    undisturbed = finished(spread(client, MOONS, data, plan, block=2000))
    disturbed = spread(client, MOONS, data, plan, block=2000)
    killed, over = [], threading.Event()

    def kill():
        while not over.wait(0.3):
            running = [w for w in client.processing().items() if w[1]]
            known = pids(client)
            if running and len(killed) < 2 and (fresh := set(known) - set(killed)):
                pid = sorted(fresh)[0]
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)
                time.sleep(1.5)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        finished(disturbed)
    finally:
        over.set()
        thread.join()
    assert killed
    assert [e.loss for e in disturbed.history] == [e.loss for e in undisturbed.history]
    np.testing.assert_array_equal(disturbed.w, undisturbed.w)


@pytest.mark.rows
def test_samples_larger_than_the_memory_of_all_workers(capsys):
    """What docs/training.md says of its example."""
    pytest.importorskip("distributed")
    path = Path(__file__).parents[2] / "examples" / "larger-than-memory" / "run.py"
    example = runpy.run_path(str(path))
    spread, one = example["main"](["--epochs", "2", "--beside"])
    expect_same(spread, one)
    shown = capsys.readouterr().out
    assert shown.startswith("819 MB of samples; 2 workers of 300MB each")
    peaks = [int(n) for n in re.findall(r"^worker \d+: at most (\d+) MB", shown, re.MULTILINE)]
    assert len(peaks) == 2
    assert max(peaks) < 300


@pytest.mark.rows
def test_a_block_that_is_larger_than_the_memory_is_an_error_that_says_so(tmp_path):
    pytest.importorskip("distributed")
    from gradproof.training.cluster import ClusterError, opened

    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float64, (100_000, 400))
    X[:] = 1
    del X
    np.save(tmp_path / "Y.npy", np.ones(100_000))
    net = gp.Network(["n", 1])
    with (opened(workers=1, memory="250MB") as client,
          pytest.raises(ClusterError, match=r"smaller blocks than 100000 samples, or more memory")):
        finished(spread(client, net, load(str(tmp_path)), Plan(epochs=1, batch=None, test=0),
                        block=100_000))


def many(rng):
    from gradproof.training.samples import Data

    X = rng.standard_normal((60_000, 2))
    return Data("many", X, (X[:, 0] * X[:, 1] > 0).astype(np.int64), ("0", "1"))


def pids(client):
    return list(client.run(os.getpid).values())
