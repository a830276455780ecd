"""Sets, settings and Python's own modules in traced code: what decides nothing is as it was."""

from __future__ import annotations

import operator
import types

import numpy as np
import pytest

from gradproof.symbolic.tracing.outside import settings
from gradproof.symbolic.tracing.outside.sets import (
    MADE,
    FrozenSet,
    Set,
    rewritten,
    seen,
    writes_sets,
)
from gradproof.symbolic.tracing.outside.standard import PURE
from gradproof.symbolic.tracing.outside.telling import told
from gradproof.symbolic.tracing.run import TraceError, trace

ONE, TWO = {"a", "b", 1}, {"b", "c"}


def run(function):
    """What a traced function computes of its argument of size 2, as text."""
    return str(trace(function, {"x": "2"}).system)


@pytest.mark.parametrize("kind", [Set, FrozenSet])
@pytest.mark.parametrize("operation", [
    operator.or_, operator.and_, operator.sub, operator.xor, operator.eq, operator.le, operator.lt,
    lambda a, b: a.union(b, ["z"]), lambda a, b: a.intersection(b), lambda a, b: a.difference(b),
    lambda a, b: a.symmetric_difference(b), lambda a, _: a.copy(), lambda a, _: len(a),
    lambda a, _: ("a" in a, "z" in a), lambda a, b: a.isdisjoint(b),
    lambda a, _: sorted(map(str, a)),
])
def test_sets_of_traced_code_are_sets(kind, operation):
    found, expected = operation(kind(ONE), kind(TWO)), operation(kind.plain(ONE), kind.plain(TWO))
    assert found == expected
    assert type(found) is (kind if isinstance(expected, kind.plain) else type(expected))


def test_their_types_answer_as_python_s():
    assert isinstance({1}, Set)
    assert isinstance(Set(), set)
    assert not isinstance([], Set)
    assert Set == set  # noqa: E721 - it is what is tested
    assert type(seen({1})) is Set
    assert seen([1]) == [1]
    assert repr(Set()) == "set()"
    assert repr(FrozenSet("a")) == "frozenset({'a'})"
    with pytest.raises(KeyError):
        Set().pop()


def test_a_set_of_numbers_keeps_its_order():
    def function(x):
        return sum(x * k for k in {3, 1, 2})

    assert "x[i]" in run(function)


def test_source_is_needed_for_sets_that_are_written_out():
    names = {}
    exec("def function(x):\n    return x * len({'a', 'b', str(1)})", names)
    with pytest.raises(TraceError, match="no source"):
        trace(names["function"], {"x": "2"})


def written_out(d):
    return {"a", "b"} | {c for c in d} | (d.keys() & {"c"})  # noqa: C416


def test_what_is_compiled_anew_gives_the_same():
    assert writes_sets(written_out.__code__)
    code = rewritten(written_out.__code__)
    assert code.co_firstlineno == written_out.__code__.co_firstlineno
    made = types.FunctionType(code, {"__builtins__": {MADE: seen}})({"c": 1, "d": 2})
    assert made == written_out({"c": 1, "d": 2}) == {"a", "b", "c", "d"}
    assert type(made) is Set


def test_other_settings_are_put_back():
    before = np.get_printoptions(), np.geterr()
    with settings.others():
        assert str(np.array([0.123456789])) != "[0.12345679]"
        assert np.geterr() != before[1]
    assert (np.get_printoptions(), np.geterr()) == before


def test_a_draw_of_other_code_is_seen():
    before = settings.drawn_from()
    assert settings.drawn_from() == before
    np.random.rand()
    assert settings.drawn_from() != before


@pytest.mark.parametrize(("function", "name"), [
    (lambda x: x.__hash__(), "__hash__"), (lambda x: x.tb_frame, "tb_frame"),
    (lambda x: getattr(x, "__subclasses__"), "__subclasses__"),  # noqa: B009
    (lambda x: x.__class__.__name__, ""), (lambda x: x.ctypes, "ctypes"), (lambda x: "ctypes", ""),
])
def test_attributes_that_tell_are_found(function, name):
    assert told(function.__code__) == name


def test_a_method_of_a_telling_name_is_none_where_it_is_defined():
    class Named:
        def __hash__(self):
            return 1

    assert told(Named.__hash__.__code__) == ""
    assert "os" not in PURE
