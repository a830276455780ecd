"""Classes and objects in traced code: their methods run with the stand-ins, and stay unchanged."""

import functools

import numpy as np
import pytest

from gradproof.symbolic.tracing.run import TraceError, trace

LIMITS = {"low": 0.0}


class Base:
    __slots__ = ("size",)

    def __init__(self, x):
        self.size = len(x)

    def blank(self, x):
        return np.zeros(x.shape)


class Layer(Base):
    """Inherits, calls super, and uses a property, a class method and a static one."""

    factor = 3
    made = 0

    def __init__(self, x):
        super().__init__(x)
        type(self).made += 1
        self.x = x

    @property
    def ones(self):
        return np.ones(self.x.shape)

    @functools.cached_property
    def count(self):
        return np.sqrt(self.size)

    @staticmethod
    def clipped(x):
        return np.maximum(x, LIMITS["low"])

    @classmethod
    def of(cls, x):
        return cls(x)

    def __call__(self, x):
        return (self.blank(x) + self.ones + self.clipped(x)) * self.factor / self.count


def test_methods_know_symbolic_sizes():
    traced = trace(lambda x: Layer.of(x)(x), {"x": "m n"})
    shape = traced.system.shapes[traced.result]
    assert [str(size) for size in shape] == ["m", "n"]
    assert Layer.made == 0


def test_an_object_made_before_is_copied_for_the_trace():
    class Keeps:
        def __init__(self):
            self.weights = np.eye(2)
            self.seen = []

        def forward(self, x):
            self.seen.append(x)
            self.last = x
            return x @ self.weights + np.zeros((x.shape[0], 2))

    layer = Keeps()
    trace(layer.forward, {"x": "m 2"})
    assert layer.seen == []
    assert not hasattr(layer, "last")


def test_objects_in_defaults_containers_and_other_objects_are_reached():
    class Square:
        def __call__(self, x):
            return np.zeros(len(x)) + x**2

    class Holder:
        inner = Square()

    def function(x, layers=(Square(),), by_name={"one": Square()}):  # noqa: B006, B008
        return layers[0](x) + by_name["one"](x) + Holder.inner(x) + Holder().inner(x)

    assert trace(function, {"x": "n"}).result is not None


def test_isinstance_still_holds():
    class Other(Layer):
        pass

    def function(x):
        made = Other(x)
        assert isinstance(made, Layer)
        assert issubclass(Other, Base)
        return made(x)

    trace(function, {"x": "n"})


def test_a_generator_on_an_object_is_named():
    class Dropout:
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def forward(self, x):
            return x * self.rng.random(x.shape)

    with pytest.raises(TraceError, match="random draw"):
        trace(Dropout().forward, {"x": "n"})


def test_an_error_in_a_method_names_its_line():
    class Wrong:
        def forward(self, x):
            return np.sort(x)

    with pytest.raises(TraceError, match=r"test_trace_classes.py:\d+.*np.sort"):
        trace(Wrong().forward, {"x": "n"})


@pytest.mark.parametrize(("widths", "shape"), [
    (1, "(m + 2, n + 2)"), ((1, 2), "(m + 3, n + 3)"), (((0, 0), (2, 1)), "(m, n + 3)"),
    ([(1, 1)], "(m + 2, n + 2)"),
])
def test_pad_puts_zeros_around(widths, shape):
    traced = trace(lambda x: np.pad(x, widths), {"x": "m n"})
    assert str(traced.system.shapes[traced.result]) == shape


def test_pad_with_anything_but_zeros_is_an_error():
    with pytest.raises(TraceError, match="one number"):
        trace(lambda x: np.pad(x, 1, mode="linear_ramp"), {"x": "m n"})
