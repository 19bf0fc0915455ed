"""What a fault of the server explains of what it had acknowledged and holds no more.

*Server restart*: the server was killed and started anew, and what it held only in its memory went with that life: all
of it without persistence, what came after the last snapshot with RDB, and with AOF everysec what it had not even
written yet, since it waits for a slow fsync. Under AOF no and always every write precedes its reply, so there a kill
explains nothing. *Un-fsynced at power loss*: the machine lost power, and what had not reached the disk went; without
persistence nothing was ever to reach it, so that is a restart, and under AOF always it explains nothing.
*Un-replicated at failover*: a replica was promoted that had not been sent it. A master that was killed acknowledged
nothing after that, and its last answers came over connections that it had; one that hung, or that came back, may have
for as long as it believed that it was the master: until it was seen as a replica, and not over a connection that began
when clients had been led to its successor.
*Evicted*: the server's counter of evicted keys rose, and the stream was one of the keys.

A fault that was not seen explains nothing, and what was acknowledged too late to have gone with it is *unexplained*.
So is a hole. Entry ids ascend, and files and replicas keep a log up to some entry and none after it: what is older than
an entry that was acknowledged before the fault, and is still there, did not go with the fault. An eviction takes a
stream whole: what is younger than an entry that is still there did not go with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.check.connections import answered_over_older, standing_at
from harness.check.dense import NEVER
from harness.check.entries import EntryId, ends_of_log, entry_ids, follows
from harness.check.ledger import MECHANISM_CODE, Messages
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.results import FaultWindow
from harness.model.words import FAILOVERS, FaultModel, Mechanism, Persistence, ServerStat

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

DEATHS: Final = frozenset({FaultModel.SERVER_KILL, FaultModel.POWER_LOSS})
"""Faults after which the same server is started anew. After a failover it is another one."""
WRITTEN_DOWN_NS: Final = 100_000_000
"""A reply that the deposed master still gave may be written down by its client after somebody saw it as a replica."""
_MAY_FORGET: Final = {
    FaultModel.SERVER_KILL: {
        Persistence.OFF: Mechanism.SERVER_RESTART,
        Persistence.RDB: Mechanism.SERVER_RESTART,
        Persistence.AOF_EVERYSEC: Mechanism.SERVER_RESTART,
    },
    FaultModel.POWER_LOSS: {
        Persistence.OFF: Mechanism.SERVER_RESTART,
        Persistence.RDB: Mechanism.UNFSYNCED,
        Persistence.AOF_NO: Mechanism.UNFSYNCED,
        Persistence.AOF_EVERYSEC: Mechanism.UNFSYNCED,
    },
}
"""Which loss a fault may bring, by how the server persists."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """A moment at which the server may have forgotten what it had acknowledged, and why."""

    mechanism: Mechanism
    cut_ns: int
    """When it forgot."""
    before_ns: int
    """What was acknowledged later than this was in what came after."""
    led_ns: int = NEVER
    """What was acknowledged later than this over a younger connection, too: it led elsewhere."""
    stood_ns: int = NEVER
    """A connection that began before this is none of the younger ones."""


def forgettings(history: History, timeline: Timeline) -> list[Forgetting]:
    """All of a trial, evictions in order of time; where two explain a message, the first in this list does."""
    found = []
    for fault in timeline.faults:
        if fault.observed_from_ns is None:
            continue
        mechanism = _MAY_FORGET.get(fault.plan.model, {}).get(history.trial.scenario.persistence)
        if fault.plan.model in FAILOVERS:
            found.append(_unreplicated(fault, timeline))
        elif mechanism is not None:
            found.append(Forgetting(mechanism, fault.inject_before_ns, _healed_ns(fault, timeline)))
    found += [Forgetting(Mechanism.EVICTED, moment, moment) for moment in _evictions(history)]
    return found


def _unreplicated(fault: FaultWindow, timeline: Timeline) -> Forgetting:
    """A dead master's last answers come over connections that it had; a living one's until clients are led away."""
    cut_ns, healed_ns = fault.inject_before_ns, _healed_ns(fault, timeline)
    if lives_on(fault):
        until_ns, led_ns = old_master_until_ns(fault, timeline), all_led_ns(fault)
        return Forgetting(Mechanism.UNREPLICATED, cut_ns, until_ns, led_ns=healed_ns, stood_ns=led_ns)
    last_ns = fault.inject_after_ns + WRITTEN_DOWN_NS
    return Forgetting(Mechanism.UNREPLICATED, cut_ns, max(healed_ns, last_ns), led_ns=last_ns, stood_ns=cut_ns)


def lives_on(fault: FaultWindow) -> bool:
    """Whether the master that is failed over is there again."""
    return fault.plan.model is FaultModel.HUNG_MASTER or fault.plan.old_returns


def old_master_until_ns(fault: FaultWindow, timeline: Timeline) -> int:
    """Until when a master that `lives_on` may have answered as one, at the latest."""
    return timeline.end_ns if fault.observed_to_ns is None else fault.observed_to_ns + WRITTEN_DOWN_NS


def all_led_ns(fault: FaultWindow) -> int:
    """From when on every new connection leads to the new master: while they are led on, some still do not."""
    return NEVER if fault.heal_after_ns is None else fault.heal_after_ns


def _healed_ns(fault: FaultWindow, timeline: Timeline) -> int:
    return timeline.end_ns if fault.heal_before_ns is None else fault.heal_before_ns


class ServerLoss:
    """What the server forgot of one arm's log."""

    def __init__(self, history: History, timeline: Timeline, messages: Messages, *, arm: int) -> None:
        self._history, self._messages, self._arm = history, messages, arm
        self._log_read = messages.log_entries is not None and timeline.barriers[arm].log_read
        self._causes = forgettings(history, timeline) if messages.log_entries is not None else []

    def explain(self, gone: Array) -> Array:
        """Mechanism codes of the ``gone`` addresses, all of acknowledged messages; `UNEXPLAINED` where none fits."""
        codes = np.full(len(gone), MECHANISM_CODE[Mechanism.UNEXPLAINED], dtype=np.uint8)
        for cause in reversed(self._causes if len(gone) else ()):
            codes[self._may_have_taken(cause, gone)] = MECHANISM_CODE[cause.mechanism]
        return codes

    def seconds(self, gone: Array) -> float | None:
        """How many seconds of the acknowledged log are gone: from the first such message to the moment that took it.

        A deposed master goes on to acknowledge after that moment: then they run to the last such message. ``None``
        where the log was not read, or the server forgot nothing that we know of: no fault or eviction was seen that
        could make it.
        """
        if not self._causes or not self._log_read:
            return None
        left, longest = gone, 0
        for cause in self._causes:
            is_taken = self._may_have_taken(cause, left)
            taken, left = self._messages.outcome_ns[left[is_taken]], left[~is_taken]
            if len(taken):
                longest = max(longest, max(cause.cut_ns, int(taken.max())) - int(taken.min()))
        return longest / 1e9

    def _may_have_taken(self, cause: Forgetting, gone: Array) -> Bools:
        """Which of the ``gone`` were acknowledged in time, and leave no hole that the cause would not make."""
        outcomes = self._messages.outcome_ns[gone]
        found: Bools = outcomes <= cause.before_ns
        late = found & (outcomes > cause.led_ns)
        if late.any():
            standing = standing_at(self._history, cause.stood_ns, arm=self._arm)
            found &= ~late | answered_over_older(self._history, self._messages, standing, arm=self._arm)[gone]
        return found & ~self._spared(cause, gone) if found.any() else found

    def _spared(self, cause: Forgetting, gone: Array) -> Bools:
        """Which of the ``gone`` the cause would have left, since it left what it would have taken with them."""
        ids = (self._known_ids[0][gone], self._known_ids[1][gone])
        if cause.mechanism is Mechanism.EVICTED:
            return follows(ids, self._ends[0]) if self._ends is not None else np.zeros(len(gone), dtype=bool)
        kept = self._messages.acknowledged & (self._messages.outcome_ns <= cause.cut_ns)
        return ~follows(ids, _highest(self._held_ids[0][kept], self._held_ids[1][kept]))

    @cached_property
    def _ends(self) -> tuple[EntryId, EntryId] | None:
        return ends_of_log(self._history, arm=self._arm)

    @cached_property
    def _known_ids(self) -> tuple[Array, Array]:
        return entry_ids(self._history, self._messages.index, arm=self._arm)

    @cached_property
    def _held_ids(self) -> tuple[Array, Array]:
        return entry_ids(self._history, self._messages.index, arm=self._arm, kinds=(EventKind.LOG_ENTRY,))


def _highest(ms: Array, seq: Array) -> EntryId:
    """The highest of some ids; (0, 0) of none."""
    highest = ms.max(initial=0)
    return int(highest), int(seq[ms == highest].max(initial=0))


def was_away(timeline: Timeline, begin_ns: int, end_ns: int) -> bool:
    """Whether the server was seen dead at some moment of a stretch."""
    return any(
        fault.inject_before_ns <= end_ns and begin_ns <= _back_ns(fault)
        for fault in timeline.faults
        if fault.plan.model in DEATHS and fault.observed_from_ns is not None
    )


def _back_ns(fault: FaultWindow) -> int:
    return NEVER if fault.heal_after_ns is None else fault.heal_after_ns


def _evictions(history: History) -> Iterator[int]:
    """When the server's count of evicted keys was seen to have risen."""
    found = history.records(EventKind.SERVER_STAT, columns=("t_ns", "code", "value"))
    chosen = found["code"] == ServerStat.EVICTED_KEYS.value
    counts = sorted(zip(found["t_ns"][chosen].tolist(), found["value"][chosen].tolist(), strict=True))
    yield from (moment for (_, before), (moment, count) in pairwise([(0, 0), *counts]) if count > before)
