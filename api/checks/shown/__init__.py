"""Results as a reader sees them.

    html     a result in a notebook: a table of verdicts, the line, the edit
"""
