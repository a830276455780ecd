"""Rows of PyTorch's `derivatives.yaml`, which is in its wheel: formulas of gradients and tangents.

A formula is looked at where every function in it is one of torch's; those that call helpers in C++
alone, and those of entries that write in place, are not.  A formula of a tangent is held against
the function where that works entry by entry, as the gradient then is the same number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lark
import torch
import torchgen
import yaml
from public_rows.row import Row

import gradproof as gp

from .formula_text import FUNCTIONS, METHODS, Tree, called_in, function, names_in, read, value
from .torch_rules import rule

REAL, POSITIVE = gp.Array("m n"), gp.Array("m n", kind="positive")
INSIDE = gp.Array("m n", kind="interval", low=-1, high=1)
UNIT = gp.Array("m n", kind="interval", low=0, high=1)
BEYOND_1 = gp.Array("m n", kind="interval", low=1)
BEYOND_3 = gp.Array("m n", kind="interval", low=3)
MASK = gp.Array("m n", kind="mask")

INPUTS: dict[str, dict[str, Any]] = {
    **{name: {"self": INSIDE} for name in ("acos", "asin", "atanh", "erfinv")},
    **{name: {"self": POSITIVE} for name in (
        "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma",
        "polygamma", "special_entr", "special_xlog1py", "special_xlogy", "xlogy", "pow")},
    "acosh": {"self": BEYOND_1}, "logit": {"self": UNIT}, "special_ndtri": {"self": UNIT},
    "mvlgamma": {"self": BEYOND_3}, "special_log_ndtr": {"self": REAL},
    "div": {"other": POSITIVE}, "addcdiv": {"tensor2": POSITIVE},
    "xlogy.Tensor": {"self": POSITIVE, "other": POSITIVE},
    "special_xlog1py": {"self": POSITIVE, "other": POSITIVE},
    "where": {"condition": MASK}, "masked_fill": {"mask": MASK},
    "binary_cross_entropy": {"self": UNIT, "target": UNIT},
    "mm": {"self": "m n", "mat2": "n k"}, "bmm": {"self": "b m n", "mat2": "b n k"},
    "baddbmm": {"self": "b m k", "batch1": "b m n", "batch2": "b n k"},
    "addbmm": {"self": "m k", "batch1": "b m n", "batch2": "b n k"},
    "addmm": {"self": "m k", "mat1": "m n", "mat2": "n k"}, "fmod": {"other": BEYOND_1},
    "remainder": {"other": BEYOND_1}, "ldexp": {"other": REAL}, "igamma": {
        "self": POSITIVE, "other": POSITIVE}, "igammac": {"self": POSITIVE, "other": POSITIVE},
    "addmv": {"self": "m", "mat": "m n", "vec": "n"},
    "addr": {"self": "m n", "vec1": "m", "vec2": "n"}, "mv": {"self": "m n", "vec": "n"},
    "dot": {"self": "n", "tensor": "n"}, "vdot": {"self": "n", "other": "n"},
    "ger": {"self": "m", "vec2": "n"}, "trace": {"self": "n n"},
    "linalg_cross": {"self": "m 3", "other": "m 3"}, "cross": {"self": "m 3", "other": "m 3"},
    "diagonal": {"self": "m n n"}, "transpose": {"self": "m n k"}, "squeeze": {"self": "m 1 n"},
    "unfold": {"self": "m 6"}, "narrow": {"self": "5 n"}, "select": {"self": "5 n"},
    "slice": {"self": "5 n"},
    "gather": {"index": gp.Array("m n", kind="integer", classes="n")},
}
"""By the name of a function: what the inputs are where that is not a matrix of real numbers."""
MASKS = ("condition", "mask")
"""Parameters that are truth values."""
NUMBERS: dict[str, Any] = {
    "dim": 1, "dim0": 0, "dim1": 1, "dims": [0], "exponent": 3, "other": 2.5, "value": 0.7,
    "lambd": 0.5, "min": -0.5, "max": 0.7, "alpha": 1.5, "beta": 0.5, "weight": 0.3,
    "threshold": 0.1, "negative_slope": 0.1, "p": 3, "n": 2, "size": 2, "step": 2, "start": 1,
    "length": 3, "index": 2, "end": 4, "eps": None, "diagonal": 1, "upscale_factor": 2,
    "min_val": -0.5, "max_val": 0.7, "repeats": [2, 3], "reduction": 1, "keepdim": True,
    "self": 1.5,
}
"""By the name of a parameter: what is handed over where that is no array and has no default."""
SKIPPED = re.compile(r"_(\.|$)|^_|sparse|cudnn|mkldnn|nested|quant|miopen|mps|backward|complex"
                     r"|_copy|lift|random|exponential|angle|imag|special_zeta|alias|pin_memory|unsafe"
                     r"|polar|normal|poisson|binomial|renorm|dist|segment|fft|pool|scatter|embed"
                     r"|index|^put|^take|one_hot|pixel|lu_solve|multi_margin|masked_select|^fill"
                     r"|nextafter|polynomial|gather|masked_fill\.Tensor")
PARAMETER = re.compile(r"(?:(?P<type>[\w\[\]?()! >*-]+?)\s+)(?P<name>\w+)(?:=(?P<default>.*))?$")


class Parameter(NamedTuple):
    """One of a function's: `default` is the text of a schema, None where there is none."""

    name: str
    is_array: bool
    default: str | None
    is_keyword: bool


class Entry(NamedTuple):
    """What a function of `derivatives.yaml` is called with, and a formula."""

    name: str
    parameters: tuple[Parameter, ...]
    by: str
    tangent: bool
    tree: Tree

    @property
    def arrays(self) -> list[str]:
        return [one.name for one in self.parameters if one.is_array]


def rows() -> Iterator[Row]:
    for entry in entries():
        said = f"{entry.name} by {entry.by}" + (", tangent" if entry.tangent else "")
        yield Row("torch, derivatives.yaml", said, "torch", lambda _, entry=entry: checked(entry))


def entries() -> Iterator[Entry]:
    """The formulas that are computed here."""
    path = Path(torchgen.__file__).parent / "packaged" / "autograd" / "derivatives.yaml"
    for item in yaml.safe_load(path.read_text(encoding="utf-8")):
        name, _, rest = item["name"].partition("(")
        taken = parameters(rest.rpartition(") ->")[0])
        if SKIPPED.search(name) or taken is None or not rest.endswith("Tensor"):
            continue
        for by, text in item.items():
            tree = formula(text) if isinstance(text, str) and by != "name" else None
            if tree is None:
                continue
            arrays = [one.name for one in taken if one.is_array and one.name not in MASKS] + [
                one.name for one in taken if one.name in MASKS]
            if by in arrays and by not in MASKS:
                yield Entry(name, taken, by, False, tree)
            elif by == "result" and _is_pointwise(name, arrays):
                yield from (Entry(name, taken, one, True, tree) for one in arrays
                            if f"{one}_t" in names_in(tree))


def _is_pointwise(name: str, arrays: list[str]) -> bool:
    """Whether all inputs are alike, and so is the result: which is tried."""
    kinds = _kinds(name)
    if any(isinstance(kind, str) for kind in kinds.values()) or not arrays:
        return False
    try:
        made = function(name.partition(".")[0])(*(torch.full((2, 3), 0.5) for _ in arrays))
    except (TypeError, RuntimeError, AttributeError):
        return name.partition(".")[0] in ("addcdiv", "addcmul", "lerp", "where", "masked_fill",
                                          "pow", "threshold", "leaky_relu")
    return isinstance(made, torch.Tensor) and made.shape == (2, 3)


def formula(text: str) -> Tree | None:
    """The tree, where all that it calls is known, and it is more than zero."""
    if text == "non_differentiable":
        return None
    try:
        tree = read(text)
    except lark.LarkError:
        return None
    called = list(called_in(tree))
    if "zeros_like" in called and tree[0] == "function":
        return None
    return tree if all(map(_is_known, called)) and "grad_input_mask" not in names_in(tree) else None


def _is_known(name: str) -> bool:
    if name in FUNCTIONS or name in METHODS or hasattr(torch.Tensor, name):
        return True
    try:
        return callable(function(name)) and "backward" not in name
    except AttributeError:
        return False


def parameters(text: str) -> tuple[Parameter, ...] | None:
    """Those of a schema; None where one is a list of arrays or a generator."""
    found, is_keyword = [], False
    for part in re.split(r",\s*(?![^\[(]*[\])])", text) if text else ():
        if part == "*":
            is_keyword = True
            continue
        made = PARAMETER.match(part.strip())
        if made is None or made["type"].startswith(("Tensor[]", "Tensor?[]")):
            return None
        is_array = made["type"].startswith("Tensor") and "?" not in made["type"]
        found.append(Parameter(made["name"], is_array, made["default"] or (
            "None" if "?" in made["type"] else None), is_keyword))
    return tuple(found)


def _kinds(name: str) -> dict[str, Any]:
    return INPUTS.get(name, INPUTS.get(name.partition(".")[0], {}))


def checked(entry: Entry) -> Any:
    kinds = _kinds(entry.name)
    inputs = {one: kinds.get(one, REAL) for one in entry.arrays}
    constants = {one.name: _constant(one) for one in entry.parameters if not one.is_array}
    plain = dict(zip("abcd", inputs.values(), strict=False))
    by = "abcd"[entry.arrays.index(entry.by)]
    return gp.check_layer(_rule(entry, constants), inputs=plain, wrt=[by], repair_seconds=0,
                          time_limit=240)


def _constant(one: Parameter) -> Any:
    if (one.name in NUMBERS and one.default in (None, "None")) or one.default is None:
        return NUMBERS[one.name]
    known = {"None": None, "True": True, "False": False, "Mean": 1, "[]": []}
    if one.default in known:
        return known[one.default]
    listed = re.findall(r"-?[\d.]+", one.default)
    numbers = [float(word) if "." in word else int(word) for word in listed]
    return numbers if one.default.startswith("[") else numbers[0]


def _is_named(one: Parameter) -> bool:
    return one.is_keyword or one.name == "alpha"


def _rule(entry: Entry, constants: Mapping[str, Any]) -> Any:
    """The function and the formula as the two passes of an autograd function."""
    arrays, name = entry.arrays, entry.name.partition(".")[0]

    def run(given: tuple[Any, ...]) -> Any:
        known = {**constants, **dict(zip(arrays, given, strict=True))}
        known |= {one: known[one] > 0 for one in MASKS if one in known}
        placed = [known[one.name] for one in entry.parameters if not _is_named(one)]
        named = {one.name: known[one.name] for one in entry.parameters
                 if _is_named(one) and known[one.name] is not None}
        while placed and placed[-1] is None:
            placed.pop()
        return function(name)(*placed, **named)

    def back(given: tuple[Any, ...], result: Any, grad: Any) -> tuple[Any, ...]:
        names = {**constants, **dict(zip(arrays, given, strict=True)), "result": result,
                 "grad": grad}
        names |= {one: names[one] > 0 for one in MASKS if one in names}
        if entry.tangent:
            for one, array in zip(arrays, given, strict=True):
                names |= {f"{one}_p": array, f"{one}_t": torch.zeros_like(array)}
            names[f"{entry.by}_t"] = grad
        found = value(entry.tree, names)
        return tuple(found if one == entry.by else None for one in arrays)

    return rule(len(arrays), run, back)
