"""Scalar functions that stay opaque in bodies: one table, and what follows from a definition.

    sigmoid: 1/(1 + exp(-z))   ->   slope exp(-z)/(1 + exp(-z))², in the output a (1 - a)

A row states a name, a definition in z, how it is written, and a spelling in NumPy that does not
overflow.  Derivatives are not in the table: SymPy differentiates the definition, and
:func:`in_output` finds the derivative as a polynomial in the output a = f(z), where there is one,
by eliminating the exponential between the two (σ' = a(1 - a), tanh' = 1 - a²).  A formula that a
user writes becomes a row by the same constructor.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from .made import Made
from .rationals import factored
from .relations import as_relations

Z = sp.Symbol("z", real=True)
"""The argument of every definition."""

A = sp.Symbol("a", real=True)
"""The output f(z), in derivatives that are stated in it."""


class Opaque(sp.Function, metaclass=Made):  # type: ignore[misc]  # SymPy has no types
    """A named scalar function of one real argument, or a derivative of one.

    Subclasses are made by :func:`scalar_function`; `order` counts derivatives, `definition` is
    the expression in ``Z``, `base` the underived function.
    """

    nargs = 1
    title: str
    latex_name: str
    definition: sp.Expr
    numpy: str | None
    order: int = 0
    base: type[Opaque]

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return derivative(type(self))(self.args[0])

    def _eval_is_extended_real(self) -> bool | None:
        real: bool | None = self.args[0].is_extended_real
        return real

    _eval_is_real = _eval_is_extended_real


def scalar_function(
    name: str, definition: sp.Expr, latex_name: str | None = None, numpy: str | None = None
) -> type[Opaque]:
    """The function `name` of z; `numpy` is its stable spelling with {z} for the argument."""
    return _make(name, definition, latex_name or rf"\mathrm{{{name}}}", numpy, 0, None)


@cache
def _make(
    name: str,
    definition: sp.Expr,
    latex_name: str,
    numpy: str | None,
    order: int,
    base: type[Opaque] | None,
) -> type[Opaque]:
    made: Any = type(name + "_prime" * order, (Opaque,), {
        "title": name, "latex_name": latex_name, "definition": definition, "numpy": numpy,
        "order": order,
    })
    made.base = base or made
    made.made_by = (_nth, (base, order)) if order else (
        scalar_function, (name, definition, latex_name, numpy))
    return made  # type: ignore[no-any-return]


def derivative(function: Any) -> Any:
    """The derivative of an :class:`Opaque` class as a function of the argument: a number's
    constant function, or the next opaque class.

    A step is constant on either side of its kink, so its derivative is zero there; the kink
    itself is listed by :func:`kinks`, not hidden in a distribution.
    """
    if function not in _DERIVATIVES:
        slope = _without_sign(sp.diff(function.definition, Z))
        _DERIVATIVES[function] = (lambda argument: slope) if slope.is_number else _make(
            function.title, slope, function.latex_name, None, function.order + 1, function.base
        )
    return _DERIVATIVES[function]


_DERIVATIVES: dict[Any, Any] = {}


def _nth(function: Any, order: int) -> Any:
    return _nth(derivative(function), order - 1) if order else function


def _without_sign(slope: sp.Expr) -> sp.Expr:
    """The slope with z |z|′ written |z|, where that leaves no |z|′: 1/(1 + |z|)² of softsign."""
    sign = _DERIVATIVES.get(ABS)
    if sign is None or not slope.has(sign):
        return slope
    named = sp.together(slope).subs(Z * sign(Z), ABS(Z))
    return slope if named.has(sign) else factored(named)


# --- what follows from a definition -------------------------------------------------------------


def in_output(function: Any) -> sp.Expr | None:
    """A derivative as a polynomial in the output ``A`` of the underived function, if it is one.

    f and f' must be rational in one exponential E = exp(c z); E is eliminated by solving a = f(E),
    which has a single solution when E enters to the first power.
    """
    return A if function.order == 0 else _eliminated(function.base.definition,
                                                     function.definition)


@cache
def _eliminated(value: sp.Expr, slope_definition: sp.Expr) -> sp.Expr | None:
    """The slope as a polynomial in the value, if it is one."""
    both = _in_exponential(value, slope_definition)
    if both is None:
        return None
    exponential, _, (output, slope) = both
    if Z in output.free_symbols or Z in slope.free_symbols:
        return None
    numerator = sp.fraction(sp.together(A - output))[0]
    equation = sp.Poly(sp.expand(numerator), exponential)
    if equation.degree() != 1:
        return None
    leading, constant = equation.all_coeffs()
    found = sp.cancel(slope.subs(exponential, -constant / leading))
    if not sp.fraction(found)[1].is_number:
        return None
    return min(upright(factored(found)), sp.expand(found), key=sp.count_ops)


def upright(product: sp.Expr) -> sp.Expr:
    """The same product with 1 - a rather than a - 1, and without a leading minus where a
    difference can take it: a(1 - a), (a - y)/(a(1 - a))."""
    sign, powers = sp.S.One, []
    for factor in sp.Mul.make_args(product):
        base, exponent = factor.as_base_exp()
        if base.is_Add and exponent.is_Integer and base.as_coeff_Add()[0].is_negative:
            base, sign = -base, sign * (-1) ** exponent
        powers.append((base, exponent))
    number = sp.Mul(*(b**e for b, e in powers if b.is_number)) * sign
    for place, (base, exponent) in enumerate(powers):
        plain = base.is_Add and exponent.is_Integer and exponent % 2 and not base.as_coeff_Add()[0]
        if number.is_negative and plain and _has_minus(base):
            powers[place], number = (-base, exponent), -number
    if number == 1 and len(powers) == 1:
        return product
    return number * sp.Mul(*(b**e for b, e in powers if not b.is_number))


def _has_minus(total: sp.Expr) -> bool:
    return any(term.as_coeff_Mul()[0].is_negative for term in total.args)


@cache
def in_sigmoid(definition: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """A definition rational in exp(c z) as (polynomial in ``A``, c z) with A = sigmoid(c z).

    The sigmoid's own spelling is stable for every z, so a polynomial in it overflows nowhere;
    None where no polynomial is found.
    """
    if not definition.has(sp.exp, sp.tanh, Opaque):
        return None
    both = _in_exponential(definition)
    if both is None:
        return None
    exponential, exponent, (expression,) = both
    # E = exp(c z) is A/(1 - A) for A = 1/(1 + 1/E).
    found = sp.cancel(expression.subs(exponential, A / (1 - A)))
    if sp.fraction(found)[1].free_symbols:
        return None
    return sp.expand(found), exponent


def _in_exponential(
    *expressions: sp.Expr,
) -> tuple[sp.Symbol, sp.Expr, tuple[sp.Expr, ...]] | None:
    """(E, c z, the expressions with exp(c z) = E), or None when one E does not serve them all."""
    plain = [
        without_opaque(expression).replace(sp.tanh, lambda u: 1 - 2 / (sp.exp(2 * u) + 1))
        for expression in expressions
    ]
    powers = set().union(*(expression.atoms(sp.exp) for expression in plain))
    rates = {power: sp.expand(power.args[0]).coeff(Z) for power in powers}
    if not powers or any(
        sp.expand(power.args[0] - rate * Z) != 0 or not rate.is_Rational or rate == 0
        for power, rate in rates.items()
    ):
        return None
    # All rates are whole multiples of the greatest rational that divides each of them.
    unit = sp.Rational(
        math.gcd(*(int(rate.p) for rate in rates.values())),
        math.lcm(*(int(rate.q) for rate in rates.values())),
    )
    exponential = sp.Symbol("E", positive=True)
    replaced = tuple(
        expression.xreplace({power: exponential ** (rate / unit) for power, rate in rates.items()})
        for expression in plain
    )
    # SymPy gathers exp(z)**2 into exp(2*z); what still holds an exponential is beyond one E.
    if not all(expression.is_rational_function(exponential) for expression in replaced):
        return None
    return exponential, unit * Z, replaced


def without_opaque(expression: sp.Expr) -> sp.Expr:
    """Every named function written out, down to exponentials, logarithms and pieces.

    >>> without_opaque(SIGMOID(2 * Z))
    1/(1 + exp(-2*z))
    """
    while True:  # a definition may itself apply named functions (mish, gelu_tanh)
        applied = expression.atoms(Opaque)
        if not applied:
            return expression
        expression = expression.xreplace(
            {part: type(part).definition.xreplace({Z: part.args[0]}) for part in applied}
        )
        expression = as_relations(expression)


def at_numbers(expression: sp.Expr) -> sp.Expr:
    """The expression with named functions of numbers evaluated: tanh(0) is 0."""
    known = {part: without_opaque(part) for part in expression.atoms(Opaque)
             if part.args[0].is_number}
    return expression.xreplace(known)


@cache
def kinks(definition: sp.Expr) -> tuple[sp.Expr, ...]:
    """The expressions in z whose zeros are the points where a definition is not differentiable.

    A place where the pieces meet with equal values and equal slopes is none.

    >>> kinks(RELU(Z)), kinks(RELU(Z)**2), kinks(ABS(Z - 2))
    ((z,), (), (z - 2,))
    """
    written = without_opaque(definition)
    found = {
        sp.expand(condition.lhs - condition.rhs)
        for piece in written.atoms(sp.Piecewise)
        for _, branch in piece.args
        for condition in branch.atoms(Relational)
    }
    bent = {_sign_of_zero(where): where for where in found if not _is_smooth(written, where)}
    return tuple(sorted(bent.values(), key=sp.default_sort_key))


def _sign_of_zero(where: sp.Expr) -> sp.Expr:
    """One form for expressions that vanish at the same places: z - 1 and 1 - z."""
    return max(where, sp.expand(-where), key=sp.default_sort_key)


def _is_smooth(definition: sp.Expr, where: sp.Expr) -> bool:
    """Whether value and slope agree on both sides of the zero of `where`, which is linear in z."""
    rate = where.coeff(Z)
    if not rate.is_Rational or rate == 0 or sp.expand(where - rate * Z).free_symbols:
        return False
    place = sp.expand(Z - where / rate)
    sides = [_beside(definition, place + step) for step in (-_NEAR, _NEAR)]
    differences = [sides[0] - sides[1], sp.diff(sides[0] - sides[1], Z)]
    return all(sp.simplify(d.subs(Z, place)) == 0 for d in differences)


_NEAR = sp.Rational(1, 10**6)
"""A step into the piece beside a kink; no two kinks of a definition are as close."""


def _beside(definition: sp.Expr, place: sp.Expr) -> sp.Expr:
    """The definition with every condition decided as it is at a place."""
    return definition.replace(
        lambda part: isinstance(part, sp.Piecewise),
        lambda part: next(value for value, condition in part.args if condition.subs(Z, place)),
    )


# --- the table ----------------------------------------------------------------------------------


def positive_part(condition: sp.Expr, yes: sp.Expr, no: sp.Expr) -> sp.Expr:
    """`yes` where condition > 0, `no` elsewhere (so `no` is the branch at the kink)."""
    return sp.Piecewise((yes, condition > 0), (no, True))


def _named(name: str, shown: str, definition: sp.Expr, numpy: str | None = None) -> type[Opaque]:
    return scalar_function(name, definition, rf"\mathrm{{{shown}}}", numpy)


SIGMOID = scalar_function("sigmoid", 1 / (1 + sp.exp(-Z)), r"\sigma", "sigmoid({z})")
TANH = scalar_function("tanh", 1 - 2 / (sp.exp(2 * Z) + 1), r"\tanh", "np.tanh({z})")
SOFTPLUS = _named("softplus", "softplus", sp.log(1 + sp.exp(Z)), "np.logaddexp(0, {z})")
SOFTPLUS_RATIO = _named("softplus_ratio", "SoftplusRatio",
                        sp.log(1 + sp.exp(Z)) * (1 + sp.exp(-Z)), "softplus_ratio({z})")
"""softplus(z)/σ(z), which tends to 1 where both vanish; of code alone."""
STEP = scalar_function("step", positive_part(Z, sp.S.One, sp.S.Zero), r"\mathbf{1}_{>0}", None)
RELU = _named("relu", "ReLU", positive_part(Z, Z, sp.S.Zero), "np.maximum({z}, 0)")
ABS = _named("abs", "abs", sp.Piecewise((Z, Z > 0), (-Z, Z < 0), (sp.S.Zero, True)), "np.abs({z})")
SIGN = _named("sign", "sign", sp.Piecewise((sp.S.One, Z > 0), (sp.S.NegativeOne, Z < 0),
                                           (sp.S.Zero, True)), "np.sign({z})")


def leaky_relu(slope: sp.Expr) -> type[Opaque]:
    """z for z > 0 and slope·z elsewhere (Maas, Hannun & Ng 2013)."""
    return _named("leaky_relu", "LeakyReLU", positive_part(Z, Z, slope * Z))


ELU = _named("elu", "ELU", positive_part(Z, Z, sp.exp(Z) - 1))
"""Clevert, Unterthiner & Hochreiter (2016), with α = 1."""

_SELU_SCALE, _SELU_FLOOR = sp.Rational("1.0507009873554805"), sp.Rational("1.7580993408473766")
SELU = _named("selu", "SELU", positive_part(Z, _SELU_SCALE * Z, _SELU_FLOOR * (sp.exp(Z) - 1)))
"""λ z and λ α (exp z - 1) (Klambauer et al. 2017, eq. 2), constants to the precision of floats."""

GELU = _named("gelu", "GELU", Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2)
"""z Φ(z) with the normal distribution Φ (Hendrycks & Gimpel 2016)."""

GELU_TANH = scalar_function(
    "gelu_tanh",
    Z * (1 + TANH(sp.sqrt(2 / sp.pi) * (Z + sp.Rational("0.044715") * Z**3))) / 2,
    r"\mathrm{GELU}_{\tanh}",
)
"""The approximation of GELU by tanh (Hendrycks & Gimpel 2016)."""

SILU = _named("silu", "SiLU", Z * SIGMOID(Z))
"""z σ(z), also called swish (Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le 2017)."""

MISH = _named("mish", "Mish", Z * TANH(SOFTPLUS(Z)))
"""z tanh(softplus(z)) (Misra 2019)."""

SOFTSIGN = _named("softsign", "softsign", Z / (1 + ABS(Z)))

HARD_SIGMOID = _named(
    "hard_sigmoid", "HardSigmoid",
    sp.Piecewise((sp.S.One, Z >= 3), (Z / 6 + sp.Rational(1, 2), Z > -3), (sp.S.Zero, True)),
)
"""min(max(z + 3, 0), 6)/6, the form of Howard et al. (2019); constant from its kinks on."""

HARD_TANH = _named(
    "hard_tanh", "HardTanh",
    sp.Piecewise((sp.S.One, Z >= 1), (Z, Z > -1), (sp.S.NegativeOne, True)),
)
"""min(max(z, -1), 1)."""

HUBER = _named(
    "huber", "Huber",
    sp.Piecewise((Z - sp.Rational(1, 2), Z > 1), (-Z - sp.Rational(1, 2), Z < -1),
                 (Z**2 / 2, True)),
)
"""½ z² for |z| ≤ 1 and |z| - ½ beyond (Huber 1964, with δ = 1)."""

STOP_GRADIENT = _named("stop_gradient", "stop", Z, "({z})")
"""z itself, whose derivative is taken to be 0."""
_DERIVATIVES[STOP_GRADIENT] = lambda argument: sp.S.Zero

XLOGX = _named("xlogx", "xlogx", positive_part(Z, Z * sp.log(Z), sp.S.Zero), "xlogx({z})")
"""z log z, and 0 at z = 0, its limit from above; 0 for z < 0."""


ACTIVATIONS: dict[str, type[Opaque] | None] = {
    "identity": None,
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": leaky_relu(sp.Rational(1, 100)),
    "softplus": SOFTPLUS,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "gelu_tanh": GELU_TANH,
    "silu": SILU,
    "swish": SILU,
    "mish": MISH,
    "softsign": SOFTSIGN,
    "hard_sigmoid": HARD_SIGMOID,
    "hard_tanh": HARD_TANH,
}
"""Elementwise activations by name; None is the identity.  Softmax is a row of equations instead."""


def maximum(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """max(left, right); at a tie the derivative is the right one's."""
    return positive_part(left - right, left, right)
