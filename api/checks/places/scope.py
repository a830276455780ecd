"""Where a proof holds, in words: for which sizes, and in which domains."""

from __future__ import annotations

from gradproof.checks.inputs import leaves
from gradproof.checks.subject import Subject
from gradproof.symbolic.assumptions import bounds_said
from gradproof.symbolic.equation import size_names


def scope_said(subject: Subject) -> str:
    """The scope of a proof, such as "for all m, n, for 0 < p < 1"."""
    assert subject.derived is not None
    symbols = sorted(size_names(array.shape for array in subject.derived.inputs))
    sizes = f"for all {', '.join(symbols)}" if symbols else "for these sizes"
    domains = [bounds_said(array) for spec in subject.declared.values() for array in leaves(spec)
               if array.kind == "interval" and array.bounds != (None, None)]
    return ", ".join([sizes, *([f"for {', '.join(domains)}"] if domains else [])])
