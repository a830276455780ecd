"""What is run, believed, waited for and written over: nothing that somebody else put there."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from gradproof.cli import main
from gradproof.embedding.cache import _secret_file, cache_folder
from gradproof.embedding.documents import embed
from gradproof.reports.replacing import replace_all, replace_bytes

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes, owners, signals")
HAND = ("import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
        "def gradient(X, Y, W1, b1):\n    d = X @ W1 + b1 - Y\n"
        "    return {'W1': X[:, None] * d, 'b1': d}\n")
SPEC = "[network]\nsizes = [3, 1]\nbatch = false\n"
NAMED = '[tool.gradproof.specs]\nours = { file = "s.toml", hand = "hand.py" }\n'


@pytest.fixture(autouse=True)
def _folders(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))


def test_folders_named_by_relative_paths_are_passed_over(monkeypatch, tmp_path):
    """Else a secret, and what is read without it, would depend on where one stands."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, "here")
    assert cache_folder() == tmp_path / "home" / ".cache" / "gradproof" / "embed"
    assert _secret_file().is_relative_to(tmp_path / "home" / ".local" / "state")


@pytest.fixture
def outer(tmp_path):
    """A folder whose settings name a hand-written file, and a document below it."""
    folder = tmp_path / "outer"
    (folder / "clone" / "docs").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(NAMED)
    (folder / "s.toml").write_text(SPEC)
    (folder / "hand.py").write_text(HAND)
    (folder / "clone" / "docs" / "page.md").write_text(
        "x <!-- gradproof ours check.verdict --><!-- /gradproof -->\n")
    return folder


@pytest.mark.parametrize("git", [".git/", ".git", ""])
@pytest.mark.parametrize("check", [True, False])
def test_settings_above_the_repository_run_nothing(outer, git, check, monkeypatch, tmp_path):
    if git:  # a worktree has a file
        (outer / "clone" / ".git").mkdir() if "/" in git else (outer / "clone" / ".git").touch()
    for here in (tmp_path / "elsewhere", outer / "clone", outer / "clone" / "docs"):
        here.mkdir(exist_ok=True)
        monkeypatch.chdir(here)
        (document,) = embed([outer / "clone" / "docs" / "page.md"], check=check)
        assert document.failed
        assert not (outer / "ran").exists()


def test_settings_of_the_repository_run_its_file(outer, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "outer")
    page = outer / "clone" / "docs" / "page.md"
    assert embed([page])[0].problems == []  # in the folder of the settings
    (outer / "ran").unlink()
    (outer / ".git").mkdir()
    monkeypatch.chdir(outer / "clone" / "docs")
    assert embed([page])[0].problems == []
    assert (outer / "ran").exists()
    assert ">proved<" in page.read_text()


def test_a_verdict_depends_on_what_the_hand_written_file_reads(outer, monkeypatch):
    monkeypatch.chdir(outer)
    page = outer / "clone" / "docs" / "page.md"
    (outer / "hand.py").write_text(
        "import pathlib\ndef gradient(X, Y, W1, b1):\n"
        "    k = float(pathlib.Path(__file__).with_name('factor').read_text())\n"
        "    d = k * (X @ W1 + b1 - Y)\n    return {'W1': X[:, None] * d, 'b1': d}\n")
    for factor, shown in (("1", "proved|agrees"), ("2", "refuted")):
        (outer / "factor").write_text(factor)
        embed([page])
        assert any(f">{word}<" in page.read_text() for word in shown.split("|"))


@posix
@pytest.mark.parametrize("what", ["forged", "link", "pipe", "folder", "device", "moved"])
def test_a_cache_that_others_could_write_is_not_believed(tmp_path, what):
    page = tmp_path / "page.md"
    marker = "x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof -->\n"
    page.write_text(marker)
    embed([page])
    good = page.read_text()
    (kept,) = cache_folder().glob("*.json")
    data = json.loads(kept.read_text())
    entries = {key: ["0.99", "<svg onload=alert(1)>"] for key in data["entries"]}
    digest = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    forged = json.dumps(dict(data, entries=entries, digest=digest))
    victim = tmp_path / "victim"
    victim.write_text(forged)
    if what == "moved":  # the whole cache, from a machine with another secret
        (secret,) = (tmp_path / "XDG_STATE_HOME").rglob("cache-secret")
        kept.write_text(kept.read_text().replace("0.27", "0.99"))
        secret.write_bytes(bytes(32))
    else:
        kept.unlink()
        made = {"forged": lambda: kept.write_text(forged), "link": lambda: kept.symlink_to(victim),
                "pipe": lambda: os.mkfifo(kept), "folder": kept.mkdir,
                "device": lambda: kept.symlink_to("/dev/zero")}
        made[what]()
    page.write_text(marker)
    assert embed([page])[0].problems == []
    assert page.read_text() == good
    assert victim.read_text() == forged
    assert embed([page], check=True)[0].problems == []


@posix
def test_pipes_devices_and_links_are_not_waited_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zero.md").symlink_to("/dev/zero")
    (tmp_path / "self.md").symlink_to("self.md")
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "self.toml").symlink_to("self.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "page.md").write_text("x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof -->\n")
    assert [d.path.name for d in embed(["."])] == ["page.md"]
    for name in ("pipe.md", "zero.md", "self.md"):
        assert main(["embed", name]) == 2
    for name in ("pipe.toml", "zero.toml", "self.toml", "."):
        assert main(["derive", name]) == 2
    for name in ("pipe.toml", "zero.toml", "self.toml"):
        assert main(["check", name]) == 2
    (tmp_path / "pyproject.toml").symlink_to("/dev/zero")
    main(["embed", "page.md"])
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("text", "message"), [
    (b"tool = 3\n", "tool: expected tables"), (b"[tool]\ngradproof = 3\n", "expected a table"),
    (b"tool = " + b"[" * 5000, "nested too deeply"), (b"\xff\n", "is not UTF-8"),
    (b"x = 1e99999999999999999999\n", "exponent within 400"),
])
def test_settings_that_are_none(tmp_path, text, message):
    (tmp_path / "pyproject.toml").write_bytes(text)
    page = tmp_path / "page.md"
    page.write_text("x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof -->\n")
    (document,) = embed([page])
    assert message in document.problems[0].message


@pytest.mark.parametrize(("text", "message"), [
    (SPEC + "[update]\nlearning_rate = 1e999999999\n", "exponent within 400"),
    (SPEC + "[update]\nlearning_rate = 1e99999999999999999999\n", "exponent within 400"),
    (SPEC.replace("3", "3.5"), "got 3.5"), (SPEC + "[values]\nX = " + "[" * 9999, "nested too"),
    (SPEC + "l2 = 1e-999999\n", "exponent"),
    (SPEC + "[values]\nX = [" + "9" * 5000 + ", 1, 1]\n", "TOML|at most"),
])
def test_specs_with_numbers_beyond_all_limits(tmp_path, capsys, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text(text)
    start = time.perf_counter()
    assert main(["report", "s.toml"]) == 2
    error = capsys.readouterr().err
    assert any(part in error for part in message.split("|")), error
    assert "Decimal" not in error
    assert time.perf_counter() - start < 5


@pytest.mark.slow
def test_byte_order_marks_and_coding_lines_are_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf" + SPEC.encode())
    for text in (b"\xef\xbb\xbf" + HAND.encode(),
                 b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + HAND.encode()):
        (tmp_path / "hand.py").write_bytes(text)
        assert main(["check", "hand.py", "--spec", "s.toml"]) == 0
        assert main(["report", "s.toml", "--hand", "hand.py"]) == 0
    for text, part in ((b"\0", "null"), (b"# coding: nothing\n", "hand.py:1: "),
                       (b"x = '\xff'\n", "hand.py")):
        (tmp_path / "hand.py").write_bytes(text)
        assert main(["check", "hand.py", "--spec", "s.toml"]) == 2
        error = capsys.readouterr().err
        assert part in error
        assert "None" not in error


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.md", "report.tex", "network.svg"])
def test_a_report_replaces_no_file_of_others(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("my own words\n")
    assert main(["report", "2-2-1", "-o", "out"]) == 2
    said = "is no report that gradproof wrote, or was changed since; --force"
    assert f"{name}: {said}" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == [name]
    assert (tmp_path / "out" / name).read_text() == "my own words\n"
    assert main(["report", "2-2-1", "-o", "out", "--force"]) == 0
    assert main(["report", "moons", "-o", "out"]) == 0


def test_a_report_needs_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["report", "2-2-1", "-o", ""]) == 2
    assert main(["report", "2-2-1", "-o", "file"]) == 2
    assert "Errno" not in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@posix
def test_mode_owner_and_links_are_kept(tmp_path):
    file = tmp_path / "a"
    file.write_text("long old text")
    os.link(file, tmp_path / "b")
    file.chmod(0o604)
    replace_bytes(file, b"new")
    assert (tmp_path / "b").read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o604
    old = os.umask(0o027)
    try:
        replace_bytes(tmp_path / "c", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o640
    if os.geteuid() == 0:
        os.chown(tmp_path / "c", 12345, 54321)
        replace_bytes(tmp_path / "c", b"y")
        found = (tmp_path / "c").stat()
        assert (found.st_uid, found.st_gid) == (12345, 54321)


def test_a_set_of_files_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_text("old")
    with pytest.raises(OSError, match=r"folder|directory"):
        replace_all({tmp_path / "a": b"new", tmp_path: b"new"})
    with pytest.raises(OSError, match=r"No such|cannot find"):
        replace_all({tmp_path / "a": b"new", tmp_path / "no" / "b": b"new"})
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a": "old", "b": "old"}


@posix
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".a.{dead.pid}.gradproof-new").write_text("half")
    (tmp_path / f".a.{os.getppid()}.gradproof-new").write_text("of a run that goes on")
    replace_bytes(tmp_path / "a", b"new")
    assert sorted(f.name for f in tmp_path.iterdir()) == [f".a.{os.getppid()}.gradproof-new", "a"]


WRITES = """
import sys
from pathlib import Path
from gradproof.reports.replacing import replace_all
folder = Path(sys.argv[1])
print(flush=True)
while True:
    for letter in (b"a", b"b"):
        replace_all({folder / str(n): letter * 200_000 for n in range(3)})
"""


def killed(tmp_path, times):
    """How often files were of both kinds, or something was left, after kills at random times."""
    draw = random.Random(0)
    mixed = left = 0
    for _ in range(times):
        writer = subprocess.Popen([sys.executable, "-c", WRITES, str(tmp_path)],
                                  stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(draw.uniform(0.01, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        texts = [(tmp_path / str(n)).read_bytes() for n in range(3) if (tmp_path / str(n)).exists()]
        assert all(len(text) == 200_000 and len(set(text)) == 1 for text in texts)
        mixed += len({text[:1] for text in texts}) > 1
        left += len(list(tmp_path.iterdir())) > len(texts)
    return mixed, left


@posix
def test_kills_leave_old_files_or_new_ones(tmp_path):
    folder = tmp_path / "w"
    folder.mkdir()
    killed(folder, 10)
    # a kill between two names that are given (some microseconds) is made good by the next run
    replace_all({folder / str(n): b"c" for n in range(3)})
    assert {f.name: f.read_text() for f in folder.iterdir()} == dict.fromkeys("012", "c")


STOPS = """
import os, signal, sys
from pathlib import Path
from gradproof.reports import replacing
folder, at = Path(sys.argv[1]), int(sys.argv[2])
steps = 0
def stopping(call):
    def wrapped(*arguments, **settings):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **settings)
    return wrapped
for name in ("open", "write", "link", "replace", "unlink", "ftruncate", "fsync", "close"):
    setattr(os, name, stopping(getattr(os, name)))
replacing.replace_all({folder / name: b"new " * 3000 for name in sys.argv[3:]})
print(steps)
"""


def stopped(folder, at, *names):
    """The set written by a process that is killed before its step `at`; whether it was."""
    run = subprocess.run([sys.executable, "-c", STOPS, str(folder), str(at), *names],
                         capture_output=True, text=True, check=False)
    assert run.returncode in (0, -signal.SIGKILL), run.stderr
    return run.returncode != 0


@posix
@pytest.mark.slow
def test_a_kill_at_any_step_leaves_each_file_whole_and_the_next_run_makes_the_set_whole(tmp_path):
    mixed = at = 0
    old, new = b"old", b"new " * 3000
    while True:
        folder = tmp_path / str(at)
        folder.mkdir()
        for name in "ab":
            (folder / name).write_bytes(old)
        at += 1
        if not stopped(folder, at, "a", "b", "c"):
            break
        found = [(folder / name).read_bytes() for name in "abc" if (folder / name).exists()]
        assert {*found} <= {old, new}
        mixed += len({*found}) > 1 or (found[0] == new and len(found) < 3)
        replace_all({folder / name: new for name in "abc"})
        assert {f.name: f.read_bytes() for f in folder.iterdir()} == dict.fromkeys("abc", new)
    assert at > 20
    assert mixed <= 2  # between the names of three files


@posix
@pytest.mark.slow
def test_a_kill_at_any_step_of_writing_in_place_loses_nothing(tmp_path):
    """A file with several hard links cannot be replaced: what was cut off is said, not used."""
    old, new = b"old words " * 2000, b"new " * 3000
    at = cut = 0
    while True:
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / "a").write_bytes(old)
        os.link(folder / "a", folder / "twin")
        at += 1
        if not stopped(folder, at, "a"):
            break
        found = (folder / "a").read_bytes()
        if found == old or not list(folder.glob("*gradproof-old")):
            assert found in (old, new)
            replace_bytes(folder / "a", new)
        else:
            cut += found != new
            with pytest.raises(FileExistsError, match="content before that is in"):
                replace_bytes(folder / "a", new)
            (kept,) = folder.glob("*gradproof-old")
            assert kept.read_bytes() == old
            continue
        assert {f.name: f.read_bytes() for f in folder.iterdir()} == dict.fromkeys(
            ("a", "twin"), new)
    assert cut


@posix
def test_a_write_in_place_that_fails_puts_the_old_content_back(tmp_path, monkeypatch):
    file = tmp_path / "a"
    file.write_bytes(b"old words")
    os.link(file, tmp_path / "twin")
    write = os.write

    def full(handle, data):
        if bytes(data).startswith(b"new"):
            write(handle, b"ne")
            raise OSError(28, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        replace_bytes(file, b"new")
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == dict.fromkeys(
        ("a", "twin"), b"old words")


@posix
def test_a_document_that_was_cut_off_is_not_used(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    page = tmp_path / "page.md"
    page.write_text("x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof -->\nthe rest is m")
    kept = tmp_path / f".page.md.{dead.pid}.gradproof-old"
    kept.write_text("all of it")
    for check in (True, False):
        (document,) = embed([page], check=check)
        assert document.failed
        assert kept.name in document.problems[0].message
    assert page.read_text().endswith("is m")
    kept.write_bytes(page.read_bytes())  # of a run that was killed before it wrote a byte
    (document,) = embed([page])
    assert document.problems == []
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["page.md"]


@posix
@pytest.mark.slow
def test_parallel_runs_agree(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"x <!-- gradproof 2-2-1 {q} --><!-- /gradproof -->\n"
                            for q in ("L = .6f", "W1.gradient", "A2 = .3f"))
                    + "<!-- gradproof 2-2-1 figure -->\n<!-- /gradproof -->\n")
    runs = [subprocess.Popen([sys.executable, "-m", "gradproof", "embed", "page.md"], cwd=tmp_path,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(4)]
    ends = [(run.communicate()[1], run.returncode) for run in runs]
    assert [code for _, code in ends] == [0] * 4, ends
    assert embed([page], check=True)[0].problems == []
    assert {f.name for f in tmp_path.iterdir() if f.is_file()} == {"page.md", "2-2-1.svg"}


# --- large documents ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "<!-- gradproof" + " " * 400_000 + "x", "<!-- gradproof 2-2-1" + " " * 900_000 + "-->",
    "x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof --> " * 8000,
    "x <!-- gradproof verify 2-2-1 L -->" + "<code>" * 20_000 + "<!-- /gradproof -->",
    "``` a " * 60_000 + "<!-- gradproof 2-2-1 L -->", "<!--" * 100_000 + "gradproof",
    "\\`" * 100_000 + "gradproof", "::" * 100_000 + " gradproof", "> " * 200_000 + "gradproof",
])
@pytest.mark.parametrize("suffix", [".md", ".html", ".rst", ".tex"])
def test_documents_are_gone_through_once(tmp_path, text, suffix):
    page = tmp_path / f"page{suffix}"
    page.write_text(text)
    start = time.perf_counter()
    embed([page])
    assert time.perf_counter() - start < 8


def test_a_notebooks_outputs_are_stepped_over(tmp_path):
    import tracemalloc

    rows = [{"cell_type": "code", "source": [], "outputs": [
        {"text": "x\\n" * 1_000_000}, {"data": list(range(200_000))}]},
        {"cell_type": "markdown", "metadata": {}, "source": [
            "x <!-- gradproof 2-2-1 L = .2f --><!-- /gradproof -->"]}]
    page = tmp_path / "page.ipynb"
    page.write_text(json.dumps({"cells": rows, "nbformat": 4}))
    embed([page])
    assert "-->0.27<!--" in page.read_text()
    size = page.stat().st_size
    tracemalloc.start()
    assert embed([page], check=True)[0].problems == []
    assert tracemalloc.get_traced_memory()[1] < 30 * size
    tracemalloc.stop()
