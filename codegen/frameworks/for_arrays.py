"""A gradient over the array API standard: one text for arrays of NumPy, PyTorch, JAX, CuPy, Dask.

What it computes with is asked of its arguments (array-api-compat), so that results keep their
library, type and place; entries are set by array-api-extra, since arrays of JAX do not change.
Functions that the standard lacks are written out above it in those that it has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...symbolic.equation import EquationError
from .words import Row, Translator, called, expression, missing, options

USED = ("xp", "xpx", "math", "dtype", "place", "array_namespace", "device", "einsum", "add_at",
        "step")
"""What a text refers to; an array of such a name would hide it."""

_SAME = frozenset((
    "exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "abs", "sign", "floor",
    "ceil", "trunc", "isfinite", "isnan", "log1p", "expm1", "square", "logical_and", "logical_or",
    "logical_not", "tensordot", "reshape", "broadcast_to", "full_like", "zeros_like", "ones_like",
    "linalg.inv", "linalg.det", "linalg.solve", "linalg.cholesky", "linalg.slogdet", "maximum",
    "minimum", "logaddexp", "clip", "moveaxis", "max", "min", "sum", "prod", "mean", "any", "all",
    "argmax", "argmin", "squeeze", "matmul", "finfo", "cumsum"))
_OTHERS = {
    "arctan": "atan", "arcsin": "asin", "arccos": "acos", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "cumsum": "cumulative_sum", "trace": "linalg.trace",
    "diagonal": "linalg.diagonal", "power": "pow"}
_SCALARS = frozenset(("sqrt", "log", "exp"))
_CONSTANTS = frozenset(("pi", "e", "inf", "nan"))
_ALONG = frozenset((
    "max", "min", "sum", "prod", "mean", "any", "all", "argmax", "argmin", "squeeze"))
"""What has an axis as its second argument, which the standard wants by its name."""

EINSUM = '''
def einsum(letters, first, *others):
    """Sums of products of entries, like np.einsum, by products of matrices."""
    xp = array_namespace(first, *others)
    parts, out = letters.split("->")
    have, *parts = parts.split(",")
    for number, (other, more) in enumerate(zip(others, parts), 1):
        later = "".join([out, *parts[number:]])
        lone = tuple(k for k, one in enumerate(have) if one not in more + later)
        if lone:
            first, have = xp.sum(first, axis=lone), "".join(c for c in have if c in more + later)
        lone = tuple(k for k, one in enumerate(more) if one not in have + later)
        if lone:
            other, more = xp.sum(other, axis=lone), "".join(c for c in more if c in have + later)
        sizes = {**dict(zip(have, first.shape)), **dict(zip(more, other.shape))}
        both = "".join(one for one in have if one in more and one in later)
        inner = "".join(one for one in have if one in more and one not in later)
        left = "".join(one for one in have if one not in more)
        right = "".join(one for one in more if one not in have)
        stack, rows, middle, columns = (
            math.prod(sizes[one] for one in group) for group in (both, left, inner, right))
        first = xp.permute_dims(first, tuple(have.index(one) for one in both + left + inner))
        other = xp.permute_dims(other, tuple(more.index(one) for one in both + inner + right))
        first = xp.matmul(xp.reshape(first, (stack, rows, middle)),
                          xp.reshape(other, (stack, middle, columns)))
        have = both + left + right
        first = xp.reshape(first, tuple(sizes[one] for one in have))
    lone = tuple(k for k, one in enumerate(have) if one not in out)
    if lone:
        first, have = xp.sum(first, axis=lone), "".join(one for one in have if one in out)
    return xp.permute_dims(first, tuple(have.index(one) for one in out))
'''

HELPERS = {"einsum": EINSUM, "step": '''
def step(z):
    """1 where z > 0, else 0; NaN where z is none."""
    xp = array_namespace(z)
    return xp.where(z == z, xp.astype(z > 0, z.dtype), z)
''', "add_at": '''
def add_at(array, places, values):
    """The array with values added at places, which may repeat."""
    if hasattr(array, "at"):  # of JAX
        return array.at[places].add(values)
    if hasattr(array, "index_put_"):  # of PyTorch
        places = places if isinstance(places, tuple) else (places,)
        return array.index_put_(places, values, accumulate=True)
    array_namespace(array).add.at(array, places, values)
    return array
''', "windows": '''
def windows(x, axis, lengths, steps, shift):
    """x[..., s*i + t*u + shift, ...] on two axes, of i and u, and 0 beyond the ends of x."""
    xp = array_namespace(x)
    first = xp.arange(lengths[0], device=device(x))[:, None]
    places = steps[0] * first + steps[1] * xp.arange(lengths[1], device=device(x)) + shift
    inside = (places >= 0) & (places < x.shape[axis])
    places = xp.reshape(xp.clip(places, 0, x.shape[axis] - 1), (-1,))
    found = xp.reshape(xp.take(x, places, axis=axis),
                       x.shape[:axis] + lengths + x.shape[axis + 1:])
    inside = xp.reshape(inside, lengths + (1,) * (x.ndim - axis - 1))
    return xp.where(inside, found, xp.zeros_like(found))
'''}
"""Functions that a text brings along, in place of NumPy's own and of those that use strides."""


class _Arrays(Translator):
    framework = "the array API standard"

    def __init__(
        self, like: str, numbers: set[str], shapes: Mapping[str, Sequence[object]] | None = None
    ) -> None:
        super().__init__(like, numbers)
        self.shapes = shapes or {}
        self.helpers: dict[str, str] = {}
        self.kind = f"{like}.dtype"

    def visit_Name(self, node: ast.Name) -> ast.Name:  # noqa: N802 - as ast calls it
        return ast.Name("xp", node.ctx) if node.id == "np" else node

    def visit_Call(self, node: ast.Call) -> ast.expr:  # noqa: N802 - as ast calls it
        name = called(node)
        scalars = [self.is_number(one) for one in node.args]
        self.generic_visit(node)
        args, more = list(map(ast.unparse, node.args)), options(node)
        if not name:
            return self._method(node, args)
        if name in _SCALARS and all(scalars):
            return expression(f"math.{name}({args[0]})")
        row = _ROWS.get(name)
        if row is not None:
            return expression(row(args, more))
        if name == "einsum":
            return self._einsum(args)
        if name == "heaviside":
            if args[1] != "0":
                raise missing(ast.unparse(node), self.framework)
            self.helpers["step"] = HELPERS["step"]
            return expression(f"step({args[0]})")
        if name in ("zeros", "ones", "full", "arange", "eye"):
            return expression(self._made(name, args, more))
        if name == "where" and all(scalars[1:]):
            args[1] = f"xp.asarray({args[1]}, dtype={self.kind}, device=device({self.like}))"
        if name in ("where", "result_type"):
            return expression(f"xp.{name}({', '.join(one for one in args if one != '1.0')})")
        if name not in _SAME and name not in _OTHERS:
            raise missing(f"np.{name}", self.framework)
        return expression(self._called(name, args, more))

    def _called(self, name: str, args: list[str], more: Mapping[str, str]) -> str:
        if name in ("max", "min") and more.get("initial") == "0.0" and args[0].startswith("xp.abs"):
            more = {key: one for key, one in more.items() if key != "initial"}
        if name in _ALONG and len(args) > 1:
            more, args = {"axis": args[1], **more}, args[:1]
        if name == "tensordot" and more["axes"].startswith("("):
            pair = ast.literal_eval(more["axes"])
            more = {"axes": repr(tuple((one,) if isinstance(one, int) else one for one in pair))}
        if name in ("maximum", "minimum", "logaddexp") and self.is_number(expression(args[0])):
            args = args[::-1]
        if not more.keys() <= {"axis", "keepdims", "axes"}:
            raise missing(f"np.{name} with {sorted(more)}", self.framework)
        told = [f"{key}={one}" for key, one in more.items()]
        return f"xp.{_OTHERS.get(name, name)}({', '.join([*args, *told])})"

    def _einsum(self, args: list[str]) -> ast.expr:
        parts = str(ast.literal_eval(args[0]))
        if any(len({*one}) < len(one) for one in parts.replace("->", ",").split(",")):
            raise missing(f"np.einsum({args[0]}, ...)", self.framework)
        self.helpers["einsum"] = HELPERS["einsum"]
        return expression(f"einsum({', '.join(args)})")

    def _method(self, node: ast.Call, args: list[str]) -> ast.expr:
        if not isinstance(node.func, ast.Attribute):
            if ast.unparse(node.func) == "windows":
                self.helpers["windows"] = HELPERS["windows"]
            return node
        of, name = ast.unparse(node.func.value), node.func.attr
        row = {
            "copy": "xp.asarray({of}, copy=True)",
            "transpose": "xp.permute_dims({of}, ({all},))",
            "astype": "xp.astype({of}, {kind})",
            "reshape": "xp.reshape({of}, {first})" if len(args) == 1 else
                       "xp.reshape({of}, ({all}))",
            "swapaxes": "xp.matrix_transpose({of})" if {*args} == {"-1", "-2"} else "",
        }.get(name, "")
        if row:
            return expression(row.format(
                of=of, all=", ".join(args), first=args[0] if args else "",
                kind=self._type(args[0] if args else "")))
        if of in ("xp", "math", "xpx") or of.startswith("xp.") or name in ("append", "index"):
            return node
        raise missing(f"the method {name} of an array", self.framework)

    def _type(self, text: str) -> str:
        if text.endswith(".dtype") or text == "dtype":
            return text
        return {"int": "xp.int64", "bool": "xp.bool"}.get(text, self.kind)

    def _made(self, name: str, args: list[str], more: Mapping[str, str]) -> str:
        least = 2 if name == "full" else 1
        given = more.get("dtype", args[-1] if len(args) > least and name != "arange" else "")
        values = args[:least] if name != "arange" else args
        kind = "" if name == "arange" else f", dtype={self._type(given)}"
        return f"xp.{name}({', '.join(values)}{kind}, device=device({self.like}))"

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:  # noqa: N802 - as ast calls it
        """The standard computes with no truth values."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Add | ast.Sub | ast.Div):
            for side in ("left", "right"):
                if _is_truth(getattr(node, side)):
                    truth = ast.unparse(getattr(node, side))
                    setattr(node, side, expression(f"xp.astype({truth}, {self.kind})"))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:  # noqa: N802 - as ast calls it
        if isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in _CONSTANTS:
            return expression(f"math.{node.attr}")
        self.generic_visit(node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:  # noqa: N802 - as ast calls it
        """The standard takes fewer places than axes only with three dots behind them."""
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        told = [one for one in map(ast.unparse, places) if one != "None"]
        rank = len(self.shapes.get(ast.unparse(node.value), ()))
        self.generic_visit(node)
        if not places:
            return node.value
        if len(told) < rank and "..." not in told:
            node.slice = ast.Tuple([*places, ast.Constant(...)], ast.Load())
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:  # noqa: N802 - as ast calls it
        if node.step is not None and ast.unparse(node.step).startswith("-"):
            raise missing("a slice that goes backwards", self.framework)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:  # noqa: N802 - as ast calls it
        (target,) = node.targets
        if not isinstance(target, ast.Subscript):
            made = super().visit_Assign(node)
            return ast.Pass() if ast.unparse(target) == ast.unparse(node.value) else made
        return self._at(target, "set", node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:  # noqa: N802 - as ast calls it
        if isinstance(node.target, ast.Subscript):
            word = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply",
                    ast.Div: "divide"}.get(type(node.op))
            if word is None:
                raise missing(ast.unparse(node), self.framework)
            return self._at(node.target, word, node.value)
        self.generic_visit(node)
        return node

    def _at(self, target: ast.Subscript, word: str, value: ast.expr) -> ast.stmt:
        if not isinstance(target.value, ast.Name):
            raise missing(ast.unparse(target), self.framework)
        name, made = target.value.id, self.visit(value)
        target = self.visit_Subscript(target)
        target.value = expression(f"xpx.at({name})")
        return ast.parse(f"{name} = {ast.unparse(target)}.{word}({ast.unparse(made)})").body[0]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:  # noqa: N802 - as ast calls it
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "np.add.at":
            self.helpers["add_at"] = HELPERS["add_at"]
            name = ast.unparse(node.value.args[0])
            args = ", ".join(ast.unparse(self.visit(one)) for one in node.value.args)
            return ast.parse(f"{name} = add_at({args})").body[0]
        self.generic_visit(node)
        return node

    def visit_Try(self, node: ast.Try) -> list[ast.stmt]:  # type: ignore[override]  # noqa: N802
        """What a text takes from SciPy where there is SciPy: its own is taken, for any array."""
        return node.handlers[0].body

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:  # noqa: N802
        names = ", ".join(one.name for one in node.names)
        raise missing(f"{node.module}'s {names}", self.framework)


_ROWS: dict[str, Row] = {
    "outer": lambda args, more: f"({args[0]})[:, None] * ({args[1]})",
    "dot": lambda args, more: f"({args[0]} @ {args[1]})",
    "vdot": lambda args, more: f"xp.sum(({args[0]}) * ({args[1]}))",
    "asarray": lambda args, more: args[0],
}


def _is_truth(node: ast.expr) -> bool:
    """Whether an expression is of truth values."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        return _is_truth(node.left)
    return isinstance(node, ast.Compare)


def array_api_text(
    source: str, reals: Sequence[str], shapes: Mapping[str, Sequence[object]]
) -> str:
    """A gradient's NumPy source over the array API standard.

    reals: its inputs that are no labels.  shapes: of its arrays.  EquationError for what the
    standard has no word for.
    """
    above: list[ast.stmt] = []
    for one in ast.parse(source).body:
        above += one.handlers[0].body if isinstance(one, ast.Try) else [one]  # without SciPy
    if not reals:
        raise EquationError("no real input, whose type the others would have")
    parts: list[tuple[str, dict[str, str]]] = []
    for one in above:
        if isinstance(one, ast.ImportFrom):
            _Arrays("", set()).visit(one)
        elif isinstance(one, ast.FunctionDef) and one is above[-1]:
            parts.append(_function(one, reals, shapes))
        elif isinstance(one, ast.FunctionDef) and one.name != "windows":
            parts.append(_function(one, [one.args.args[0].arg]))
    brought = {name: text for _, found in parts for name, text in found.items()}
    body = "\n\n\n".join([*(text.strip() for text in brought.values()), *(
        text for text, _ in parts)])
    head = "import math\n\n" if "math." in body else ""
    head += "import array_api_extra as xpx\n" if "xpx." in body else ""
    names = "array_namespace, device" if "device(" in body else "array_namespace"
    return f"{head}from array_api_compat import {names}\n\n\n{body}\n"


def _function(
    node: ast.FunctionDef, reals: Sequence[str],
    shapes: Mapping[str, Sequence[object]] | None = None,
) -> tuple[str, dict[str, str]]:
    """A function, which asks its arrays for their namespace, and what it calls."""
    writing = _Arrays(reals[0], set() if shapes else {one.arg for one in node.args.args[1:]},
                      shapes)
    writing.kind = f"{reals[0]}.dtype" if len(reals) == 1 else "dtype"
    docstring = node.body[:1] if ast.get_docstring(node) else []
    node.body = writing.statements(node.body[len(docstring):])
    read = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    head = f"xp = array_namespace({', '.join(reals)})\n" if "xp" in read else ""
    if "dtype" in read and not any(ast.unparse(one).startswith("dtype =") for one in node.body):
        head += f"dtype = xp.result_type({', '.join(reals)})\n"
    node.body = [*docstring, *ast.parse(head).body, *(
        one for one in node.body if not isinstance(one, ast.Pass))]
    text = re.sub(r"(?m)^( +return )\((.*, \{.*\})\)$", r"\1\2", ast.unparse(node))
    return text, writing.helpers
