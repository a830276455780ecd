"""Pages as axe sees them: nothing that keeps a reader out, in either language.

axe-core comes with axe-playwright-python, of which its file alone is used (`pip install --no-deps
axe-playwright-python`); without it, or without a Chromium, these tests are skipped.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import pytest
from networks import example

from gradproof.reporting import report
from gradproof.symbolic.specs.network import Network

LOOK = """<script>{axe}</script><script>
axe.run(document, {{resultTypes: ["violations"]}}).then(result => {{
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify(result.violations.map(one =>
    [one.impact, one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))]));
  document.body.append(found);
}});</script></body>"""


def axe() -> str:
    """The text of axe-core."""
    try:
        found = [file for file in files("axe-playwright-python") or [] if file.name == "axe.min.js"]
    except PackageNotFoundError:
        found = []
    if not found:
        pytest.skip("no axe-core")
    return Path(str(found[0].locate())).read_text(encoding="utf-8")


def findings(page: str, folder: Path) -> list[list[Any]]:
    """What axe finds on a page: how bad, what, where."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium")
    text = re.sub("<meta http-equiv[^>]*>", "", page)  # which forbids the script
    look = LOOK.format(axe=axe().replace("</script", r"<\/script"))
    (folder / "page.html").write_text(text.replace("</body>", look), encoding="utf-8")
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000",
         f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "page.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True)
    (found,) = re.findall('<pre id="found">(.*?)</pre>', done.stdout, re.S)
    return list(json.loads(html.unescape(found)))


@pytest.mark.browser
@pytest.mark.parametrize(("network", "language"), [
    (example("2-2-1"), "en"), (Network([3, 4, 2], loss="cross_entropy", output="softmax"), "zh"),
])
def test_axe_finds_nothing(network: Network, language: str, tmp_path: Path) -> None:
    (file,), _ = report(network, tmp_path, formats=["html"], language=language)
    assert findings(file.read_text("utf-8"), tmp_path) == []


@pytest.mark.browser
def test_axe_would_find_something(tmp_path: Path) -> None:
    page = '<!doctype html><html><body><img src="data:,"><p>no language</p></body></html>'
    found = {name: impact for impact, name, _ in findings(page, tmp_path)}
    assert found["html-has-lang"] == "serious"
    assert found["image-alt"] == "critical"
