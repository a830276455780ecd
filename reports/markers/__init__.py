"""Markers in documents: found, read and filled; nothing outside of them changes.

What a marker's text means, and its value, is asked of the caller (:mod:`gradproof.embedding`).

    document       a document's markers brought up to date, nothing else changed by a byte
    drawings       drawings that embedding wrote, known by their checksum
    flavors        how embedded content is spelled where it stands
    latex_and_rst  where markers stand in LaTeX and reStructuredText
    markdown       where markers stand in Markdown and HTML
    marker         what stands in an opening comment, and comments put into pairs
    notebook       markers in a notebook's Markdown cells
"""
