"""How the conductor waits: with a deadline, an ear for the user's Ctrl-C, and an eye on the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from harness.model.errors import Interrupted, TrialError

STEP_S = 0.02
LOOK_INTERVAL_S = 0.25


class Pacing:
    """Waits of one trial. Meanwhile ``step`` is called every `STEP_S`, ``look`` about four times a second.

    Both may raise.
    """

    def __init__(
        self, interrupted: threading.Event, look: Callable[[], None], *, step: Callable[[], None] = lambda: None
    ) -> None:
        self._interrupted = interrupted
        self._look = look
        self._step = step
        self._next_look = 0.0

    def until(self, moment_ns: int) -> None:
        """Wait until ``moment_ns`` on the monotonic clock."""
        while (left_s := (moment_ns - time.monotonic_ns()) / 1e9) > 0:
            self._breathe(min(left_s, STEP_S))

    def until_true(self, condition: Callable[[], bool], *, deadline_s: float) -> bool:
        """Wait until ``condition`` holds; false when ``deadline_s`` passed before it did."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            if time.monotonic() >= deadline:
                return False
            self._breathe(STEP_S)
        return True

    def require(self, condition: Callable[[], bool], *, deadline_s: float, what: str) -> None:
        """`until_true`, where not reaching it means that the trial cannot be trusted."""
        if not self.until_true(condition, deadline_s=deadline_s):
            raise TrialError(f"{what}: not within {deadline_s:g} s")

    def _breathe(self, seconds: float) -> None:
        if self._interrupted.wait(seconds):
            raise Interrupted("interrupted by the user", fix="the partial run is kept; resume it with --resume")
        self._step()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_INTERVAL_S
            self._look()
