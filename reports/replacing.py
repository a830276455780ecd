"""Files replaced whole, and sets of them: a reader, or a run that is killed, leaves the old or the
new ones, and nothing beside them.

New content is written to files without a name where the system has such (Linux), so that a run
which is killed leaves none; else to hidden files beside, which the next run removes.  Between the
names of a set, which are given one after the other at the end, a kill has microseconds: it leaves
some files old and some new, each whole, and the next run, which writes what is old still, makes the
set whole.  What has to be written in place is copied first, and is not touched by a later run that
finds the copy: see :func:`refuse_cut_off`.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_NEW, _OLD = "gradproof-new", "gradproof-old"
WAITED = 2.0
"""Seconds for another run to write a file in place."""


def replace_bytes(path: Path, data: bytes, *, follow: bool = True) -> None:
    """A file replaced whole: see :func:`replace_all`."""
    replace_all({path: data}, follow=follow)


def replace_all(files: Mapping[Path, bytes], *, follow: bool = True) -> None:
    """Writes every file, then gives each its name: the whole set, or nothing of it.

    Mode, owner and group of a file that is there are kept; new ones follow the umask.  A symbolic
    link is followed, or with `follow` False replaced.  A file with several hard links, or whose
    owner this user cannot give, is written in place, with a copy of it beside meanwhile.  Raises
    OSError.
    """
    waiting: list[_Waiting] = []
    try:
        for path, data in files.items():
            target = path.resolve() if follow else path
            refuse_cut_off(target)
            _sweep(target)
            waiting.append(_Waiting(target, data))
        for one in waiting:
            one.name()
        for one in waiting:  # names alone: a kill between them has some microseconds
            one.finish()
    finally:
        for one in waiting:
            one.close()


def refuse_cut_off(path: Path) -> None:
    """FileExistsError where a run was killed while it wrote this file in place; the message says
    where the old content is.  One that writes it now is waited for."""
    for process, copy in _left(path.resolve(), _OLD):
        ends = time.monotonic() + WAITED
        while _is_running(process) and copy.exists() and time.monotonic() < ends:
            time.sleep(WAITED / 40)
        with suppress(FileNotFoundError):
            if copy.read_bytes() == path.read_bytes():  # killed before the first byte
                copy.unlink()
                continue
            raise FileExistsError(
                "a run was killed while it wrote this file in place (it has several hard links, or "
                f"another owner); its content before that is in {copy.name}: move that back, or "
                "remove it if the file is as it should be")


class _Waiting:
    """New content that waits for its name."""

    def __init__(self, target: Path, data: bytes, hidden: Path | None = None) -> None:
        """hidden: its name for now; one that is given is for a copy, which gets no other."""
        self.target = target
        self.data = data
        self.old = _regular(target) if hidden is None else None
        self.hidden = hidden or _beside(target, _NEW)
        self.named = False
        self.handle = -1
        if self.old is not None and self.old.st_nlink > 1:
            return
        try:
            self._write()
        except BaseException:
            self.close()
            raise

    def _write(self) -> None:
        try:
            if not hasattr(os, "O_TMPFILE"):
                raise OSError
            self.handle = os.open(self.target.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
        except OSError:  # not Linux, or a file system without such files
            with suppress(FileNotFoundError):
                self.hidden.unlink()
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
            self.handle = os.open(self.hidden, flags, 0o666)
            self.named = True
        rest = memoryview(self.data)
        while rest:
            rest = rest[os.write(self.handle, rest):]
        if self.old is not None and hasattr(os, "fchown"):
            try:
                now = os.fstat(self.handle)
                if (now.st_uid, now.st_gid) != (self.old.st_uid, self.old.st_gid):
                    os.fchown(self.handle, self.old.st_uid, self.old.st_gid)
            except PermissionError:
                self.close()
                return
            os.fchmod(self.handle, stat.S_IMODE(self.old.st_mode))
        os.fsync(self.handle)

    def name(self) -> None:
        """Gives content without a name a hidden one, from which it can be moved."""
        if self.handle < 0 or self.named:
            return
        # with a folder's handle Python asks for linkat, which follows /proc's link
        folder = os.open(self.target.parent, os.O_RDONLY)
        try:
            with suppress(FileNotFoundError):
                self.hidden.unlink()
            os.link(f"/proc/self/fd/{self.handle}", self.hidden, src_dir_fd=folder)
        finally:
            os.close(folder)
        self.named = True

    def finish(self) -> None:
        """Gives the content its own name."""
        if self.handle < 0:
            _in_place(self.target, self.data)
            return
        os.replace(self.hidden, self.target)
        self.named = False

    def close(self) -> None:
        """Lets go of content that has got its name, or will get none."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
        if self.named:
            with suppress(FileNotFoundError):
                self.hidden.unlink()
            self.named = False


def _regular(target: Path) -> os.stat_result | None:
    """The state of a regular file; None where there is none.  OSError for a folder or a device."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{target} is a folder")
    return found if stat.S_ISREG(found.st_mode) else None


def _in_place(target: Path, data: bytes) -> None:
    old = target.read_bytes()
    copy = _Waiting(target, old, _beside(target, _OLD))
    try:
        copy.name()
        try:
            _overwrite(target, data)
        except BaseException:  # such as a disk that is full
            _overwrite(target, old)
            raise
    finally:
        copy.close()


def _overwrite(target: Path, data: bytes) -> None:
    handle = os.open(target, os.O_WRONLY | getattr(os, "O_BINARY", 0))
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest):]
        os.ftruncate(handle, len(data))
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(target: Path, what: str) -> Path:
    """A hidden file of this process for a target."""
    return target.parent / f".{target.name[:100]}.{os.getpid()}.{what}"


def _sweep(target: Path) -> None:
    """Removes what a run that was killed between two steps left for this target."""
    with suppress(OSError):
        for process, left in _left(target, _NEW):
            if not _is_running(process):
                left.unlink()


def _left(target: Path, what: str) -> Iterator[tuple[int, Path]]:
    """Hidden files for a target, each with the process that made it."""
    try:
        names = os.listdir(target.parent)
    except OSError:
        return
    for name in names:
        found = re.fullmatch(rf"\.{re.escape(target.name[:100])}\.(\d+)\.{what}", name)
        if found:
            yield int(found[1]), target.parent / name


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
