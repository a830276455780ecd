"""The C of a gradient against the equations themselves, through this machine's compiler."""

from __future__ import annotations

import doctest
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gallery_cases import CASES as GALLERY
from gallery_columns import derived, values_for

import gradproof as gp
from gradproof.cli import main
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.loops import c_library
from gradproof.codegen.loops.c_functions import FUNCTIONS
from gradproof.codegen.loops.c_library import NoCompilerError, compile_c
from gradproof.codegen.loops.c_source import c_source
from gradproof.derivations.derivation import Derivation
from gradproof.symbolic.equation import (
    Array,
    Equation,
    EquationError,
    Index,
    Read,
    System,
    Term,
    size_symbol,
    slot,
)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(autouse=True, scope="module")
def _own_state(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def drawn(system: Any, seed: int = 7, **sizes: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    numbers = {s: sizes.get(str(s), 3) for a in system.inputs for n in a.shape
               for s in n.free_symbols}
    return {a.name: rng.uniform(0.3, 1.2, [int(n.xreplace(numbers)) for n in a.shape])
            for a in system.inputs}


def agrees(derivation: Derivation, values: dict[str, Any], close: float = 1e-12) -> None:
    """Values, shapes and types are those of the equations, in double and in single precision."""
    names = {key: formula.array for key, formula in derivation.gradients.items()}
    run = compile_c(derivation.system, [derivation.chain.loss, *names.values()], tuple(names))
    for real, bound in ((np.float64, close), (np.float32, 2e-3)):
        given = {key: value if np.asarray(value).dtype.kind in "iu" else np.asarray(value, real)
                 for key, value in values.items()}
        with np.errstate(all="ignore"):
            expected = evaluate(derivation.system, given)
        for _ in range(2):  # the second call knows its arrays
            loss, found = run(**given)
            for one, name in ((loss, derivation.chain.loss), *(
                    (found[key], array) for key, array in names.items())):
                assert one.dtype == real
                assert one.shape == expected[name].shape
                scale = 1 + np.max(np.abs(expected[name]), initial=0)
                np.testing.assert_allclose(one, expected[name], rtol=0, atol=bound * scale)


def c_agrees(name: str) -> None:
    found = derived(name)
    try:
        agrees(found.derivation, values_for(found))
    except EquationError as error:
        if "no C for" not in str(error):
            raise


FEW = [case.name for case in GALLERY][::40]


@pytest.mark.parametrize("name", FEW)
def test_a_layer_of_the_gallery(name):
    c_agrees(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in GALLERY][::4])
def test_layers_of_the_gallery(name):
    c_agrees(name)


PROGRAMS = {
    "L = sum(max_pool2d(X, kernel=2)**2)": ({"X": "m k h w"}, {"h": 7, "w": 6}),
    "L = sum(conv2d(X, W, stride=2, padding=1)**2)": (
        {"X": "m k h w", "W": "f k 3 3"}, {"h": 7, "w": 8}),
    "L = max(X*x) + sum(max(X, axis=0))": ({"X": "m n", "x": "n"}, {}),
    "L = sum(where(X > 1, x, 2*X)) + 0.9**n": ({"X": "m n", "x": "n"}, {}),
    "L = log(sum(exp(500*X))) + sum(sigmoid(-900*X))": ({"X": "m n"}, {}),
    "L = sum(rnn(x, W, U))": ({"x": "T m h", "W": "h n", "U": "n n"}, {"m": 2}),
    "L = sum(value*tanh(real)) + sum(int)": ({"value": "n", "real": "n", "int": "double"}, {}),
    "L = sum(µ*gelu(x_1))": ({"µ": "n", "x_1": "n"}, {}),
    "L = mean(sqrt(x))/root": ({"x": "root"}, {}),
    "Y = flatten(conv2d(X, W))\nL = sum((Y @ V)**2)": (
        {"X": "m k 3 4", "W": "f k 2 2", "V": "6*f n"}, {}),
}


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program(text):
    shapes, sizes = PROGRAMS[text]
    derivation = gp.derive(gp.equations(text, **shapes))
    agrees(derivation, drawn(derivation.system, **sizes))


def test_a_tie_of_a_maximum_goes_to_the_first_place():
    derivation = gp.derive(gp.equations("L = max(x)", x="n"))
    gradient = derivation.compile(target="c")(x=np.array([1.0, 3.0, 3.0]))[1]["x"]
    np.testing.assert_array_equal(gradient, [0, 1, 0])


NETWORK = gp.Network([2, 3, 1], activation="gelu", output="sigmoid")


def test_results_are_the_callers_own_and_those_of_a_workspace_are_not():
    derivation = gp.derive(NETWORK)
    values = drawn(derivation.system)
    run = derivation.compile(target="c")
    first, again = run(**values)[1], run(**values)[1]
    assert not any(np.shares_memory(first[key], again[key]) for key in first)
    kept = derivation.compile(target="c", workspace=True)
    assert all(kept(**values)[1][key] is kept(**values)[1][key] for key in first)
    np.testing.assert_array_equal(kept(**values)[1]["W1"], first["W1"])


@pytest.mark.filterwarnings("ignore:Setting the dtype:DeprecationWarning")  # of NumPy 2.5
def test_arguments_are_converted_or_refused():
    derivation = gp.derive(NETWORK)
    run, values = derivation.compile(target="c"), drawn(derivation.system)
    expected = run(**values)[1]["W1"]
    for other in (
        {key: value.tolist() for key, value in values.items()},
        {key: np.asfortranarray(value) for key, value in values.items()},
        {key: np.stack([value, value], -1)[..., 0] for key, value in values.items()},
    ):
        for _ in range(2):
            np.testing.assert_allclose(run(**other)[1]["W1"], expected, rtol=1e-14)
    changed = {**values, "X": values["X"].copy()}
    run(**changed)
    changed["X"] += 1  # in place: the same array, other values
    np.testing.assert_allclose(run(**changed)[1]["W1"], derivation.compile()(**changed)[1]["W1"])
    changed["X"].dtype = np.int64  # in place: the same array, of other numbers
    np.testing.assert_allclose(run(**changed)[1]["W1"], derivation.compile()(**changed)[1]["W1"])
    with pytest.raises(TypeError, match="missing"):
        run(X=values["X"])
    with pytest.raises(ValueError, match="b2: expected shape"):
        run(**{**values, "b2": np.zeros(2)})
    with pytest.raises(ValueError, match="m = 0"):
        run(**{**values, "X": np.zeros((0, 2)), "Y": np.zeros((0, 1))})
    with pytest.raises(TypeError, match="complex"):
        run(**{**values, "b2": np.zeros(1, complex)})
    with pytest.raises(ValueError, match="target: expected one of numpy, c, numba"):
        derivation.compile(target="fortran")


def test_no_entry_is_read_that_is_not_there():
    run = gp.derive(gp.equations("L = x[4]**2", x="n>=5")).compile(target="c")
    assert run(x=np.arange(5.0))[0] == 16
    with pytest.raises(ValueError, match="an axis of x has 4 entries"):
        run(x=np.arange(4.0))

    def loss(W, k):
        return np.sum(W[k] ** 2)

    traced = gp.trace(loss, W="n c", k=gp.Array("m", kind="labels", classes="n"))
    run = gp.derive(traced.system, wrt=["W"]).compile(target="c")
    for _ in range(2):
        assert run(W=np.ones((2, 3)), k=np.array([0, 1, 1]))[0] == 9
        with pytest.raises(ValueError, match="from 0 to 1"):
            run(W=np.ones((2, 3)), k=np.array([0, 2, 1]))


def test_what_has_no_c_says_so():
    derivation = gp.derive(gp.equations("L = sum(inv(A))", A="n n"))
    with pytest.raises(EquationError, match="no C for inv"):
        derivation.compile(target="c")
    with pytest.raises(ValueError, match="C identifier"):
        gp.derive(NETWORK).c_source("double")


def test_without_a_compiler_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(NoCompilerError, match=r"no-such-compiler.*install one.*'numpy'"):
        gp.derive(NETWORK).compile(target="c")


def test_a_compiler_may_have_options_and_may_make_nothing(monkeypatch):
    monkeypatch.setenv("CC", "cc -O1")
    derivation = gp.derive(gp.equations("L = sum(x**4)*6.25", x="n"))
    assert derivation.compile(target="c")(x=np.ones(3))[0] == 18.75
    monkeypatch.setenv("CC", "true")
    with pytest.raises(NoCompilerError, match="true failed: exit code 0, no library"):
        derivation.compile(target="c")(x=np.ones(3))


def test_no_library_is_read_from_a_folder_that_depends_on_where_one_stands(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert c_library.folder() == tmp_path / "home" / ".local" / "state" / "gradproof" / "c"


def test_a_library_is_kept_by_its_content(monkeypatch):
    derivation = gp.derive(gp.equations("L = sum(x**4)*3.25", x="n"))
    derivation.compile(target="c")(x=np.ones(3))
    monkeypatch.setattr(subprocess, "run", None)  # nothing is compiled again
    assert derivation.compile(target="c")(x=np.ones(3))[0] == 9.75
    assert all(file.suffix == ".so" for file in c_library.folder().iterdir())


def test_a_kept_library_that_cannot_be_loaded_is_made_anew(monkeypatch, tmp_path):
    derivation = gp.derive(gp.equations("L = sum(x**4)*4.25", x="n"))
    derivation.compile(target="c")(x=np.ones(3))
    made = [file.name for file in c_library.folder().iterdir()]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in made:  # as of another machine, or cut short
        (c_library.folder() / name).write_bytes(b"no library")
    assert derivation.compile(target="c")(x=np.ones(3))[0] == 12.75


def test_a_state_folder_that_nothing_can_be_written_to_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert c_library.folder().is_relative_to(tmp_path)
    access = os.access  # as on a file system that is only read
    monkeypatch.setattr(os, "access", lambda path, mode: (
        not Path(path).is_relative_to(tmp_path) and access(path, mode)))
    assert not c_library.folder().is_relative_to(tmp_path)
    derivation = gp.derive(gp.equations("L = sum(x**4)*5.25", x="n"))
    assert derivation.compile(target="c")(x=np.ones(3))[0] == 15.75


def test_the_c_stands_alone(tmp_path, capsys):
    """Compiled without a warning into a program of its own, which prints what Python computes."""
    assert main(["codegen", "2-2-1", "--target", "c"]) == 0
    (tmp_path / "gradient.c").write_text(capsys.readouterr().out)
    assert main(["codegen", "2-2-1", "--target", "c-header"]) == 0
    (tmp_path / "gradient.h").write_text(capsys.readouterr().out)
    derivation = gp.derive(gp.load("2-2-1"))
    source = derivation.c_source()
    assert not source.sizes
    values = drawn(derivation.system)
    numbers = "".join(f"real {name}[] = {{{', '.join(map(repr, values[name].ravel().tolist()))}}};"
                      for name in source.inputs)
    outputs = "".join(f"real {name}[9];" for name in source.results)
    arguments = ", ".join([*source.inputs, *source.results, "work"])
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "gradient.h"\n' + numbers + outputs
        + "real work[999];\nint main(void) {\n"
        + f"    gradient({arguments});\n"
        + f'    printf("%.17g %.17g\\n", {source.results[0]}[0], {source.results[1]}[1]);\n'
        + "    return gradient_work() > 999;\n}\n")
    subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "program", "main.c",
                    "gradient.c", "-lm"], cwd=tmp_path, check=True)
    shown = subprocess.run(["./program"], cwd=tmp_path, check=True, capture_output=True,
                           text=True).stdout.split()
    loss, gradients = derivation.compile()(**values)
    assert float(shown[0]) == pytest.approx(loss, rel=1e-14)
    assert float(shown[1]) == pytest.approx(
        next(iter(gradients.values())).ravel()[1], rel=1e-13)


def test_no_array_is_called_like_what_the_text_calls():
    names = sorted(FUNCTIONS)[:6]
    text = f"L = sum({'*'.join(f'tanh({name})' for name in names)}*sigmoid({names[0]}))"
    try:
        derivation = gp.derive(gp.equations(text, **dict.fromkeys(names, "n")))
    except EquationError:
        pytest.skip("the text takes the names for functions")
    agrees(derivation, drawn(derivation.system))


@pytest.mark.parametrize("name", ["M_PI", "unix", "INT64_MAX", "_Bool", "__LINE__", "MATH_ERRNO",
                                  "*/ abort(); /*", "a\\\n", "int", "gradient_work"])
def test_an_array_may_have_any_name(name, tmp_path):
    index = Index("linux", size_symbol("unix"))
    system = System((Array(name, (index.size,)),), (Equation("L", (), (
        Term(slot(0)**2, (Read(name, (index.symbol,)),), (index,)),)),))
    source = c_source(system, ["L"])
    (tmp_path / "gradient.c").write_text(source.header + source.text, encoding="utf-8")
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "gradient.c"],
                   cwd=tmp_path, check=True)


def test_places_of_a_maximum_that_no_float32_counts_are_refused():
    run = gp.derive(gp.equations("L = max(x)", x="n")).compile(target="c")
    assert run(x=np.array([1, 3, 2], np.float32))[1]["x"].tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match=r"up to 16777216 entries, got n = 16777217.*float64"):
        run(x=np.broadcast_to(np.float32(1), 2**24 + 1))


@pytest.mark.skipif(np.__version__.startswith("1."), reason="a workspace is for NumPy 2")
def test_the_page_about_targets():
    page = Path(__file__).parents[2] / "docs" / "targets.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted > 5
    assert found.failed == 0
