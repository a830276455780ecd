"""The mark by which a file of a report is known again: a hash of its content, so that a file that
somebody wrote, or changed since, is none of ours."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import PurePath

BLANK = "gradproof report " + "0" * 16
"""What formats that have no comments keep where the mark will be."""
_MARK = re.compile(rb"gradproof report ([0-9a-f]{16})")
_COMMENTS = {".md": "\n<!-- %s -->\n", ".html": "<!-- %s -->\n", ".svg": "<!-- %s -->\n",
             ".tex": "%% %s\n", ".typ": "// %s\n", ".pdf": "\n%% %s\n"}


def marked(name: str, text: str | bytes) -> bytes:
    """A file's content with its mark; `name` is the file's, whose suffix says how comments are
    written."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    comment = _COMMENTS.get(PurePath(name).suffix)
    if comment is not None:
        data += (comment % BLANK).encode()
    at = data.rindex(BLANK.encode())
    return data[:at] + b"gradproof report " + _hash(data) + data[at + len(BLANK):]


def is_marked(data: bytes) -> bool:
    """Whether this is what :func:`marked` made; other ends of lines are no change."""
    found = list(_MARK.finditer(data))
    if not found:
        return False
    begin, end = found[-1].span(1)
    return found[-1][1] == _hash(data[:begin] + b"0" * 16 + data[end:])


def _hash(blank: bytes) -> bytes:
    return sha256(blank.replace(b"\r\n", b"\n")).hexdigest()[:16].encode()
