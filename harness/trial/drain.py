"""The drain: how absence is proven.

A message that nobody has received is lost only if everything that could still bring it has run dry. So after the
last phase, in this order: every producer has gone through its schedule; a sentinel of every producer has reached
every scope (Pub/Sub is first in, first out per connection: what was still on its way came before it); producers
stop; every group has been handed the last entry of its stream; nothing is pending any more, and where something is,
a fresh consumer has had time to claim it. Each part is journalled as reached or not. What was not reached makes the
checker say inconclusive, never lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from harness.drivers.base import EntryId, Log
from harness.history.journal import BarrierPart, EventKind, Journal
from harness.model.values import Arm, Trial
from harness.trial.cast import Cast, Worker
from harness.trial.pacing import Pacing
from harness.trial.tally import Tally

SETTLE_MARGIN_S = 1.5


class Drain:
    """The drain of one trial. ``hire`` starts a fresh consumer for (arm, scope)."""

    def __init__(
        self,
        trial: Trial,
        journal: Journal,
        *,
        cast: Cast,
        tally: Tally,
        pacing: Pacing,
        logs: dict[int, Log],
        hire: Callable[[int, int], Worker],
    ) -> None:
        self._scenario = trial.scenario
        self._journal = journal
        self._cast = cast
        self._tally = tally
        self._pacing = pacing
        self._logs = logs
        self._hire = hire
        self._deadline = time.monotonic() + trial.scenario.timeline.drain_deadline_s

    def run(self) -> None:
        """Go through all parts; each is journalled, reached or not."""
        done = self._wait(self._tally.producers_done)
        self._note(BarrierPart.PRODUCERS_DONE, reached=done)
        for index, _, scope in self._all_scopes():
            seen = self._wait(partial(self._tally.sentinels_seen, index, scope))
            self._note(BarrierPart.SENTINELS_SEEN, reached=seen, arm=index, scope=scope)
        self._cast.stop(self._cast.producers())
        for index, arm, scope in self._all_scopes():
            if index in self._logs:
                self._settle(index, arm, scope)
        self._cast.stop(self._cast.consumers())
        self._tally.update()

    def _settle(self, index: int, arm: Arm, scope: int) -> None:
        """Wait until the group has been handed everything and has nothing pending."""
        log = self._logs[index]
        last = log.last_generated()
        caught_up = self._wait(lambda: self._is_caught_up(log, last, index, scope))
        self._note(BarrierPart.CAUGHT_UP, reached=caught_up, arm=index, scope=scope)
        settled = self._pacing.until_true(lambda: _is_settled(log, scope), deadline_s=_claim_time_s(arm))
        if not settled:
            self._cast.wait_ready([self._hire(index, scope)])
            self._pacing.until_true(lambda: _is_settled(log, scope), deadline_s=_claim_time_s(arm))
        # What is pending now has outlived claim cycles of a fresh consumer: it is stuck, which the checker may say.
        self._note(BarrierPart.PENDING_SETTLED, reached=True, arm=index, scope=scope)

    def _is_caught_up(self, log: Log, last: EntryId, index: int, scope: int) -> bool:
        """A reader that keeps its position to itself has come at least to the sentinel that it received."""
        state = log.group(scope)
        return self._tally.sentinels_seen(index, scope) if state is None else state.last_delivered >= last

    def _all_scopes(self) -> Iterator[tuple[int, Arm, int]]:
        for index, arm in enumerate(self._scenario.arms):
            for scope in range(arm.scopes):
                yield index, arm, scope

    def _wait(self, condition: Callable[[], bool]) -> bool:
        """Wait for one part, within what is left of the drain's one deadline."""
        return self._pacing.until_true(condition, deadline_s=max(0.1, self._deadline - time.monotonic()))

    def _note(self, part: BarrierPart, *, reached: bool, arm: int = 0, scope: int = -1) -> None:
        self._journal.write(
            EventKind.BARRIER, t_ns=time.monotonic_ns(), code=part, value=int(reached), arm=arm, scope=scope
        )


def _is_settled(log: Log, scope: int) -> bool:
    state = log.group(scope)
    return state is None or state.pending == 0


def _claim_time_s(arm: Arm) -> float:
    """How long a group needs to claim what was left pending: two rounds past the minimum idle time."""
    return (arm.stream.claim_min_idle_ms + 2 * arm.stream.claim_interval_ms) / 1000 + SETTLE_MARGIN_S
