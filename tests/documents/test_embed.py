"""Documents, specs, cache and the command ``gradproof embed``."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.derivations.sources import load
from gradproof.embedding.documents import Embedder, embed
from gradproof.reports.replacing import replace_bytes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    """A cache folder for this module's tests, not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path(str(tmp_path_factory.getbasetemp())) / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(Path(str(tmp_path_factory.getbasetemp())) / "cache"))


def page(folder, *requests, name="page.md"):
    """A document with a marker a line."""
    file = folder / name
    file.write_text("".join(f"x <!-- gradproof {r} --><!-- /gradproof -->\n" for r in requests),
                    encoding="utf-8")
    return file


def shown(file):
    """The generated texts of a page."""
    return re.findall(r"--\>(.*?)<!-- /gradproof \w{8} -->", file.read_text(encoding="utf-8"))


def test_quantities_are_those_of_the_derivation(tmp_path):
    file = page(tmp_path, "2-2-1 E = .6f", "2-2-1 L=.3e", "2-2-1 W2.updated[1] =",
                "2-2-1 delta2 format=text", "2-2-1 W1.gradient format=latex",
                "2-2-1 A2 * (1 - o) = .4f", "2-2-1 check.verdict", "2-2-1 check.W1.scope",
                "2-2-1 Z1.symbol", "2-2-1 dZ2 loss=C", "moons W2.gradient delta=loss format=text",
                "moons W2.gradient format=text", "2-2-1 b2.gradient loss=C format=text",
                "2-2-1 A1 symbols.A1=g format=text", "2-2-1 dZ2 flavor=portable")
    (document,) = embed([file])
    assert document.problems == []
    assert shown(file) == [
        "0.274840", "2.748e-1", "0.358835", "δ⁽²⁾ = (o - t) ⊙ o ⊙ (1 - o)",
        r"\partial E/\partial W^{(1)} = x^{\top} \delta^{(1)}",
        "0.1868", "proved", shown(file)[7], r"$`z^{(1)}`$",
        r"$`\delta^{(2)} = (o - t) \odot o \odot (1 - o)`$",
        "∂L/∂W⁽²⁾ = A⁽¹⁾ᵀ δ⁽²⁾", str(derive(load("moons")).gradients["W2"]), "∂C/∂b⁽²⁾ = δ⁽²⁾",
        "g = σ(z⁽¹⁾)", r"$\delta^{(2)} = (o - t) \odot o \odot (1 - o)$",
    ]
    before = file.read_bytes()
    assert main(["embed", str(file)]) == 0
    assert file.read_bytes() == before


@pytest.mark.parametrize(("request_", "part"), [
    ("2-2-2 L", "did you mean '2-2-1'?"),
    ("2-2-1 W1.gradiant", "did you mean 'W1.gradient'?"),
    ("2-2-1 delta3", "did you mean 'delta"),
    ("2-2-1 forwards", "did you mean 'forward'?"),
    ("2-2-1 L[3] = .2f", "subscripts"),
    ("2-2-1 Z1[7]", "there is no entry"),
    ("2-2-1 Q1 = .3f", "no quantity 'Q1'"),
    ("2-2-1 L = .50f", "40 digits"),
    ("2-2-1 L format=latx", "did you mean 'latex'?"),
    ("2-2-1 L flavor=githib", "did you mean 'github'?"),
    ("2-2-1 L loss=1", "expected a letter"),
    ("2-2-1 L delta=samples", "sample"),
    ("moons L = .3f", "no [values]"),
    ("2-2-1 check.W9.verdict", "no gradient 'W9'"),
    ("2-2-1 figure file=../x.svg", "below the document"),
])
def test_what_is_not_there_is_an_error_with_the_nearest_name(tmp_path, capsys, request_, part):
    file = page(tmp_path, "2-2-1 L = .2f", request_)
    before = file.read_bytes()
    assert main(["embed", str(file)]) == 2
    out = capsys.readouterr().out
    assert f"{file}:2: error: " in out
    assert part in out
    assert file.read_bytes() == before


def test_check_and_diff_write_nothing_and_say_how_to_repair(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = page(tmp_path, "2-2-1 L = .2f")
    before = file.read_bytes()
    assert main(["embed", "--check", "--diff", "page.md"]) == 1
    said = capsys.readouterr()
    assert "page.md:1: stale: 2-2-1 L = .2f is not up to date" in said.out
    assert "+x <!-- gradproof 2-2-1 L = .2f -->0.27<!-- /gradproof" in said.out
    assert "repair with: gradproof embed page.md" in said.err
    assert file.read_bytes() == before
    assert main(["embed", "page.md"]) == 0
    assert main(["embed", "--check", "page.md"]) == 0
    file.write_text(file.read_text().replace("0.27", "0.28"))
    assert main(["embed", "page.md"]) == 1
    assert "changed by hand" in capsys.readouterr().out
    assert main(["embed", "--force", "page.md"]) == 0
    assert shown(file) == ["0.27"]


def test_the_formats_of_the_output(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page(tmp_path, "2-2-1 L = .2f", name="a,b.md")
    assert main(["embed", "--check", "--output-format", "github", "a,b.md"]) == 1
    assert capsys.readouterr().out.startswith(
        "::error file=a%2Cb.md,line=1,title=gradproof embed%3A stale::2-2-1 L = .2f is not")
    assert main(["embed", "--check", "--output-format", "json", "a,b.md"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["file"], found["markers"], found["changed"]) == ("a,b.md", 1, True)
    assert found["problems"][0]["line"] == 1


def test_nothing_to_check_is_not_fine(tmp_path, capsys):
    file = page(tmp_path)
    assert main(["embed", str(file)]) == 2
    assert "no marker in" in capsys.readouterr().err
    assert main(["embed", "--allow-none", str(file)]) == 0
    assert main(["embed", str(tmp_path / "none.md")]) == 2
    (tmp_path / "page.doc").write_bytes(b"")
    assert main(["embed", str(tmp_path / "page.doc")]) == 2


@pytest.mark.parametrize(("request_", "text", "kind"), [
    ("2-2-1 dZ2", "0.1385", ""),
    ("2-2-1 dZ2", "$`\\delta = 1.385 \\times 10^{-1}`$", ""),
    ("2-2-1 dZ2", "13.8 %", ""),
    ("2-2-1 Y - A2", "−0.741", ""),
    ("2-2-1 dZ2", "0.1386", "rounds to 0.1385"),
    ("2-2-1 delta2", "`delta2 = (o - t) * o * (1 - o)`", ""),
    ("2-2-1 W1.gradient", "`outer(x, delta1)`", ""),
    ("2-2-1 dW2", "`A1 * dZ2`", ""),
    ("2-2-1 delta2", "`(o - t) * o`", "is not equal"),
    ("2-2-1 delta2", "`2*(o - t) * o * (1 - o)`", "multiply it by ½"),
    ("moons W1.gradient", "`X.T @ dZ1 / m`", ""),
    ("moons W1.gradient", "`X.T @ dZ1`", "multiply it by 1/m"),
    ("moons dZ1", "`d = dZ2 @ W2.T\n(1 - A1**2) * d`", ""),
    ("2-2-1 delta2", "`(o - tt) * o`", "did you mean"),
    ("2-2-1 delta2", "no formula", "expected a number, or a formula in a code span"),
])
def test_an_authors_own_formula_or_number_is_held_against_the_derivation(
    tmp_path, request_, text, kind
):
    file = tmp_path / "page.md"
    whole = f"x <!-- gradproof verify {request_} -->{text}<!-- /gradproof -->\n"
    file.write_text(whole, encoding="utf-8")
    (document,) = embed([file])
    assert file.read_text(encoding="utf-8") == whole
    messages = [problem.message for problem in document.problems]
    assert len(messages) == bool(kind), messages
    assert all(kind in message for message in messages), messages


def test_specs_beside_the_document_and_in_pyproject(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "mine.toml").write_text("[network]\nsizes = [3, 1]\nbatch = false\n")
    (tmp_path / "pass.py").write_text(
        "def gradient(X, Y, W1, b1):\n    d = X @ W1 + b1 - Y\n"
        "    return {'W1': 2 * X[:, None] * d, 'b1': d}\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.gradproof]\nflavor = "mkdocs"\n[tool.gradproof.specs]\n'
        'one = { file = "docs/mine.toml", hand = "pass.py" }\n'
        'inline = { network = { sizes = [1, 1], batch = false }, values = { X = [0.1], Y = [1],'
        ' W1 = [[2]], b1 = [0.3] }, notation = { loss = "J" } }\n'
        'squares = { equations = "L = sum((A @ x - b)**2)", '
        'shapes = { A = "m n", x = "n", b = "m" } }\n')
    file = page(tmp_path / "docs", "mine W1.gradient", "mine.toml L format=text", "inline J = .3f",
                "one check.verdict", "one check.b1.verdict", "squares x.gradient format=text")
    (document,) = embed([file])
    assert [(problem.kind, problem.line) for problem in document.problems] == [("refuted", 4)]
    found = shown(file)
    assert found[0].startswith("$")
    assert not found[0].startswith("$`")
    assert found[2:5] == ["0.125", "refuted", "proved"]
    assert found[5].startswith("∂L/∂x = ")
    (tmp_path / "pyproject.toml").write_text("[tool.gradproof]\nflavour = 1\n")
    (document,) = embed([file])
    assert "did you mean 'flavor'?" in document.problems[0].message


def test_a_changed_spec_makes_its_numbers_stale(tmp_path):
    spec = tmp_path / "mine.toml"
    text = ("[network]\nsizes = [1, 1]\nbatch = false\n[values]\nX = [1]\nY = [0]\n"
            "W1 = [[2]]\nb1 = [0]\n")
    spec.write_text(text)
    file = page(tmp_path, "mine L = .1f")
    embed([file])
    assert shown(file) == ["2.0"]
    spec.write_text(text.replace("[[2]]", "[[3]]"))
    (document,) = embed([file], check=True)
    assert [problem.kind for problem in document.problems] == ["stale"]


def test_a_figure_is_a_file_beside_the_document(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("<!-- gradproof 2-2-1 figure file=pic/net.svg -->\n<!-- /gradproof -->\n")
    embed([file])
    svg = tmp_path / "pic" / "net.svg"
    assert "](pic/net.svg)" in file.read_text()
    assert embed([file], check=True)[0].problems == []
    svg.write_text(svg.read_text().replace("0.15", "0.16"))
    (document,) = embed([file])
    assert "changed by hand" in document.problems[0].message
    assert embed([file], force=True)[0].problems == []
    svg.unlink()
    assert [p.kind for p in embed([file], check=True)[0].problems] == ["stale"]


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file(tmp_path, monkeypatch, step):
    file = page(tmp_path, "2-2-1 L = .2f")
    before = file.read_bytes()

    def fails(*arguments):
        raise OSError("no space left")

    monkeypatch.setattr(os, step, fails)
    (document,) = embed([file], cache=False)
    assert [(p.kind, p.message) for p in document.problems] == [("error", "no space left")]
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_killed_run_leaves_the_old_file_or_the_new_one(tmp_path, step):
    file = tmp_path / "page.md"
    file.write_bytes(b"old" * 1000)
    code = (f"import os, pathlib, signal\nfrom gradproof.reports.replacing import *\n"
            f"os.{step} = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"replace_bytes(pathlib.Path({str(file)!r}), b'new' * 10**6)")
    done = subprocess.run([sys.executable, "-c", code])
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b"old" * 1000


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links")
def test_mode_and_link_of_a_document_are_kept(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("a")
    file.chmod(0o640)
    (tmp_path / "link.md").symlink_to(file)
    replace_bytes(tmp_path / "link.md", b"b")
    assert file.read_text() == "b"
    assert file.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.md").is_symlink()


# --- cache --------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    file = page(tmp_path, "2-2-1 L = .2f")
    embed([file])
    (kept,) = (tmp_path / "cache" / "gradproof" / "embed").glob("*.json")
    return file, kept


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"\xff", b'{"entries": {}}', b'{"key": 1, "digest": 2, "entries": 3}', None,
])
def test_a_corrupt_or_foreign_cache_is_ignored_and_made_anew(cached, content):
    file, kept = cached
    good = kept.read_bytes()
    kept.write_bytes(good.replace(b"0.27", b"0.66") if content is None else content)
    assert embed([file], check=True)[0].problems == []
    assert kept.read_bytes() == good


def test_what_is_cached_needs_no_derivation(cached, monkeypatch):
    file, _ = cached

    def fails(*arguments):
        raise AssertionError("derived again")

    monkeypatch.setattr("gradproof.embedding.quantities.derive", fails)
    assert embed([file], check=True)[0].problems == []
    with pytest.raises(AssertionError, match="derived again"):
        embed([file], check=True, cache=False)


def test_a_cache_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert embed([page(tmp_path, "2-2-1 L = .2f")])[0].problems == []


def test_a_thousand_markers_in_a_hundred_files_take_less_than_three_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wanted = [f"2-2-1 {name} = .{digits}f" for name in ("L", "Z1[1]") for digits in range(2, 5)]
    wanted += ["2-2-1 W1.gradient", "2-2-1 delta1", "moons W2.gradient", "2-2-1 Z1[2]"]
    files = [page(tmp_path, *wanted, name=f"page{number}.md") for number in range(100)]
    start = time.perf_counter()
    documents = embed(files)
    fresh = time.perf_counter() - start
    assert sum(document.markers for document in documents) == 1000
    start = time.perf_counter()
    assert not any(document.problems for document in embed(files, check=True))
    again = time.perf_counter() - start
    start = time.perf_counter()
    assert not any(document.problems for document in embed(files, check=True, cache=False))
    print(f"written {fresh:.2f} s, checked {again:.2f} s, without cache "
          f"{time.perf_counter() - start:.2f} s")
    assert again < 3


def test_the_projects_own_documents_are_up_to_date(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["embed", "--check", "--diff"]) == 0


def test_an_embedder_is_asked_for_quantities_by_hosts(tmp_path):
    from gradproof.reports.markers.marker import parse_request

    content, figure = Embedder(cache=False).content(parse_request("2-2-1 figure"), tmp_path)
    assert figure is not None
    assert "<svg" in figure.svg
    assert content.inline is None
