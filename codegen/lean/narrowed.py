"""Arrays of a loop's steps that need less memory: those that one step alone reads are kept for one
step, others stand in the memory of an array that the loop reads for the last time.

    a = np.zeros((T, n))                      a = np.zeros((n,))
    for t in range(T):                        h = x
        a[t] = np.exp(x[t])             ->    for t in range(T):
        h[t] = a[t] / (1 + a[t])                  a[...] = np.exp(x[t])
                                                  h[t] = a[...] / (1 + a[...])
"""

from __future__ import annotations

import ast

from .flat import Flat, names_in
from .measured import Measured
from .named_once import bound, roots_of


def narrowed(flat: Flat, seen: Measured) -> bool:
    """Takes the steps' axis from arrays that one step alone reads, and memory from those that are
    read no more; whether there were any."""
    some = [_narrow(flat), _stand_in(flat, seen)]
    return any(some)


def _zeros(flat: Flat) -> dict[str, ast.Call]:
    """Arrays of zeros of the function's own, of two axes or more, that are bound once."""
    times, found = bound(flat.body), dict[str, ast.Call]()
    for node in flat.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (
                isinstance(node.value, ast.Call)) and (
                ast.unparse(node.value.func) == "np.zeros"):
            name, shape = node.targets[0].id, node.value.args[0]
            if times[name] == 1 and name not in flat.returned and isinstance(
                    shape, ast.Tuple) and len(shape.elts) > 1:
                found[name] = node.value
    return found


def _loops(flat: Flat) -> list[tuple[int, ast.For, str]]:
    """The loops that no other loop holds, and their counters, which nothing in them binds."""
    return [(place, node, node.target.id) for place, node in enumerate(flat.body)
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
            and not any(isinstance(part, ast.For) for one in node.body for part in ast.walk(one))
            and not bound(node.body)[node.target.id]]


def _elsewhere(name: str, flat: Flat, loop: ast.For) -> bool:
    """Whether a name is read outside of a loop."""
    return name in flat.returned or any(
        isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load)
        for node in flat.body if node is not loop for part in ast.walk(node))


def _rows(name: str, loop: ast.For, counter: str) -> list[ast.Subscript] | None:
    """The places x[t] where a loop has an array; None where it has it in another way."""
    rows = [part for node in loop.body for part in ast.walk(node)
            if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
            and part.value.id == name and isinstance(part.slice, ast.Name)
            and part.slice.id == counter]
    every = sum(1 for node in loop.body for part in names_in(node) if part == name)
    return rows if rows and len(rows) == every else None


def _is_store(node: ast.stmt, name: str) -> bool:
    """Whether a statement gives all entries of a part of an array new values."""
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and (
        [*names_in(node.targets[0].value)] == [name]) and name not in names_in(node.value)


# --- arrays of one step -------------------------------------------------------------------------


def _narrow(flat: Flat) -> bool:
    some = False
    roots = roots_of(flat)
    for name, zeros in _zeros(flat).items():
        views = {other for other, own in roots.items() if name in own and other != name}
        for _, loop, counter in _loops(flat):
            rows = _rows(name, loop, counter)
            if rows is None or any(_elsewhere(one, flat, loop) for one in (name, *views)):
                continue
            for row in rows:
                row.slice = ast.Constant(...)
            shape = zeros.args[0]
            assert isinstance(shape, ast.Tuple)
            zeros.args[0] = ast.Tuple(shape.elts[1:], ast.Load())
            first = next(node for node in loop.body if name in names_in(node))
            if not _is_store(first, name):
                loop.body.insert(0, ast.Assign([ast.Subscript(
                    ast.Name(name, ast.Load()), ast.Constant(...), ast.Store())],
                    ast.Constant(0)))
            some = True
            break
    return some


# --- arrays in the memory of others -------------------------------------------------------------


def _stand_in(flat: Flat, seen: Measured) -> bool:
    some = False
    for name, zeros in _zeros(flat).items():
        for place, loop, counter in _loops(flat):
            own = next((where for where, node in enumerate(loop.body)
                        if _is_store(node, name)), None)
            if own is None or not _is_filled(name, loop, own, counter, flat, zeros):
                continue
            there = _read_for_the_last_time(name, loop, own, place, counter, flat, seen)
            if there is not None:
                flat.body = [node for node in flat.body
                             if not (isinstance(node, ast.Assign) and node.value is zeros)]
                flat.body.insert(flat.body.index(loop), ast.Assign(
                    [ast.Name(name, ast.Store())], ast.Name(there, ast.Load())))
                some = True
                break
    return some


def _is_filled(
    name: str, loop: ast.For, own: int, counter: str, flat: Flat, zeros: ast.Call
) -> bool:
    """Whether a statement of a loop, which goes through all steps, is the one that gives an array
    its values, and nothing reads it before."""
    over = loop.iter
    if isinstance(over, ast.Call) and ast.unparse(over.func) == "reversed":
        over = over.args[0]
    shape, store = zeros.args[0], loop.body[own]
    assert isinstance(shape, ast.Tuple)
    assert isinstance(store, ast.Assign)
    target = store.targets[0]
    if ast.unparse(over) != f"range({ast.unparse(shape.elts[0])})" or not isinstance(
            target, ast.Subscript) or ast.unparse(target.slice) != counter or (
            _rows(name, loop, counter) is None):
        return False
    before = flat.body[:flat.body.index(loop)]
    if any(name in names_in(node) for node in loop.body[:own]) or any(
            name in names_in(node) for node in before
            if not (isinstance(node, ast.Assign) and node.value is zeros)):
        return False
    stores = [part for node in flat.body for part in ast.walk(node)
              if isinstance(part, ast.Assign | ast.AugAssign | ast.Expr)
              and _changes(part, name)]
    return len(stores) == 1


def _changes(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Subscript) and (
            name in names_in(node.targets[0].value))
    return name in names_in(node.target if isinstance(node, ast.AugAssign) else node)


def _read_for_the_last_time(
    name: str, loop: ast.For, own: int, place: int, counter: str, flat: Flat, seen: Measured
) -> str | None:
    """An array like one that a loop reads a row of, for the last time, before it gives it its
    row."""
    roots, wanted = roots_of(flat), seen.arrays.get(name)
    if wanted is None:
        return None
    for other, like in seen.arrays.items():
        if other == name or other not in roots or not like.is_whole or not like.is_ordered or (
                (like.dtype, like.shape) != (wanted.dtype, wanted.shape)) or (
                _rows(other, loop, counter) is None):
            continue
        shared = {one for one, its in roots.items() if its & roots[other]}
        if shared & {*flat.arguments, *flat.returned} or _stored(flat, shared):
            continue
        later = [*loop.body[own + 1:], *flat.body[place + 1:]]
        if not any(shared & {*names_in(node)} for node in later):
            return other
    return None


def _stored(flat: Flat, names: set[str]) -> bool:
    return any(_changes(part, name) for name in names for node in flat.body
               for part in ast.walk(node)
               if isinstance(part, ast.Assign | ast.AugAssign | ast.Expr))
