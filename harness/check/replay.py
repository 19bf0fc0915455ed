"""What could be learnt from the log afterwards: orders rebuilt from it, and the past from a moment on.

A stream can be read again. Whether that helps is checked twice, with the log as it was read after the drain:

* the state of every order (which of its steps have happened) is rebuilt from the log, and set against the state that
  came about while the trial ran: the steps that had an effect;
* the log is replayed from the first message that was acknowledged after the fault was injected, by its entry id, as
  somebody would who wants to know what happened since; what comes out is set against what was acknowledged since.

Pub/Sub has no log: its orders are counted, and none of them can be rebuilt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.entries import follows
from harness.check.ledger import ArmLedger
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import ReplayAudit
from harness.model.message import EVENT_TYPES
from harness.model.words import ContentCheck, OutcomeCode

Bools = npt.NDArray[np.bool_]
EntryId = tuple[int, int]
_STEPS = len(EVENT_TYPES)


def audit_replay(history: History, timeline: Timeline, ledger: ArmLedger) -> ReplayAudit | None:
    """The audit of one arm; ``None`` where it keeps a log that was not read to its end."""
    messages = ledger.messages
    told = _by_order(messages.acknowledged, ledger)
    orders = int(np.count_nonzero(told.any(axis=1)))
    if messages.log_entries is None:
        return ReplayAudit(orders=orders)
    if not timeline.barriers[ledger.arm].log_read:
        return None
    logged = _by_order(messages.log_entries > 0, ledger)
    differing = 0
    for scope in ledger.scopes:
        done = _by_order(scope.effects > 0, ledger)
        differing += int(np.count_nonzero((done != logged).any(axis=1)))
    owed, replayed = _since_injection(history, timeline, ledger)
    return ReplayAudit(
        orders=orders,
        rebuilt=int(np.count_nonzero(told.any(axis=1) & (logged | ~told).all(axis=1))),
        differing=differing,
        owed_since_fault=owed,
        replayed_since_fault=replayed,
    )


def _by_order(marked: Bools, ledger: ArmLedger) -> Bools:
    """One row per order, one column per step: producers send an order's steps one after the other."""
    parts = []
    for entry in ledger.messages.index.ranges:
        rows = -(-entry.length // _STEPS)
        padded = np.zeros(rows * _STEPS, dtype=bool)
        padded[: entry.length] = marked[entry.span]
        parts.append(padded.reshape(rows, _STEPS))
    return np.concatenate(parts) if parts else np.zeros((0, _STEPS), dtype=bool)


def _since_injection(history: History, timeline: Timeline, ledger: ArmLedger) -> tuple[int | None, int | None]:
    """How many messages were acknowledged from the first on that was sent after the injection, and are in the log."""
    begin = _first_id_after(history, timeline.injected_ns, ledger)
    if begin is None:
        return None, None
    owed = _marked_from(history, EventKind.OUTCOME, begin, ledger)
    found = _marked_from(history, EventKind.LOG_ENTRY, begin, ledger)
    return int(np.count_nonzero(owed)), int(np.count_nonzero(owed & found))


def _first_id_after(history: History, injected_ns: int | None, ledger: ArmLedger) -> EntryId | None:
    """The lowest entry id among the acknowledged messages that were first sent after the injection."""
    if injected_ns is None:
        return None
    messages, lowest = ledger.messages, None
    later = messages.acknowledged & (messages.send_ns >= injected_ns)
    for block in history.blocks(EventKind.OUTCOME, _COLUMNS, arm=ledger.arm):
        where, rows = messages.index.locate(block["producer"], block["sequence"]).expand()
        rows = rows[later[where] & (block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value)]
        if len(rows):
            first = rows[np.lexsort([block["id_seq"][rows], block["id_ms"][rows]])[0]]
            found = (int(block["id_ms"][first]), int(block["id_seq"][first]))
            lowest = found if lowest is None else min(lowest, found)
    return lowest


def _marked_from(history: History, kind: EventKind, begin: EntryId, ledger: ArmLedger) -> Bools:
    """Which messages have an acknowledgement, or an intact entry, with an id from ``begin`` on."""
    index = ledger.messages.index
    marked = np.zeros(index.size, dtype=bool)
    for block in history.blocks(kind, _COLUMNS, arm=ledger.arm):
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        if kind is EventKind.OUTCOME:
            counts = block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value
        else:
            counts = block["detail"][rows] == ContentCheck.INTACT.value
        ids: tuple[Any, Any] = (block["id_ms"][rows], block["id_seq"][rows])
        at_begin = (ids[0] == np.uint64(begin[0])) & (ids[1] == np.uint64(begin[1]))
        marked[where[counts & (follows(ids, begin) | at_begin)]] = True
    return marked


_COLUMNS = ("producer", "sequence", "code", "detail", "id_ms", "id_seq")
