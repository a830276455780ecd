"""Documents: content and markup as plain data, and the folders that make them.

Results are handed in; nothing is derived or checked here.

    worked/     exact figures and the lines made of them
    sections/   what a report says
    pages/      documents, figure, templates, files
    markers/    markers in documents: found, read, filled

    language   documents in other languages, by a catalogue of gettext's
    content    what a document is made of, as plain data: no markup, no file format
    drawing    what is drawn, as plain data
    markup     how prose, formulas and programs are spelled in each format
    mathml     formulas as MathML
    replacing  files replaced whole
"""
