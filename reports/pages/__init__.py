"""Documents put together and written: which sections, the figure, the templates, the files.

What the sections say is :mod:`gradproof.reports.sections`.

    document  A network's report as plain data
    figure    the network drawn
    files     A report's files: written whole or not at all
    model     the report of a model of layers
    render    from a report's plain data to the text of its files
"""
