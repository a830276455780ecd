"""A factor that all gradients have in common: then it is the loss that is another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy as sp

from gradproof.numeric import Diagnosis
from gradproof.numeric.factors import Factor
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.proof.prover import Proof


def common_factor(
    names: Sequence[str], proofs: Mapping[str, Proof], found: Mapping[str, Diagnosis | None]
) -> str:
    """One sentence where all the gradients are wrong by the same factor; else nothing.

    As the normal forms say, else the numbers.
    """
    if len(names) < 2:
        return ""
    factors = {_proven(proofs.get(name)) or _measured(found.get(name)) for name in names}
    factor = factors.pop()
    if factors or not factor:
        return ""
    if factor in ("-1", "−1"):
        return "all gradients have the wrong sign: they are those of minus the loss"
    return (f"all gradients are wrong by the same factor: they are those of {factor} × the loss; "
            "mend it where they begin, or the loss")


def _proven(proof: Proof | None) -> str:
    """hand-written / derived where it is proven, and a number or a product of sizes."""
    if proof is None or proof.ratio is None or proof.ratio.is_zero:
        return ""
    is_plain = all(symbol.is_integer for symbol in proof.ratio.free_symbols)
    return factor_text(1 / proof.ratio) if is_plain else ""


def _measured(diagnosis: Diagnosis | None) -> str:
    if diagnosis is None or diagnosis.kind not in ("factor", "sign") \
            or diagnosis.coefficient is None:
        return ""
    return str(Factor(diagnosis.coefficient, dict(diagnosis.exponents)))


def plain_factor(
    proof: Proof | None, diagnosis: Diagnosis | None, sizes: Mapping[str, int]
) -> tuple[Fraction, dict[int, int]] | None:
    """hand-written / derived, where that is a number times powers of sizes.

    sizes: those of a point, by whose numbers they are named here: (1/2, {4: 1}) for m/2 at m = 4.
    """
    found = _factor_of(proof)
    if found is None and diagnosis is not None and diagnosis.kind in ("factor", "sign") \
            and diagnosis.coefficient is not None:
        found = diagnosis.coefficient, dict(diagnosis.exponents)
    if found is None or any(name not in sizes for name in found[1]):
        return None
    return found[0], {sizes[name]: power for name, power in found[1].items()}


def _factor_of(proof: Proof | None) -> tuple[Fraction, dict[str, int]] | None:
    if proof is None or proof.ratio is None or proof.ratio.is_zero:
        return None
    number, exponents = Fraction(1), dict[str, int]()
    for part, power in sp.cancel(1 / proof.ratio).as_powers_dict().items():
        if part.is_Rational and power.is_Integer:
            number *= Fraction(int(part.p), int(part.q)) ** int(power)
        elif part.is_Symbol and part.is_integer and power.is_Integer:
            exponents[part.name] = int(power)
        else:
            return None
    return number, exponents
