"""``@gp.gradient_of(loss, X="m n", ...)``: a hand-written gradient that says what it is for.

The decorated function is returned as it is; ``gradproof check FILE.py`` runs the file and checks
every function marked in it, and pytest takes each one in a test file for a test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """A marked gradient: the functions and the inputs they are to be checked on."""

    gradient: Callable[..., Any]
    loss: Callable[..., Any]
    shapes: dict[str, Any]
    wrt: tuple[str, ...] | None


MARKED: list[Mark] = []


def gradient_of(
    loss: Callable[..., Any],
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: dict[str, Any] | None = None,
    **shapes: Any,
) -> Callable[[Function], Function]:
    """Marks a function as the gradient of `loss`; the arguments are those of :func:`check`."""

    def mark(gradient: Function) -> Function:
        MARKED.append(Mark(gradient, loss, {**(inputs or {}), **shapes},
                           None if wrt is None else tuple(wrt)))
        return gradient

    return mark
