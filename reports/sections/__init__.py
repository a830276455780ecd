"""What a report says, section by section, as plain data.

No file format is known here (:mod:`gradproof.reports.pages`), and nothing is derived.

    claims          figures that a source text states, held against the exact ones
    comparison      derived, hand-written and differences side by side, as the check found them
    conventions     a source that declares one index convention and computes with the other
    error_curve     a difference quotient's error against its step: the valley
    glossary        the terms that a page uses
    gradient_flow   norms layer by layer: where the gradient vanishes or explodes
    figure          the network drawn: units, weights, values and adjoints
    in_general      the rule for a layer of any depth, and the derivation entry by entry
    kinds           which steps of a derivation are the same but for the names in them
    narration       the derivation told step by step
    overview        the network or model itself: figure, shapes, layers, conventions
    plots           curves over axes with ticks
    training        steps of gradient descent by the generated program, the loss drawn
    worked_numbers  worked lines of every pass, and the table of exact figures
"""
