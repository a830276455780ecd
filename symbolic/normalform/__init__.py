"""Arrays as polynomials in atoms: arrays with equal normal forms are equal.

Random numbers and the search for a proof are in :mod:`gradproof.symbolic.proof`; nothing is
sampled here.

    as_text          normal forms as text, for the messages of a proof
    canonical_names  canonical names for the indices of a polynomial or of a contraction's body
    conditions       conditions [D > 0] as atoms that are 0 or 1, and maxima over indices
    contraction      sums inlined through each other: X (W V) and (X W) V are one
    denominators     products with inverses of polynomials, made canonical
    equalities       conditions [D = 0] on labels, masks and data: cases, not kinks
    folds             what is solved for, read wherever its right side stands
    forms            the normal form of an array: equations inlined, the entry of this folder
    groebner         Gröbner bases over the rationals, within a bound on the work
    guards           [i = j] and [i >= 0] as factors, and what the ranges already say dropped
    indices          indices and subscripts of normal forms, as interned integers
    inverse_pairs    Σ_k A[i, k] A⁻¹[k, j] = [i = j]
    matrix_atoms     inverses and determinants as atoms: (A B)⁻¹ = B⁻¹ A⁻¹
    nonlinear        powers, exp, log and opaque functions of polynomials: exp(a + b) = exp a exp b
    polynomial       polynomials in array entries: what a normal form is made of
    scalar_bodies    the scalar body of a term as a polynomial
    signs            what a polynomial's sign, cases and zero set are, and its primitive part
    vanishing        is a polynomial in cuts, atoms and denominators zero?
"""
