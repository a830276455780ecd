"""`FILE.py:NAME`: a module or a function in a Python file, for the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gradproof.checks.hand_files import HandError, run_file
from gradproof.derivations.declare import Array
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import load_source
from gradproof.modules.deriving import derive

_IN_FILE = re.compile(r"(.+\.py):([^:]+)")
_KIND = re.compile(r"(.*?)\s*:\s*([a-z_]+(?: \w+)?)")


def is_in_file(spec: str) -> bool:
    return _IN_FILE.fullmatch(spec) is not None


def derived(spec: str, shapes: Sequence[str] = (), loss: str | None = None) -> Derivation:
    """The derivation of a spec, or of what a Python file, which is run, calls by a name.

    shapes: ``x=m n`` for each input, ``t=m: labels k`` for one of a kind.  loss: of a module, its
    name in that file, or one of torch.nn's.

    Raises HandError for a file, a name or a shape that cannot be used, and what `derive` raises.
    """
    found = _IN_FILE.fullmatch(spec)
    if found is None:
        if shapes or loss:
            raise HandError(f"--shape and --loss are for FILE.py:NAME, a module or a function; "
                            f"{spec!r} is a spec, which has shapes of its own")
        return derive(load_source(spec))
    names = vars(run_file(found[1]))
    source = _named(names, found[2], found[1])
    more = {} if loss is None else {"loss": _named(names, loss, found[1], "--loss")}
    return derive(source, **more, **dict(_shape(text) for text in shapes))


def _named(names: dict[str, Any], name: str, file: str, what: str = "") -> Any:
    ahead = f"{what}: " if what else ""
    if name not in names:
        own = [key for key, value in names.items() if callable(value) and key[:1] != "_"]
        raise HandError(f"{ahead}{file} has no {name!r}; it has {', '.join(own) or 'nothing'}")
    found = names[name]
    if isinstance(found, type):
        raise HandError(f"{ahead}{name} in {file} is a class; make an object of it in the file, "
                        f"such as net = {name}(...), and name that")
    if not callable(found):
        raise HandError(f"{ahead}{name} in {file} is a {type(found).__name__}; expected a module "
                        "or a function")
    return found


def _shape(text: str) -> tuple[str, Any]:
    name, equals, shape = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise HandError(f"--shape: expected NAME=SIZES, such as x=\"m n\", got {text!r}")
    if kind := _KIND.fullmatch(shape):
        return name.strip(), Array(kind[1], kind=kind[2])
    return name.strip(), shape
