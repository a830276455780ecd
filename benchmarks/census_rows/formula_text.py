"""The formulas of PyTorch's `derivatives.yaml`: C++ of a few operators, read by a grammar.

Read into trees and computed step by step with PyTorch's own functions and methods by their names;
nothing of the text is ever run as code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import lark
import torch

Tree: TypeAlias = tuple[Any, ...]

GRAMMAR = r"""
?start: choice
?choice: either | either "?" choice ":" choice -> choice
?either: both | either "||" both -> either
?both: compared | both "&&" compared -> both
?compared: masks | masks COMPARES masks -> binary
?masks: total | masks BITS total -> binary
?total: product | total SIGN product -> binary
?product: signed | product TIMES signed -> binary
?signed: called | "-" signed -> minus | "!" signed -> opposite
?called: atom | called "." NAME "(" [choice ("," choice)*] ")" -> method
?atom: NUMBER -> number | STRING -> word | NAME -> name
     | NAME "(" [choice ("," choice)*] ")" -> function
     | "(" choice ")" | "{" [choice ("," choice)*] "}" -> several
COMPARES: "==" | "!=" | "<=" | ">=" | "<" | ">"
BITS: "&" | "|"
SIGN: "+" | "-"
TIMES: "*" | "/"
NAME: /[A-Za-z_]\w*(::\w+)*/
NUMBER: /\d+(\.\d*)?([eE][-+]?\d+)?/
STRING: /"[^"]*"/
%ignore /\s+|\/\*[^*]*\*\//
"""


class _Plain(lark.Transformer):  # type: ignore[type-arg]
    """Trees as tuples, which a trace can go through."""

    def __default__(self, data: Any, children: Any, meta: Any) -> Tree:
        return (str(data), *(one for one in children if one is not None))

    def __default_token__(self, token: Any) -> str:
        return str(token)


_READER = lark.Lark(GRAMMAR, parser="lalr")


def read(text: str) -> Tree:
    """The tree of a formula.  lark.LarkError for what is none.

    >>> read("grad * 2")
    ('binary', ('name', 'grad'), '*', ('number', '2'))
    """
    return _Plain().transform(_READER.parse(text))  # type: ignore[no-any-return]


def called_in(tree: Any) -> Iterator[str]:
    """The functions and methods that a formula names."""
    if isinstance(tree, tuple):
        if tree[0] == "function":
            yield tree[1]
        elif tree[0] == "method":
            yield tree[2]
        for part in tree[1:]:
            yield from called_in(part)


def names_in(tree: Any) -> Iterator[str]:
    """The arrays and numbers that a formula reads."""
    if isinstance(tree, tuple):
        if tree[0] == "name":
            yield tree[1]
        for part in tree[1:]:
            yield from names_in(part)


def _same(value: Any, *_: Any) -> Any:
    return value


def _last(_: Any, value: Any) -> Any:
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "maybe_multiply": lambda value, factor: value * factor, "handle_r_to_c": _last,
    "at::pow": lambda base, exponent: torch.pow(base, exponent), "std::log": lambda x: _log(x),
    "at::zeros_like": lambda x: torch.zeros_like(x), "Scalar": _same, "at::Scalar": _same,
    "at::linalg_cross": lambda x, y, dim=-1: torch.linalg.cross(x, y, dim=dim),
    "linalg_cross": lambda x, y, dim=-1: torch.linalg.cross(x, y, dim=dim),
    "at::scalar_tensor": lambda x, *_: torch.tensor(x), "sqrt": lambda x: x**0.5,
    "unsqueeze_to": lambda value, dim, *_: value.unsqueeze(dim),
}
"""Helpers of PyTorch's that are a line each; others are looked up in torch itself."""
METHODS: dict[str, Callable[..., Any]] = {
    "conj": _same, "resolve_conj": _same, "contiguous": _same, "conj_physical": _same,
    "is_complex": lambda x: False, "defined": lambda x: True, "scalar_type": lambda x: x,
    "toDouble": _same, "options": lambda x: None, "layout": lambda x: None,
    "sym_sizes": lambda x: x.shape, "sizes": lambda x: x.shape,
    "sym_size": lambda x, dim: x.shape[dim], "size": lambda x, dim: x.shape[dim],
    "expand_symint": lambda x, sizes: x.expand(sizes), "dim": lambda x: x.ndim,
    "reshape_symint": lambda x, sizes: x.reshape(sizes),
    "div": lambda x, y, mode=None: torch.div(x, y, rounding_mode=mode),
    "real": _same, "equal": lambda x, y: x == y, "ger": lambda x, y: torch.outer(x, y),
    "view_as": lambda x, y: x.reshape(y.shape), "value_or": _same,
    "has_value": lambda x: x is not None, "value": _same, "is_same": lambda x, y: x is y,
    "fill_": lambda x, value: torch.full_like(x, value), "zero_": lambda x: torch.zeros_like(x),
}
"""Methods of C++ that PyTorch has not in Python, or not of numbers."""


CONSTANTS = {"true": True, "false": False, "M_PI": math.pi, "M_LN2": math.log(2),
             "M_SQRT2": math.sqrt(2), "M_2_SQRTPI": 2 / math.sqrt(math.pi)}
"""Those of C++."""


def _log(x: Any) -> Any:
    return torch.log(torch.tensor(x))


def value(tree: Tree, names: Mapping[str, Any]) -> Any:
    """What a formula computes of arrays and numbers by name.  KeyError for a name that is unknown,
    AttributeError for a function."""
    kind, *parts = tree
    if kind == "number":
        return float(parts[0]) if set(parts[0]) & set(".eE") else int(parts[0])
    if kind == "word":
        return parts[0][1:-1]
    if kind == "name":
        return CONSTANTS[parts[0]] if parts[0] in CONSTANTS else names[parts[0]]
    if kind == "choice":
        return value(parts[1] if value(parts[0], names) else parts[2], names)
    if kind in ("either", "both"):
        first = value(parts[0], names)
        return (first or value(parts[1], names)) if kind == "either" else (
            first and value(parts[1], names))
    if kind == "several":
        return [value(part, names) for part in parts]
    if kind == "function":
        args = [value(part, names) for part in parts[1:]]
        return function(parts[0])(*args)
    if kind == "method":
        owner, args = value(parts[0], names), [value(part, names) for part in parts[2:]]
        known = METHODS.get(parts[1])
        return known(owner, *args) if known is not None else getattr(owner, parts[1])(*args)
    if kind in ("minus", "opposite"):
        inner = value(parts[0], names)
        return -inner if kind == "minus" else _not(inner)
    return _computed(value(parts[0], names), parts[1], value(parts[2], names))


def function(name: str) -> Callable[..., Any]:
    """A function by the name that a formula or a schema has for it."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    plain = name.removeprefix("at::")
    if plain.startswith("special_"):
        return getattr(torch.special, plain.removeprefix("special_"))  # type: ignore[no-any-return]
    if plain.startswith("linalg_"):
        return getattr(torch.linalg, plain.removeprefix("linalg_"))  # type: ignore[no-any-return]
    found = getattr(torch, plain, None)
    return found if found is not None else getattr(  # type: ignore[no-any-return]
        torch.nn.functional, plain)


def _not(x: Any) -> Any:
    return not x if isinstance(x, bool) else torch.logical_not(x)


def _computed(left: Any, sign: str, right: Any) -> Any:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    if sign == "/":
        return left / right
    if sign in "&|":
        return (left & right) if sign == "&" else (left | right)
    if sign == "==":
        return left == right
    if sign == "!=":
        return left != right
    if sign == "<":
        return left < right
    if sign == ">":
        return left > right
    return left <= right if sign == "<=" else left >= right
