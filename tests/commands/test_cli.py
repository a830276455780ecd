"""The command line as a user meets it: output, exit codes, and nothing half written."""

import json
import subprocess
import sys

import pytest

from gradproof.cli import main

SPEC = """
[network]
sizes = [2, 4, 1]
activation = "z/(1 + exp(-z))"
output = "sigmoid"
loss = "binary_cross_entropy"
"""

BACKWARD = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def backward(X, Y, W1, b1, W2, b2):
    m = len(X)
    z1 = X @ W1 + b1
    s = sigmoid(z1)
    a1 = z1 * s
    a2 = sigmoid(a1 @ W2 + b2)
    d2 = (a2 - Y) / m
    d1 = (d2 @ W2.T) * (s + z1 * s * (1 - s))
    return X.T @ d1, d1.sum(axis=0), a1.T @ d2, d2.sum(axis=0)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "net.toml").write_text(SPEC)
    (tmp_path / "backward.py").write_text(BACKWARD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_derive_prints_the_formulas(work, capsys):
    assert main(["derive", "net.toml"]) == 0
    shown = capsys.readouterr().out
    assert "δ⁽²⁾ = (A⁽²⁾ - Y)/m" in shown
    assert "f(z) = z/(1 + exp(-z))" in shown
    assert "δ⁽ˡ⁾ = (δ⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾ᵀ) ⊙ f′(z⁽ˡ⁾)" in shown


@pytest.mark.parametrize("form", ["markdown", "latex", "json"])
def test_derive_in_other_formats(work, capsys, form):
    assert main(["derive", "net.toml", "--format", form, "--steps"]) == 0
    shown = capsys.readouterr().out
    assert r"\delta^{(1)}" in shown.replace("\\\\", "\\")
    if form == "json":
        assert {row["name"] for row in json.loads(shown)["equations"]} >= {"Z1", "W1", "b2"}


def test_derive_entries_need_numbers(work, capsys):
    assert main(["derive", "2-2-1", "--entries"]) == 0
    assert "∂E/∂w⁽¹⁾₂₁ = δ⁽¹⁾₁ x₂" in capsys.readouterr().out
    assert main(["derive", "net.toml", "--entries"]) == 2
    assert "'m'" in capsys.readouterr().err


def test_codegen_prints_a_program_that_runs(work, capsys):
    assert main(["codegen", "net.toml", "--name", "slopes"]) == 0
    namespace = {}
    exec(capsys.readouterr().out, namespace)
    assert callable(namespace["slopes"])
    assert main(["codegen", "net.toml", "--name", "a b"]) == 2
    capsys.readouterr()
    assert main(["codegen", "net.toml", "--only", "W1,b2", "--no-loss", "--per-sample"]) == 0
    assert capsys.readouterr().out.endswith('    return {"W1": dW1, "b2": db2}\n')
    assert main(["codegen", "net.toml", "--only", "W9"]) == 2
    assert "no gradient by 'W9'; expected some of W1" in capsys.readouterr().err


def test_check_proves_and_refutes_with_the_factor(work, capsys):
    assert main(["check", "backward.py", "--spec", "net.toml"]) == 0
    assert capsys.readouterr().out.count("proved, for all m") == 4
    (work / "backward.py").write_text(BACKWARD.replace("d2 = (a2 - Y) / m", "d2 = a2 - Y"))
    assert main(["check", "backward.py", "--spec", "net.toml"]) == 1
    assert "multiply by 1/m" in capsys.readouterr().out
    assert main(["check", "backward.py", "--spec", "net.toml", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found[0]["verdict"] == "refuted"


def test_json_stands_alone_on_stdout_whatever_the_file_prints(work, capfd):
    (work / "marked.py").write_text(
        "import numpy as np\nimport gradproof as gp\nprint('ran')\n"
        "def loss(x):\n    return np.sum(x ** 2)\n"
        "@gp.gradient_of(loss, x='n')\n"
        "def slope(x):\n    print('called')\n    return 2 * x\n"
    )
    assert main(["check", "marked.py", "--format", "json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)[0]["verdict"] == "proved"
    assert "ran" in err
    assert "called" in err


def test_check_runs_marked_functions_and_refuses_nothing(work, capsys):
    (work / "marked.py").write_text(
        "import numpy as np\nimport gradproof as gp\n"
        "def loss(x, A):\n    return np.sum((A @ x) ** 2)\n"
        "@gp.gradient_of(loss, A='m n', x='n', wrt=['x'])\n"
        "def slope(x, A):\n    return 2 * A.T @ (A @ x)\n"
    )
    assert main(["check", "marked.py"]) == 0
    assert "slope: proved" in capsys.readouterr().out
    assert main(["check", "backward.py"]) == 2
    assert "nothing to check" in capsys.readouterr().err


@pytest.mark.slow
def test_report_of_a_strangers_network_with_a_planted_factor(work, capsys):
    wrong = BACKWARD.replace("a1.T @ d2,", "a1.T @ d2 / 2,")
    (work / "backward.py").write_text(wrong)
    assert main(["report", "net.toml", "--hand", "backward.py", "-o", "out"]) == 1
    shown = capsys.readouterr().out
    assert "multiply by 2" in shown
    report = (work / "out" / "report.md").read_text()
    assert "refuted" in report
    assert "proved" in report
    assert "multiply by 2" in report
    assert (work / "out" / "report.tex").stat().st_size > 1000
    assert (work / "out" / "network.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(("text", "message"), [
    (SPEC.replace("z/(1 + exp(-z))", "sigmoidd"), "net.toml: network.activation"),
    (SPEC.replace("[2, 4, 1]", "[2, 4]").replace("[network]", "[values]\nW9 = 1\n[network]"),
     "net.toml: values.W9"),
    (SPEC.replace("z/(1 + exp(-z))", "__import__('os')"), "net.toml: network.activation"),
    (SPEC.replace("sizes", "size"), "net.toml: network.size"),
    (SPEC + "[values]\nb2 = [nan]\n", "net.toml: values.b2[0]"),
])
def test_bad_specs_give_one_error_and_no_file(work, capsys, text, message):
    (work / "net.toml").write_text(text)
    assert main(["report", "net.toml", "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("gradproof: error: ")
    assert "Traceback" not in error
    assert not (work / "out").exists()


@pytest.mark.parametrize("arguments", [
    ["report", "nothing.toml"], ["derive", "nothing"], ["check", "nothing.py", "--spec", "2-2-1"],
    ["report", "net.toml", "--hand", "nothing.py", "-o", "out"], [],
])
def test_what_is_not_there_is_exit_code_2(work, capsys, arguments):
    assert main(arguments) == 2
    assert not (work / "out").exists()


def test_version_and_help():
    for arguments, expected in ((["--version"], "gradproof 0."), (["--help"], "examples:"),
                                (["check", "--help"], "The file is run")):
        shown = subprocess.run([sys.executable, "-m", "gradproof", *arguments],
                               capture_output=True, text=True, check=True)
        assert expected in shown.stdout
