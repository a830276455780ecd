"""What a line of the user's code could have named instead: the quantities in scope, by spelling."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gradproof.limits.calls import called

PLAIN_METHODS = frozenset({
    "sum", "mean", "max", "min", "dot", "matmul", "outer", "multiply", "copy", "astype", "reshape",
    "exp", "log", "tanh", "sqrt", "square", "power", "maximum", "minimum", "where", "sign", "abs",
    "zeros", "ones", "zeros_like", "ones_like", "eye", "arange", "argmax", "transpose", "add",
    "subtract", "divide", "log1p", "expm1", "einsum", "var", "std", "ravel", "flatten",
})

MOST_ENTRIES = 24
"""Entries of a dict or list that are looked at."""

MOST_TOTALS = 6
"""Numbers of entries that something may have to be divided by."""

INGREDIENT_SECONDS = 1.0
"""How long an expression may take, which may call the user's functions."""


def expression(text: str) -> ast.expr:
    """A fresh tree of an expression, which stands nowhere yet."""
    tree = ast.parse(text, mode="eval").body
    for node in ast.walk(tree):
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(node, name):
                delattr(node, name)
    return tree


@dataclass(frozen=True)
class NamedValue:
    """A number or an array that an expression in scope stands for."""

    text: str
    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def is_count(self) -> bool:
        return isinstance(self.value, int | np.integer) and not isinstance(self.value, bool)

    def node(self) -> ast.expr:
        return expression(self.text)


@dataclass(frozen=True)
class InScope:
    """The variables before a line ran, the module's globals, its functions of one argument, and
    the text of the function itself."""

    variables: Mapping[str, Any]
    outside: dict[str, Any] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
    written: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset((*self.variables, *self.outside))

    def value_of(self, text: str) -> np.ndarray[Any, Any] | None:
        """An expression's value in numbers; None where it has none, or might have effects."""
        try:
            tree = ast.parse(text, mode="eval")
            if not all(_is_plain(node, self.functions) for node in ast.walk(tree)):
                return None
            code = compile(tree, "<ingredient>", "eval")
            with np.errstate(all="ignore"):
                value = called(lambda: eval(code, self.outside, dict(self.variables)),
                               INGREDIENT_SECONDS)
            found = np.asarray(value)
        except Exception:  # it is no ingredient then
            return None
        return found if found.dtype.kind in "fiub" else None

    @cached_property
    def quantities(self) -> tuple[NamedValue, ...]:
        """Variables, entries of dicts and lists, attributes of `self`."""
        return tuple(q for name, value in self.variables.items() for q in _parts(name, value))

    @cached_property
    def arrays(self) -> tuple[NamedValue, ...]:
        return tuple(q for q in self.quantities if q.shape)

    @cached_property
    def scalars(self) -> tuple[NamedValue, ...]:
        return tuple(q for q in self.quantities if not q.shape)

    @cached_property
    def sizes(self) -> dict[int, str]:
        """A spelling for each length of an axis: a variable, else as the function itself spells it
        elsewhere, else an attribute of an array."""
        spelled = [(n, text) for q in reversed(self.arrays)
                   for axis, n in reversed(list(enumerate(q.shape))) if n > 1
                   for text in (*([f"len({q.text})"] if axis == 0 else []),
                                f"{q.text}.shape[{axis}]")]
        axes = {n: text for n, text in spelled if ".shape" in text}
        own = {n: text for n, text in spelled if text in self.written}
        named = {int(q.value): q.text for q in reversed(self.scalars)
                 if q.is_count and int(q.value) in axes}
        return {**axes, **own, **named}

    @cached_property
    def unused(self) -> tuple[str, ...]:
        """Arrays that the function computes and never reads: as a rule one was meant to be."""
        try:
            nodes = [node for node in ast.walk(ast.parse(dedent(self.written)))
                     if isinstance(node, ast.Name)]
        except SyntaxError:  # a lambda
            return ()
        read = {node.id for node in nodes if isinstance(node.ctx, ast.Load)}
        return tuple(q.text for q in self.arrays if q.text not in read
                     and any(q.text == node.id for node in nodes))

    @cached_property
    def totals(self) -> tuple[str, ...]:
        """The numbers of entries of matrices, as a mean divides by them; each once."""
        found = {int(np.size(q.value)): f"{q.text}.size" for q in reversed(self.arrays)
                 if len(q.shape) > 1 and q.text in self.variables}
        return tuple(found.values())[:MOST_TOTALS]

    def factor(self, coefficient: Fraction, powers: Mapping[int, int]) -> tuple[str, str] | None:
        """Numerator and denominator of coefficient · Π size^power; None for a size not in scope."""
        above, below = [], []
        if abs(coefficient.numerator) != 1 or coefficient < 0:
            above.append(str(coefficient.numerator))
        if coefficient.denominator != 1:
            below.append(str(coefficient.denominator))
        left = dict(powers)
        for sign, held in ((1, above), (-1, below)):
            while whole := self._counted(left, sign):
                held.append(f"{whole.text}.size")
                for size in whole.shape:
                    left[size] -= sign
        for size, power in left.items():
            if power and size not in self.sizes:
                return None
            (above if power > 0 else below).extend([self.sizes[size]] * abs(power) if power else [])
        return _product(above), _product(below)


    def _counted(self, powers: Mapping[int, int], sign: int) -> NamedValue | None:
        """An array whose number of entries is a product of sizes that are asked for; one whose
        number the function itself asks for, if any."""
        found = [q for q in self.arrays if len(q.shape) > 1 and len({*q.shape}) == len(q.shape)
                 and all(sign * powers.get(size, 0) > 0 for size in q.shape)]
        return max(found, default=None, key=lambda q: (
            f"{q.text}.size" in self.written, q.text in self.variables))


def _product(factors: Sequence[str]) -> str:
    return " * ".join(text if count == 1 else f"{text} ** {count}"
                      for text, count in Counter(factors).items())


def _is_plain(node: ast.AST, functions: tuple[str, ...]) -> bool:
    """Whether evaluating a part of an expression once more changes nothing."""
    if isinstance(node, ast.Call):
        func = node.func
        if isinstance(func, ast.Attribute):
            return func.attr in PLAIN_METHODS
        return isinstance(func, ast.Name) and func.id in (*functions, "len", "float", "int", "abs")
    return not isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)


def _parts(name: str, value: Any, depth: int = 0) -> Iterator[NamedValue]:
    if isinstance(value, np.ndarray | np.generic | int | float) and not isinstance(value, bool):
        if np.asarray(value).dtype.kind in "fiub":
            yield NamedValue(name, value)
    elif depth > 1:
        return
    elif isinstance(value, Mapping):
        for key in list(value)[:MOST_ENTRIES]:
            if isinstance(key, str | int):
                yield from _parts(f"{name}[{key!r}]", value[key], depth + 1)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value[:MOST_ENTRIES]):
            yield from _parts(f"{name}[{place}]", inner, depth + 1)
    elif name == "self" and hasattr(value, "__dict__"):
        for key, inner in list(vars(value).items())[:MOST_ENTRIES]:
            yield from _parts(f"self.{key}", inner, depth + 1)


def unary_functions(names: Mapping[str, Any], file: str) -> tuple[str, ...]:
    """The functions of one argument that a file defines; not its tests, which do more than compute.
    """
    return tuple(
        name for name, value in names.items()
        if isinstance(value, FunctionType) and value.__code__.co_filename == file
        and value.__code__.co_argcount == 1 and not _is_test(name, value)
    )


def _is_test(name: str, function: FunctionType) -> bool:
    """Whether calling it may run checks: a test by name, or a user of this program or of pytest."""
    modules = (function.__globals__.get(used) for used in function.__code__.co_names)
    return name.startswith("test") or any(
        isinstance(module, ModuleType) and module.__name__ in ("gradproof", "pytest")
        for module in modules)
