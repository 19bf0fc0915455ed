"""What a fault of the server explains of what it had acknowledged and holds no more.

*Server restart*: the server was killed and started anew, and what it held only in its memory went with that life: all
of it without persistence, what came after the last snapshot with RDB, and with AOF everysec what it had not even
written yet, since it waits for a slow fsync. Under AOF no and always every write precedes its reply, so there a kill
explains nothing. *Un-fsynced at power loss*: the machine lost power, and what had not reached the disk went; without
persistence nothing was ever to reach it, so that is a restart, and under AOF always it explains nothing.
*Un-replicated at failover*: a replica was promoted that had not been sent it; a master
that hung, or that came back, may even have acknowledged it after that, for as long as it believed that it was the
master: until it was seen as a replica. *Evicted*: the server's counter of evicted keys rose, and the stream was one of
the keys.

A fault that was not seen explains nothing. Only what was acknowledged before the server came back (or before the
counter was seen to have risen) can have gone with it: what is gone without that is *unexplained*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
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


def forgettings(history: History, timeline: Timeline) -> list[Forgetting]:
    """All of a trial, evictions in order of time; where two explain a message, the first in this list does."""
    found = []
    for fault in timeline.faults:
        mechanism = _MAY_FORGET.get(fault.plan.model, {}).get(history.trial.scenario.persistence)
        if fault.plan.model in FAILOVERS:
            mechanism = Mechanism.UNREPLICATED
        if mechanism is not None and fault.observed_from_ns is not None:
            found.append(Forgetting(mechanism, fault.inject_before_ns, _until_ns(fault, timeline)))
    found += [Forgetting(Mechanism.EVICTED, moment, moment) for moment in _evictions(history)]
    return found


def _until_ns(fault: FaultWindow, timeline: Timeline) -> int:
    """When what the fault takes can have been acknowledged at the latest."""
    if fault.plan.model is FaultModel.HUNG_MASTER or fault.plan.old_returns:
        return timeline.end_ns if fault.observed_to_ns is None else fault.observed_to_ns + WRITTEN_DOWN_NS
    return timeline.end_ns if fault.heal_before_ns is None else fault.heal_before_ns


def explain_gone(causes: list[Forgetting], messages: Messages, gone: Array) -> Array:
    """Mechanism codes of the ``gone`` addresses, all of acknowledged messages; `UNEXPLAINED` where none fits."""
    codes = np.full(len(gone), MECHANISM_CODE[Mechanism.UNEXPLAINED], dtype=np.uint8)
    for cause in reversed(causes):
        codes[messages.outcome_ns[gone] <= cause.before_ns] = MECHANISM_CODE[cause.mechanism]
    return codes


def seconds_gone(causes: list[Forgetting], messages: Messages, gone: Array) -> float | None:
    """How many seconds of the acknowledged log are gone: from the first such message to the moment that took it.

    A deposed master goes on to acknowledge after that moment: then they run to the last such message. ``None`` where
    the server forgot nothing that we know of: no fault or eviction was seen that could make it.
    """
    if not causes:
        return None
    left, longest = messages.outcome_ns[gone], 0
    for cause in causes:
        is_taken = left <= cause.before_ns
        taken, left = left[is_taken], left[~is_taken]
        if len(taken):
            longest = max(longest, max(cause.cut_ns, int(taken.max())) - int(taken.min()))
    return longest / 1e9


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
