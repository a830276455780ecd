"""Formulas as MathML, made by math-core, with their TeX kept for copying."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Any


class MathmlError(ValueError):
    """math-core is not installed, or does not know a formula; the message says which."""


def mathml(latex: str, block: bool = False) -> str:
    """A formula as MathML.  Raises MathmlError."""
    converter = _converter()
    from math_core import LatexError

    try:
        return str(converter.convert_with_local_state(latex, displaystyle=block))
    except LatexError as error:
        said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().split("\n")[0]
        raise MathmlError(f"{latex}: {said}") from None


@cache
def _converter() -> Any:
    if find_spec("math_core") is None:
        raise MathmlError("formulas in HTML are made by math-core: pip install 'gradproof[html]'")
    import math_core

    return math_core.LatexToMathML(annotation=True)
