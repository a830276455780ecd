"""Documents put together and written: which sections, the drawings, the templates, the files.

What the sections say is :mod:`gradproof.reports.sections`.

    document       the sections of a report in their order, as plain data
    drawn          drawings as SVG and as TikZ
    files          a report's files: written whole or not at all
    html_page      a report as one page that needs nothing else
    json_form      the whole derivation as JSON
    marks          the mark by which a file is known again as one of a report
    notebook_page  a report as a Jupyter notebook, whose programs run
    pdf            a report as PDF, by a TeX or a Chromium
    render         Markdown and LaTeX: from a report's plain data to the text of its files
    symbols        symbols in MathML that lead to where they are defined
    typst_page     a report in Typst, for its compiler
"""
