"""The documentation as a site: docs/*.md as they stand, and a reference of every public name.

    python -m sphinx -W -c docs/site docs SITE
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import gradproof

project = "gradproof"
version = release = gradproof.__version__
extensions = ["myst_parser", "gradproof.sphinx_ext"]
myst_heading_anchors = 4
root_doc = "site/index"
exclude_patterns = ["2-2-1", "README.md"]
suppress_warnings = [
    "myst.header",  # pages of problems have their sources on the third level
    "misc.highlighting_failure",  # blocks of GitHub's mathematics, and of notebooks
]
html_theme = "furo"
html_title = "gradproof"


def reference() -> str:
    """Every public name with its signature and docstring, as Markdown."""
    parts = ["# Every public name\n"]
    for name in sorted(gradproof.__all__):
        if name.startswith("__"):
            continue
        value = getattr(gradproof, name)
        parts.append(f"## {name}\n")
        if inspect.isclass(value) or inspect.isfunction(value):
            parts.append(f"```python\n{_signature(name, value)}\n```\n")
        parts += _blocks(inspect.getdoc(value) or "")
        if inspect.isclass(value):
            for method, one in vars(value).items():
                if not method.startswith("_") and inspect.isfunction(one) and one.__doc__:
                    parts.append(f"```python\n{_signature(f'{name}.{method}', one)}\n```\n")
                    parts += _blocks(inspect.getdoc(one) or "")
    return "\n".join(parts)


def _signature(name: str, value: Any) -> str:
    try:
        found = str(inspect.signature(value)).replace("gradproof.", "")
        found = re.sub(r"(: |-> )'([^']*)'", r"\1\2", found)  # annotations are text
    except ValueError:
        return name
    shown = f"{name}{found}"
    if len(shown) <= 100:
        return shown
    inner, _, result = found[1:].rpartition(")")
    return f"{name}(\n    " + ",\n    ".join(_arguments(inner)) + f",\n){result}"


def _arguments(text: str) -> list[str]:
    """The arguments of a signature, apart at the commas that stand in no brackets."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found if part.strip()]


def _blocks(docstring: str) -> list[str]:
    """A docstring as Markdown: paragraphs, lists of arguments, examples as they stand."""
    found = []
    for block in re.split(r"\n\s*\n", docstring):
        if block.lstrip().startswith(">>>"):
            found.append(f"```pycon\n{inspect.cleandoc(block)}\n```\n")
        elif block.startswith((" ", "\t")):
            found.append(f"```text\n{inspect.cleandoc(block)}\n```\n")
        else:
            text = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", block).replace("``", "`")
            text = re.sub(r"(?m)^(\w[\w, ]*): ", r"- **\1**: ", text)
            found.append(text.replace("<", "&lt;") + "\n")
    return found


def fill(app: Any, docname: str, source: list[str]) -> None:
    """The page of names; and links to what is no page or file here are what they say."""
    if docname == "site/reference":
        source[0] = reference()
    folder = (Path(app.srcdir) / docname).parent

    def said(link: re.Match[str]) -> str:
        target = (folder / link[2].partition("#")[0]).resolve()
        left_out = target.is_dir() or (Path(app.srcdir) / "2-2-1") in target.parents
        return link[1] if left_out else link[0]

    source[0] = re.sub(r"(?<!!)\[([^\[\]]*)\]\(([^()\s:]+)\)", said, source[0])


def setup(app: Any) -> None:
    app.connect("source-read", fill)
