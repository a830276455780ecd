"""The pytest plugin, run by pytest on small test files; and findings as annotations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import gradproof.checks.asserting  # noqa: F401 - NumPy is loaded once, not in each inner run
from gradproof.cli import main

pytest_plugins = ["pytester"]

LOSS = '''
import numpy as np
import pytest
import gradproof as gp

def loss(X, w, y):
    return np.sum((X @ w - y) ** 2) / 2
'''
RIGHT = '{"w": X.T @ (X @ w - y)}'
WRONG = '{"w": X.T @ (X @ w - y) / len(y)}'


def run(pytester, *arguments):
    """pytest on the files there, without what makes it slow to start."""
    return pytester.runpytest("--assert=plain", "-p", "no:hypothesispytest", *arguments)


def marked(mark, returned, name="gradient"):
    return f'''
@{mark}(loss, X="m n", w="n", y="m")
def {name}(X, w, y):
    return {returned}
'''


@pytest.mark.parametrize("mark", ["pytest.mark.gradient_of", "gp.gradient_of"])
def test_a_marked_gradient_is_a_test(pytester, mark):
    pytester.makepyfile(LOSS + marked(mark, RIGHT) + marked(mark, WRONG, "other"))
    result = run(pytester, "--strict-markers", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        "*::gradient PASSED*",
        "*::other FAILED*",
        "*gradient other of loss*",
        "*w: refuted*",
        "*multiply by m*",
        "first wrong:*",
    ])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_marked_layers_and_derivatives_are_tests(pytester):
    pytester.makepyfile(LOSS + """
def forward(x, w):
    return x @ w, (x, w)

@gp.backward_of(forward, x="m n", w="n h")
def backward(dout, cache):
    return dout @ cache[1].T, cache[0].T @ dout

@gp.derivative_of(np.tanh, z="n")
def slope(z):
    return 1 - np.tanh(z)

@gp.layer(x="n")
class Square:
    def forward(self, x):
        self.x = x
        return x * x
    def backward(self, dout):
        return 2 * dout * self.x
""")
    result = run(pytester, "-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*::backward PASSED*", "*::slope FAILED*", "*::Square PASSED*",
                                 "*derivative slope*", "*z: refuted*"])


def test_marks_are_selected_like_any(pytester):
    pytester.makepyfile(LOSS + marked("pytest.mark.gradient_of", RIGHT) + "def test_x(): pass\n")
    run(pytester, "-m", "gradient_of").assert_outcomes(passed=1, deselected=1)
    run(pytester, "-k", "gradient and not test_x").assert_outcomes(passed=1, deselected=1)


def test_a_proof_can_be_required_for_all_and_for_one(pytester):
    pytester.makepyfile('''
import numpy as np
import pytest

def loss(x):
    return np.sum(np.sort(x) ** 2)

@pytest.mark.gradient_of(loss, x="n")
def gradient(x):
    return 2 * x

@pytest.mark.gradient_of(loss, x="n", require="agrees")
def lenient(x):
    return 2 * x

def test_fixture(assert_gradient):
    assert_gradient(loss, gradient, x="n")
''')
    run(pytester).assert_outcomes(passed=3)
    strict = run(pytester, "--gradproof-require=proved")
    strict.assert_outcomes(passed=1, failed=2)
    strict.stdout.fnmatch_lines(["*required: proved*"])
    pytester.makeini("[pytest]\ngradproof_require = proved\n")
    run(pytester).assert_outcomes(passed=1, failed=2)
    pytester.makeini("[pytest]\ngradproof_require = certain\n")
    assert "expected agrees or proved" in run(pytester).stderr.str()


def test_fixtures_assert(pytester):
    pytester.makepyfile('''
def test_right(assert_layer):
    assert_layer(lambda x: 2 * x, lambda dout: 2 * dout, x="n", require="proved")

def test_wrong(assert_layer):
    assert_layer(lambda x: 2 * x, lambda dout: dout, x="n")
''')
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        ">*assert_layer(lambda x: 2 * x, lambda dout: dout, x=*",
        "*multiply by 2*",
    ])


def test_inputs_that_do_not_fit_are_told_without_a_traceback(pytester):
    pytester.makepyfile(LOSS + '''
@pytest.mark.gradient_of(loss, X="m n", w="n")
def gradient(X, w, y):
    return {}
''')
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*its parameters are X, w, y*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_mark_without_a_loss_is_an_error_of_collection(pytester):
    pytester.makepyfile('''
import pytest

@pytest.mark.gradient_of(x="n")
def gradient(x):
    return x
''')
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*gradient: expected @pytest.mark.gradient_of(loss*"])


def test_the_plugin_does_not_import_sympy():
    code = "import sys, gradproof.pytest_plugin; print('sympy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


# --- annotations --------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gradients.py"
    path.write_text(LOSS + '''
@gp.gradient_of(loss, X="m n", w="n", y="m")
def first(X, w, y):
    residual = X @ w - y
    dw = X.T @ residual / len(y)
    return {"w": dw}

@gp.gradient_of(loss, X="m n", w="n", y="m")
def second(X, w, y):
    raise RuntimeError("100% not: done, yet")
''' + marked("gp.gradient_of", RIGHT, "third"))
    return path.name


def test_annotations_stand_at_the_wrong_line_or_the_function(file, capsys):
    assert main(["check", file, "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    source = Path(file).read_text().splitlines()
    number = 1 + source.index("    dw = X.T @ residual / len(y)")
    assert lines[0] == "first: refuted"
    assert lines[1].startswith(f"::error file=gradients.py,line={number},title=gradient of w in ")
    assert "multiply by m" in lines[1]
    warnings = [line for line in lines if line.startswith("::warning")]
    second = 1 + source.index("def second(X, w, y):")
    assert warnings
    assert all(f"line={second - 1}," in line or f"line={second}," in line for line in warnings)
    assert "100%25 not: done, yet" in warnings[0]
    assert lines[-1] == "third: proved"


def test_json_has_the_place(file, capsys):
    assert main(["check", file, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found[0]["place"]["file"].endswith("gradients.py")
    assert found[0]["place"]["line"] > 0
    assert found[2]["place"] is None


def test_shapes_that_do_not_fit_name_the_function(tmp_path, capsys):
    path = tmp_path / "gradients.py"
    path.write_text(LOSS + marked("gp.gradient_of", RIGHT).replace('X="m n", ', ""))
    assert main(["check", str(path)]) == 2
    assert "gradients.py: gradient:" in capsys.readouterr().err
