"""Every example in a docstring of the package is run as it stands.

The modules are found by their import names, so that `symbolic/equation.py` is tested as
`gradproof.symbolic.equation`, installed or in place.  Examples see NumPy as `np`,
SymPy as `sp` and the package as `gp`; `...` stands for any text, and blanks at line ends count as
one.
"""

import doctest
import importlib
import pkgutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import gradproof

ROOT = Path(__file__).parents[2]
SKIPPED = {"gradproof.__main__", "gradproof.sphinx_ext", "gradproof.markdown_ext"}
"""A program, which would run when it is imported, and what needs the extra `docs`."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules():
    """The names of all modules of the package.

    The folders come from pyproject.toml, since `pkgutil.walk_packages` does not find the rooms of
    an editable install, which lie beside `api/`.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = set()
    for package in project["tool"]["setuptools"]["packages"]:
        folder = importlib.import_module(package).__path__
        names |= {package, *(m.name for m in pkgutil.iter_modules(folder, f"{package}."))}
    return sorted(names - SKIPPED)


def examples():
    """Each docstring with an example: (name, test)."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in modules():
        module = importlib.import_module(name)
        for test in finder.find(module, globs={"np": np, "sp": sp, "gp": gradproof,
                                               **vars(module)}):
            if test.examples:
                yield pytest.param(test, id=test.name.removeprefix("gradproof."))


@pytest.mark.parametrize("test", list(examples()))
def test_example(test):
    report = []
    failed, _ = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append)
    assert not failed, "".join(report)


def test_all_rooms_are_walked():
    """Whatever the package is installed from: else examples would silently not run."""
    names = modules()
    for room in ("symbolic.derive", "codegen", "numeric", "reports.sections", "checks"):
        assert any(name.startswith(f"gradproof.{room}.") for name in names), room
