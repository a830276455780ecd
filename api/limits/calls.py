"""A user's function called: whatever it does, the caller gets a value or an Exception."""

from __future__ import annotations

import dis
from collections.abc import Callable
from typing import TypeVar

from gradproof.limits.deadline import TimeLimitError, bounded, left

CALL_LIMIT = 20.0
"""Seconds for one call of a user's function."""

SHARE = 3
"""A call may take this part of what is left, at most."""

T = TypeVar("T")


class NotReturnedError(TimeLimitError):
    """A user's function that does not come back."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.args = (f"did not return within {seconds:.3g} s",)


class ExitedError(Exception):
    """A user's function that ends the program."""


def called(call: Callable[[], T], seconds: float = CALL_LIMIT) -> T:
    """call(), which is a user's code: within its time, and what it raises is an Exception."""
    try:
        return bounded(min(seconds, left() / SHARE), call)
    except TimeLimitError as error:
        raise NotReturnedError(error.seconds) from None
    except SystemExit as error:
        raise ExitedError(f"it ends the program (SystemExit: {error})") from error
    except GeneratorExit as error:
        raise ExitedError("it raises GeneratorExit") from error
    except KeyboardInterrupt as error:
        if not _is_raised(error):
            raise
        raise ExitedError("it raises KeyboardInterrupt") from error


def _is_raised(error: BaseException) -> bool:
    """Whether a `raise` statement made it, and not somebody at the keyboard."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and (
        step.tb_frame.f_code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"])
