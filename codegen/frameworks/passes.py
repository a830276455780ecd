"""The two passes of a derivation as NumPy text, and what the first keeps for the second."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...symbolic.equation import EquationError, Item, Recurrence, System, equations_of
from ..identifiers import pronounceable
from ..saturated import needed, prepared
from ..source import function_text

WINDOWS = """\
def windows(x, axis, lengths, steps, shift):
    \"\"\"x[..., s*i + t*u + shift, ...] on two axes, of i and u, and 0 beyond the ends of x.\"\"\"
    places = steps[0] * np.arange(lengths[0])[:, None] + steps[1] * np.arange(lengths[1]) + shift
    found = x[(slice(None),) * axis + (np.clip(places, 0, x.shape[axis] - 1),)]
    inside = (places >= 0) & (places < x.shape[axis])
    return np.where(np.reshape(inside, lengths + (1,) * (x.ndim - axis - 1)), found, 0)
"""
"""Windows as a copy of what they show: NumPy's are views with strides, which arrays of JAX have not
and tensors have without a sign."""


USED = ("torch", "once_differentiable", "ctx", "jax", "jnp", "kept", "dtype")
"""What the two libraries' texts refer to; an array of such a name would hide it."""
OWN = {"windows": '''
def windows(x, axis, lengths, steps, shift):
    """x[..., s*i + t*u + shift, ...] on two axes, of i and u, and 0 beyond the ends of x."""
    places = steps[0] * np.arange(lengths[0])[:, None] + steps[1] * np.arange(lengths[1]) + shift
    inside = (places >= 0) & (places < x.shape[axis])
    found = x[(slice(None),) * axis + (np.clip(places, 0, x.shape[axis] - 1),)]
    return np.where(inside[(...,) + (None,) * (x.ndim - axis - 1)], found, 0)
'''}
"""Functions that NumPy's text computes by strides, which other arrays have not."""


@dataclass(frozen=True)
class Asked:
    """What the passes are of.

    system: forward and backward equations.  backward: the names of the latter.
    output: what the first pass returns.  upstream: the input that is its adjoint, "" for a loss.
    gradients: by input, the array that is its gradient.  constants: inputs that have none.
    """

    system: System
    backward: frozenset[str]
    output: str
    upstream: str
    gradients: Mapping[str, str]
    constants: frozenset[str]
    row_vectors: bool = True


@dataclass(frozen=True)
class Passes:
    """Statements of both passes, in NumPy.

    inputs: of the first pass, in order; `integers` and other `constants` among them.
    kept: arrays that the second pass reads.  upstream: what it is handed.
    gradients: by input, the name of its gradient.  helpers: functions that either calls.
    """

    inputs: tuple[str, ...]
    constants: frozenset[str]
    output: str
    upstream: str
    kept: tuple[str, ...]
    integers: frozenset[str]
    gradients: Mapping[str, str]
    forward: tuple[ast.stmt, ...]
    backward: tuple[ast.stmt, ...]
    helpers: tuple[ast.stmt, ...]
    is_loss: bool


def passes(asked: Asked) -> Passes:
    """EquationError for equations without source text."""
    spoken, names = pronounceable(prepared(asked.system), USED)
    output, upstream = names[asked.output], names.get(asked.upstream, "")
    results = [names[array] for array in asked.gradients.values()]
    first, second = _split(needed(spoken, [output, *results]),
                           {names[name] for name in asked.backward})
    ahead = _in_order(first)
    later, more = _body(spoken, second, results, asked.row_vectors, ahead)
    inputs = tuple(array.name for array in spoken.inputs if array.name != upstream)
    back = upstream or _fresh(f"d{output}", {*spoken.names})
    later = _sizes(later, spoken, {back: spoken.shapes[output]})
    read = _reads([*later, *_returned(results)])
    kept = tuple(name for name in (*inputs, *ahead) if name in read)
    before, most = _body(spoken, first, [output, *(name for name in kept if name in ahead)],
                         asked.row_vectors, ())
    integers = frozenset(array.name for array in spoken.inputs if array.is_integer)
    return Passes(
        inputs, integers | {names[name] for name in asked.constants}, output, back, kept, integers,
        {names[name]: names[array] for name, array in asked.gradients.items()},
        tuple(before), tuple(later), tuple(_merged([*most, *more])), not asked.upstream)


def _split(items: Iterable[Item], behind: set[str]) -> tuple[list[Item], list[Item]]:
    """Those of the first pass, and those that compute what is `behind`."""
    first: list[Item] = []
    second: list[Item] = []
    for item in items:
        (second if _names(item) & behind else first).append(item)
    return first, second


def _names(item: Item) -> set[str]:
    parts = equations_of(item) if isinstance(item, Recurrence) else [item]
    return {name for one in parts for name in (
        getattr(one, "name", ""), *getattr(one, "argmax", ())) if name}


def _in_order(items: Iterable[Item]) -> list[str]:
    return [name for item in items for name in sorted(_names(item))]


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _body(
    system: System, items: Sequence[Item], results: Sequence[str], row_vectors: bool,
    known: Sequence[str],
) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements of a function that computes items, and those above it."""
    text = function_text(system, items, results, [f"    return [{', '.join(results)}]"],
                         name="function_of_a_pass", row_vectors=row_vectors, known=known)
    tree = ast.parse(text)
    *above, function = tree.body
    assert isinstance(function, ast.FunctionDef)
    return function.body[:-1], [one for one in above if not isinstance(one, ast.Import)]


def _returned(names: Sequence[str]) -> list[ast.stmt]:
    return [ast.Expr(ast.Name(name, ast.Load())) for name in names]


def _reads(statements: Iterable[ast.stmt]) -> set[str]:
    return {node.id for one in statements for node in ast.walk(one)
            if isinstance(node, ast.Name)}


def is_dtype(statement: ast.stmt) -> bool:
    """Whether it names the type of a text's arrays, which is no array's own."""
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "dtype"


def _sizes(
    body: Sequence[ast.stmt], system: System, others: Mapping[str, Sequence[object]]
) -> list[ast.stmt]:
    """The statements with sizes read off arrays that are there anyway, where there is one: what
    is kept for its length alone is kept for nothing."""
    lengths = [one for one in body if _is_length(one)]
    rest = [one for one in body if one not in lengths and not is_dtype(one)]
    there = {name: system.shapes[name] for name in _reads(rest) if name in system.shapes}
    made: list[ast.stmt] = []
    for one in lengths:
        assert isinstance(one, ast.Assign)
        size = ast.unparse(one.targets[0])
        better = next((f"{name}.shape[{axis}]" for name, shape in {**others, **there}.items()
                       if name in others or name not in _targets(rest)
                       for axis, length in enumerate(shape) if str(length) == size), None)
        made.append(one if better is None else ast.parse(f"{size} = {better}").body[0])
    return [*made, *rest]


def _targets(statements: Iterable[ast.stmt]) -> set[str]:
    return {node.id for one in statements for node in ast.walk(one)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _is_length(statement: ast.stmt) -> bool:
    text = ast.unparse(statement.value) if isinstance(statement, ast.Assign) else ""
    return ".shape[" in text and "np." not in text


def _merged(helpers: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Each once, none of strides; EquationError for two of one name that differ."""
    found: dict[str, ast.stmt] = {}
    for one in helpers:
        text = ast.unparse(one)
        key = one.name if isinstance(one, ast.FunctionDef) else text
        if key in found and ast.unparse(found[key]) != text:
            raise EquationError(f"the two passes call two functions {key}; print numpy_source()")
        found.setdefault(key, one)
    found |= {key: ast.parse(OWN[key]).body[0] for key in found if key in OWN}
    if "windows" in found:
        (found["windows"],) = ast.parse(WINDOWS).body
    return list(found.values())
