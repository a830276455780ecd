"""Files with hand-written gradients: each is run as the program it is, and its functions found.

A function is found by its name, or marked: ``@gp.gradient_of(loss, X="m n", ...)`` returns it as it
is; ``gradproof check FILE.py`` checks every function marked in the file, and pytest takes each one
in a test file for a test.
"""

from __future__ import annotations

import dis
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

from gradproof.symbolic.limits import MAX_SPEC, read_file

NAMES = ("gradient", "gradients", "grad", "grads", "backward", "backward_pass", "backprop",
         "backpropagation", "backward_propagation", "compute_gradients")

Function = TypeVar("Function", bound=Callable[..., Any])


class HandError(ValueError):
    """A hand-written file that cannot be used: the file, what was expected, what came."""


def load_function(path: str | Path, name: str | None = None) -> Callable[..., Any]:
    """The gradient function of a Python file, which is run.

    `name` says which; by default the one function whose name is in ``NAMES``, or the only one
    there is.  Raises HandError with the file, and the line where its code fails.
    """
    module = run_file(path)
    own = {
        key: value for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
        and not key.startswith("_")
    }
    if name is not None:
        if name not in own:
            raise HandError(f"{path}: has no function {name!r}; it has {sorted(own)}")
        return own[name]
    found = [own[key] for key in NAMES if key in own]
    if found:
        return found[0]
    if len(own) == 1:
        return next(iter(own.values()))
    raise HandError(f"{path}: expected a function called gradient or backward that returns the "
                    f"gradients; the file has {sorted(own) or 'no function'}")


def source_of(file: Path) -> str:
    """The text of a Python file, as Python reads it: byte-order mark and coding line are heeded.

    Raises HandError.
    """
    try:
        source = decode_source(read_file(file, MAX_SPEC))
    except FileNotFoundError:
        raise HandError(f"{file}: there is no such file; expected a Python file with a gradient "
                        "function") from None
    except SyntaxError as error:
        raise HandError(f"{file}:1: {error.msg}") from None
    except OSError as error:
        raise HandError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise HandError(f"{file}: cannot be read: {error}") from None
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        raise HandError(f"{file}:{line}: Python source has no null characters")
    return source


def run_file(path: str | Path) -> ModuleType:
    """The file's module, run under a name of its own (so that its ``__main__`` part is not)."""
    file = Path(path)
    source = source_of(file)
    on_path(file.resolve().parent)
    module = ModuleType(f"gradproof_hand_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    # So that messages show the lines of a file that is not imported the usual way.
    linecache.cache[str(file)] = (len(source), None, source.splitlines(True), str(file))
    try:
        exec(compile(source, str(file), "exec", dont_inherit=True), vars(module))
    except SyntaxError as error:
        raise HandError(f"{file}:{error.lineno or 1}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        line = error.__traceback__
        number = 0
        while line is not None:
            if line.tb_frame.f_code.co_filename == str(file):
                number = line.tb_lineno
            line = line.tb_next
        missing = f"; install {error.name} where gradproof runs" if isinstance(
            error, ModuleNotFoundError) and error.name else ""
        raise HandError(f"{file}:{number}: {type(error).__name__} while the file was run: "
                        f"{error}{missing}") from error
    return module


def read_outside(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function reads that it is not handed: names of its file or of a function around it.

    So do the functions of the same file that it calls.
    """
    found: dict[str, Any] = {}
    left: list[Any] = [function]
    seen: set[int] = set()
    while left:
        made = inspect.unwrap(left.pop())
        made = getattr(made, "__func__", made)
        if not inspect.isfunction(made) or id(made) in seen:
            continue
        seen.add(id(made))
        cells = zip(made.__code__.co_freevars, made.__closure__ or (), strict=True)
        inner = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
        for name in _names_read(made.__code__):
            value = inner.get(name, made.__globals__.get(name))
            if inspect.isfunction(value) and value.__module__ == made.__module__:
                left.append(value)
            elif value is not None:
                found.setdefault(name, value)
    return found


def _names_read(code: CodeType) -> Iterator[str]:
    """The names from around it that code reads, and the code of functions within it."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_read(inner)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


_NEIGHBOURS: list[str] = []
"""The folder of the file that was run last, where the path names it on its account."""


def on_path(folder: Path) -> None:
    """Puts a file's folder first on the path, as for a program, and another file's folder off it.

    Modules beside the other file are forgotten: this one may have neighbours of the same name.
    """
    if str(folder) in sys.path[:1]:
        return
    for other in _NEIGHBOURS:
        sys.path[:] = [entry for entry in sys.path if entry != other]
        for name, module in list(sys.modules.items()):
            place = getattr(module, "__file__", None)
            if place and Path(place).parent == Path(other):
                del sys.modules[name]
    _NEIGHBOURS[:] = [str(folder)] if str(folder) not in sys.path else []
    sys.path.insert(0, str(folder))


# --- marked functions -----------------------------------------------------------------------------


ORDERS = ("gradient", "jacobian", "hessian", "product", "objective", "layer", "derivative")
"""What a marked function may be."""


@dataclass(frozen=True)
class Mark:
    """A marked gradient: the functions and the inputs they are to be checked on.

    loss: what the gradient is held against; None for a layer that has both passes.
    order: which derivative it is, one of ``ORDERS``.
    """

    gradient: Callable[..., Any]
    loss: Callable[..., Any] | None
    shapes: dict[str, Any]
    wrt: tuple[str, ...] | str | None
    order: str = "gradient"


MARKED: list[Mark] = []


def gradient_of(
    loss: Callable[..., Any] | None,
    /,
    *,
    order: str = "gradient",
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    **shapes: Any,
) -> Callable[[Function], Function]:
    """Marks a function as the gradient of `loss`; the arguments are those of :func:`check`.

    order: "jacobian", "hessian" or "product" (of the Hessian and a vector), with the arguments of
        :func:`check_jacobian` and :func:`check_hessian`; or "objective" (boosting's grad and hess
        per sample), with those of :func:`check_objective`.

    Raises ValueError for an order that there is not.
    """
    if order not in ORDERS:
        raise ValueError(f"order: expected one of {', '.join(ORDERS)}, got {order!r}")

    def mark(gradient: Function) -> Function:
        from gradproof.checks.inputs import by_name  # loads SymPy, which a plugin must not

        MARKED.append(Mark(gradient, loss, by_name(inputs, shapes),
                           wrt if wrt is None or isinstance(wrt, str) else tuple(wrt), order))
        return gradient

    return mark


def backward_of(
    forward: Callable[..., Any],
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    **shapes: Any,
) -> Callable[[Function], Function]:
    """Marks a function as the backward pass of `forward`; the arguments are those of
    :func:`check_layer`."""
    return gradient_of(forward, order="layer", wrt=wrt, inputs=inputs, **shapes)


def derivative_of(
    function: Callable[..., Any],
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Any = None,
    **shapes: Any,
) -> Callable[[Function], Function]:
    """Marks a function as the derivative of another; the arguments are those of
    :func:`check_derivative`."""
    return gradient_of(function, order="derivative", wrt=wrt, inputs=inputs, **shapes)


def layer(
    *, wrt: Sequence[str] | None = None, inputs: Any = None, **shapes: Any
) -> Callable[[Function], Function]:
    """Marks a layer class, or a function that returns (loss, gradients); the arguments are those of
    :func:`check_layer`."""
    return gradient_of(None, order="layer", wrt=wrt, inputs=inputs, **shapes)
