"""Rows of HIPS autograd: its vector-Jacobian products, of NumPy's and SciPy's functions.

Each is made by the package's own table, `autograd.core.primitive_vjps`: of a function, an argument
and what it is called with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from public_rows.row import Row

import gradproof as gp

REAL, POSITIVE = gp.Array("m n"), gp.Array("m n", kind="positive")
OTHER, INSIDE = gp.Array("m n"), gp.Array("m n", kind="interval", low=-1, high=1)
UNIT = gp.Array("m n", kind="interval", low=0, high=1)
BEYOND_1 = gp.Array("m n", kind="interval", low=1)
ABOVE_2 = gp.Array("m n", kind="interval", low=2)
MASK = gp.Array("m n", kind="mask")
SQUARE = "n n"

ONE = {
    **dict.fromkeys(
        ("negative", "abs", "absolute", "fabs", "exp", "exp2", "expm1", "sin", "cos", "tan",
         "arctan", "sinh", "cosh", "tanh", "arcsinh", "rad2deg", "degrees", "deg2rad", "radians",
         "square", "sinc", "ravel", "flipud", "fliplr", "real", "conj", "conjugate",
         "real_if_close", "nan_to_num", "transpose", "sort", "atleast_1d", "atleast_2d",
         "atleast_3d"), REAL),
    **dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt", "reciprocal"), POSITIVE),
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), INSIDE), "arccosh": BEYOND_1,
}
"""Functions of one array."""
TWO = {
    **dict.fromkeys(
        ("add", "multiply", "subtract", "maximum", "minimum", "fmax", "fmin", "logaddexp",
         "logaddexp2", "arctan2", "hypot"), (REAL, OTHER)),
    "divide": (REAL, POSITIVE), "true_divide": (REAL, POSITIVE), "mod": (REAL, POSITIVE),
    "remainder": (REAL, POSITIVE), "power": (POSITIVE, OTHER),
}
BROADCAST = ("add", "multiply", "subtract", "logaddexp", "hypot")
"""Those of `TWO` that are looked at with axes that are repeated."""
OPTIONS: dict[str, list[tuple[Any, tuple[Any, ...], dict[str, Any]]]] = {
    # what x is, what is handed over behind it, options
    "reshape": [("m 6", ((-1, 2, 3),), {})], "roll": [(REAL, (1,), {"axis": 0})],
    "expand_dims": [(REAL, (1,), {})], "squeeze": [("m 1 n", (1,), {})],
    "diag": [("n", (), {}), ("n n", (), {}), ("n n", (1,), {}), ("3 4", (), {})],
    "rot90": [(REAL, (), {}), (REAL, (2,), {})],
    "triu": [("m n", (1,), {})], "tril": [("m n", (), {})], "trace": [("n n k", (), {})],
    "clip": [(REAL, (-1.0, 1.0), {})], "swapaxes": [("m n k", (0, 2), {})],
    "moveaxis": [("m n k", (0, 2), {})], "rollaxis": [("m n k", (1, 0), {})],
    "diff": [("m 5", (), {}), ("5 n", (2, 0), {})], "gradient": [("8 n", (), {"axis": 0})],
    "repeat": [("m 4", (3, 1), {}), ("m n", (2,), {})], "tile": [("m n", ((2, 3),), {})],
    "sum": [("m n", (), {"axis": 0}), ("m n k", (), {"axis": (0, 2)}), ("m n", (), {}),
            ("m n", (), {"axis": 1, "keepdims": True})],
    "mean": [("m n", (), {"axis": 0}), ("m n", (), {"axis": 1, "keepdims": True})],
    "prod": [(gp.Array("4 n", kind="positive"), (), {"axis": 0})],
    "var": [("m n", (), {"axis": 0}), ("m n", (), {"axis": 1, "ddof": 1})],
    "std": [("m n", (), {"axis": 0}), ("m n", (), {"axis": 1, "keepdims": True})],
    **{name: [("m n", (), {"axis": 0}), ("m n", (), {"axis": 1, "keepdims": True})]
       for name in ("max", "min", "amax", "amin")},
    "cumsum": [("m n", (), {"axis": 1}), ("m n", (), {"axis": 0})],
    "diagonal": [("m n n", (0, -1, -2), {})],
    "make_diagonal": [("m 3", (), {"axis1": -1, "axis2": -2})],
    "pad": [("m n", (((1, 2), (0, 1)), "constant"), {})],
    "broadcast_to": [("3 1", ((3, 4),), {})], "partition": [("5", (2,), {})],
    "transpose": [("m n k", ((2, 0, 1),), {})],
}
"""Functions of one array and of options."""
PRODUCTS: dict[str, list[tuple[Any, Any, tuple[Any, ...]]]] = {
    "matmul": [("m n", "n k", ()), ("b m n", "b n k", ()), ("m n", "n", ()), ("b m n", "n k", ())],
    "dot": [("m n", "n k", ()), ("m n", "n", ()), ("b m n", "n k", ())],
    "inner": [("m n", "k n", ())], "outer": [("m", "n", ())],
    "tensordot": [("m n", "n k", (1,)), ("a m n", "m n k", (2,)),
                  ("m n", "k n", (([1], [1]),))],
    "kron": [("2 3", "m n", ()), ("m n", "2 3", ())], "cross": [("m 3", "m 3", ())],
}
"""Functions of two arrays and of options."""
LINALG: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "det": [(SQUARE, {}), ("b n n", {})], "inv": [(SQUARE, {}), ("b n n", {})],
    "pinv": [("3 2", {})],
    "norm": [("m n", {}), ("m n", {"axis": 0}), ("m n", {"axis": 1, "ord": 3}),
                        ("m n", {"axis": (0, 1)})],
}
SPECIAL_ONE = {
    **dict.fromkeys(("erf", "erfc", "expit", "j0", "j1", "i0", "i1"), REAL),
    **dict.fromkeys(("psi", "digamma", "gamma", "gammaln", "rgamma", "y0", "y1"), POSITIVE),
    "erfinv": INSIDE, "erfcinv": UNIT, "logit": UNIT,
}
KNOWN = {"diag (3 4)": ("the gradient has shape (3, 3)",)}
"""What is no derivative, and what is said of it."""
NUMPY, SCIPY = "autograd.numpy", "autograd.scipy.special"


def rows() -> Iterator[Row]:
    for name, kind in ONE.items():
        yield row(NUMPY, name, [gp.Array("m") if name == "sort" else kind])
    for name, kinds in TWO.items():
        yield from both(NUMPY, name, kinds)
    for name in BROADCAST:
        yield from both(NUMPY, name, (REAL, gp.Array("n")))
        yield from both(NUMPY, name, (REAL, gp.Array("m 1")))
    for name, calls in OPTIONS.items():
        for x, behind, options in calls:
            yield row(NUMPY, name, [x], behind=behind, options=options)
    for name, products in PRODUCTS.items():
        for x, y, behind in products:
            yield from both(NUMPY, name, (x, y), behind=behind)
    for place in (1, 2):
        yield row(NUMPY, "where", [MASK, REAL, OTHER], place)
    for place, subscripts in ((1, "ij,jk->ik"), (2, "ij,jk->ik"), (1, "ij,ij->"), (2, "bij,bj->bi"),
                              (1, "ij,j->i"), (2, "ij,j->i")):
        x, y = subscripts.partition("->")[0].split(",")
        yield row(NUMPY, "einsum", [" ".join(x), " ".join(y)], place - 1, before=(subscripts,))
    for place in (0, 1):
        yield row(NUMPY, "concatenate_args", ["m n", "k n"], place, before=(0,))
        yield row(f"{NUMPY}.linalg", "solve", ["n n", "n k"], place)
        yield row(SCIPY, "beta", [POSITIVE, POSITIVE], place)
        yield row(SCIPY, "betaln", [POSITIVE, POSITIVE], place)
    for name, found in LINALG.items():
        for x, options in found:
            yield row(f"{NUMPY}.linalg", name, [x], options=options)
    for name, kind in SPECIAL_ONE.items():
        yield row(SCIPY, name, [kind])
    for name, kind, number in (("polygamma", POSITIVE, 1), ("jn", REAL, 2), ("yn", POSITIVE, 2),
                               ("iv", POSITIVE, 1.5), ("ive", POSITIVE, 1.5),
                               ("gammainc", POSITIVE, 2.5), ("gammaincc", POSITIVE, 2.5)):
        yield row(SCIPY, name, [kind], before=(number,))
    yield row(SCIPY, "betainc", [UNIT], before=(2.0, 3.5))
    yield row(SCIPY, "multigammaln", [ABOVE_2], behind=(3,))
    for options in ({"axis": 1}, {"axis": 0, "keepdims": True}):
        yield row(SCIPY, "logsumexp", [REAL], options=options)


def both(home: str, name: str, kinds: Sequence[Any], **more: Any) -> Iterator[Row]:
    for place in range(len(kinds)):
        yield row(home, name, kinds, place, **more)


def row(
    home: str, name: str, kinds: Sequence[Any], place: int = 0, *, before: tuple[Any, ...] = (),
    behind: tuple[Any, ...] = (), options: dict[str, Any] | None = None,
) -> Row:
    """The product by one of the arrays; `before` and `behind` them stand constants."""
    names = "xyz"[:len(kinds)]
    sizes = " and ".join(kind if isinstance(kind, str) else str(kind.shape) for kind in kinds)
    said = [*map(repr, behind), *(f"{key}={value!r}" for key, value in (options or {}).items())]
    what = f"{name} by {names[place]}" if len(kinds) > 1 else name
    what += f" ({', '.join([sizes, *said])})"
    return Row("autograd", what, home, lambda module: checked(
        primitive(module, name), dict(zip(names, kinds, strict=True)), place, before, behind,
        options or {}), known=KNOWN.get(what, ()))


def primitive(module: Any, name: str) -> Any:
    """The function of the table by that name; some stand behind another one of the module's."""
    from autograd.core import primitive_vjps

    found = getattr(module, name, None)
    if found in primitive_vjps:
        return found
    return next(one for one in primitive_vjps if one.__name__ == name)


def checked(
    function: Any, kinds: dict[str, Any], place: int, before: tuple[Any, ...],
    behind: tuple[Any, ...], options: dict[str, Any],
) -> Any:
    from autograd.core import primitive_vjps

    maker, argument = primitive_vjps[function], place + len(before)

    def called(*arrays: Any) -> Any:
        args = (*before, *arrays, *behind)
        answer = function(*args, **options)
        return answer, (answer, args)

    def backward(dout: Any, kept: Any) -> Any:
        answer, args = kept
        return next(iter(maker((argument,), answer, args, options)(dout)))

    forwards = {1: lambda x: called(x), 2: lambda x, y: called(x, y),
                3: lambda x, y, z: called(x, y, z)}
    return gp.check_layer(forwards[len(kinds)], backward, wrt=[list(kinds)[place]],
                          inputs=kinds, repair_seconds=0, time_limit=240)
