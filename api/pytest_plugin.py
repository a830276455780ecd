"""The pytest plugin: gradients as tests.

A function in a test file that is marked as a gradient is a test of its own, which passes when the
gradient is proved or agrees:

    @pytest.mark.gradient_of(loss, X="m n", w="n", y="m")       # or @gradproof.gradient_of(...)
    def gradient(X, w, y):
        return {"w": X.T @ (X @ w - y)}

The fixtures `assert_gradient` and `assert_layer` are the functions of these names, with the
verdict required by default taken from ``--gradproof-require`` or the ini option
``gradproof_require`` ("agrees", the default, or "proved").  SymPy is imported by the first check.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from gradproof.checks.hand_files import MARKED

MARKER = "gradient_of"
VERDICTS = ("agrees", "proved")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "the least verdict with which a gradient passes: agrees (the default) or proved"
    parser.getgroup("gradproof").addoption("--gradproof-require", choices=VERDICTS, help=text)
    parser.addini("gradproof_require", text, default="agrees")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f'{MARKER}(loss, *, order="gradient", wrt=None, inputs=None, require=..., seed=0, X="m n", '
        "...): the marked function is the hand-written gradient of `loss`, or what `order` says, "
        "and is checked as a test (gradproof)",
    )
    found = config.getini("gradproof_require")
    if found not in VERDICTS:
        raise pytest.UsageError(f"gradproof_require: expected agrees or proved, got {found!r}")


def _required(config: pytest.Config) -> str:
    return str(config.getoption("--gradproof-require") or config.getini("gradproof_require"))


@pytest.fixture
def assert_gradient(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """gradproof.assert_gradient, which raises unless the gradient passes."""
    import gradproof

    return _with_default(gradproof.assert_gradient, _required(request.config))


@pytest.fixture
def assert_layer(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """gradproof.assert_layer, which raises unless the layer's backward pass passes."""
    import gradproof

    return _with_default(gradproof.assert_layer, _required(request.config))


def _with_default(function: Callable[..., Any], required: str) -> Callable[..., Any]:
    def asserting(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        return function(*args, **{"require": required, **options})

    return asserting


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str, obj: object
) -> Iterable[pytest.Item] | None:
    """One test for each marked function, whatever it is called."""
    if not isinstance(collector, pytest.Module):
        return None
    options = _options(obj)
    if options is None:
        return None
    loss, keywords = options
    return [GradientItem.from_parent(collector, name=name, gradient=obj, loss=loss,
                                     options=keywords)]


def _options(function: Any) -> tuple[Any, dict[str, Any]] | None:
    """The loss and the options that a function was marked with, by either mark."""
    plain = inspect.isfunction(function) or inspect.isclass(function)
    for mark in getattr(function, "pytestmark", []) if plain else ():
        if mark.name == MARKER:
            if len(mark.args) != 1:
                raise pytest.Collector.CollectError(
                    f"{function.__name__}: expected @pytest.mark.{MARKER}(loss, X=\"m n\", ...), "
                    f"got {len(mark.args)} positional arguments"
                )
            return mark.args[0], dict(mark.kwargs)
    for marked in MARKED:
        if marked.gradient is function:
            return marked.loss, {"wrt": marked.wrt, "inputs": marked.shapes,
                                 "order": marked.order}
    return None


class GradientItem(pytest.Item):
    """A hand-written gradient as a test."""

    def __init__(self, *, gradient: Callable[..., Any], loss: Any, options: dict[str, Any],
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gradient = gradient
        self.loss = loss
        self.options = options
        self.own_markers.extend(getattr(gradient, "pytestmark", []))
        self.keywords.update({mark.name: mark for mark in self.own_markers})

    def runtest(self) -> None:
        from gradproof.checks.asserting import assert_marked

        options = {"order": "gradient", "require": _required(self.config), **self.options}
        assert_marked(options.pop("order"), self.loss, self.gradient, **options)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The story of the check alone, and what is wrong with the inputs; else the traceback."""
        if isinstance(excinfo.value, AssertionError | ValueError):
            return f"{self._title}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int, str]:
        code = getattr(self.gradient, "__code__", None)
        return self.path, code.co_firstlineno - 1 if code is not None else 0, self._title

    @property
    def _title(self) -> str:
        order = self.options.get("order", "gradient")
        return f"{order} {self.name}{f' of {_title(self.loss)}' if self.loss is not None else ''}"


def _title(loss: Any) -> str:
    return str(getattr(loss, "__name__", loss))
