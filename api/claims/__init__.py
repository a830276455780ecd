"""Claims somebody made, held against the derivation: formulas in LaTeX, numbers, shapes.

    files           `gp.audit`: files of claims, and documents
    abouts          what claims are about: a network, equations, the text's own names
    claimed         one claim of a file, by its kind
    comparing       the sides of a formula beside one another
    diagnosis       what would make a wrong formula right
    documents       the formulas of a document, with their lines
    findings        what is found of a claim, as data
    formulas        formulas: every reading, every layer, each pair of sides
    printed         a program's output, run in a process of its own, beside what is claimed
    shown           an audit: its findings, as data, text, Markdown and HTML
    spec_figures    the figures that a network's spec states
    stated_numbers  roundings, and chains of rounded steps
    tables          tables in Markdown, a column cell by cell
"""
