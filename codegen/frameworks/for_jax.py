"""A derivation as a jax.custom_vjp function."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...symbolic import escaping
from ...symbolic.equation import EquationError
from .passes import Passes, is_dtype
from .words import Translator, missing

_UNKNOWN = ("add", "errstate", "may_share_memory", "shape", "ndim")


class _Jax(Translator):
    """jax.numpy has NumPy's names; what differs is that nothing is changed in place."""

    framework, special = "JAX", "jax.scipy.special"

    def visit_Name(self, node: ast.Name) -> ast.Name:  # noqa: N802 - as ast calls it
        if node.id == "dtype":
            return ast.Name(f"{self.like}.dtype", node.ctx)
        return ast.Name("jnp", node.ctx) if node.id == "np" else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:  # noqa: N802 - as ast calls it
        if isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in _UNKNOWN:
            raise missing(f"np.{node.attr}", self.framework)
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:  # noqa: N802 - as ast calls it
        (target,) = node.targets
        if not isinstance(target, ast.Subscript):
            return super().visit_Assign(node)
        return self._at(target, "set", node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:  # noqa: N802 - as ast calls it
        if not isinstance(node.target, ast.Subscript):
            self.generic_visit(node)
            return node
        word = {ast.Add: "add", ast.Mult: "multiply", ast.Div: "divide"}.get(type(node.op))
        if word is None:
            raise missing(ast.unparse(node), self.framework)
        return self._at(node.target, word, node.value)

    def _at(self, target: ast.Subscript, word: str, value: ast.expr) -> ast.stmt:
        if not isinstance(target.value, ast.Name):
            raise missing(ast.unparse(target), self.framework)
        name = target.value.id
        at = ast.unparse(ast.Subscript(ast.Attribute(target.value, "at"), self.visit(target.slice)))
        made = ast.unparse(self.visit(value))
        return ast.parse(f"{name} = {at}.{word}({made})").body[0]

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:  # noqa: N802 - as ast calls it
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "np.add.at":
            array, places, values = node.value.args
            return self._at(ast.Subscript(array, places, ast.Store()), "add", values)
        self.generic_visit(node)
        return node


def jax_source(found: Passes, name: str, summary: str) -> str:
    """Source of a jax.custom_vjp function; EquationError for what JAX has no word for, and for an
    input by which nothing was derived, since a rule says zero of what it leaves out."""
    left = [one for one in found.inputs if one not in found.gradients
            and one not in found.constants]
    if left:
        raise EquationError(f"jax_source: the gradient by {left[0]} was not derived, and a rule "
                            "cannot leave it out; name all real inputs in wrt=")
    like = next((one for one in found.inputs if one not in found.constants), found.upstream)
    ahead, behind = (
        [ast.unparse(one) for one in _Jax(of, set()).statements(
            [one for one in part if not is_dtype(one)])]
        for of, part in ((like, found.forward), (found.upstream, found.backward)))
    helpers = [ast.unparse(one) for one in _Jax("", set()).statements(found.helpers)]
    arguments = ", ".join(found.inputs)
    kept = f"({', '.join(found.kept)}{',' if len(found.kept) == 1 else ''})"
    by = f"{found.upstream} * " if found.is_loss else ""
    returned = ", ".join(f"{by}{found.gradients[one]}" if one in found.gradients else "None"
                         for one in found.inputs)
    comma = "," if len(found.inputs) == 1 else ""
    parts = [*helpers, "\n".join([
        "@jax.custom_vjp", f"def {name}({arguments}):", f'    """{escaping.python(summary)}"""',
        f"    return {name}_fwd({arguments})[0]"]), "\n".join([
            f"def {name}_fwd({arguments}):", *_indented(ahead),
            f"    return {found.output}, {kept}"]), "\n".join([
                f"def {name}_bwd(kept, {found.upstream}):",
                *([f"    {kept} = kept"] if found.kept else []), *_indented(behind),
                f"    return ({returned}{comma})"]), f"{name}.defvjp({name}_fwd, {name}_bwd)"]
    return "import jax\nimport jax.numpy as jnp\n\n\n" + "\n\n\n".join(parts) + "\n"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for text in lines for line in text.split("\n")]
