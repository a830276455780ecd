"""What sets formulas takes ours as they are: Typst, and KaTeX and MathJax where Node has them.

`npm install katex mathjax-full@3` in a folder, and NODE_PATH its node_modules, is all the last two
ask for.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import PROBLEMS

import gradproof as gp
from gradproof.cli import main
from gradproof.symbolic.display.typst import TypstError, typst

REPORT = Path(__file__).parents[2] / "docs" / "2-2-1" / "report.md"

KATEX = """
const katex = require("katex"), wrong = [];
for (const line of JSON.parse(require("fs").readFileSync(0, "utf8")))
  try { katex.renderToString(line, {displayMode: true, throwOnError: true, strict: "error"}) }
  catch (error) { wrong.push(line + ": " + error.message) }
console.log(JSON.stringify(wrong))
"""
MATHJAX = """
const {mathjax} = require("mathjax-full/js/mathjax.js"), wrong = [];
const {TeX} = require("mathjax-full/js/input/tex.js");
const {SVG} = require("mathjax-full/js/output/svg.js");
const {liteAdaptor} = require("mathjax-full/js/adaptors/liteAdaptor.js");
require("mathjax-full/js/handlers/html.js").RegisterHTMLHandler(liteAdaptor());
require("mathjax-full/js/input/tex/AllPackages.js");
const InputJax = new TeX({packages: ["base", "ams"], formatError(jax, error) { throw error }});
const page = mathjax.document("", {InputJax, OutputJax: new SVG({fontCache: "none"})});
for (const line of JSON.parse(require("fs").readFileSync(0, "utf8")))
  try { page.convert(line, {display: true}) }
  catch (error) { wrong.push(line + ": " + error.message) }
console.log(JSON.stringify(wrong))
"""


@cache
def printed() -> list[str]:
    """The LaTeX of all gradients and forward equations of the problems, and of a report."""
    found = [formula.latex() for problem in PROBLEMS.values()
             for formula in problem.derivation.all()]
    report = REPORT.read_text(encoding="utf-8")
    found += re.findall(r"\$\$(.+?)\$\$", report, re.DOTALL)
    return list(dict.fromkeys(found))


def refused(script: str, module: str, lines: list[str]) -> list[str]:
    """What a typesetter of Node's does not take."""
    node = shutil.which("node")
    if node is None or subprocess.run(
            [node, "-e", f"require.resolve({module!r})"], capture_output=True).returncode:
        pytest.skip(f"no Node that has {module}")
    ran = subprocess.run([node, "-e", script], input=json.dumps(lines), capture_output=True,
                         text=True, timeout=120, check=True)
    return json.loads(ran.stdout)


def compiled(lines: list[str]) -> bytes:
    compiler = pytest.importorskip("typst")
    return compiler.compile("\n\n".join(f"$ {line} $" for line in lines).encode())


@pytest.mark.slow
def test_katex_renders_every_formula():
    (broken,) = refused(KATEX, "katex", [*printed(), r"\frac{a}"])
    assert broken.startswith(r"\frac{a}: ")


@pytest.mark.slow
def test_mathjax_renders_every_formula():
    (broken,) = refused(MATHJAX, "mathjax-full/js/mathjax.js", [*printed(), r"\frac{a}"])
    assert broken.startswith(r"\frac{a}: ")


@pytest.mark.slow
def test_typst_compiles_every_formula():
    assert compiled([typst(line) for line in printed()]).startswith(b"%PDF")


@pytest.mark.parametrize(("latex", "expected"), [
    (r"\frac{\partial L}{\partial W^{(1)}} = 2 A^{\top} u", "frac(∂ L, ∂ W^((1))) = 2 A^(⊤) u"),
    (r"\frac{f(x, y)}{a, b}", "frac(f (x comma y), a comma b)"),
    (r"\sum _{j} x _{i,j}", "∑_(j) x_(i, j)"),
    (r"\lbrace x \text{ if } y \gt 0, 0 \text{ otherwise} \rbrace",
     '{x " if " y > 0, 0 " otherwise"}'),
    (r"\mathrm{alpha\_b}(z)", '"alpha_b"(z)'),
    (r"f''(x) a/b", "f'' (x) a slash b"),
    (r"\left\lvert \frac{a}{b} \right\rvert", "abs(frac(a, b))"),
    (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a & = b \\\nc & = d"),
    (r"\mathbf{1}[x \le 0]", "bold(1) [x ≤ 0]"),
])
def test_formulas_in_typst(latex, expected):
    assert typst(latex) == expected
    compiled([expected])


@pytest.mark.parametrize("latex", [r"\unknown{x}", r"a}", r"{a", r"\frac{a}", r"\mathrm{a",
                                   r"\begin{cases} a \end{cases}", r"\text{\frac12}"])
def test_what_is_no_formula_of_ours_is_an_error(latex):
    with pytest.raises(TypstError, match=" at place "):
        typst(latex)


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True))
def test_no_name_is_one_of_typsts_own(name):
    """`frac`, `let` and `pi` are names of arrays like others: letters and text in quotes."""
    spelled = typst(r"\mathrm{" + name.replace("_", r"\_") + r"} _{i}")
    assert spelled == f'"{name}"_(i)'


def test_names_that_typst_or_tex_would_take_for_commands():
    names = ["frac", "let", "sum_", "pi_2", "Mu", "it", "eval"]
    system = gp.equations("L = sum((" + " + ".join(names) + ")**2)", **dict.fromkeys(names, "n"))
    derivation = gp.derive(system)
    compiled([formula.typst() for formula in derivation.all()])
    assert derivation.gradients["frac"].typst().startswith('frac(∂ L, ∂ "frac")')
    assert derivation.hessian("let", "it").typst()


def test_the_command_prints_typst(capsys):
    assert main(["derive", "2-2-1", "--format", "typst"]) == 0
    lines = capsys.readouterr().out.strip().split("\n\n")
    assert all(re.fullmatch(r"\$ .+ \$", line) for line in lines)
    assert any(line.startswith("$ δ^((2)) =") for line in lines)
    compiled([line[2:-2] for line in lines])
