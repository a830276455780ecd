"""Another Python that runs a user's file and sends messages, and that can be ended.

The child (:func:`serve`) sends pairs (word, what) as they come about; what it prints goes to
stderr, so that nothing of it can be taken for a finding.  The parent (:class:`Process`) receives
them with a time limit, and ends the child and what that has started.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

MEMORY_LIMIT = 4.0
"""Gigabytes for the memory of a child, by default."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""A check multiplies small matrices, thousands of times: threads would wait for one another (on two
busy cores they took ten times as long).  Who sets these has what he sets."""

CLOSING = 5.0
"""Seconds for the last messages of a child that has ended."""

Send = Callable[[str, Any], None]
"""Sends a message: a word, and what belongs to it."""


class EndedError(Exception):
    """The child ended, or was ended, before it said what was waited for: how, in words."""


class Process:
    """A child that runs ``module:function`` with arguments; a context manager, which ends it.

    given: what the child reads from stdin.
    """

    def __init__(
        self, target: str, arguments: Sequence[str], gigabytes: float, given: bytes = b""
    ) -> None:
        module, _, function = target.partition(":")
        code = ("import gc, sys; gc.disable(); sys.path[0:1] = []; "
                f"from {module} import {function} as run; "
                "from gradproof.limits.process import serve; serve(run)")
        self._child = subprocess.Popen(
            [sys.executable, "-c", code, str(gigabytes), *arguments],
            stdin=subprocess.PIPE if given else subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=hasattr(os, "setsid"),  # it and what it starts are ended together
            env={**dict.fromkeys(THREADS, "1"), **os.environ},
        )
        self._messages: queue.Queue[tuple[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended, which the reader will hear
                self._child.stdin.write(given)
                self._child.stdin.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def receive(self, ends: float) -> tuple[str, Any] | None:
        """The next message; None where none comes until that time of time.monotonic().

        EndedError where the child has ended by itself.
        """
        try:
            message = self._messages.get(timeout=max(ends - time.monotonic(), 0))
        except queue.Empty:
            return None
        if message is None:
            raise EndedError(_how(self._child.wait()))
        return message

    def end(self) -> None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()
        self._child.wait()
        self._reader.join(CLOSING)
        if self._child.stdout is not None and not self._reader.is_alive():
            self._child.stdout.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        with contextlib.suppress(Exception):  # it may be killed in the middle of a message
            while True:
                self._messages.put(pickle.load(self._child.stdout))
        self._messages.put(None)


def _how(code: int) -> str:
    if code >= 0:
        return f"ended its process with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"crashed: its process was ended by {signal.Signals(-code).name}"
    return f"crashed: its process was ended by signal {-code}"


def serve(run: Callable[[list[str], Send], None]) -> None:
    """In the child: runs ``run(arguments, send)`` within its memory, and ends."""
    gigabytes, *arguments = sys.argv[1:]
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the user's code prints is no message
    sys.stdout = sys.stderr
    _hold_memory(float(gigabytes))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    lock = threading.Lock()

    def send(word: str, what: Any) -> None:
        with lock:
            channel.write(pickle.dumps((word, what)))
            channel.flush()

    run(arguments, send)
    send("done", None)
    os._exit(0)  # whatever threads and exit functions the user's code has left


def ready(send: Send) -> None:
    """In the child: says that all is imported.

    What is imported is never garbage, and searching it for some took a tenth of a short check.
    """
    gc.freeze()
    gc.enable()
    send("ready", None)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _hold_memory(gigabytes: float) -> None:
    """Beyond it Python raises MemoryError; not on every system."""
    try:
        import resource
    except ImportError:
        return
    most = int(gigabytes * 2**30)
    with contextlib.suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (within, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
