"""Products of traced arrays: dot, matmul, outer, einsum, tensordot, trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from ...equation import Index, Read, Size, Term, fresh_name, index_symbol, slot
from ...layers.builder import Operand
from ..session import Dtype, Session
from ..source import fail
from .ufuncs import apply, common_dtype


def _matmul(session: Session, a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        fail("np.matmul with out= is not traced; assign its result")
    left, right = session.entry(a), session.entry(b)
    if not isinstance(left, Operand) or not isinstance(right, Operand):
        fail("a matrix product of an array and a number; use *")
    made = session.shaped(session.builder.matmul, left, right)
    return session.array(made, _dtype(a, b))


def _dtype(*arrays: Any) -> Dtype:
    kind = common_dtype(arrays)
    if kind == "bool":
        fail("NumPy's product of two masks is a mask, not a count; turn them into floats first")
    return kind


def _dot(session: Session, a: Any, b: Any, out: Any = None) -> Any:
    left, right = session.entry(a), session.entry(b)
    for entry in (left, right):
        if not isinstance(entry, Operand) or not entry.ndim:
            return apply(session, "multiply", (a, b))
        if entry.ndim > 2:
            fail(f"np.dot of {session.shown(entry)}: more than two axes are not traced; use @ or "
                 "np.einsum")
    return _matmul(session, a, b, out)


def _outer(session: Session, a: Any, b: Any, out: Any = None) -> Any:
    flat = [session.call("ravel", session.call("asarray", x)) for x in (a, b)]
    left, right = flat[0].operand, flat[1].operand
    return session.array(session.builder.outer(left, right), _dtype(a, b))


def _einsum(session: Session, subscripts: Any, *operands: Any, **options: Any) -> Any:
    """Σ over the letters that the output does not have."""
    if not isinstance(subscripts, str) or "." in subscripts:
        fail("np.einsum is traced with letters, such as 'ij,jk->ik', and without '...'")
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    letters = left.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    arrays = [session.entry(x) for x in operands]
    if len(letters) != len(arrays):
        fail(f"np.einsum({subscripts!r}) has {len(letters)} groups for {len(arrays)} arrays")
    return session.array(contraction(session, letters, arrays, output), _dtype(*operands))


def contraction(
    session: Session, letters: Sequence[str], arrays: Sequence[Any], output: str
) -> Operand:
    """The sum of products of arrays, with one letter for each axis."""
    sizes: dict[str, Size] = {}
    for word, array in zip(letters, arrays, strict=True):
        if not isinstance(array, Operand) or array.ndim != len(word):
            fail(f"np.einsum: {word!r} stands for "
                 f"{session.shown(array) if isinstance(array, Operand) else array}")
        for letter, size in zip(word, array.shape, strict=True):
            known = sizes.get(letter, sp.S.One)
            if known == 1:
                sizes[letter] = size
            elif size != 1 and sp.expand(size - known) != 0:
                fail(f"np.einsum: the letter {letter!r} stands for the sizes {known} and {size}")
    if set(output) - set(sizes) or len(set(output)) != len(output):
        fail(f"np.einsum: the output {output!r} has a letter twice, or one that no array has")
    names: dict[str, str] = {}
    for letter in sizes:
        names[letter] = fresh_name(letter.lower(), names.values())
    reads = tuple(
        Read(array.name, tuple(
            sp.S.Zero if size == 1 and sizes[letter] != 1 else index_symbol(names[letter])
            for letter, size in zip(word, array.shape, strict=True)
        ))
        for word, array in zip(letters, arrays, strict=True)
    )  # fmt: skip
    out = tuple(Index(names[letter], sizes[letter]) for letter in output)
    over = tuple(Index(names[x], sizes[x]) for x in sizes if x not in output)
    body = sp.Mul(*(slot(place) for place in range(len(reads))))
    return session.builder.emit(None, out, [Term(body, reads, over)])


def _tensordot(session: Session, a: Any, b: Any, axes: Any = 2) -> Any:
    left, right = session.entry(a), session.entry(b)
    if not isinstance(left, Operand) or not isinstance(right, Operand):
        fail("np.tensordot takes two arrays")
    if isinstance(axes, int):
        pairs = [(left.ndim - axes + k, k) for k in range(axes)]
    else:
        first, second = ([x] if isinstance(x, int) else list(x) for x in axes)
        pairs = [(x % left.ndim, y % right.ndim) for x, y in zip(first, second, strict=True)]
    alphabet = iter("ijkpqruvwabcdefgh")
    one = [next(alphabet) for _ in left.shape]
    other = [next(alphabet) for _ in right.shape]
    output = [c for k, c in enumerate(one) if k not in dict(pairs)]
    output += [c for k, c in enumerate(other) if k not in {y for _, y in pairs}]
    for x, y in pairs:
        other[y] = one[x]
    words = ["".join(one), "".join(other)]
    made = contraction(session, words, [left, right], "".join(output))
    return session.array(made, _dtype(a, b))


def _trace(session: Session, a: Any, **options: Any) -> Any:
    operand = session.entry(a)
    if not isinstance(operand, Operand) or operand.ndim != 2 or options:
        fail("np.trace is traced of a square matrix")
    return session.array(contraction(session, ["ii"], [operand], ""))


def _kron(session: Session, a: Any, b: Any) -> Any:
    """Of two matrices: every entry of the first times the whole second."""
    left, right = (session.call("asarray", x) for x in (a, b))
    if left.ndim != 2 or right.ndim != 2:
        fail("np.kron is traced of two matrices")
    (m, n), (p, q) = left.shape, right.shape
    spread = apply(session, "multiply", (left.reshape((m, 1, n, 1)), right.reshape((1, p, 1, q))))
    return spread.reshape((m * p, n * q)).copy()


def _multi_dot(session: Session, arrays: Sequence[Any]) -> Any:
    made = arrays[0]
    for array in arrays[1:]:
        made = _dot(session, made, array)
    return made


PRODUCTS: dict[str, Callable[..., Any]] = {
    "matmul": _matmul,
    "dot": _dot,
    "inner": lambda session, a, b: _dot(session, a, session.call("transpose", b)),
    "vdot": lambda session, a, b: session.call("sum", apply(session, "multiply", (a, b))),
    "outer": _outer,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "trace": _trace,
    "kron": _kron,
    "linalg.multi_dot": _multi_dot,
    "linalg.matmul": _matmul,
    "linalg.outer": _outer,
    "linalg.trace": _trace,
    "linalg.tensordot": _tensordot,
}
