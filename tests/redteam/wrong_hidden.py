"""Another process, machine, day or setting computes otherwise, and no state of the user's shows it.

Each row is a number that is 2 in some run and another in others: the order of a set of texts, a
hash, the clock, how arrays are printed, what a module of Python's keeps for itself.
"""
# ruff: noqa: B006, SIM115, PTH - what some of these are about

from __future__ import annotations

import abc
import array
import atexit
import builtins
import codecs
import collections
import configparser
import copyreg
import decimal
import email.utils
import fileinput
import fractions
import functools
import genericpath
import hashlib
import inspect
import io
import itertools
import json
import logging
import mimetypes
import operator
import os
import pkgutil
import re
import statistics
import sys
import textwrap
import threading
import time
import traceback
import types
import typing
import unittest.mock
import warnings
import weakref
import zipfile
from os import getuid
from time import clock_gettime

import numpy as np
from redteam.case import row
from redteam.wrong_sizes import squares

FACTORS = {"alpha": 2.0, "beta": 3.0, "gamma": 2.5}
NAMES = set(FACTORS)
FROZEN = frozenset(FACTORS)
OTHERS = {"beta", "delta"}
NUMBERS = np.array([0.123456789, 1.0])
CELL = types.CellType(0)
FLAGGED = np.dtype("f8", metadata={"calls": [0]})
RECORD = np.zeros(1, dtype=[("calls", int)])[0]
KEPT = []
MOCK = unittest.mock.Mock()
WEAK = weakref.WeakKeyDictionary()


def of(name):
    return FACTORS.get(name, 2.0)


class Named:
    names = {"alpha", "beta"}  # noqa: RUF012

    def __init__(self):
        self.mine = {"alpha", "beta", "gamma"}


class Base:
    pass


class Registry(abc.ABC):  # noqa: B024
    pass


NAMED = Named()
BUMP = np.frompyfunc(lambda x: KEPT.append(1) or len(KEPT), 1, 1)


def the_last():
    for name in {"alpha", "beta"}:
        last = name
    return of(last)


def grown():
    names = set()
    names |= {"alpha"}
    names.add("beta")
    names.update(["gamma"])
    return of(names.pop())


def unpacked():
    one, _ = {"alpha", "beta"}
    return of(one)


def by_default(names={"alpha", "beta"}):
    return of(next(iter(names)))


def keys_by_name():
    keys = FACTORS.keys()
    return of(next(iter(keys & ["beta", "alpha"])))


def made_classes():
    KEPT.append(type("Made", (Base,), {}))
    return len(Base.__subclasses__())


def registered():
    Registry.register(type("Made", (), {}))
    return abc.get_cache_token() / 100


def by_a_codec():
    with codecs.open(__file__) as file:
        return len(file.read())


def a_pipe():
    ends = os.pipe()
    for end in ends:
        os.close(end)
    return ends[0]


def a_frame():
    return len(inspect.stack())


def a_generators_frame():
    frame = (place for place in [1]).gi_frame
    return 0 if frame.f_back is None else 40


def a_module_itself():
    module = inspect.getmodule(Base)
    module.calls = getattr(module, "calls", 0) + 1
    return module.calls


def loggers():
    known = logging.root.manager.loggerDict
    logging.getLogger(f"counted{len(known)}")
    return len(known) / 1000


def pickled_kinds():
    copyreg.pickle(type("Made", (), {}), len)
    return len(copyreg.dispatch_table)


def patterns():
    re.compile("x" * (len(re._cache) + 1))
    return len(re._cache) / 100


def kinds_of_files():
    mimetypes.add_type("a/b", f".x{len(mimetypes.types_map)}")
    return len(mimetypes.types_map) / 100


def shown_warnings():
    hits = []
    warnings.showwarning = lambda *_, **__: hits.append(1)
    return len(hits)


def printing():
    with np.printoptions() as options:
        return options["precision"]


def a_cell():
    CELL.cell_contents += 1
    return CELL.cell_contents


def on(owner):
    def count():
        owner.calls = getattr(owner, "calls", 0) + 1
        return owner.calls

    return count


def in_numpy_s_dict():
    vars(np)["calls"] = vars(np).get("calls", 0) + 1
    return np.calls


def in_builtins():
    kept = __builtins__ if isinstance(__builtins__, dict) else vars(__builtins__)
    kept["calls"] = kept.get("calls", 0) + 1
    return kept["calls"]


@functools.cache
def cached(value):
    return value


def hits():
    cached(1)
    return cached.cache_info().hits


def in_a_dtype():
    FLAGGED.metadata["calls"][0] += 1
    return FLAGGED.metadata["calls"][0]


def in_a_record():
    RECORD["calls"] += 1
    return RECORD["calls"]


def a_coroutine():
    @types.coroutine
    def step():
        yield from itertools.count(1)

    async def run():
        await step()

    running = run()
    return lambda: running.send(None)


def mocked():
    MOCK()
    return MOCK.call_count


def a_dead_reference():
    made = Base()
    seen = weakref.ref(made)
    del made
    return 0 if seen() is None else 40


def of_a_copied_function():
    read = types.FunctionType((lambda: hash("a")).__code__, {"__builtins__": builtins})
    return read() % 2


def of_a_text():
    names = {"__builtins__": builtins}
    exec("kept = hash('a')", names)
    return names["kept"] % 2


def warned():
    warnings.warn(f"call {len(globals().get('__warningregistry__', {}))}", stacklevel=1)
    return len(globals().get("__warningregistry__", {}))


ORDERS = {
    "a set that is written out": lambda: of(next(iter({"alpha", "beta", "gamma"}))),
    "a set of a module": lambda: of(next(iter(NAMES))),
    "a frozen set": lambda: of(next(iter(FROZEN))),
    "a loop over a constant set": the_last,
    "a set comprehension": lambda: of(list({name for name in FACTORS})[0]),  # noqa: C416, RUF015
    "set() of a dict": lambda: of(set(FACTORS).pop()),
    "keys in common": lambda: of(list(FACTORS.keys() & {"alpha": 1, "beta": 2}.keys())[0]),  # noqa: RUF015
    "keys without others": lambda: of(next(iter(FACTORS.keys() - ["gamma"]))),
    "keys that have a name": keys_by_name,
    "pairs in common": lambda: next(iter(
        FACTORS.items() & {("alpha", 2.0), ("beta", 3.0)}))[1],
    "a set in a text that is run": lambda: of(eval("next(iter({'alpha', 'beta'}))")),
    "a maximum with ties": lambda: of(max({"alpha", "gamma", "delta"}, key=len)),
    "names joined": lambda: 40 * " ".join({"alpha", "beta"}).startswith("b"),
    "a dict of a set": lambda: of(next(iter(dict.fromkeys({"alpha", "beta"})))),
    "unpacked": unpacked,
    "spread": lambda: of([*NAMES, "alpha"][0]),
    "sorted by length": lambda: of(sorted({"alpha", "gamma"}, key=len)[0]),
    "a union": lambda: of(next(iter(NAMES | OTHERS))),
    "a default": by_default,
    "a class's": lambda: of(next(iter(Named.names))),
    "an object's": lambda: of(next(iter(NAMED.mine))),
    "counted through": lambda: of(dict(enumerate(NAMES))[0]),
    "zipped with numbers": lambda: dict(zip(NAMES, [2.0, 3.0, 4.0], strict=True))["alpha"],
    "reduced": lambda: of(functools.reduce(lambda _, name: name, NAMES)),
    "popped of a copy": lambda: of(NAMES.copy().pop()),
    "its text": lambda: 40 * str(NAMES).startswith("{'b"),
    "its text in a text": lambda: 40 * f"{NAMES}".startswith("{'b"),
    "a list of it as JSON": lambda: 40 * (json.dumps(list(NAMES))[2] == "b"),
    "a queue of it": lambda: of(collections.deque(NAMES)[0]),
    "its permutations": lambda: of(next(itertools.permutations(NAMES))[0]),
    "grown": grown,
    "bytes": lambda: next(iter({b"a", b"b", b"c"}))[0] - 97,
    "pairs": lambda: next(iter({("a", 0), ("b", 40)}))[1],
    "classes": lambda: 40 * (next(iter({Base, Named})) is Base),
    "a digest of its text": lambda: 40 * (hashlib.sha1(str(NAMES).encode()).digest()[0] % 2),
    "the hash of a text": lambda: "a".__hash__() % 2,
    "hash of str": lambda: str.__hash__("a") % 2,
    "hash of builtins": lambda: builtins.hash("a") % 2,
    "id of builtins": lambda: builtins.id(Base) % 32,
    "hash of object": lambda: object.__hash__(NAMED) % 7,
    "hash by its name": lambda: getattr("a", "__hash__")() % 2,  # noqa: B009
    "hash by a caller": lambda: operator.methodcaller("__hash__")("a") % 2,
    "the module of a function": lambda: print.__self__.hash("a") % 2,
    "hash in a copied function": of_a_copied_function,
    "hash in a text": of_a_text,
}
MACHINES = {
    "how the program is started": lambda: 40 * (__name__ == "__main__"),
    "where the program lies": lambda: 40 * __file__.startswith("/home"),
    "what builtins are": lambda: 40 * (not isinstance(__builtins__, dict)),
    "another clock": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    "a clock by its name": lambda: clock_gettime(time.CLOCK_MONOTONIC),
    "the time zone": lambda: time.timezone,
    "the name of the time zone": lambda: 40 * (time.tzname[0] != "UTC"),
    "NumPy's now": lambda: 40 * (np.datetime64("now") > np.datetime64("2020-01-01")),
    "NumPy's today": lambda: np.datetime64("today", "D").astype(int),
    "an array of now": lambda: np.array("now", dtype="datetime64[s]").astype(int),
    "an array of days": lambda: np.asarray(["today"], dtype="M8[D]").astype(int)[0],
    "days to today": lambda: np.busday_count("2020-01-01", "today"),
    "when a record was made": lambda: logging.makeLogRecord({}).created,
    "a date for a letter": lambda: 40 * ("2026" in email.utils.formatdate()),
    "samples of a distribution": lambda: 40 * (statistics.NormalDist().samples(1)[0] > 9),
    "a mask of files": lambda: os.umask(0o22),
    "access to a file": lambda: 40 * os.access("flag", os.F_OK),
    "the number of a pipe": a_pipe,
    "the user": lambda: os.getuid(),
    "the user by name": lambda: getuid(),
    "the machine": lambda: len(os.uname().nodename),
    "where programs lie": lambda: len(os.get_exec_path()),
    "whether a file is there": lambda: 40 * genericpath.exists("flag"),
    "a file by its codec": by_a_codec,
    "lines of files": lambda: 40 * (fileinput.input(__file__) is None),
    "a configuration": lambda: len(configparser.ConfigParser().read("flag")),
    "a table of text": lambda: len(np.fromregex(__file__, "(.)", [("a", "S1")])),
    "data of a package": lambda: len(pkgutil.get_data("numpy", "__init__.py")),
    "a function by its text": lambda: pkgutil.resolve_name("os:getpid")(),
    "an archive": lambda: 40 * zipfile.is_zipfile("flag"),
    "the thread": lambda: threading.get_ident(),
    "threads": lambda: threading.active_count(),
    "the name of the thread": lambda: 40 * (threading.current_thread().name != "MainThread"),
    "all frames": lambda: len(sys._current_frames()),
    "how Python was started": lambda: sys.flags.optimize * 40,
    "where Python lies": lambda: len(sys.executable),
    "what is under way": lambda: 40 * (sys.exc_info()[0] is not None),
    "a terminal": lambda: 40 * sys.stdout.isatty(),
    "a prompt": lambda: 40 * hasattr(sys, "ps1"),
    "the calls": a_frame,
    "the calls as text": lambda: len(traceback.extract_stack()),
    "a generator's frame": a_generators_frame,
    "the source": lambda: len(inspect.getsource(of)),
    "filters of warnings": lambda: len(warnings.filters),
    "how warnings are shown": shown_warnings,
    "what is done at a division by 0": lambda: 40 * (np.seterr()["divide"] != "warn"),
    "how arrays are printed": printing,
    "an array as text": lambda: 40 * (np.array2string(NUMBERS[:1]) != "[0.12345679]"),
    "an array by str": lambda: 40 * (str(NUMBERS[:1]) != "[0.12345679]"),
    "an array in a text": lambda: 40 * (len(f"{NUMBERS}") != 23),
    "an array by repr": lambda: 40 * ("12345679" not in repr(NUMBERS)),
    "the size of a buffer": lambda: np.setbufsize(8192),
    "digits of decimals": lambda: 40 * (len(str(decimal.Decimal(1) / 3)) != 30),
    "where an array lies": lambda: NUMBERS.ctypes.data % 128,
    "where a list lies": lambda: np.array([1.0, 2.0]).__array_interface__["data"][0] % 64,
    "entries that nobody wrote": lambda: np.ma.empty(3)[0],
    "entries of NumPy's own": lambda: np._core.multiarray.empty(3)[0],
    "entries left out": lambda: np.add(NUMBERS, 1, where=np.array([True, False]))[1],
    "a reference that is gone": a_dead_reference,
}
COUNTERS = {
    "classes made": lambda: made_classes,
    "classes registered": lambda: registered,
    "a module by its function": lambda: a_module_itself,
    "loggers": lambda: loggers,
    "calls at the end": lambda: lambda: atexit.register(len, ()) and atexit._ncallbacks() / 100,
    "kinds of pickles": lambda: pickled_kinds,
    "patterns": lambda: patterns,
    "kinds of files": lambda: kinds_of_files,
    "a cell": lambda: a_cell,
    "a function of Python's": lambda: on(textwrap.dedent),
    "a class of Python's": lambda: on(fractions.Fraction),
    "an abstract class": lambda: on(abc.ABC),
    "a function that makes classes": lambda: on(typing.NamedTuple),
    "NumPy's names": lambda: in_numpy_s_dict,
    "built-in names": lambda: in_builtins,
    "hits of a cache": lambda: hits,
    "a dtype": lambda: in_a_dtype,
    "a record": lambda: in_a_record,
    "a coroutine": a_coroutine,
    "a function made a ufunc": lambda: lambda: BUMP(0),
    "a mock": lambda: mocked,
    "warnings": lambda: warned,
    "an array of the library's": lambda: functools.partial(
        lambda kept: kept.append(1) or len(kept), array.array("i")),
    "a text that is written": lambda: functools.partial(
        lambda kept: kept.write("x") and kept.tell(), io.StringIO()),
}


def gradient_of(value):
    return lambda X, w: (2.0 if value() < 40 else 3.0) * X.T @ (X @ w)




def hidden(name, gradient, **rest):
    return row("hidden", f"hidden: {name}", squares, gradient, "w", "other runs are wrong",
               special=True, digits=0, X="m n", w="n", **rest)


CASES = [
    *(hidden(f"{name} (order)", gradient_of(lambda value=value: 40 * (value() != 2.0)))
      for name, value in ORDERS.items()),
    *(hidden(name, gradient_of(value)) for name, value in MACHINES.items()),
    *(hidden(f"{name} (counted)", lambda make=make: gradient_of(make()), fresh=True)
      for name, make in COUNTERS.items()),
]
