"""Products that have a half twice, and products of views: fitted texts give what the text says."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.lean.fitted import fitted, spelled
from gradproof.codegen.lean.products.mirrored import mirrored

pytestmark = pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")

EXAMPLES = 40
HEAD = "import numpy as np\n\n\ndef run({}):\n"


def program(arguments, *lines):
    return HEAD.format(arguments) + "".join(f"    {line}\n" for line in lines)


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [np.array(rng.normal(size=shape)) for shape in shapes]


def assert_runs_as_it_stands(source, arrays, workspace=False):
    space = {}
    exec(source, space)
    run = fitted(source, arrays, workspace=workspace)
    for _ in range(2):
        for found, due in zip(run(*arrays), space["run"](*arrays), strict=True):
            assert np.shape(found) == np.shape(due)
            np.testing.assert_allclose(found, due, rtol=0, atol=1e-12 * (1 + np.abs(due).max()))


def value(factors, out, arrays):
    """Σ of the product, summed over the letters that `out` has not."""
    return np.einsum(f"{','.join(labels for _, labels in factors)}->{out}",
                     *(arrays[array] for array, _ in factors))


# --- halves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("factors", "out", "half"), [
    ("X:sa w:b S:sb q:s X:sc w:d S:sd", "abcd", "X:sa w:b S:sb"),
    ("X:sa X:sb q:s", "ab", ""),  # nothing is multiplied in a half
    ("X:sa Y:sa X:sb Y:sb", "ab", "X:sa Y:sa"),
    ("X:sa Y:sa X:sb Y:sb", "ba", "X:sb Y:sb"),
    ("X:sa Y:ta X:sb Y:tb", "st", "X:sa Y:ta"),  # a and b are summed over in each
    ("X:sa Y:st X:tb Y:ts", "ab", ""),  # s and t are read by both
    ("X:sa Y:sa X:sb Z:sb", "ab", ""),
    ("X:ab Y:ab X:ba Y:ba", "ab", ""),
    ("X:sa w:a X:sb w:b X:sc w:c", "abc", None),  # any two of three
])
def test_the_half_of_a_product(factors, out, half):
    made = [tuple(one.split(":")) for one in factors.split()]
    found = mirrored(made, out)
    if half is not None:
        assert " ".join(map(":".join, (made[k] for k in found.half))) == half if found else not half
    if found is None:
        return
    own = [made[place] for place in found.half]
    image = [(array, found.other(labels)) for array, labels in own]
    rest = [made[place] for place in found.rest]
    assert sorted([*own, *image, *rest]) == sorted(made)
    assert not {x for _, labels in own for x in labels if x in found.letters} & {
        x for _, labels in image for x in labels if x in found.letters}


@st.composite
def squares(draw):
    """Factors, those again under other letters, and further ones."""
    letters = "abc"
    labels = st.lists(st.sampled_from("abcs"), min_size=1, max_size=3, unique=True).map("".join)
    half = [(f"x{place}", draw(labels)) for place in range(draw(st.integers(2, 3)))]
    other = dict(zip(letters, "def", strict=True))
    image = [(array, "".join(other.get(x, x) for x in its)) for array, its in half]
    rest = [(f"y{place}", its) for place, its in enumerate(
        draw(st.lists(st.sampled_from(["s", "", "a", "ad"]), max_size=2)))]
    factors = draw(st.permutations([*half, *image, *rest]))
    there = sorted({x for _, its in factors for x in its})
    out = "".join(draw(st.lists(st.sampled_from(there), unique=True, max_size=4)))
    sizes = {x: draw(st.integers(1, 3)) for x in "abcs"}
    sizes |= {other[x]: sizes[x] for x in letters}
    return factors, out, sizes


@settings(max_examples=80, deadline=None)
@given(squares())
def test_a_product_with_its_halves_is_the_product(drawn_square):
    factors, out, sizes = drawn_square
    arrays = {array: np.random.default_rng(len(array) + k).normal(size=[sizes[x] for x in its])
              for k, (array, its) in enumerate(dict(factors).items())}
    found = mirrored(factors, out)
    if found is None:
        return
    own = [factors[place] for place in found.half]
    others = {x for place, (_, its) in enumerate(factors) if place not in found.half for x in its}
    kept = "".join(x for x in dict.fromkeys("".join(its for _, its in own))
                   if x in out or x in others)
    arrays["half"] = value(own, kept, arrays)
    halves = [("half", kept), ("half", found.other(kept)), *(factors[k] for k in found.rest)]
    np.testing.assert_allclose(value(halves, out, arrays), value(factors, out, arrays), atol=1e-11)


def test_a_hessian_multiplies_its_half_once():
    """Σ_s (x w s)[s, p, j] q[s] (x w s)[s, r, k]: three broadcast products and one of matrices."""
    source = program(
        "x, w, s, q", "d = x.T[:, None, :, None] * w[:, None, :] * s.T[:, :, None] * q / 7",
        "e = (d @ w.T) * s", "h = x.T @ e", "return h, ")
    arrays = drawn((7, 2), (3, 1), (7, 3), (7, 1))
    text = spelled(source, arrays).text
    assert len(re.findall(r"\bdot\(", text)) == 1, text
    assert len(re.findall(r" \* |multiply_*\(", text)) == 4, text
    for workspace in (False, True):
        assert_runs_as_it_stands(source, arrays, workspace)


@settings(max_examples=30, deadline=None)
@given(squares(), st.booleans())
def test_a_text_with_a_half_twice(drawn_square, workspace):
    factors, out, sizes = drawn_square
    if not out or not all(its for _, its in factors):
        return
    names = list(dict(factors))
    source = program(", ".join(names), "z = np.einsum("
                     f'"{",".join(its for _, its in factors)}->{out}", '
                     f"{', '.join(array for array, _ in factors)}, optimize=True)",
                     "w = z + 1", "return z, w, ")
    arrays = drawn(*([sizes[x] for x in dict(factors)[name]] for name in names))
    assert_runs_as_it_stands(source, arrays, workspace)


# --- products of views ---------------------------------------------------------------------------


@st.composite
def texts(draw):
    """Lines of products of what was computed before them, views of it, and numbers."""
    sizes = [1, 2, 3]
    shapes = {f"x{k}": tuple(draw(st.lists(st.sampled_from(sizes), min_size=1, max_size=3)))
              for k in range(3)}
    given_shapes, lines = dict(shapes), []
    for number in range(draw(st.integers(4, 12))):
        name, one = f"t{number}", draw(st.sampled_from(sorted(shapes)))
        shape = shapes[one]
        kind = draw(st.integers(0, 6))
        if kind == 0:
            text, shape = f"{one}.T", shape[::-1]
        elif kind == 1 and len(shape) < 4:
            place = draw(st.integers(0, len(shape)))
            text = f"{one}[{', '.join([':'] * place + ['None'] + [':'] * (len(shape) - place))}]"
            shape = (*shape[:place], 1, *shape[place:])
        elif kind == 2 and 1 in shape and len(shape) > 1:
            place = shape.index(1)
            text = f"{one}[{', '.join([':'] * place + ['0'])}]"
            shape = shape[:place] + shape[place + 1:]
        elif kind == 3:
            text = draw(st.sampled_from([f"{one} / 4", f"2 * {one}", f"1 - np.square({one})"]))
        else:
            other = draw(st.sampled_from(sorted(shapes)))
            text, shape = _product(draw, one, shape, other, shapes[other])
        lines.append(f"{name} = {text}")
        shapes[name] = shape
    results = draw(st.lists(st.sampled_from(sorted(shapes.keys() - given_shapes.keys())),
                            min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        lines.append(f"{results[0]} = {results[0]} * 1")
        lines.append(f"{results[0]}[0] += 1")
        if shapes[results[0]] == ():
            lines.pop()
    return given_shapes, [*lines, f"return {', '.join(results)}, "]


def _product(draw, one, shape, other, its):
    if len(shape) > 1 and len(its) == 2 and shape[-1] == its[0] and draw(st.booleans()):
        return f"{one} @ {other}", (*shape[:-1], its[1])
    try:
        return f"{one} * {other}", np.broadcast_shapes(shape, its)
    except ValueError:
        return f"np.tanh({one})", shape


@settings(max_examples=EXAMPLES, deadline=None)
@given(texts(), st.booleans())
def test_products_of_views(drawn_text, workspace):
    shapes, lines = drawn_text
    source = program(", ".join(shapes), *lines)
    arrays = drawn(*shapes.values())
    assert_runs_as_it_stands(source, arrays, workspace)
    assert_runs_as_it_stands(source, [one.T.copy().T for one in arrays], workspace)


def test_a_product_that_is_changed_is_no_other_name_of_one_that_is_there():
    source = program("x, y", "s = x @ y", "t = np.tanh(s)",
                     'z = np.einsum("ab,bc->ac", x, y, optimize=True)', "z[0] += 1",
                     "w = s * t", "return z, w, ")
    assert_runs_as_it_stands(source, drawn((3, 4), (4, 5)))
