"""What the parameters of a module are called in formulas: layers.0.weight is W₁, its bias b₁.

The kind of a module and of its parameter give the letter; the number counts the modules that have
some, in their order.  A module whose own name says what it is for (q_proj, gate, out) gives that in
the place of a number where no other has it.
"""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LETTERS = {"weight": "W", "bias": "b", "in_proj_weight": "W_in", "in_proj_bias": "b_in",
            "q_proj_weight": "W_q", "k_proj_weight": "W_k", "v_proj_weight": "W_v",
            "running_mean": "mu", "running_var": "v"}
_NORMS = {"weight": "gamma", "bias": "beta"}
_GENERAL = re.compile(
    r"\d*|(fc|lin|linear|dense|layer|conv|block|net|model|proj|c_proj|embed|embedding|emb"
    r"|norm|bn|ln|gn|module|head|seq|main|cell|rnn|lstm|gru|attn|c_attn|c_fc)_?\d*")
"""Names that say nothing of what a module is for."""
_AROUND = re.compile(r"_?(proj|projection|linear|layer|fc|dense)_?|^(to|w)_")


@dataclass(frozen=True)
class Named:
    """A parameter or a buffer: its name in formulas, its path in the module, and its tensor."""

    name: str
    path: str
    tensor: Any
    is_buffer: bool = False


@dataclass(frozen=True)
class Owner:
    """A module with parameters of its own, and what tells them from those of others."""

    path: str
    module: Any
    mark: str


def owners(module: Any) -> list[Owner]:
    """The modules that have parameters, in their order, each with its mark: a number or a word."""
    found = [(path, one) for path, one in module.named_modules()
             if any(value is not None for value in one._parameters.values())]
    words = Counter(_word(path) for path, _ in found)
    kinds = Counter(_kind(one) for path, one in found if words[_word(path)] > 1 or not _word(path))
    numbers: Counter[str] = Counter()
    made = []
    for path, one in found:
        word, kind = _word(path), _kind(one)
        mark = f"_{word}"
        if not word or words[word] > 1:
            numbers[kind] += 1
            mark = str(numbers[kind]) if kinds[kind] > 1 else ""
        made.append(Owner(path, one, mark))
    return made


def _word(path: str) -> str:
    """What a module's name says that it is for; empty if it says nothing."""
    last = path.rpartition(".")[2].lower()
    if _GENERAL.fullmatch(last):
        return ""
    word = _AROUND.sub("", last)
    return word if re.fullmatch(r"[a-z]{1,4}|query|value", word) else ""


def _kind(module: Any) -> str:
    kind = type(module).__name__
    if "Norm" in kind and set(module._parameters) <= set(_NORMS):
        return "norm"
    for word, called in (("Embedding", "embedding"), ("Attention", "attention")):
        if word in kind:
            return called
    return "weights" if {"weight", "weight_ih"} & set(module._parameters) else "own"


def named(module: Any, taken: Collection[str], asked: Mapping[str, str]) -> list[Named]:
    """The parameters and the buffers of floats, each once; `taken` names are those of others.

    asked: by path, names that the user wants.  ValueError for one that cannot be.
    """
    marks = {id(owner.module): owner for owner in owners(module)}
    found: list[Named] = []
    used, seen = {*taken, *asked.values()}, set[int]()
    for is_buffer in (False, True):
        for path, one in module.named_modules():
            owner = marks.get(id(one))
            mark = owner.mark if owner is not None else ""
            for key, tensor in (one._buffers if is_buffer else one._parameters).items():
                if tensor is None or id(tensor) in seen or (
                        is_buffer and not tensor.is_floating_point()):
                    continue
                seen.add(id(tensor))
                whole = f"{path}.{key}" if path else key
                name = asked.get(whole) or _free(
                    key if is_buffer and key in ("weight", "bias") else
                    _called(key, _kind(one), mark), used)
                used.add(name)
                found.append(Named(name, whole, tensor, is_buffer))
    _held(asked, found, taken)
    return found


def _called(key: str, kind: str, mark: str) -> str:
    if kind == "norm" and key in _NORMS:
        return _NORMS[key] + mark
    if kind == "embedding" and key == "weight":
        return f"E{mark}"
    if gate := re.fullmatch(r"(weight|bias)_(ih|hh)(?:_l(\d+)(_reverse)?)?", key):
        layer = "" if gate[3] in (None, "0") else gate[3]
        letter = "W" if gate[1] == "weight" else "b"
        return f"{letter}_{gate[2]}{'r' if gate[4] else ''}{layer}{mark}"
    letter = _LETTERS.get(key, key)
    return letter + (mark if key in _LETTERS else mark.replace("_", ""))


def _free(name: str, used: Collection[str]) -> str:
    """The name where it is free, else it with a number; no word of Python's."""
    spelled = f"{name}_" if keyword.iskeyword(name) else name
    made, count = spelled, 2
    while made in used:
        made, count = f"{spelled}_{count}", count + 1
    return made


def _held(asked: Mapping[str, str], found: Iterable[Named], taken: Collection[str]) -> None:
    paths = [one.path for one in found]
    for path, name in asked.items():
        if path not in paths:
            raise ValueError(f"names: the module has no parameter {path!r}; it has "
                             f"{', '.join(paths)}")
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"names[{path!r}]: expected a Python name, got {name!r}")
        if name in taken or [*asked.values()].count(name) > 1:
            raise ValueError(f"names[{path!r}]: {name!r} is the name of two arrays")
