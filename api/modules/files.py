"""`FILE.py:NAME`: a module or a function in a Python file, for the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gradproof.checks.hand_files import HandError, run_file
from gradproof.derivations.declare import Array
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import load_source
from gradproof.modules.derived import ProgramDerivation
from gradproof.modules.deriving import derive
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.stated import Stated
from gradproof.symbolic.tracing.torch.networks import is_module_class

_IN_FILE = re.compile(r"(.+\.py):([^:]+)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_KIND = re.compile(r"(.*?)\s*:\s*([a-z_]+(?: \w+)?)")


def is_in_file(spec: str) -> bool:
    return _IN_FILE.fullmatch(spec) is not None


def source_in(
    spec: str, shapes: Sequence[str] = (), loss: str | None = None, sizes: Sequence[str] = (),
) -> Network | Model | Stated | ProgramDerivation:
    """A spec; or the derivation of what a Python file, which is run, calls by a name.

    shapes: ``x=m n`` for each input, ``t=m: labels k`` for one of a kind.  loss: of a module, its
    name in that file.  sizes: ``n=3`` for each letter of the shapes that is that number.

    Raises HandError for a file, a name or a shape that cannot be used, and what `derive` raises.
    """
    found = _IN_FILE.fullmatch(spec)
    if found is None:
        if shapes or loss or sizes:
            raise HandError(f"--shape, --size and --loss are for FILE.py:NAME, a module or a "
                            f"function; {spec!r} is a spec, which has shapes of its own")
        return load_source(spec)
    names = vars(run_file(found[1]))
    source = _named(names, found[2], found[1])
    more = {} if loss is None else {"loss": _named(names, loss, found[1], "--loss")}
    numbers = dict(_size(text, shapes) for text in sizes)
    given = dict(_shape(text, numbers) for text in shapes)
    made = derive(source, **more, **given)
    assert isinstance(made, ProgramDerivation)
    return made


def derived(*given: Any) -> Derivation:
    """The derivation of what :func:`source_in` finds."""
    found = source_in(*given)
    return found if isinstance(found, ProgramDerivation) else derive(found)


def _named(names: dict[str, Any], name: str, file: str, what: str = "") -> Any:
    ahead = f"{what}: " if what else ""
    if name not in names:
        own = [key for key, value in names.items() if callable(value) and key[:1] != "_"]
        raise HandError(f"{ahead}{file} has no {name!r}; it has {', '.join(own) or 'nothing'}")
    found = names[name]
    if isinstance(found, type):
        return _made(found, f"{ahead}{name} in {file}")
    if not callable(found):
        raise HandError(f"{ahead}{name} in {file} is a {type(found).__name__}; expected a module "
                        "or a function")
    return found


def _made(cls: type, what: str) -> Any:
    """An object of a module's class; HandError where it is another's, or takes arguments."""
    if not is_module_class(cls):
        raise HandError(f"{what} is a class; expected a module or a function")
    needed = [name for name, one in inspect.signature(cls).parameters.items()
              if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if needed:
        called = ", ".join(f"{name}=..." for name in needed)
        raise HandError(f"{what} needs arguments; make an object of it in the file, such as "
                        f"net = {cls.__name__}({called}), and name that")
    try:
        return cls()
    except Exception as error:
        raise HandError(f"{what}: {cls.__name__}() raises {type(error).__name__}: {error}"
                        ) from error


def _size(text: str, shapes: Sequence[str]) -> tuple[str, str]:
    name, _, number = (part.strip() for part in text.partition("="))
    if not name.isidentifier() or not re.fullmatch(r"[1-9]\d{0,5}", number):
        raise HandError(f"--size: expected NAME=N, a letter and its number, such as m=4, got "
                        f"{text!r}")
    if not any(name in _WORD.findall(shape.partition("=")[2]) for shape in shapes):
        raise HandError(f"--size: no --shape has a size {name!r}")
    return name, number


def _shape(text: str, numbers: Mapping[str, str]) -> tuple[str, Any]:
    name, equals, shape = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise HandError(f"--shape: expected NAME=SIZES, such as x=\"m n\", got {text!r}")
    kind = _KIND.fullmatch(shape)
    word, below = kind[2].partition(" ")[::2] if kind is not None else ("", "")
    sizes = _WORD.sub(lambda found: numbers.get(found[0], found[0]), kind[1] if kind else shape)
    if kind is None:
        return name.strip(), sizes
    return name.strip(), Array(sizes, kind=f"{word} {numbers.get(below, below)}".strip())
