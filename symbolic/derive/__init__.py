"""The rule, and the small equalities that make its result short.

It meets no door (it does not know whether equations came from a text, a spec or a trace) and prints
nothing.

    adjoint           the rule: the chain rule on index equations, backwards and forwards
    any_depth         the four equations of backpropagation for a layer l of any depth
    by_entries        A small system entry by entry
    chain             from a system and its loss to named gradient equations
    steps             what a derivation is, as data: a chain of steps with their forms
    simplifier        raw derivative equations made short, form by form
    declared          what an input is declared to be, used where that shortens a derived equation
    fuse              A forward pass as a reader wants it
    higher_orders     jacobians, Hessians and products with them, by the rule of adjoint once more
    kinks             where a system has no derivative, and which slope is taken there
    named_operations  what has no index form
    named_values      values that already have a name, named rather than computed again
    recording         what the rule will ask for, given a name in the forward pass
    rewrite           small rewrites that make a derived equation readable; each is an equality
"""
