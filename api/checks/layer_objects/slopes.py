"""A derivative beside its function: f and f′, an activation object, a loss with its gradient.

What f′ returns is weighed by the cotangent of f, entry by entry, which is the backward pass that
its caller writes: ``da * sigmoid_prime(z)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from gradproof.checks.layer_calls import OUTPUT_NAMES
from gradproof.checks.returned import LayerError

Of: TypeAlias = Literal["input", "output"]
"""What a derivative is a function of: what f takes, or what f returns."""

TARGETS = ("y", "y_true", "ytrue", "true", "t", "target", "targets", "label", "labels", "actual",
           "truth", "expected", "desired", "ground_truth", "gt", "y_t", "trueY")
"""What a loss calls that by which nobody differentiates, where it has another input."""

RESULTS = (*OUTPUT_NAMES, "a", "A", "s", "o", "h", "fx", "f_x", "activated", "activation", "sig")
"""Names of the output among the parameters of a derivative that is right of nothing."""

STEP = 1e-6


@dataclass(frozen=True)
class Slope:
    """How a derivative is called.

    takes: by its parameters in order, the input or constant that each is handed, or the output
    ("").  axes: how many it has more than f has.  may_take_nothing: it can do with what its object
    has of the last call of f.  is_positional: it takes no keywords.  is_right: by
    differences at a point.
    """

    takes: tuple[tuple[str, str], ...]
    axes: int = 0
    may_take_nothing: bool = False
    is_positional: bool = False
    is_right: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def is_of_output(self) -> bool:
        return not any(source for _, source in self.takes[:1])

    def of_output(self) -> Slope:
        (name, _), *rest = self.takes
        return replace(self, takes=((name, ""), *rest))

    def readings(self, single: bool, of: Of | None) -> list[Slope]:
        """The ways in which it may be meant; single: it takes one array, which may be the output.
        """
        forms = [self, *([self.of_output()] if single and not self.is_of_output else []),
                 *([replace(self, takes=())] if self.may_take_nothing else [])]
        if of == "output" and single:
            return forms[-1:]
        return forms[:1] if of == "input" else forms

    def weighed(
        self, derivative: Callable[..., Any], outputs: Sequence[Any], known: Mapping[str, Any],
        back: Sequence[Any],
    ) -> Any:
        """The derivative times the cotangent; as it is where there is none."""
        given = {name: known[source] if source else outputs[0] for name, source in self.takes}
        found = derivative(*given.values()) if self.is_positional else derivative(**given)
        if not back:
            return found
        weight = back[0]
        for _ in range(self.axes):
            weight = weight[..., None]
        return tuple(weight * one for one in found) if isinstance(found, tuple) else weight * found


def slope_of(
    function: Callable[..., Any], given: Sequence[str], constants: Sequence[str], title: str
) -> Slope:
    """How a derivative is called, by the names of its parameters; else by their places.

    given: the inputs of f in its order.  LayerError where it takes what nobody has.
    """
    if isinstance(function, np.ufunc):
        return Slope(tuple((name, name) for name in given), is_positional=True)
    parameters = inspect.signature(function).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    known = (*given, *constants)
    needed = [p.name for p in named if p.default is p.empty or p.name in known]
    sources = _sources(needed, given, known)
    if sources is None:
        raise LayerError(f"{title}({', '.join(needed)}): expected a derivative that takes what its "
                         f"function takes ({', '.join(given)}), or what that returns")
    return Slope(tuple(zip(needed, sources, strict=True)),
                 may_take_nothing=all(p.default is not p.empty for p in named),
                 is_positional=any(p.kind is p.POSITIONAL_ONLY for p in named))


def _sources(
    needed: Sequence[str], given: Sequence[str], known: Sequence[str]
) -> Sequence[str] | None:
    """What each parameter is handed, by its name where f has that: an input or constant, or "", the
    output; None where nobody has it."""
    unknown = [name for name in needed if name not in known]
    left = [name for name in given if name not in needed]
    if len(needed) == len(given) == 1:  # whatever it is called
        return given
    if not unknown:
        return needed
    if len(unknown) == len(left):  # other names for what is left of the inputs
        return [left.pop(0) if name in unknown else name for name in needed]
    if (len(unknown) == 1 and len(needed) > 1) or unknown[0] in OUTPUT_NAMES:
        return ["" if name in unknown else name for name in needed]
    return None


def settled(
    slope: Slope, value: Callable[[Mapping[str, Any]], Any],
    derivative: Callable[..., Any], known: Mapping[str, Any], by: Sequence[str],
    of: Of | None, title: str,
) -> Slope:
    """The slope, of the output where that is meant: where it is right of the output alone.

    value: f, of all arguments by name; known: these at a point; by: what is differentiated by.
    LayerError for a derivative whose shape is neither that of an input nor of the output.
    """
    known = dict(known)
    with np.errstate(all="ignore"):
        out = np.asarray(value(known))
        single = len(slope.takes) == 1 and out.ndim > 0
        forms = slope.readings(single, of)
        right = [form for form in forms if _is_right(form, value, derivative, known, by, out)]
    by_name = single and slope.takes[0][0] in RESULTS and slope.takes[0][0] not in known
    taken = right[0] if right else forms[-1 if by_name else 0]
    remarks = []
    if taken.is_of_output and single and taken.takes:
        name = by[0] if by else "z"
        remarks.append(f"{title} is taken as a function of the output: it is the derivative at "
                       f"{name} when it is called with f({name}), not with {name}")
    if len(by) == 1 and not right and (mixed := _mixed(value, known, by[0], out)):
        remarks.append(mixed)
    axes = _axes(taken, value, derivative, known, out, title)
    return replace(taken, is_right=bool(right), axes=axes, remarks=tuple(remarks))


def _axes(
    slope: Slope, value: Callable[[Mapping[str, Any]], Any], derivative: Callable[..., Any],
    known: Mapping[str, Any], out: Any, title: str,
) -> int:
    """How many axes a derivative has behind those of f, each sample of which has a value of f."""
    try:
        value(known)
        found = slope.weighed(derivative, [out], known, ())
    except (Exception, SystemExit):  # it will fail again where its failure is the finding
        return 0
    shape = np.shape(found[0] if isinstance(found, tuple) and found else found)
    if out.ndim == 0 or shape in ((), out.shape):
        return 0
    if shape == (*out.shape, *out.shape[-1:]) and out.shape in map(np.shape, known.values()):
        raise LayerError(f"{title} returns an array of shape {shape} for values of shape "
                         f"{out.shape}, as a Jacobian has it; expected a derivative for each "
                         f"entry. Hand over the backward pass: gp.check_layer(f, lambda dout, z: "
                         f"...)")
    return max(len(shape) - out.ndim, 0) if shape[:out.ndim] == out.shape else 0


def _is_right(
    slope: Slope, value: Callable[[Mapping[str, Any]], Any], derivative: Callable[..., Any],
    known: Mapping[str, Any], by: Sequence[str], out: Any,
) -> bool:
    """Whether it is the derivative along a direction, as far as a difference can say."""
    rng = np.random.default_rng(3)
    weight = rng.normal(size=out.shape)
    if len(by) != 1:
        return False
    start = np.asarray(known[by[0]], float)
    along = rng.normal(size=start.shape)
    try:
        value(known)  # what its object keeps is of these arguments
        found = np.asarray(slope.weighed(derivative, [out], known, [weight] if out.ndim else ()))
        ahead, back = (np.sum(weight * value({**known, by[0]: start + h * along}))
                       for h in (STEP, -STEP))
        difference = (ahead - back) / (2 * STEP)
        return bool(abs(np.sum(found * along) - difference) <= 1e-4 * (1 + abs(difference)))
    except (Exception, SystemExit):  # arguments that it cannot take
        return False


def _mixed(
    value: Callable[[Mapping[str, Any]], Any], known: Mapping[str, Any], by: str, out: Any
) -> str:
    """Says so where f does not work entry by entry; else empty."""
    start = np.asarray(known[by], float)
    if start.shape != out.shape or start.size < 2:
        return ""
    moved = np.array(start)
    moved.flat[0] += 0.5
    try:
        changed = np.asarray(value({**known, by: moved})) != out
    except Exception:  # another value that it cannot take
        return ""
    others = changed.ravel()[1:]
    return (f"an entry of the output depends on several entries of {by}, so the derivative of each "
            f"entry by its own is the diagonal of a Jacobian, and dout times that is not the "
            f"gradient") if np.any(others) else ""
