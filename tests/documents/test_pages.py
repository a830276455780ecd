"""The pages of documentation for users: their code runs, and prints what they say it prints."""

import contextlib
import io
import linecache
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["for-students", "for-layer-authors", "for-test-suites", "for-scientists"]


@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_a_page_runs_and_prints_what_it_says(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names = {"__name__": f"page_{name}"}
    printed, compared = "", 0
    for place, (language, source) in enumerate(blocks):
        if language == "python":
            file = f"<{name} {place}>"
            linecache.cache[file] = (len(source), None, source.splitlines(True), file)
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile(source, file, "exec"), names)
            printed = shown.getvalue()
        elif language == "text":
            assert source == printed
            compared += 1
    assert any(language == "python" for language, _ in blocks)
    assert compared == text.count("```text")


def test_the_index_of_the_documentation_names_them():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for name in PAGES:
        assert f"({name}.md)" in index
