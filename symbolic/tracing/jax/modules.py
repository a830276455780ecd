"""The stand-ins of JAX's modules for traced code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from ..held import Untraced, is_followed
from ..sizes import Number
from ..source import SESSION, fail
from ..stand_ins import MathStandIn
from ..torch.tensor import Numpy, Row
from . import rows
from .array import Array, outside, plain, wrapped
from .control import CONTROL

MODULES: dict[str, Mapping[str, Row | str]] = {
    "jax.numpy": rows.NUMPY, "jax.numpy.linalg": rows.LINALG, "jax.nn": rows.NN,
    "jax.lax": rows.LAX, "jax.scipy.special": rows.SPECIAL, "jax._src.lax.lax": rows.HELPERS,
}
"""The rows of each module."""

HARMLESS = frozenset({"precision", "device", "out_sharding", "accuracy", "optimize", "copy"})
"""Options that say nothing of values."""

METHODS = ("sum", "mean", "prod", "max", "min", "all", "any", "var", "std", "argmax", "argmin",
           "cumsum", "cumprod", "clip", "dot", "swapaxes", "ravel", "squeeze", "repeat", "take",
           "diagonal", "trace")
_PLAIN = ("newaxis", "finfo", "iinfo", "float32", "float64", "float16", "bfloat16", "int32",
          "int64", "int8", "uint8", "int16", "bool_", "ndarray", "Array", "ShapeDtypeStruct",
          "Precision", "SymbolicZero")


class JaxStandIn(ModuleType):
    """A module of JAX's for traced code."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__)
        super().__setattr__("_module", module)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            fail(f"an attribute of the module {self._module.__name__} is set: {name}")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        return of_jax(getattr(self._module, name), self._module.__name__, name)


def of_jax(found: Any, module: str, name: str) -> Any:
    """What traced code gets for something of JAX's that stands in a module by a name."""
    if isinstance(found, ModuleType):
        return JaxStandIn(found) if _root(found.__name__) == "jax" else found
    if found is not None and module.startswith("jax._src") and name not in MODULES.get(module, {}):
        module = _home(found, name) or module
    if name in CONTROL.get(module, {}):
        return CONTROL[module][name]
    row = MODULES.get(module, {}).get(name)
    if row is not None:
        return _function(row, found, name)
    if isinstance(found, float):
        return getattr(MathStandIn(SESSION.get()), name) if name in ("pi", "e") else found
    if name in ("ndarray", "Array"):
        return Array
    if name in ("finfo", "iinfo"):
        SESSION.get().assume("arrays are of the types that were handed over")
    if name in _PLAIN or found is None:
        return found
    return Untraced(f"{module}.{name}", "docs/jax.md")


def standing_jax(value: Any, copied: Callable[[Any], Any]) -> Any:
    """What traced code gets for something of JAX's that it has by a name of its own, and for a
    function of the user's that JAX has wrapped; None for what is neither.

    copied: of a function of the user's, that for traced code.
    """
    jax = sys.modules.get("jax")
    if jax is None or not hasattr(jax, "custom_vjp"):
        return None
    _prepared()
    if isinstance(value, ModuleType):
        return JaxStandIn(value) if _root(value.__name__) == "jax" else None
    if isinstance(value, jax.Array):
        return wrapped(outside(value))
    if value is jax.Array:
        return Array
    wraps = isinstance(value, (jax.custom_vjp, jax.custom_jvp, type(_jitted(jax))))
    by_jax = isinstance(value, FunctionType) and _root(
        value.__globals__.get("__name__", "")) == "jax"
    if not wraps and not by_jax and not isinstance(value, jax.numpy.ufunc):
        return None
    name = str(getattr(value, "__name__", ""))
    if (home := _home(value, name)) is not None:
        return of_jax(value, home, name)
    inner = getattr(value, "__wrapped__", None)
    if wraps and inner is not None and (
            _root(getattr(inner, "__module__", "")) != "jax" or is_followed(inner)):
        if isinstance(value, (jax.custom_vjp, jax.custom_jvp)):
            SESSION.get().ruled[id(value)] = value
        return copied(inner)
    if by_jax and is_followed(value):
        return None
    return Untraced(name, "docs/jax.md")


def _home(value: Any, name: str) -> str | None:
    """The module in which something of JAX's has its public name, or a row."""
    return next((module for module in dict.fromkeys((*MODULES, *CONTROL)) if getattr(
        sys.modules.get(module), name, None) is value and (
            not module.startswith("jax._src") or name in MODULES[module])), None)


def _jitted(jax: Any) -> Any:
    """What jax.jit makes, whose class has no public name."""
    if not _JITTED:
        _JITTED.append(jax.jit(lambda x: x))
    return _JITTED[0]


_JITTED: list[Any] = []


def _root(name: Any) -> str:
    return str(name).split(".")[0]


def _function(row: Row | str, found: Any, name: str) -> Callable[..., Any]:
    """A function of JAX's by its row."""
    def function(*args: Any, **options: Any) -> Any:
        made = computed(Numpy(SESSION.get()), row, found, name, args, options)
        if isinstance(made, Number) and any(isinstance(one, Array) for one in args):
            return wrapped(SESSION.get().call("array", made))
        return wrapped(made)

    function.__name__ = name
    return function


def computed(
    xp: Any, row: Row | str, found: Any, name: str, args: Any, options: Any
) -> Any:
    """What a row gives for what JAX's function is handed, with NumPy's arrays."""
    if row == "":
        if options:
            fail(f"jnp.{name} with {next(iter(options))}= is not traced")
        return getattr(xp, name)(*map(plain, args))
    allowed = row.split() if isinstance(row, str) else [*inspect.signature(row).parameters][1:]
    positional, given = _bound(found, name, allowed, args, options)
    if callable(row):
        return row(xp, *positional, **given)
    owner = xp.linalg if rows.LINALG.get(name) == row else xp
    return getattr(owner, name)(*positional, **given)


def _bound(
    found: Any, name: str, allowed: list[str], args: Any, options: Any
) -> tuple[list[Any], dict[str, Any]]:
    """What a row is handed of what JAX's function is; a failure for an option that it does not
    know."""
    try:
        signature = inspect.signature(found)
        bound = signature.bind(*args, **options).arguments
    except TypeError as error:
        fail(f"{name}: {error}")
    positional: list[Any] = []
    given: dict[str, Any] = {}
    is_lead = True
    for key, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL and key in bound:
            if key not in allowed or not is_lead:
                fail(f"{name} with further arguments is not traced")
            positional += map(plain, bound[key])
            continue
        if key not in bound or _same(bound[key], parameter.default) or (
                key in HARMLESS and key not in allowed):
            is_lead = False
            continue
        if key not in allowed:
            fail(f"{name} with {key}= is not traced")
        if is_lead and parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(plain(bound[key]))
        else:
            given[key] = plain(bound[key])
    return positional, given


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and isinstance(
        value, (bool, int, float, str)) and value == default)


def _prepared() -> None:
    """Gives the arrays of a trace their methods."""
    if not Array.methods and "jax.numpy" in sys.modules:
        jnp = sys.modules["jax.numpy"]
        Array.methods = {name: _function(rows.NUMPY[name], getattr(jnp, name), name)
                         for name in METHODS}
