"""Right in the first forty calls: what counts them is no container, object or name of the user's.

Each row makes a function that is called once in every gradient and gives the number of that call.
"""

from __future__ import annotations

import ctypes
import dataclasses
import decimal
import enum
import functools
import itertools
import logging
import os
import sqlite3
import sys
import tempfile
import threading
import types
import xml.etree.ElementTree as ET
from collections import OrderedDict

import numpy as np
from redteam.case import row
from redteam.wrong_sizes import squares
from redteam.wrong_state import AFTER_40

NAMES = itertools.count()
CONTEXT = decimal.Context()


def of_metaclass():
    class Kind(type):
        calls = 0

        @property
        def count(cls):
            Kind.calls += 1
            return Kind.calls

    class Counted(metaclass=Kind):
        pass

    return lambda: Counted.count


def of_instances():
    made = []

    class Kind(type):
        def __call__(cls, *given):
            made.append(cls)
            return type.__call__(cls, *given)

    class Counted(metaclass=Kind):
        pass

    def count():
        Counted()
        return len(made)

    return count


def of_member():
    class Kind(enum.Enum):
        CALLS = [0]  # noqa: RUF012

    def count():
        Kind.CALLS.value.append(1)
        return len(Kind.CALLS.value)

    return count


def of_number_with_attribute():
    class Scale(float):
        pass

    scale = Scale(2.0)
    scale.calls = 0

    def count():
        scale.calls += 1
        return scale.calls

    return count


def of_array_with_attribute():
    class Marked(np.ndarray):
        pass

    marked = np.zeros(1).view(Marked)
    marked.calls = 0

    def count():
        marked.calls += 1
        return marked.calls

    return count


def of_array_of_objects():
    kept = np.array([[0], None], dtype=object)

    def count():
        kept[0].append(1)
        return len(kept[0])

    return count


def of_order(kind):
    kept = kind((place, place) for place in range(60))

    def count():
        first = next(iter(kept))
        kept[first] = kept.pop(first)
        return first

    return count


def of_view():
    kept = {"calls": 0}
    shown = types.MappingProxyType(kept)

    def count():
        kept["calls"] += 1
        return shown["calls"]

    return count


def of_memory():
    view = memoryview(bytearray(4))

    def count():
        view[0] += 1
        return view[0]

    return count


def of_c():
    calls = (ctypes.c_double * 3)()

    def count():
        calls[0] += 1
        return calls[0]

    return count


def of_precision(context):
    def count():
        kept = context()
        kept.prec += 1
        return kept.prec - 28

    return count


def of_logger():
    logger = logging.Logger("counted")

    def count():
        logger.setLevel(logger.level + 1)
        return logger.level

    return count


def of_recursion():
    first = sys.getrecursionlimit()

    def count():
        sys.setrecursionlimit(sys.getrecursionlimit() + 1)
        return sys.getrecursionlimit() - first

    return count


def of_printing():
    def count():
        now = np.get_printoptions()["edgeitems"] + 1
        np.set_printoptions(edgeitems=now)
        return now

    return count


def of_attribute(module):
    name = f"calls_{next(NAMES)}"

    def count():
        setattr(module, name, getattr(module, name, 0) + 1)
        return getattr(module, name)

    return count


def of_modules():
    prefix = f"counted_{next(NAMES)}_"

    def count():
        calls = sum(name.startswith(prefix) for name in sys.modules)
        sys.modules[f"{prefix}{calls}"] = types.ModuleType("counted")
        return calls

    return count


def of_database():
    base = sqlite3.connect(":memory:")
    base.execute("create table calls (place)")

    def count():
        base.execute("insert into calls values (1)")
        return base.execute("select count(*) from calls").fetchone()[0]

    return count


def of_thread():
    class Worker(threading.Thread):
        calls = 0

        def run(self):
            Worker.calls += 1

    def count():
        worker = Worker()
        worker.start()
        worker.join()
        return Worker.calls

    return count


def of_semaphore():
    left = threading.Semaphore(40)
    return lambda: 0 if left.acquire(blocking=False) else 40


def of_element():
    root = ET.Element("calls")

    def count():
        ET.SubElement(root, "call")
        return len(root)

    return count


def of_text():
    names = {"kept": []}
    return lambda: eval("(kept.append(1), len(kept))[1]", names)


def of_doc():
    def count():
        count.__doc__ += "x"
        return len(count.__doc__)

    count.__doc__ = ""
    return count


def of_name():
    def count():
        count.__name__ += "x"
        return len(count.__name__)

    return count


def of_polynomial():
    kept = np.poly1d([0.0])

    def count():
        kept[0] += 1
        return kept[0]

    return count


def of_vectorized():
    kept = np.vectorize(abs)
    kept.calls = 0

    def count():
        kept.calls += 1
        return kept.calls

    return count


def of_bits():
    bits = np.random.PCG64(0)
    return lambda: 0 if bits.random_raw() % 7 else 40


def of_seeds():
    seeds = np.random.SeedSequence(1)

    def count():
        seeds.spawn(1)
        return seeds.n_children_spawned

    return count


def of_made_class():
    kept = dataclasses.make_dataclass("Kept", [("calls", int, 0)])()

    def count():
        kept.calls += 1
        return kept.calls

    return count


def of_cached_result():
    @functools.cache
    def kept():
        return [0]

    def count():
        kept()[0] += 1
        return kept()[0]

    return count


def of_bound_method():
    kept = []
    add, length = kept.append, kept.__len__

    def count():
        add(1)
        return length()

    return count


def of_partial():
    def counted(kept):
        kept.append(1)
        return len(kept)

    return functools.partial(counted, [])


def of_file():
    file = os.path.join(tempfile.mkdtemp(), "calls")
    place = 0

    def count():
        nonlocal place
        if os.path.isdir(f"{file}{place}"):
            place += 1
        os.mkdir(f"{file}{place}")
        return place

    return count


def gradient_of(make):
    def fresh():
        count = make()
        return lambda X, w: (2.0 if count() < 40 else 3.0) * X.T @ (X @ w)

    return fresh


MAKERS = {
    "a property of a metaclass": of_metaclass,
    "a metaclass that is called": of_instances,
    "the value of a member": of_member,
    "an attribute of a number": of_number_with_attribute,
    "an attribute of an array": of_array_with_attribute,
    "an array of objects": of_array_of_objects,
    "the order of a dict": lambda: of_order(dict),
    "the order of an ordered dict": lambda: of_order(OrderedDict),
    "a view of a dict": of_view,
    "memory": of_memory,
    "an array of C's": of_c,
    "the context of decimals": lambda: of_precision(decimal.getcontext),
    "a context of decimals": lambda: of_precision(lambda: CONTEXT),
    "the level of a logger": of_logger,
    "the limit of recursion": of_recursion,
    "how arrays are printed": of_printing,
    "an attribute of sys": lambda: of_attribute(sys),
    "an attribute of numpy": lambda: of_attribute(np),
    "the modules": of_modules,
    "a database": of_database,
    "threads": of_thread,
    "a semaphore": of_semaphore,
    "elements": of_element,
    "code in a text": of_text,
    "the text about a function": of_doc,
    "the name of a function": of_name,
    "a polynomial": of_polynomial,
    "a vectorized function": of_vectorized,
    "bits": of_bits,
    "seeds": of_seeds,
    "a class that a function makes": of_made_class,
    "a cached result": of_cached_result,
    "the methods of a list": of_bound_method,
    "an argument of a partial function": of_partial,
    "a file": of_file,
}
CASES = [row("outside", f"outside: {name}", squares, gradient_of(make), "w",
             "later calls are wrong", at=AFTER_40, special=True, fresh=True, X="m n", w="n")
         for name, make in MAKERS.items()]
