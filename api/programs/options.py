"""What a user says about a program that trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """loss: what is minimised, a name or an expression of the pass.  wrt: the parameters.
    line: that of the loop; 0 for the first that trains.  call: lines that are run after the file.
    """

    loss: str = ""
    wrt: tuple[str, ...] = ()
    line: int = 0
    call: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Options:
        return cls(said["loss"], tuple(said["wrt"]), said["line"], said["call"])

    @property
    def are_given(self) -> bool:
        return self != Options()
