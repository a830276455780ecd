"""Reports as PDF: by a TeX, by a Chromium, and a message where there is neither."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from networks import example

from gradproof.derivations.deriving import derive
from gradproof.reports.language import language
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.pages.files import OthersError, write_report
from gradproof.reports.pages.pdf import CHROMIUM, TEX, PdfError, pdf


def report_of(name: str) -> ReportData:
    derived = derive(example(name))
    return build(derived.network, derived.chain, derived.writer)


def only(names: tuple[str, ...]) -> str | None:
    return next((name for name in names if shutil.which(name)), None)


def test_without_tex_and_chromium_it_is_said_what_to_install() -> None:
    with pytest.raises(PdfError, match=r"install one .* or take --format latex or html"):
        pdf(report_of("moons"), lambda name: None)


@pytest.mark.parametrize("engine", [TEX[0], CHROMIUM[0]])
def test_a_program_that_fails_is_named(engine: str, tmp_path: Path) -> None:
    program = tmp_path / engine
    for script, told in (("echo '! Bad thing.'; exit 1", "failed: ! Bad thing."),
                         ("exit 3", "failed: it said nothing"), ("exit 0", "wrote no PDF")):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        with pytest.raises(PdfError, match=f"{engine} {told}"):
            pdf(report_of("moons"), lambda name: str(program) if name == engine else None)


def test_a_pdf_in_chinese_needs_a_chinese_font(tmp_path: Path) -> None:
    fonts, engine = tmp_path / "fc-list", tmp_path / "chromium"
    engine.write_text("#!/bin/sh\nexit 3\n")
    for said, told in (("", "fc-list knows of none"), ("echo Han.ttf", "chromium failed"),
                       ("exit 1", "chromium failed")):
        fonts.write_text(f"#!/bin/sh\n{said}\n")
        fonts.chmod(0o755)
        engine.chmod(0o755)
        here = {"fc-list": str(fonts), "chromium": str(engine)}
        with pytest.raises(PdfError, match=told):
            pdf(report_of("moons").translated(language("zh")), here.get)
        with pytest.raises(PdfError, match="chromium failed"):
            pdf(report_of("moons"), here.get)


def test_a_pdf_of_somebody_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradproof.reports.pages.files.pdf", lambda report: b"%PDF-1.5 ...")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.5 mine")
    with pytest.raises(OthersError, match="is no report"):
        write_report(report_of("moons"), tmp_path, ["pdf"], force=False)
    write_report(report_of("moons"), tmp_path, ["pdf"], force=True)
    write_report(report_of("moons"), tmp_path, ["pdf"], force=False)
    with pytest.raises(ValueError, match=r"formats: expected some of .*, got none"):
        write_report(report_of("moons"), tmp_path, [])


@pytest.mark.tex
def test_a_pdf_by_tex(tmp_path: Path) -> None:
    if only(TEX) is None:
        pytest.skip("no TeX")
    derived = derive(example("2-2-1"))
    report = build(derived.network, derived.chain, derived.writer,
                   source_text='return E, {"W1": dW1}  # z >= 0, |z|\n')
    made = pdf(report, lambda name: shutil.which(name) if name in TEX else None)
    assert made.startswith(b"%PDF")
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext")
    (tmp_path / "report.pdf").write_bytes(made)
    subprocess.run(["pdftotext", "-layout", "report.pdf"], cwd=tmp_path, check=True)
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert 'return E, {"W1": dW1}' in text.replace("\u201d", '"')
    assert "z >= 0, |z|" in text


def test_an_engine_that_lacks_fonts_is_passed_over(tmp_path: Path) -> None:
    made = []
    for name, log in (("xelatex", "LaTeX Font Warning: Font shape `TU/lmtt/m/n' undefined"),
                      ("lualatex", "Missing character: There is no x in font"),
                      ("pdflatex", "")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} > report.pdf\ncat > report.log <<'END'\n{log}\n"
                           "END\n")
        program.chmod(0o755)
        made.append(str(program))
    found = dict(zip(("xelatex", "lualatex", "pdflatex"), made, strict=True))
    assert pdf(report_of("moons"), found.get).startswith(b"pdflatex")
    del found["pdflatex"]
    with pytest.raises(PdfError, match=r"xelatex lacks a font of the report .*TU/lmtt"):
        pdf(report_of("moons"), found.get)


@pytest.mark.parametrize(("asked", "runs"), [(0, 2), (1, 2), (2, 3), (9, 4)])
def test_tex_runs_as_often_as_it_asks_for(tmp_path: Path, asked: int, runs: int) -> None:
    """The runs that `asked` counts want another one; more than four are not made."""
    program = tmp_path / "xelatex"
    program.write_text("#!/bin/sh\necho run >> report.pdf\ntest $(wc -l < report.pdf) -gt "
                       f"{asked} && echo done > report.log ||\n"
                       "echo 'Table widths have changed. Rerun LaTeX.' > report.log\n")
    program.chmod(0o755)
    assert pdf(report_of("moons"), {"xelatex": str(program)}.get) == b"run\n" * runs


@pytest.mark.browser
def test_a_pdf_by_chromium(tmp_path: Path) -> None:
    engine = only(CHROMIUM) or pytest.skip("no Chromium")
    made = pdf(report_of("2-2-1"), lambda name: shutil.which(name) if name == engine else None)
    assert made.startswith(b"%PDF")
    assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") > 3
