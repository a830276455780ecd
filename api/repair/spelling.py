"""An edit as text: the lines before and after, in the user's own spelling."""

from __future__ import annotations

import ast
import copy
import difflib
import itertools
import re
from typing import Any

from gradproof.repair.edits import Edit
from gradproof.repair.program import FunctionSource


def shown(edit: Edit) -> tuple[int, int, str, str]:
    """The line of an edit, how far it is indented, and its lines before and after, in the user's
    own spelling, without that indent."""
    source = edit.source
    before = source.lines
    after = _edited_lines(edit)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    if not changed:
        return edit.line, 0, "", ""
    first, last = changed[0], changed[-1]
    old, new = before[first[1]:last[2]], after[first[3]:last[4]]
    indent = min((len(line) - len(line.lstrip()) for line in (*old, *new) if line.strip()),
                 default=0)
    return (first[1] + 1, indent, "".join(line[indent:] for line in old).rstrip(),
            "".join(line[indent:] for line in new).rstrip())


def _edited_lines(edit: Edit) -> tuple[str, ...]:
    source = edit.source
    old = edit.slot.get()
    if isinstance(old, list) and all(isinstance(part, ast.stmt) for part in old):
        return _moved(source, old, edit.change.make())
    with edit.applied() as new:
        if isinstance(new, ast.Pass):
            return (*source.lines[:old.lineno - 1], *source.lines[old.end_lineno:])
        whole = edit.slot.holder if isinstance(old, list | ast.operator) else new
        place = edit.slot.holder if isinstance(old, list | ast.operator) else old
        for brackets in (False, True):
            text = _spelled(whole, source, brackets)
            for candidate, bare in ((text, True), (text, False), (f"({text})", False)):
                lines = source.replaced(place, candidate, bare)
                if source.reads_as(lines):
                    return lines
        text = ast.unparse(whole)
        return source.replaced(place, text if isinstance(whole, ast.stmt) else f"({text})")


def _moved(source: FunctionSource, old: list[ast.stmt], new: list[ast.stmt]) -> tuple[str, ...]:
    """The lines with statements in another order; what stands between them stays where it is."""
    lines, after = list[str](), 0
    mine = [part for part in old if not hasattr(part, "is_made")]
    moved = [part for part in new if not hasattr(part, "is_made")]
    for was, statement in zip(mine, moved, strict=True):
        lines += source.lines[after:was.lineno - 1]
        lines += source.lines[statement.lineno - 1:statement.end_lineno]
        after = was.end_lineno or was.lineno
    return (*lines, *source.lines[after:])


def _spelled(new: ast.AST, source: FunctionSource, brackets: bool) -> str:
    """A tree as text, where its unchanged parts read as the user wrote them."""
    kept: dict[str, str] = {}
    numbers = itertools.count()

    def copied(node: Any, top: bool = False) -> Any:
        if isinstance(node, list):
            return [copied(part) for part in node]
        if not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.expr) and not top and isinstance(getattr(node, "ctx", None),
                                                                 ast.Load | None):
            text = source.segment(node) if _is_original(node, source) else None
            if text is not None:
                name = f"kept{next(numbers)}_"
                kept[name] = f"({text})" if brackets and isinstance(
                    node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp) else text
                return ast.Name(name, ast.Load())
        made = copy.copy(node)
        for name_, value in ast.iter_fields(node):
            setattr(made, name_, copied(value))
        return made

    text = ast.unparse(copied(new, top=True))
    lines = "".join(source.lines)
    if lines.count('"') > lines.count("'"):
        text = re.sub(r"""'([^'"\\\n]*)'""", r'"\1"', text)
    for name, original in kept.items():
        text = text.replace(name, original)
    return text


def _is_original(node: ast.expr, source: FunctionSource) -> bool:
    """Whether the place that a node claims in the file is indeed its own text."""
    text = source.segment(node)
    if text is None:
        return False
    try:
        return ast.dump(ast.parse(f"({text})", mode="eval").body) == ast.dump(node)
    except (SyntaxError, ValueError):
        return False
