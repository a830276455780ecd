"""Documents put together and written: which sections, the figure, the templates, the files.

What the sections say is :mod:`gradproof.reports.sections`.

    document  a report as plain data
    figure    the network drawn
    files     a report's files: written whole or not at all
    render    from a report's plain data to the text of its files
"""
