"""What a change of masters did to an arm, beside what it lost.

*Deposed*: from the heal on another server is known to be the master, and the old one, where it comes back, believes
that it is until it was seen to follow. Of Pub/Sub, what a producer had acknowledged in that time over a connection that
already stood when the old master was struck, it was the old master that acknowledged. Of Streams, what was acknowledged
in that time under an id by which the new master's log does not hold it (two masters may give the same
one), unless it came over a connection that began after the
heal: an answer that was only late is in the log. A master that is dead for good acknowledges nothing. *Connected*: a
consumer believes in a connection until it notices that it is over; one that it closes itself, in order, was believed in
until then. *Redelivered*: an entry that the scope was given before the strike, and again later because the new
master's group did not know: as a fresh one, or although its XACK had succeeded before the strike (*taken back*). What
was pending and is claimed is given again by any server. *Skipped*: in the log, behind the group's last delivered id,
and never given to anybody. What takes the log, or the drain barrier, to know is unknown without it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.connections import answered_over_older, standing_at
from harness.check.dense import NEVER
from harness.check.entries import EntryId, entry_ids
from harness.check.ledger import ArmLedger, Messages
from harness.check.server_loss import all_led_ns, lives_on, old_master_until_ns
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import FailoverAudit
from harness.model.message import SENTINEL_BASE
from harness.model.results import FaultWindow
from harness.model.words import FAILOVERS, ContentCheck, Fate, ReceiveTag

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


def audit_failover(history: History, timeline: Timeline, ledger: ArmLedger) -> FailoverAudit | None:
    """The account of an arm; ``None`` where no failover was seen to take place."""
    struck = [
        fault for fault in timeline.faults if fault.plan.model in FAILOVERS and fault.observed_from_ns is not None
    ]
    if not struck:
        return None
    fault, arm, barrier = struck[0], ledger.arm, timeline.barriers[ledger.arm]
    standing = standing_at(history, fault.inject_before_ns, arm=arm)
    consumers = [actor.actor for actor in history.actors if actor.role == "consumer" and actor.arm == arm]
    last = [max(standing[actor].ends) for actor in consumers if actor in standing and standing[actor].ends]
    audit = FailoverAudit(
        deposed_acknowledged=None,
        connected_ns=max((min(end.at_ns, timeline.end_ns) - fault.inject_before_ns for end in last), default=None),
        never_noticed=sum(not end.noticed for end in last),
    )
    in_log = ledger.messages.log_entries
    if in_log is None:
        over_older = answered_over_older(history, ledger.messages, standing, arm=arm)
        found = _answered_late(timeline, ledger.messages, fault) & over_older
        return audit.model_copy(update={"deposed_acknowledged": int(np.count_nonzero(found))})
    redelivered, taken_back = _again(history, ledger, fault)
    deposed = _deposed(history, timeline, ledger.messages, fault, arm=arm) if barrier.log_read else None
    return audit.model_copy(
        update={
            "deposed_acknowledged": None if deposed is None else int(np.count_nonzero(deposed)),
            "deposed_gone": None if deposed is None else int(np.count_nonzero(deposed & (in_log == 0))),
            "redelivered": redelivered,
            "taken_back": taken_back,
            "skipped": _skipped(ledger) if barrier.reached else None,
        }
    )


def _answered_late(timeline: Timeline, messages: Messages, fault: FaultWindow) -> Bools:
    """Which messages were acknowledged when another master was known, and the old one may still have answered."""
    if fault.heal_before_ns is None or not lives_on(fault):
        return np.zeros(messages.index.size, dtype=bool)
    times = messages.outcome_ns
    late: Bools = messages.acknowledged & (times > fault.heal_before_ns)
    return late & (times <= old_master_until_ns(fault, timeline))


def _deposed(history: History, timeline: Timeline, messages: Messages, fault: FaultWindow, *, arm: int) -> Bools:
    """Which messages of a log that was read a deposed master acknowledged."""
    found = _answered_late(timeline, messages, fault)
    if not found.any():
        return found
    standing = standing_at(history, all_led_ns(fault), arm=arm)
    found &= answered_over_older(history, messages, standing, arm=arm)
    ms, seq = entry_ids(history, messages.index, arm=arm, kinds=(EventKind.OUTCOME,))
    for block in history.blocks(EventKind.LOG_ENTRY, ("producer", "sequence", "id_ms", "id_seq"), arm=arm):
        where, rows = messages.index.locate(block["producer"], block["sequence"]).expand()
        kept = (ms[where] == block["id_ms"][rows]) & (seq[where] == block["id_seq"][rows])
        found[where[kept]] = False
    return found


def _again(history: History, ledger: ArmLedger, fault: FaultWindow) -> tuple[int, int]:
    """Entries that a scope was given before the strike and again since; of these, acknowledged before the strike."""
    redelivered = taken_back = 0
    struck_ns, received = fault.inject_before_ns, EventKind.RECEIVE
    for scope in range(len(ledger.scopes)):
        ids = partial(_ids, history, arm=ledger.arm, scope=scope)
        again = ids(received, until_ns=struck_ns) & ids(received, since_ns=struck_ns)
        done = again & ids(EventKind.ACK, until_ns=struck_ns)
        redelivered += len(done | (again & ids(received, since_ns=struck_ns, code=ReceiveTag.FRESH)))
        taken_back += len(done)
    return redelivered, taken_back


def _ids(
    history: History,
    kind: EventKind,
    *,
    arm: int,
    scope: int,
    since_ns: int = -NEVER,
    until_ns: int = NEVER,
    code: int | None = None,
) -> set[EntryId]:
    """The entries that intact receives, or XACKs that succeeded, name in [since, until)."""
    extra = "detail" if kind is EventKind.RECEIVE else "value"
    found: set[EntryId] = set()
    for block in history.blocks(kind, ("t_ns", "sequence", "code", "id_ms", "id_seq", extra), arm=arm, scope=scope):
        rows = block[extra] == ContentCheck.INTACT.value if kind is EventKind.RECEIVE else block[extra] >= 1
        rows &= (block["sequence"] < SENTINEL_BASE) & (block["t_ns"] >= since_ns) & (block["t_ns"] < until_ns)
        if code is not None:
            rows &= block["code"] == code
        found.update(zip(block["id_ms"][rows].tolist(), block["id_seq"][rows].tolist(), strict=True))
    return found


def _skipped(ledger: ArmLedger) -> int:
    """What nobody was given although the log holds it: absence is proven, so the group has gone past it."""
    in_log = ledger.messages.log_entries
    assert in_log is not None
    return sum(int(np.count_nonzero(scope.with_fate(Fate.LOST) & (in_log > 0))) for scope in ledger.scopes)
