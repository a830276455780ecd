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
    left, right = session.entry(a), session.entry(b)
    if not isinstance(left, Operand) or not isinstance(right, Operand):
        fail("a matrix product of an array and a number; use *")
    made = session.shaped(session.builder.matmul, left, right)
    return written(session.array(made, _dtype(a, b)), out)


def _inner(session: Session, a: Any, b: Any) -> Any:
    """The sum over the last axes of both."""
    left, right = session.entry(a), session.entry(b)
    if not all(isinstance(entry, Operand) and entry.ndim for entry in (left, right)):
        return apply(session, "multiply", (a, b))
    assert isinstance(left, Operand)
    assert isinstance(right, Operand)
    if max(left.ndim, right.ndim) <= 2:
        return _matmul(session, a, session.call("transpose", session.call("asarray", b)))
    return _tensordot(session, a, b, ([left.ndim - 1], [right.ndim - 1]))


def written(made: Any, out: Any) -> Any:
    """A result, written into `out` where that is an array."""
    if out is None:
        return made
    if not hasattr(out, "replace"):
        fail("a traced result is written into an array of numbers; make that array with np.zeros "
             "or np.empty inside the function")
    return out.replace(made)


def _dtype(*arrays: Any) -> Dtype:
    kind = common_dtype(arrays)
    if kind == "bool":
        fail("NumPy's product of two masks is a mask, not a count; turn them into floats first")
    return kind


def _dot(session: Session, a: Any, b: Any, out: Any = None) -> Any:
    left, right = session.entry(a), session.entry(b)
    for entry in (left, right):
        if not isinstance(entry, Operand) or not entry.ndim:
            return written(apply(session, "multiply", (a, b)), out)
    if max(left.ndim, right.ndim) > 2:
        return written(_tensordot(session, a, b, ([left.ndim - 1], [max(right.ndim - 2, 0)])), out)
    return _matmul(session, a, b, out)


def _outer(session: Session, a: Any, b: Any, out: Any = None) -> Any:
    flat = [session.call("ravel", session.call("asarray", x)) for x in (a, b)]
    left, right = flat[0].operand, flat[1].operand
    return written(session.array(session.builder.outer(left, right), _dtype(a, b)), out)


def _einsum(session: Session, subscripts: Any, *operands: Any, **options: Any) -> Any:
    """Σ over the letters that the output does not have."""
    if not isinstance(subscripts, str):
        subscripts, operands = _as_letters([subscripts, *operands])
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    letters = left.split(",")
    arrays = [session.entry(x) for x in operands]
    if len(letters) != len(arrays):
        fail(f"np.einsum({subscripts!r}) has {len(letters)} groups for {len(arrays)} arrays")
    if not arrow:
        output = "".join(sorted(c for c in set(left) - {",", "."} if left.count(c) == 1))
        output = ("..." if "..." in left else "") + output
    if "." in text:
        letters, output = _spelled_out(letters, arrays, output)
    made = session.array(contraction(session, letters, arrays, output), _dtype(*operands))
    if len(operands) == 1 and set(output) == set(letters[0]):  # NumPy gives a view
        made = operands[0].uncertain(made.operand)
    return written(made, options.get("out"))


def _as_letters(arguments: list[Any]) -> tuple[str, tuple[Any, ...]]:
    """``einsum(x, [0, 1], y, [1, 2], [0, 2])`` as letters and arrays."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def word(numbers: Any) -> str:
        return "".join("..." if n is Ellipsis else alphabet[int(n)] for n in numbers)

    output = arguments.pop() if len(arguments) % 2 else None
    text = ",".join(word(numbers) for numbers in arguments[1::2])
    return text if output is None else f"{text}->{word(output)}", tuple(arguments[::2])


def _spelled_out(
    letters: Sequence[str], arrays: Sequence[Any], output: str
) -> tuple[list[str], str]:
    """The letters with the axes of '...' among them, which line up from the right."""
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in "".join(letters)]
    counts = [array.ndim - len(word.replace("...", "")) if "..." in word else 0
              for word, array in zip(letters, arrays, strict=True)]
    most = max(counts)
    if min(counts) < 0 or most > len(free):
        fail(f"np.einsum: {','.join(letters)} does not fit the arrays' axes")
    found = [word.replace("...", "".join(free[most - count : most]))
             for word, count in zip(letters, counts, strict=True)]
    return found, output.replace("...", "".join(free[:most]))


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


def _trace(session: Session, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1,
           dtype: Any = None, out: Any = None) -> Any:
    operand = session.entry(a)
    if out is not None or not isinstance(operand, Operand) or operand.ndim < 2:
        fail("np.trace is traced of matrices, without out=")
    square = operand.ndim == 2 and sp.expand(operand.shape[0] - operand.shape[1]) == 0
    if square and not int(offset):
        return session.array(contraction(session, ["ii"], [operand], ""))
    return session.call("sum", session.call("diagonal", a, offset, axis1, axis2), axis=-1)


def _kron(session: Session, a: Any, b: Any) -> Any:
    """Every entry of the first times the whole second."""
    left, right = (session.call("asarray", x) for x in (a, b))
    if max(left.ndim, right.ndim) == 1:
        return session.call("ravel", _outer(session, left, right)).copy()
    left, right = session.call("atleast_2d", left), session.call("atleast_2d", right)
    if left.ndim != 2 or right.ndim != 2:
        fail("np.kron is traced of vectors and matrices")
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
    "inner": _inner,
    "vecdot": lambda session, a, b, axis=-1: session.call(
        "sum", apply(session, "multiply", (a, b)), axis=axis),
    "linalg.vecdot": lambda session, a, b, axis=-1: session.call(
        "sum", apply(session, "multiply", (a, b)), axis=axis),
    "matvec": lambda session, a, b: _matmul(
        session, a, session.call("expand_dims", b, -1))[..., 0],
    "vecmat": lambda session, a, b: _matmul(
        session, session.call("expand_dims", a, -2), b)[..., 0, :],
    "vdot": lambda session, a, b: session.call("sum", apply(session, "multiply", (a, b))),
    "outer": _outer,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "trace": _trace,
    "kron": _kron,
    "linalg.multi_dot": _multi_dot,
    "linalg.matmul": _matmul,
    "linalg.outer": _outer,
    "linalg.trace": lambda session, a, offset=0: _trace(session, a, offset, -2, -1),
    "linalg.tensordot": _tensordot,
}
