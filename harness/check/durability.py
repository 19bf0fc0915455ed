"""Whether the log kept what it acknowledged, and how much of what is gone the arm's own retention explains.

Retention explains an entry that is gone when it lies before everything that the log still holds, and

* MAXLEN: the log is not shorter than the length that it was to keep, or so many younger entries were acknowledged
  before a fault of the server may have shortened it;
* MINID by age: it is older, by its id, than the newest entry by more than the age that was to be kept.

What is explained is no breach of durability: the arm asked for it. That nobody had read it is a loss all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.entries import ends_of_log, entry_ids, precedes
from harness.check.ledger import Messages, ScopeLedger
from harness.check.server_loss import forgettings
from harness.check.timeline import Timeline
from harness.history.table import History
from harness.model.accounts import DurabilityTable
from harness.model.words import Mechanism

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


def durability(
    history: History, timeline: Timeline, messages: Messages, scopes: Sequence[ScopeLedger], *, arm: int
) -> DurabilityTable | None:
    """Acknowledged messages: {in log, gone} × {an effect somewhere, none}.

    Of a log that was not read to its end nothing is known to be gone: there is no table.
    """
    entries = messages.log_entries
    if entries is None or not timeline.barriers[arm].log_read:
        return None
    effect = np.zeros(len(entries), dtype=bool)
    for scope in scopes:
        effect |= scope.effects > 0
    acknowledged, in_log = messages.acknowledged, entries > 0
    gone = acknowledged & ~in_log
    return DurabilityTable(
        in_log_with_effect=int(np.count_nonzero(acknowledged & in_log & effect)),
        in_log_without_effect=int(np.count_nonzero(acknowledged & in_log & ~effect)),
        gone_with_effect=int(np.count_nonzero(gone & effect)),
        gone_without_effect=int(np.count_nonzero(gone & ~effect)),
        trimmed_by_configuration=int(
            np.count_nonzero(trimmed_as_told(history, timeline, messages, np.flatnonzero(gone), arm=arm))
        ),
    )


def gone_from_log(history: History, timeline: Timeline, messages: Messages, *, arm: int) -> Array:
    """The addresses of acknowledged messages that the log does not hold, and that the retention does not explain.

    Of a log that was not read to its end nothing is known to be gone.
    """
    entries = messages.log_entries
    if entries is None or not timeline.barriers[arm].log_read:
        return np.zeros(0, dtype=np.int64)
    gone = np.flatnonzero(messages.acknowledged & (entries == 0))
    return gone[~trimmed_as_told(history, timeline, messages, gone, arm=arm)]


def trimmed_as_told(history: History, timeline: Timeline, messages: Messages, gone: Array, *, arm: int) -> Bools:
    """Which of the ``gone`` addresses, that the log does not hold, the arm's retention explains."""
    retention = history.trial.scenario.arms[arm].retention
    ends = ends_of_log(history, arm=arm) if retention is not None else None
    if retention is None or ends is None or not len(gone):
        return np.zeros(len(gone), dtype=bool)
    ids = entry_ids(history, messages.index, arm=arm)
    older = precedes((ids[0][gone], ids[1][gone]), ends[0])
    if retention.max_age_ms is not None:
        older &= ids[0][gone] < np.uint64(max(0, ends[1][0] - retention.max_age_ms))
        return older
    assert retention.max_length is not None
    full = np.full(len(gone), timeline.log_sizes.get(arm, 0) >= retention.max_length)
    for cause in forgettings(history, timeline):
        if cause.mechanism is not Mechanism.EVICTED:
            full |= _younger(messages, ids, before_ns=cause.cut_ns)[gone] >= retention.max_length
    older &= full
    return older


def _younger(messages: Messages, ids: tuple[Array, Array], *, before_ns: int) -> Array:
    """For each message, how many that were acknowledged by then have a higher id."""
    order = np.lexsort([ids[1], ids[0]])
    counted = (messages.acknowledged & (messages.outcome_ns <= before_ns))[order]
    from_here = np.cumsum(counted[::-1])[::-1]
    younger = np.empty(len(order), dtype=np.int64)
    younger[order] = from_here - counted
    return younger
