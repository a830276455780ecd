"""NumPy's functions in the words of PyTorch and of JAX, for the texts that are printed here.

A row is of the call's arguments as text; what has none is an EquationError that names it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence

from ...symbolic.equation import EquationError

SPECIAL = frozenset({"erf", "erfc", "gammaln", "digamma", "polygamma", "erfinv", "expit", "ndtr",
                     "ndtri"})
"""Functions of SciPy's that a text takes from there; each framework has them by these names."""


def missing(what: str, framework: str) -> EquationError:
    return EquationError(f"{what} has no translation for {framework}; print numpy_source(), or "
                         "derive a part that does without")


class Translator(ast.NodeTransformer):
    """Statements for NumPy as statements for another framework.

    framework: what it is called; special: its module of SciPy's special functions.
    like: the name of an array whose type and place others have.  numbers: names of numbers.
    """

    framework = ""
    special = ""

    def __init__(self, like: str, numbers: set[str]) -> None:
        self.like = like
        self.numbers = numbers

    def statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for one in body:
            made = self.visit(one)
            found += made if isinstance(made, list) else [] if made is None else [made]
        return [ast.fix_missing_locations(one) for one in found]

    def visit_For(self, node: ast.For) -> ast.For:
        self.numbers |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
        node.iter = self.visit(node.iter)
        node.body = self.statements(node.body)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        if (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "overlap") or (
                ".shape" in ast.unparse(node.value) and "np." not in ast.unparse(node.value)):
            self.numbers |= {one.id for target in node.targets for one in ast.walk(target)
                             if isinstance(one, ast.Name)}
        self.generic_visit(node)
        return node

    def visit_Try(self, node: ast.Try) -> ast.stmt:
        """What a text takes from SciPy where there is SciPy."""
        (one,) = node.body
        if not isinstance(one, ast.ImportFrom):
            raise missing(ast.unparse(one), self.framework)
        return self.visit_ImportFrom(one)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        if node.module != "scipy.special" or not SPECIAL.issuperset(
                one.name for one in node.names):
            raise missing(ast.unparse(node), self.framework)
        return ast.ImportFrom(self.special, node.names, 0)

    def is_number(self, node: ast.expr) -> bool:
        """Whether an expression is one of numbers and sizes alone."""
        for one in ast.walk(node):
            if isinstance(one, ast.Name) and one.id not in (*self.numbers, "np", "math"):
                return False
            if isinstance(one, ast.Call | ast.Subscript) and not (
                    ast.unparse(one).startswith(("math.", "np.sqrt", "np.log"))):
                return False
        return True


def called(node: ast.Call) -> str:
    """np.linalg.solve as "linalg.solve"; "" for what is not NumPy's."""
    name = ast.unparse(node.func)
    if not re.fullmatch(r"[\w.]+", name):
        return ""  # a method of what a function gives
    return name.removeprefix("np.") if name.startswith("np.") else ""


def options(node: ast.Call) -> dict[str, str]:
    return {one.arg or "": ast.unparse(one.value) for one in node.keywords}


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


Row = Callable[["list[str]", "Mapping[str, str]"], str]
