"""How tensors lie in memory, what is None, and what runs twice: as PyTorch hands it to backward."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.circumstances.applied import Applied, as_it_is
from gradproof.checks.circumstances.ways import Due, Values, Way, differing


def plain(applied: Applied, values: Values, bars: Sequence[str]) -> Mapping[str, Any]:
    """The gradients as PyTorch gives them for tensors of their own."""
    return _laid(applied, values, bars, as_it_is, as_it_is)


def ways(
    applied: Applied, values: Values, bars: Sequence[str], due: Due
) -> Iterator[Way]:
    """values: of inputs and of the upstream gradients, which are called `bars`."""
    usual = due(values)
    yield from _upstream(applied, values, bars, due)
    for said, lay in (("transposed in memory", turned), ("not contiguous (strided)", strided)):
        yield Way(f"the inputs are {said}", partial(
            _laid, applied, values, bars, lay, as_it_is), usual)
    for place, name in enumerate(bars if len(bars) > 1 else ()):
        handed = "zeros" if applied.materializes else "None"
        unused = {**values, name: np.zeros_like(values[name])}
        yield Way(f"output {place + 1} is not used, so that its upstream gradient is {handed}",
                  partial(_laid, applied, values, bars, as_it_is, as_it_is, {name}), due(unused))
    for name in applied.wrt if len(applied.wrt) > 1 else ():
        others = [one for one in applied.wrt if one != name]
        yield Way(f"{name} requires no gradient", partial(
            _laid, applied, values, bars, as_it_is, as_it_is, (), others), usual)
    other = {name: np.flip(value).copy() if np.ndim(value) else value
             for name, value in values.items()}
    yield Way("it is called a second time before backward runs",
              partial(_twice, applied, values, other, bars), usual)
    yield Way("backward runs a second time (retain_graph=True)",
              partial(_again, applied, values, bars), usual)


def shared(applied: Applied, values: Values, bars: Sequence[str]) -> bool:
    """Whether backward writes over an upstream gradient that another function is handed too."""
    tensors = applied.tensors(values, applied.wrt)
    torch = sys.modules["torch"]
    beside = [torch.zeros(np.shape(values[name])).requires_grad_() for name in bars]
    first = [one * 1.0 for one in beside]  # made before, so that it runs after
    outputs = applied.outputs(tensors)
    back = [torch.from_numpy(np.array(values[name])) for name in bars]
    meant = [one.clone() for one in back]
    found = torch.autograd.grad([a + b for a, b in zip(outputs, first, strict=True)],
                                [*beside, *(tensors[name] for name in applied.wrt)], back,
                                allow_unused=True)
    return not all(torch.equal(one, other) for one, other in zip(found, meant, strict=False))


def unseen_writes(applied: Applied, values: Values, bars: Sequence[str], due: Due) -> list[str]:
    """The inputs, and the outputs, that backward reads as they are when it runs, where PyTorch does
    not see that the caller has written into them."""
    usual, found = due(values), []
    for name in [*applied.wrt, *bars]:
        torch = sys.modules["torch"]
        tensors = applied.tensors(values, applied.wrt)
        outputs = applied.outputs(tensors)
        written = tensors[name] if name in tensors else outputs[list(bars).index(name)]
        with torch.no_grad():
            written.add_(1.5)
        try:
            came = applied.gradients(tensors, outputs, _back(values, bars))
        except RuntimeError:  # it saw
            continue
        if differing(came, usual):
            found.append(name)
    return found


# --- layouts ------------------------------------------------------------------------------------


def strided(tensor: Any) -> Any:
    """The same numbers with others between them."""
    if not tensor.ndim:
        return tensor
    wide = tensor.new_zeros((*tensor.shape[:-1], 2 * tensor.shape[-1]))
    wide.fill_(7)
    wide[..., ::2] = tensor
    return wide[..., ::2].detach()


def turned(tensor: Any) -> Any:
    """The same numbers, with the first axis the densest."""
    axes = tuple(reversed(range(tensor.ndim)))
    return tensor.permute(axes).contiguous().permute(axes)


def _upstream(
    applied: Applied, values: Values, bars: Sequence[str], due: Due
) -> Iterator[Way]:
    """Upstream gradients that are no arrays of their own."""
    torch = sys.modules["torch"]
    for said, axes in (("expanded (stride 0), as that of y.sum()", 0),
                       ("one row that is expanded (stride 0)", 1)):
        if all(np.ndim(values[name]) <= axes for name in bars):
            continue
        small = {name: np.array(values[name])[(0,) * (np.ndim(values[name]) - axes)]
                 if np.ndim(values[name]) > axes and np.size(values[name]) else values[name]
                 for name in bars}
        wide = {name: np.broadcast_to(one, np.shape(values[name])).copy()
                for name, one in small.items()}
        back = [torch.from_numpy(np.array(small[name])).expand(np.shape(values[name]))
                for name in bars]
        yield Way(f"the upstream gradient is {said}",
                  partial(_with_back, applied, values, back), due({**values, **wide}))
    if any(np.ndim(values[name]) for name in bars):
        for said, lay in (("not contiguous (strided)", strided),
                          ("transposed in memory", turned)):
            yield Way(f"the upstream gradient is {said}",
                      partial(_laid, applied, values, bars, as_it_is, lay), due(values))


# --- runs ---------------------------------------------------------------------------------------


def _back(values: Values, bars: Sequence[str], lay: Callable[[Any], Any] = as_it_is) -> list[Any]:
    torch = sys.modules["torch"]
    return [lay(torch.from_numpy(np.array(values[name]))) for name in bars]


def _laid(
    applied: Applied, values: Values, bars: Sequence[str], inputs: Callable[[Any], Any],
    upstream: Callable[[Any], Any], unused: Any = (), requiring: Sequence[str] | None = None,
) -> Mapping[str, Any]:
    tensors = applied.tensors(values, applied.wrt if requiring is None else requiring, inputs)
    back = [None if name in unused else one
            for name, one in zip(bars, _back(values, bars, upstream), strict=True)]
    return applied.gradients(tensors, applied.outputs(tensors), back)


def _with_back(applied: Applied, values: Values, back: Sequence[Any]) -> Mapping[str, Any]:
    tensors = applied.tensors(values, applied.wrt)
    return applied.gradients(tensors, applied.outputs(tensors), back)


def _twice(
    applied: Applied, values: Values, other: Values, bars: Sequence[str]
) -> Mapping[str, Any]:
    """The first call's gradients, where a second one has other numbers."""
    one, two = (applied.tensors(which, applied.wrt) for which in (values, other))
    first, second = applied.outputs(one), applied.outputs(two)
    found = applied.gradients(one, first, _back(values, bars))
    applied.gradients(two, second, _back(other, bars))
    return found


def _again(applied: Applied, values: Values, bars: Sequence[str]) -> Mapping[str, Any]:
    tensors = applied.tensors(values, applied.wrt)
    outputs, back = applied.outputs(tensors), _back(values, bars)
    applied.gradients(tensors, outputs, [one.clone() for one in back], again=True)
    return applied.gradients(tensors, outputs, back)
