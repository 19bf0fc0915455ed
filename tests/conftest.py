"""What holds for every test: SIGINT can be sent to children, and no thread outlives the file that started it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

THREADS_END_S = 10.0
STAY = ("spawner",)
"""Threads that are meant to live as long as the process: `harness.stack.process` forks on one."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell ignores SIGINT for what it runs in the background, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def a_plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sees on a terminal does not depend on the one that it was started in."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True, scope="module")
def no_thread_is_left_behind() -> Iterator[None]:
    """A thread that goes on after its test slows down every test after it; one of them once spun for minutes."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREADS_END_S
    while left := [one for one in threading.enumerate() if one not in before and not one.name.startswith(STAY)]:
        assert time.monotonic() < deadline, f"still running: {[thread.name for thread in left]}"
        time.sleep(0.01)
