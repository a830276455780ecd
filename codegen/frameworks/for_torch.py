"""A derivation as a torch.autograd.Function."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from ...symbolic import escaping
from .passes import Passes, is_dtype
from .words import Row, Translator, called, expression, missing, options

_SAME = ("exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "abs", "sign", "floor",
         "ceil", "trunc", "isfinite", "log1p", "expm1", "square", "arctan", "arcsin", "arccos",
         "arcsinh", "arccosh", "arctanh", "einsum", "reshape", "broadcast_to", "full_like",
         "zeros_like", "ones_like", "outer", "matmul", "linalg.inv", "linalg.det", "linalg.solve",
         "linalg.cholesky", "linalg.slogdet", "logical_and", "logical_or", "swapaxes", "diagonal")
_SCALARS = {"sqrt": "math.sqrt", "log": "math.log", "exp": "math.exp"}


def _same(name: str) -> Row:
    return lambda args, more: f"torch.{name}({', '.join(args)})"


def _along(name: str) -> Row:
    """A reduction: axis= is dim=, keepdims= is keepdim=."""
    def row(args: list[str], more: Mapping[str, str]) -> str:
        axis = args[1] if len(args) > 1 else more.get("axis")
        told = [] if axis in (None, "None") else [f"dim={axis}"]
        if "keepdims" in more:
            told.append(f"keepdim={more['keepdims']}")
        return f"torch.{name}({', '.join([args[0], *told])})"

    return row


def _tensordot(args: list[str], more: Mapping[str, str]) -> str:
    axes = more.get("axes", args[2] if len(args) > 2 else "2")
    if axes.startswith("("):
        pair = ast.literal_eval(axes)
        axes = repr(tuple((one,) if isinstance(one, int) else one for one in pair))
    return f"torch.tensordot({args[0]}, {args[1]}, dims={axes})"


_ROWS: dict[str, Row] = {
    **{name: _same(name) for name in _SAME},
    "sum": _along("sum"), "prod": _along("prod"), "mean": _along("mean"), "max": _along("amax"),
    "min": _along("amin"), "argmax": _along("argmax"), "argmin": _along("argmin"),
    "any": _along("any"), "all": _along("all"), "cumsum": _along("cumsum"),
    "tensordot": _tensordot,
    "moveaxis": lambda args, more: f"torch.movedim({', '.join(args)})",
    "dot": lambda args, more: f"({args[0]} @ {args[1]})",
    "vdot": lambda args, more: f"torch.sum(({args[0]}) * ({args[1]}))",
    "result_type": lambda args, more: f"{args[0]}.dtype",
    "heaviside": lambda args, more: (
        f"torch.heaviside({args[0]}, torch.full_like({args[0]}, {args[1]}))"),
    "asarray": lambda args, more: args[0],
    "clip": lambda args, more: f"torch.clamp({', '.join(args)})",
    "squeeze": lambda args, more: f"torch.squeeze({args[0]}, {more.get('axis', '')})",
}


class _Torch(Translator):
    framework, special = "PyTorch", "torch.special"

    def visit_Call(self, node: ast.Call) -> ast.expr:  # noqa: N802 - as ast calls it
        name = called(node)
        scalars = [self.is_number(one) for one in node.args]
        self.generic_visit(node)
        args, more = list(map(ast.unparse, node.args)), options(node)
        if not name:
            return self._method(node, args)
        if name in _SCALARS and all(scalars):
            return expression(f"{_SCALARS[name]}({args[0]})")
        if name in ("zeros", "ones", "full", "arange", "eye"):
            return expression(self._made(name, args, more))
        if name in ("maximum", "minimum", "logaddexp", "where"):
            return expression(self._mixed(name, args, scalars))
        if name not in _ROWS:
            raise missing(f"np.{name}", self.framework)
        return expression(_ROWS[name](args, more))

    def _method(self, node: ast.Call, args: list[str]) -> ast.expr:
        if not isinstance(node.func, ast.Attribute):
            return node
        of, name = ast.unparse(node.func.value), node.func.attr
        if name == "copy":
            return expression(f"({of}).clone()")
        if name == "transpose":
            return expression(f"({of}).permute({', '.join(args)})")
        if name == "astype":
            return expression(f"({of}).to({self._type(args[0])})")
        if name in ("swapaxes", "append", "reshape"):
            return node
        if of in ("torch", "math") or of.startswith("torch."):
            return node
        raise missing(f"the method {name} of an array", self.framework)

    def _type(self, text: str) -> str:
        if text.endswith(".dtype"):
            return text
        return {"int": "torch.int64", "bool": "torch.bool"}.get(text, f"{self.like}.dtype")

    def _made(self, name: str, args: list[str], more: Mapping[str, str]) -> str:
        least = 2 if name == "full" else 1
        given = more.get("dtype", args[-1] if len(args) > least and name != "arange" else "")
        values = args[:least] if name != "arange" else args
        kind = "" if name == "arange" else f", dtype={self._type(given)}"
        return f"torch.{name}({', '.join(values)}{kind}, device={self.like}.device)"

    def _mixed(self, name: str, args: list[str], scalars: Sequence[bool]) -> str:
        """Of arrays and numbers, where PyTorch wants tensors."""
        if name == "where":
            if all(scalars[1:]):
                args[1] = f"torch.tensor({args[1]}, dtype={self.like}.dtype, " \
                          f"device={self.like}.device)"
            return f"torch.where({', '.join(args)})"
        first, second = args
        if scalars[0]:
            args, scalars = [second, first], scalars[::-1]
        if scalars[1] and name != "logaddexp":
            bound = "min" if name == "maximum" else "max"
            return f"torch.clamp({args[0]}, {bound}={args[1]})"
        if scalars[1]:
            args[1] = f"torch.full_like({args[0]}, {args[1]})"
        return f"torch.{name}({', '.join(args)})"

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:  # noqa: N802 - as ast calls it
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "np":
            if node.attr in ("pi", "e", "inf"):
                return expression(f"math.{node.attr}")
            if node.attr not in ("linalg", "add", *_SAME, *_ROWS, "zeros", "ones", "full", "arange",
                                 "eye", "maximum", "minimum", "logaddexp", "where"):
                raise missing(f"np.{node.attr}", self.framework)
        return node

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:  # noqa: N802 - as ast calls it
        if node.step is not None and ast.unparse(node.step).startswith("-"):
            raise missing("a slice that goes backwards", self.framework)
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:  # noqa: N802 - as ast calls it
        """np.add.at(a, places, values)"""
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "np.add.at":
            array, places, values = node.value.args
            if any(isinstance(one, ast.Slice) or ast.unparse(one).startswith("slice(")
                   for one in ast.walk(places) if isinstance(one, ast.expr)):
                raise missing("np.add.at at slices", self.framework)
            at = ast.unparse(self.visit(places))
            at = at if isinstance(places, ast.Tuple) else f"({at},)"
            return ast.parse(f"{ast.unparse(array)}.index_put_({at}, "
                             f"{ast.unparse(self.visit(values))}, accumulate=True)").body[0]
        self.generic_visit(node)
        return node


def torch_source(found: Passes, name: str, summary: str) -> str:
    """Source of a torch.autograd.Function; EquationError for what PyTorch has no word for."""
    like = next((one for one in found.inputs if one not in found.constants), found.upstream)
    ahead = _Torch(like, set()).statements([one for one in found.forward if not is_dtype(one)])
    behind = _Torch(found.upstream, set()).statements(
        [one for one in found.backward if not is_dtype(one)])
    helpers = [_helper(one) for one in found.helpers]
    forward = [*map(ast.unparse, ahead)]
    if found.kept:
        forward.append(f"ctx.save_for_backward({', '.join(found.kept)})")
    forward.append(f"return {found.output}")
    backward = [f"{', '.join(found.kept)}{',' if len(found.kept) == 1 else ''} = ctx.saved_tensors"
                ] if found.kept else []
    for place, one in enumerate(found.inputs):
        if one not in found.gradients and one not in found.integers:
            backward += [f"if ctx.needs_input_grad[{place}]:",
                         "    raise NotImplementedError("
                         f"\"{one}: its gradient was not derived; name it in wrt=\")"]
    backward += map(ast.unparse, behind)
    by = f"{found.upstream} * " if found.is_loss else ""
    backward.append("return " + ", ".join(
        f"{by}{found.gradients[one]}" if one in found.gradients else "None"
        for one in found.inputs))
    above = "\n\n\n".join(helpers)
    body = "\n".join([
        f"class {name}(torch.autograd.Function):", f'    """{escaping.python(summary)}"""', "",
        "    @staticmethod", f"    def forward(ctx, {', '.join(found.inputs)}):",
        *_indented(forward), "", "    @staticmethod", "    @once_differentiable",
        f"    def backward(ctx, {found.upstream}):", *_indented(backward)])
    text = "\n\n\n".join(part for part in (above, body) if part)
    ahead_of = "import math\n\n" if "math." in text else ""
    return (f"{ahead_of}import torch\nfrom torch.autograd.function import once_differentiable\n\n\n"
            f"{text}\n")


def _helper(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Try | ast.ImportFrom):
        return ast.unparse(_Torch("", set()).visit(statement))
    if isinstance(statement, ast.FunctionDef):
        if statement.name == "overlap":
            return ast.unparse(statement)
        like = statement.args.args[0].arg
        numbers = {one.arg for one in statement.args.args[1:]}
        statement.body = _Torch(like, numbers).statements(statement.body)
    return ast.unparse(statement)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"        {line}" for text in lines for line in text.split("\n")]
