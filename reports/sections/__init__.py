"""What a report says, section by section, as plain data.

No file format is known here (:mod:`gradproof.reports.pages`), and nothing is derived.

    claims          figures that a source text states, held against the exact ones
    comparison      the three-way comparison
    conventions     a source that declares one index convention and computes with the other
    narration       the derivation told step by step
    overview        the section of the network or model itself
    worked_numbers  the pages of numbers
"""
