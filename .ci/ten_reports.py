"""Ten reports in both languages and all formats, made into a folder and looked at.

    python .ci/ten_reports.py FOLDER [N]

with N, every N-th of them.

Formulas go through math-core and, where Node has it, KaTeX; LaTeX is compiled where there is a TeX
(nothing overfull, nothing missing), Typst where its compiler is; pages are opened in Chromium where
there is one, at 400 and 1400 pixels: no word on the console, no request, nothing wider than the
screen, no row of a formula upon the one before, no code in a table's cell in two lines, and nothing
serious that axe would find. What is wrong is printed, and the exit code is 1.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tables"))

from report_lint import formulas, unparsable  # noqa: E402

from gradproof.derivations.sources import load_source  # noqa: E402
from gradproof.reporting import report_data  # noqa: E402
from gradproof.reports.language import language  # noqa: E402
from gradproof.reports.pages.files import FORMATS, write_report  # noqa: E402
from gradproof.reports.pages.pdf import PdfError, pdf  # noqa: E402

NAMES = ("2-2-1", "xor", "columns", "moons", "3-4-2", "softmax-regression", "lenet", "lstm",
         "transformer", "gaussian-process")
KATEX = """
const katex = require("katex"), wrong = [];
for (const line of JSON.parse(require("fs").readFileSync(0, "utf8")))
  try { katex.renderToString(line, {displayMode: true, throwOnError: true, strict: "error"}) }
  catch (error) { wrong.push(line + ": " + error.message) }
console.log(JSON.stringify(wrong))
"""
LOOK = """<script>%s</script><script>
addEventListener("load", async () => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const flat = [...document.querySelectorAll("math")].filter(
    e => e.checkVisibility() && !e.getBoundingClientRect().height).length;
  const cut = innerWidth < 1000 ? [] : [...document.querySelectorAll(".right")].filter(
    e => e.scrollWidth > e.clientWidth + 1).map(e => e.parentNode.dataset.tex);
  const broken = [...document.querySelectorAll("td code")].filter(
    e => e.getClientRects().length > 1).map(e => e.textContent);
  const close = [...document.querySelectorAll(".right")].filter(e => e.checkVisibility() && [
    ...e.querySelectorAll(".side math")].map(m => m.getBoundingClientRect()).some((box, at, all) =>
      at && box.left <= all[at - 1].left && box.top < all[at - 1].bottom + 2)).map(
        e => e.parentNode.dataset.tex);
  const asked = performance.getEntriesByType("resource").map(e => e.name);
  const axed = window.axe && innerWidth > 1000
    ? (await axe.run(document, {resultTypes: ["violations"]})).violations
        .filter(one => ["serious", "critical"].includes(one.impact))
        .map(one => one.id + " " + one.nodes[0].html.slice(0, 200)) : [];
  const page = location.pathname, width = innerWidth;
  parent.postMessage({page, width, wide, flat, cut, broken, close, asked, axed}, "*");
});
</script></body>"""
FRAMES = """<!doctype html><body><pre id="found"></pre><script>
addEventListener("message", e => found.textContent += JSON.stringify(e.data) + "\\n");
</script>
"""


def made(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Each name and folder of a report, written in all formats but PDF, from one derivation for
    both languages."""
    for name in names:
        data, _ = report_data(load_source(name))
        for spoken in ("en", "zh"):
            place = folder / spoken / name
            write_report(data.translated(language(spoken)), place,
                         [form for form in FORMATS if form != "pdf"])
            yield f"{spoken} {name}", place


def refused(places: list[Path]) -> Iterator[str]:
    """Formulas that a parser does not take."""
    lines = list(dict.fromkeys(line for place in places for line in formulas(
        (place / "report.md").read_text(encoding="utf-8"))))
    print(f"{len(lines)} different formulas")
    yield from unparsable(lines)
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", 'require.resolve("katex")'],
                                      capture_output=True).returncode:
        print("no Node that has katex; skipped")
        return
    ran = subprocess.run([node, "-e", KATEX], input=json.dumps(lines), capture_output=True,
                         text=True, timeout=120, check=True)
    yield from json.loads(ran.stdout)


def compiled(place: Path) -> list[str]:
    """What TeX says of a report that it should not; the PDF is left beside it."""
    text = (place / "report.tex").read_text(encoding="utf-8")
    chinese = "ctexart" in text
    engine = shutil.which("xelatex") or ("" if chinese else shutil.which("pdflatex"))
    if not engine or (chinese and not found_by_tex("ctexart.cls")):
        return []
    for run in range(3):
        done = subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
                              cwd=place, capture_output=True, timeout=120, check=False)
        log = (place / "report.log").read_text(encoding="utf-8", errors="replace")
        if run and "Rerun LaTeX" not in log:
            break
    if done.returncode:
        return [f"{place}: {log[-500:]}"]
    return [f"{place}: {line}" for line in re.findall(
        r"Overfull \\[hv]box \([\d.]{3,}pt[^\n]*|Missing character[^\n]*|"
        r"LaTeX Warning: [^\n]*undefined[^\n]*", log) if not re.search(r"\((0|1)\.\d+pt", line)]


def printed() -> Iterator[str]:
    """PDFs that have no text of theirs, made by each program that makes them: TeX, Chromium."""
    data, _ = report_data(load_source("softmax-regression"), length="short")
    for spoken, words in (("en", "Forward equations"), ("zh", "前向方程")):
        for program in ("xelatex", "chromium"):
            try:
                made = pdf(data.translated(language(spoken)),
                           lambda name, program=program: shutil.which(name)
                           if name in (program, "fc-list") else None)
            except PdfError as error:
                print(f"no PDF in {spoken} by {program}: {error}")
                continue
            text = shutil.which("pdftotext") and subprocess.run(
                ["pdftotext", "-", "-"], input=made, capture_output=True, timeout=60,
                check=True).stdout.decode()
            if not made.startswith(b"%PDF") or (text and words not in text):
                yield f"the PDF in {spoken} by {program} lacks {words!r}"


def found_by_tex(name: str) -> bool:
    kpsewhich = shutil.which("kpsewhich")
    return kpsewhich is not None and not subprocess.run(
        [kpsewhich, name], capture_output=True).returncode


def typeset(place: Path) -> list[str]:
    """What Typst says of a report."""
    try:
        import typst
    except ImportError:
        return []
    try:
        typst.compile(str(place / "report.typ"))
    except Exception as error:  # its own class, which is not public
        return [f"{place}: {error}"]
    return []


def seen(places: list[Path]) -> Iterator[str]:
    """What a browser shows of the pages that it should not."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if chromium is None:
        print("no Chromium; the pages are not opened")
        return
    try:
        (axe,) = [file for file in files("axe-playwright-python") or []
                  if file.name == "axe.min.js"]
        script = Path(str(axe.locate())).read_text(encoding="utf-8")
        script = script.replace("</script", r"<\/script")
    except (PackageNotFoundError, ValueError):
        print("no axe-core; pages are opened without it")
        script = ""
    with TemporaryDirectory() as made_there:
        there = Path(made_there)
        frames = []
        for number, place in enumerate(places):
            text = (place / "report.html").read_text(encoding="utf-8")
            text = re.sub("<meta http-equiv[^>]*>", "", text)  # which forbids the script
            axed = script if place.parent.name == "en" else ""  # another language is built alike
            (there / f"{number}.html").write_text(
                text.replace("</body>", LOOK.replace("%s", axed)), encoding="utf-8")
            frames += [f'<iframe src="{number}.html" style="width:{width}px;height:900px"></iframe>'
                       for width in (404, 1404)]  # of which a border takes four
        (there / "frames.html").write_text(FRAMES + "\n".join(frames))
        done = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
             "--allow-file-access-from-files", "--virtual-time-budget=60000",
             f"--user-data-dir={there / 'profile'}", "--window-size=1500,1000", "--dump-dom",
             (there / "frames.html").as_uri()],
            capture_output=True, text=True, timeout=300, check=True)
    yield from (line for line in done.stderr.splitlines() if "CONSOLE" in line)
    (found,) = re.findall('<pre id="found">(.*?)</pre>', done.stdout, re.S)
    looks = [json.loads(line) for line in html.unescape(found).splitlines()]
    if len(looks) != len(frames):
        yield f"{len(looks)} of {len(frames)} pages were opened"
    for look in looks:
        wrong = {key: look[key] for key in ("flat", "cut", "broken", "close", "asked", "axed")
                 if look[key]}
        if look["wide"] > 0:
            wrong["wide"] = look["wide"]
        if wrong:
            yield f"{places[int(Path(look['page']).stem)]} at {look['width']}: {wrong}"


def main(folder: Path, every: int = 1) -> int:
    wrong: list[str] = []
    start = time.monotonic()

    def done(what: str) -> None:
        nonlocal start
        now = time.monotonic()
        print(f"{what}: {now - start:.1f} s", flush=True)
        start = now

    places = [place for _, place in made(folder, NAMES[::every])]
    done(f"{len(places)} reports")
    wrong += refused(places)
    done("formulas")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in (*pool.map(compiled, places), *pool.map(typeset, places)):
            wrong += found
    done("LaTeX and Typst")
    wrong += printed()
    done("PDF by the program itself")
    wrong += seen(places)
    done("pages")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
