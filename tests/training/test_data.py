"""Data that is trained with: what it becomes for a network, and what is said where it does not
fit."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.specs.stated import Stated
from gradproof.training.data import load
from gradproof.training.fitting import fitted, with_classes
from gradproof.training.loop import Plan, train
from gradproof.training.samples import Data, DataError


@pytest.mark.parametrize(("text", "says"), [
    ("a,b\n1,2\n", "expected two samples or more"),
    ("a,b\n", "expected a line of column names and lines of samples"),
    ("a,a\n1,2\n1,2\n", "columns of different names"),
    ("a,b\n1,2\n1\n", "sample 2: expected 2 cells"),
    ("a,b\n1,2\nx,2\n", "sample 2, column 'a': expected a number, got 'x'"),
    ("a,b\n1,2\nnan,2\n", "sample 2, column 'a': expected a number, got 'nan'"),
    ("b\n1\n2\n", "every column is a target"),
    ("a;b\n1;2\n3;4\n", "parted by commas here, not by ';'"),
    ("1,2\n1,2\n3,4\n", "the names of the columns in the first line, got the numbers 1, 2"),
    ("a,b\n1,2.5\n2,NA\n3,1.5\n", "sample 2, column 'b': expected a number, got 'NA'"),
    ("a,b\n1,no\n2,\n3,yes\n", "sample 2, column 'b': expected the name of a class, got an empty"),
    ("a,b\n1_0,2\n2,3\n", "sample 1, column 'a': expected a number, got '1_0'"),
])
def test_a_table_that_cannot_be_used_says_where(tmp_path, text, says):
    file = tmp_path / "table.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=says):
        load(str(file))


def test_what_is_no_data_is_said_to_be_none(tmp_path):
    with pytest.raises(DataError, match="expected one of xor, moons, digits, noise, normal, echo, "
                       "text, ratings, or"):
        load("moon")
    with pytest.raises(DataError, match="there is no such file"):
        load(str(tmp_path / "x.csv"))
    file = tmp_path / "x.npz"
    np.savez(file, X=np.ones((3, 2)), Z=np.ones(3))
    with pytest.raises(DataError, match="expected the arrays X and Y"):
        load(str(file))
    np.savez(file, X=np.ones((3, 2)), Y=np.array([object()] * 3))
    with pytest.raises(DataError, match=r"expected an \.npz file of arrays of numbers"):
        load(str(file))
    np.savez(file, X=np.full((3, 2), np.longdouble("1e4000")), Y=np.ones(3))
    with pytest.raises(DataError, match="X: expected numbers that a float holds"):
        load(str(file))
    np.savez(file, X=np.ones((3, 2)), Y=np.ones(4))
    with pytest.raises(DataError, match="X has 3 samples and Y 4"):
        load(str(file))


def npz(file, headers):
    """An .npz file of arrays that are no more than their headers."""
    with zipfile.ZipFile(file, "w") as packed:
        for name, header in headers.items():
            packed.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
                            + header.encode())


def test_a_file_that_is_damaged_or_meant_badly_is_an_error(tmp_path, monkeypatch):
    file = tmp_path / "x.npz"
    for made in (
        lambda: file.write_bytes(b"hello"),
        lambda: npz(file, {"X": "{'descr': '<f8', 'fortran_order': False, 'shape': ((((\n"}),
        lambda: npz(file, {"X": "{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,)}\n"}),
        lambda: npz(file, {"X": "{'descr': '<f8', 'fortran_order': False, "
                                "'shape': (1000000000000000,)}\n"}),
    ):
        made()
        with pytest.raises(DataError, match=r"x\.npz: expected an \.npz file of arrays"):
            load(str(file))
    with file.open("wb") as raw:
        np.save(raw, np.ones(3))
    with pytest.raises(DataError, match="it is no"):
        load(str(file))
    np.savez_compressed(file, X=np.zeros((5, 100)), Y=np.zeros(5))
    data = bytearray(file.read_bytes())
    data[70:80] = b"\xff" * 10
    file.write_bytes(data)
    with pytest.raises(DataError, match="it is damaged"):
        load(str(file))
    np.savez_compressed(file, X=np.zeros((5, 1000)), Y=np.zeros(5))
    monkeypatch.setattr("gradproof.training.npz.MOST", 10_000)
    assert file.stat().st_size < 10_000
    with pytest.raises(DataError, match="it unpacks to 4"):
        load(str(file))


@pytest.mark.parametrize(("loss", "output", "targets", "says"), [
    ("binary_cross_entropy", "sigmoid", [[1.0], [2.0], [3.0]], "needs targets from 0 to 1, got 2"),
    ("poisson", "identity", [[1.0], [-2.0], [3.0]], "needs targets of 0 or more, got -2"),
    ("hinge", "identity", [[1.0], [-1.0], [0.5]], "needs the labels 1 and -1, got 0.5"),
    ("cross_entropy", "softmax", [[0.5, 0.5], [1, 0], [0.7, 0.7]], "that sum to 1.4"),
    ("cross_entropy", "softmax", [[0.5, 0.5], [1, 0], [1.5, -0.5]], "from 0 to 1, got 1.5"),
    ("multiclass_hinge", "identity", [[0, 1], [1, 0], [0.5, 0.5]], "one 1 among zeros .*0.5"),
])
def test_targets_are_what_the_derived_gradient_assumes(loss, output, targets, says):
    network = gp.Network([2, len(targets[0])], output=output, loss=loss)
    with pytest.raises(DataError, match=says):
        fitted(network, Data("x", np.ones((3, 2)), np.array(targets)), {})
    right = {"binary_cross_entropy": [0.5], "poisson": [3], "hinge": [-1]}.get(loss, [1, 0])
    fitted(network, Data("x", np.ones((3, 2)), np.array([right] * 3, float)), {})


def test_classes_of_a_table_become_what_the_loss_compares(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("a,kind\n1,red\n2,blue\n3,red\n")
    found = load(str(file))
    assert found.classes == ("blue", "red")
    softmax = gp.Network(["n", "k"], loss="cross_entropy_from_logits")
    np.testing.assert_array_equal(fitted(softmax, found, {}).arrays["Y"], [[0, 1], [1, 0], [0, 1]])
    hinge = gp.Network(["n", 1], loss="hinge")
    np.testing.assert_array_equal(fitted(hinge, found, {}).arrays["Y"], [[1], [-1], [1]])
    file.write_text("a,kind\n1,7\n2,3\n3,7\n")
    numbered = with_classes(softmax, load(str(file)))
    assert numbered.classes == ("3", "7")
    regression = gp.Network(["n", 1])
    assert not with_classes(regression, load(str(file))).classes


@pytest.mark.parametrize(("network", "says"), [
    (gp.Network([3, 1]), r"X: expected samples of shape \(3,\), 3 numbers, got \(2,\), 2 numbers"),
    (gp.Network([2, "h", 1]), "does not decide h; give it: --size h=16"),
    (gp.Network([2, 3], loss="cross_entropy_from_logits"), "2 classes, and the network 3 outputs"),
    (gp.Network([2, 1], batch=False), "this network has no batch"),
    (gp.Network([2, 99999, 99999, 1]), "these make 10000299997 parameters; at most 100000000"),
    (gp.Network([2, 1], batch=4), "the batch of this network is 4, a number"),
    (gp.Network([2, 1], sample_weights=True), "has also sample_weights"),
])
def test_data_that_does_not_fit_a_network_says_why(network, says):
    with pytest.raises(DataError, match=says):
        train(network, load("moons"), Plan())


@pytest.mark.parametrize(("changed", "says"), [
    ({"epochs": 0}, "epochs: expected a whole number of 1 or more, got 0"),
    ({"epochs": 10**400}, "epochs: expected a whole number of at most 1000000000"),
    ({"batch": 2.5}, "batch: expected a whole number"),
    ({"test": 1.0}, "test: expected a part from 0 to below 1"),
    ({"learning_rate": -1.0}, "learning rate: expected a positive number"),
    ({"optimiser": "adm"}, "did you mean 'adam'"),
    ({"settings": {"mu": 0.5}}, "adam has no setting 'mu'; it has beta1, beta2, eps"),
    ({"schedule": "step"}, "schedule: expected one of constant"),
])
def test_a_plan_that_is_none_says_why(changed, says):
    with pytest.raises(ValueError, match=says):
        Plan(**changed)


def test_a_size_that_the_network_has_not_is_refused():
    with pytest.raises(DataError, match="no size k to be given; it has h"):
        train(gp.Network([2, "h", 1]), load("moons"), Plan(sizes={"k": 3}))


# --- sequences and equations ----------------------------------------------------------------------


def tagged(labels: int = 5, classes: int | str = 3) -> gp.Model:
    """A class for each place of a sequence of labels."""
    return gp.Model("m T", [{"type": "embedding", "units": 4}, {"type": "dense", "units": classes}],
                    kind=f"labels {labels}", loss="cross_entropy_from_logits")


def test_a_sequence_has_a_class_at_each_place(tmp_path):
    """Given as numbers, they become rows of one 1 among zeros; the part that is right is of all
    places."""
    file, rng = tmp_path / "x.npz", np.random.default_rng(0)
    X = rng.integers(0, 5, (40, 6))
    np.savez(file, X=X, Y=X % 3)
    training = train(tagged(), load(str(file)), Plan(epochs=60, learning_rate=0.05))
    np.testing.assert_array_equal(training.fitted.arrays["Y"], np.eye(3)[X % 3])
    assert training.fitted.arrays["X"].dtype == np.int64
    assert list(training.run())[-1].accuracy == 1.0
    columns = gp.Model("T m", [{"type": "embedding", "units": 4}, {"type": "dense", "units": 3}],
                       kind="labels 5", loss="cross_entropy_from_logits")
    turned = train(columns, load(str(file)), Plan(epochs=1))
    np.testing.assert_array_equal(turned.fitted.arrays["Y"], np.eye(3)[X.T % 3])


@pytest.mark.parametrize(("X", "Y", "says"), [
    (np.full((4, 6), 0.5), np.zeros((4, 6)), r"X: expected whole numbers, from 0 on, got 0\.5"),
    (np.zeros((4, 6)), np.full((4, 6), 3), "4 classes, and the network 3 outputs"),
    (np.zeros((4, 6)), np.zeros((4, 5, 3)), "Y: expected samples of shape"),
    (np.zeros((4, 6)), np.arange(4) % 3, "several places; x has classes of shape"),
    (np.zeros((4, 6)), np.full((4, 6), -1), r"Y: expected samples of shape \(6, 3\), 18 numbers"),
])
def test_a_sequence_that_does_not_fit_says_why(tmp_path, X, Y, says):
    file = tmp_path / "x.npz"
    np.savez(file, X=X, Y=Y)
    with pytest.raises(DataError, match=says):
        train(tagged(), load(str(file)), Plan())


def test_a_label_outside_its_table_is_an_error(tmp_path):
    file = tmp_path / "x.npz"
    np.savez(file, X=np.full((4, 6), 5), Y=np.tile([0, 1, 2, 0, 1, 2], (4, 1)))
    with pytest.raises(DataError, match="X: expected whole numbers below 5, got 5; number them"):
        train(tagged(), load(str(file)), Plan())
    rated = Stated("L = mean((u[who] - y)**2)", {
        "u": "users", "who": gp.Array("m", kind="integer"), "y": "m"}, ("u",))
    table = Data("made", np.ones((3, 2)), np.ones(3), columns={
        "who": np.array([0, 1, 2]), "y": np.ones(3)})
    with pytest.raises(DataError, match="who: expected whole numbers below users = 2, got 2"):
        train(rated, table, Plan(sizes={"users": 2}))
    far = replace(table, columns={**table.columns, "who": np.array([0, 1, 1e300])})
    with pytest.raises(DataError, match=r"who: expected whole numbers, from 0 on, got 1e\+300"):
        train(rated, far, Plan(sizes={"users": 2}))


LINE = Stated("e = a*height + b*weight + c - age\nL = mean(e**2)",
              {"a": "", "b": "", "c": "", "height": "m", "weight": "m", "age": "m"},
              ("a", "b", "c"))


def test_equations_are_trained_on_the_columns_of_their_names(tmp_path):
    """To the parameters by which the column was made."""
    rng, file = np.random.default_rng(0), tmp_path / "people.csv"
    height, weight = rng.standard_normal((2, 50))
    age = 2 * height - weight + 0.5
    np.savetxt(file, np.stack([age, height, weight], 1), delimiter=",", comments="",
               header="age,height,weight")
    training = train(LINE, load(str(file)), Plan(epochs=200, optimiser="gradient_descent"))
    epoch = list(training.run())[-1]
    assert (epoch.test_loss, epoch.accuracy) == (pytest.approx(0, abs=1e-12), None)
    assert {name: float(value) for name, value in training.parameters.items()} == pytest.approx(
        {"a": 2, "b": -1, "c": 0.5})


@pytest.mark.parametrize(("stated", "says"), [
    (Stated(LINE.text, LINE.inputs), r"say what is learned: parameters = \[...\] of a, b, c"),
    (Stated("L = sum((a*x - y)**2)", {"a": "", "x": "n", "y": "n"}, ("a",)),
     "count samples by the size m.*here no input has it, and x, y is no parameter"),
    (Stated("L = sum((a*x - y)**2)", {"a": "m", "x": "m", "y": "m"}, ("a",)),
     "no parameter has; here a, x, y has it, and x, y is no parameter"),
    (Stated("L = sum((a*x - y)**2)", {"a": "", "x": "m", "y": "m"}, ("a",)),
     "moons has no column x; it has X, Y"),
    (Stated("L = sum((a @ x - y)**2)", {"a": "k", "x": "k m", "y": "m"}, ("a",)),
     "moons has no column x"),
])
def test_equations_that_do_not_fit_the_data_say_why(stated, says):
    with pytest.raises(DataError, match=says):
        train(stated, load("moons"), Plan())
