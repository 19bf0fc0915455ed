"""Why a message was lost: the mechanism, as far as the records tell; ``unexplained`` is a finding in itself.

Pub/Sub. A lost message whose [first send, outcome] meets a gap of its scope (see `harness.check.gaps`) was not
connected; or, where the server itself had been dead in the gap, lost by its restart; or, where the server had cut the
connection, lost by an output-buffer kill. One that meets none was lost
although a confirmed SUBSCRIBE covered it, which is more than at-most-once allows.

Streams. The first that fits:

* *trimmed while pending*: its shell came back, or is still pending;
* *server restart*, *un-fsynced at power loss*, *un-replicated at failover*, *evicted*: it is gone, the arm's retention
  does not explain that, and the server was seen to forget at that time (see `harness.check.server_loss`);
* *trimmed unread*: it is gone, and the log begins after it, or is empty under retention;
* *NOACK*: the arm reads with NOACK, so what was on its way to a client that went away is kept pending for nobody;
* *group created at $*: a reader of the scope began anew at or after it, without a checkpoint;
* *crash before effect*: a reader had saved a checkpoint at or after it, and one of the scope's readers died;
* otherwise nothing explains it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.deaths import scope_has_deaths
from harness.check.durability import trimmed_as_told
from harness.check.entries import ends_of_log, entry_ids, follows, highest_id, precedes
from harness.check.gaps import Gap, scope_gaps, which_gap
from harness.check.ledger import MECHANISM_CODE, Messages
from harness.check.server_loss import ServerLoss
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.words import AckPolicy, Mechanism

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
_UNEXPLAINED = MECHANISM_CODE[Mechanism.UNEXPLAINED]


def explain_pubsub(
    history: History, timeline: Timeline, messages: Messages, lost: Array, *, arm: int, scope: int
) -> Array:
    """Mechanism codes of the ``lost`` addresses of a Pub/Sub scope."""
    gaps = scope_gaps(history, timeline, messages, arm=arm, scope=scope)
    of_gap = [MECHANISM_CODE[_mechanism_of(gap)] for gap in gaps]
    met = which_gap(gaps, messages.send_ns[lost], messages.outcome_ns[lost])
    codes: Array = np.array([*of_gap, _UNEXPLAINED], dtype=np.uint8)[met]  # -1, no gap, is the last
    return codes


def _mechanism_of(gap: Gap) -> Mechanism:
    if gap.restarted:
        return Mechanism.SERVER_RESTART
    return Mechanism.OUTPUT_BUFFER_KILL if gap.killed else Mechanism.NOT_CONNECTED


def explain_streams(
    history: History,
    timeline: Timeline,
    messages: Messages,
    lost: Array,
    took: ServerLoss,
    *,
    arm: int,
    scope: int,
    shells: Bools,
) -> Array:
    """Mechanism codes of the ``lost`` addresses of a Streams scope. What comes first is written last, and wins."""
    assert messages.log_entries is not None
    described = history.trial.scenario.arms[arm]
    ms, seq = entry_ids(history, messages.index, arm=arm)
    ids = (ms[lost], seq[lost])
    in_log = messages.log_entries[lost] > 0
    codes = np.full(len(lost), _UNEXPLAINED, dtype=np.uint8)
    saved = highest_id(history, EventKind.CHECKPOINT, arm=arm, scope=scope)
    if saved is not None and scope_has_deaths(history, arm=arm, scope=scope):
        codes[~follows(ids, saved)] = MECHANISM_CODE[Mechanism.CRASH_BEFORE_EFFECT]
    anew = timeline.later_starts.get((arm, scope))
    if anew is not None:
        codes[in_log & ~follows(ids, anew)] = MECHANISM_CODE[Mechanism.GROUP_AT_DOLLAR]
    if described.stream.ack is AckPolicy.NOACK:
        codes[:] = MECHANISM_CODE[Mechanism.NOACK]
    codes[~in_log & _trimmed(history, ids, arm=arm)] = MECHANISM_CODE[Mechanism.TRIMMED_UNREAD]
    forgotten = took.explain(lost)
    by_server = ~in_log & (forgotten != _UNEXPLAINED) & ~trimmed_as_told(history, timeline, messages, lost, arm=arm)
    codes[by_server] = forgotten[by_server]
    codes[shells[lost]] = MECHANISM_CODE[Mechanism.TRIMMED_PENDING]
    return codes


def _trimmed(history: History, ids: tuple[Array, Array], *, arm: int) -> Bools:
    """Which of these ids lie before everything that the log holds."""
    ends = ends_of_log(history, arm=arm)
    if ends is not None:
        return precedes(ids, ends[0])
    emptied = history.trial.scenario.arms[arm].retention is not None
    return np.full(len(ids[0]), emptied)
