"""What the conductor tells a worker over its standard input, as seen by the worker."""

from __future__ import annotations

import os
import sys
import threading

from harness.model.words import CrashPointCode

ORPHANED_EXIT = 75


class Orders:
    """Reads the orders in a thread of its own, so that no wait of the worker can hide them.

    When the pipe closes without a ``stop``, the conductor is dead: the worker ends at once, whatever it is doing.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.crash_point: CrashPointCode | None = None
        """Where a consumer is to kill itself, at the next message."""
        self.slow_ms = 0
        """How long each message is to take a consumer; 0: as usual."""
        self._started = threading.Event()
        self._start_ns = 0
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def wait_for_start(self, deadline_s: float) -> int | None:
        """The monotonic time at which the schedule begins; ``None`` when stopped, or not told in time."""
        if not self._started.wait(deadline_s) or self.stopped.is_set():
            return None
        return self._start_ns

    def _read(self) -> None:
        for line in sys.stdin:
            word, _, value = line.strip().partition(" ")
            if word == "go":
                self._start_ns = int(value)
                self._started.set()
            elif word == "crash":
                self.crash_point = CrashPointCode(int(value))
            elif word == "slow":
                self.slow_ms = int(value)
            elif word == "stop":
                self.stopped.set()
                self._started.set()
        if not self.stopped.is_set():
            os._exit(ORPHANED_EXIT)
