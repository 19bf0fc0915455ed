"""How a child process learns that this process is gone, also when SIGKILL left us no last word.

Linux: the child asks the kernel for SIGKILL on the death of its parent (``prctl``), then checks that the parent did
not die before it could ask. Elsewhere: a watchdog process holds the reading end of a pipe whose writing end only we
hold; each child writes its own process group into it before it executes its program, and when the pipe closes the
watchdog kills every group that is still noted. A child of a killed parent is noted too, since the pipe stays open
until that child has executed.

Used by `harness.stack.process` and by nobody else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_EXIT_STATUS_OF_AN_ORPHAN = 113

_WATCHDOG = """
import os, signal, sys
noted = set()
for line in sys.stdin.buffer:
    word = line.decode()
    (noted.add if word[0] == "+" else noted.discard)(int(word[1:]))
for group in noted:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""

kernel_tells_children = sys.platform == "linux"
"""Whether the kernel can signal a child when its parent dies."""

_prctl = ctypes.CDLL(None).prctl if kernel_tells_children else None
"""Looked up once here, so that a freshly forked child has nothing to import or load."""
_watchdog: _Watchdog | None = None
_lock = threading.Lock()


class _Watchdog:
    """The process that outlives us by a moment, and the pipe that tells it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        reading_end, self._writing_end = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHDOG],
            stdin=reading_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reading_end)

    def note(self, group: int) -> None:
        """Kill ``group`` when we are gone."""
        os.write(self._writing_end, b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """``group`` has ended: its number may soon belong to somebody else."""
        with contextlib.suppress(OSError):
            os.write(self._writing_end, b"-%d\n" % group)


def parting_hook() -> Callable[[], None]:
    """What a child has to do between fork and exec, for ``subprocess.Popen(preexec_fn=…)``."""
    if kernel_tells_children:
        return _kernel_hook(os.getpid())
    watchdog = _current_watchdog()
    return lambda: watchdog.note(os.getpid())


def forget(group: int) -> None:
    """Say that the process group ``group`` has ended."""
    if _watchdog is not None and _watchdog.owner == os.getpid():
        _watchdog.forget(group)


def _kernel_hook(parent: int) -> Callable[[], None]:
    assert _prctl is not None
    prctl = _prctl

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(_EXIT_STATUS_OF_AN_ORPHAN)

    return ask_the_kernel


def _current_watchdog() -> _Watchdog:
    global _watchdog
    with _lock:
        if _watchdog is None or _watchdog.owner != os.getpid():
            _watchdog = _Watchdog()
        return _watchdog
