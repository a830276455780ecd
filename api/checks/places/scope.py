"""Where a proof holds, in words: for which sizes, and in which domains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gradproof.checks.inputs import leaves
from gradproof.checks.subject import Subject
from gradproof.symbolic.assumptions import bounds_said
from gradproof.symbolic.equation import Array, size_names


def scope_said(subject: Subject, left_out: Mapping[str, int] | None = None) -> str:
    """The scope of a proof, such as "for all m, n >= 2, with x 3 × m, for 0 < p < 1".

    left_out: sizes at which the loss has no value, each with the least one left.
    """
    assert subject.derived is not None
    sizes = _sizes_said(size_names(array.shape for array in subject.derived.inputs),
                        {**(left_out or {}), **subject.least})
    arrays = [array for spec in subject.declared.values() for array in leaves(spec)]
    fixed = [f"{array.name} {' × '.join(map(str, array.shape))}" for array in arrays
             if array.name in subject.given and _is_fixed(array, array.name in subject.by)]
    positive = dict.fromkeys(f"{size} >= 1" for array in arrays for size in array.shape
                             if not size.is_positive and size.free_symbols)
    domains = [bounds_said(array) for array in arrays
               if array.kind == "interval" and array.bounds != (None, None)]
    further = [("with", [*positive, *fixed]), ("for", domains)]
    return ", ".join([sizes, *(f"{word} {', '.join(parts)}" for word, parts in further if parts)])


def _sizes_said(names: Iterable[str], least: Mapping[str, int]) -> str:
    said = [f"{name} >= {least[name]}" if name in least else name for name in sorted(names)]
    return f"for all {', '.join(said)}" if said else "for these sizes"


def _is_fixed(array: Array, varied: bool) -> bool:
    """Whether a size stayed a number: a longer one, or that of data with a single row."""
    longer = any(size.is_Integer and size > 1 for size in array.shape)
    return longer or (not varied and len(array.shape) > 1 and array.shape[0] == 1)
