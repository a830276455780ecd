"""The rule, and the small equalities that make its result short.

It meets no door (it does not know whether equations came from a text, a spec or a trace) and prints
nothing.

    adjoint           the rule: the chain rule on index equations, backwards and forwards
    any_depth         the four equations of backpropagation for a layer l of any depth
    by_entries        every array taken apart into scalars: a second derivation to compare with
    chain             from a system and its loss to named gradient equations
    steps             what a derivation is, as data: a chain of steps with their forms
    simplifier        raw derivative equations made short, form by form
    declared          what an input is declared to be, used where that shortens a derived equation
    divisors          what a computation divides by, where that may be zero
    fuse              equations put together: t1 = X W, Z = t1 + b become Z = X W + b
    higher_orders     Jacobians, Hessians and products with them, by the rule of adjoint once more
    implicit          what is solved for: its slope, and the implicit function theorem
    joined_guards     terms that say the same of neighbouring parts of an axis, as one term
    kinks             where a system has no derivative, and which slope is taken there
    named_operations  inverse, determinant, Cholesky factor: their rules, with the sources
    named_sums        sums that already have a name, and sums of what is centred, which are 0
    named_values      values that already have a name, named rather than computed again
    recording         the place of a maximum and the like, named in the forward pass for the rule
    term_rule         the rule for one occurrence of an array in one term
    symmetries        matrices that are symmetric because of how they are computed
    rewrite           small rewrites that make a derived equation readable; each is an equality
"""
