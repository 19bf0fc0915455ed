"""Why messages arrived more than once: each receive beyond the first has one cause.

The entry tells: an entry that the scope had not been given before was made by a producer's retry; one that it had is
a redelivery, or, when its XACK had succeeded by then, came after XACK. Pub/Sub has no entries: there a copy that came
by a pattern beside one that came by the channel is an overlap, and of the others the number of times the message was
written to a socket tells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.delivery import Arrivals
from harness.check.dense import MessageIndex
from harness.check.ledger import Messages
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.words import ContentCheck, DuplicateCause, ReceiveTag

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
_ENTRY = ("producer", "sequence", "t_ns", "id_ms", "id_seq")


def causes_of(
    history: History, messages: Messages, arrivals: Arrivals, *, arm: int, scope: int
) -> dict[DuplicateCause, int]:
    """How many receives beyond the first had which cause; reads the scope's receives again only if there are any."""
    causes = dict.fromkeys(DuplicateCause, 0)
    chosen = arrivals.duplicated
    if not chosen.any():
        return causes
    if messages.log_entries is None:
        return causes | _causes_of_pushes(history, messages.index, arrivals, arm=arm, scope=scope)
    received = _entries(history, EventKind.RECEIVE, messages.index, chosen, arm=arm, scope=scope)
    acknowledged = _entries(history, EventKind.ACK, messages.index, chosen, arm=arm, scope=scope)
    return _sort_out(received, acknowledged, log_entries=messages.log_entries)


def _causes_of_pushes(
    history: History, index: MessageIndex, arrivals: Arrivals, *, arm: int, scope: int
) -> dict[DuplicateCause, int]:
    chosen = arrivals.duplicated
    extra = arrivals.receives.counts[chosen].astype(np.int64) - 1
    by_pattern = _by_pattern(history, index, arm=arm, scope=scope)[chosen]
    overlapping = np.minimum(by_pattern, extra + 1 - by_pattern)
    extra -= overlapping
    retried = int(np.minimum(extra, _repeated_writes(history, index, arm=arm)[chosen]).sum())
    return {
        DuplicateCause.OVERLAP: int(overlapping.sum()),
        DuplicateCause.PRODUCER_RETRY: retried,
        DuplicateCause.REDELIVERY: int(extra.sum()) - retried,
    }


def _by_pattern(history: History, index: MessageIndex, *, arm: int, scope: int) -> Array:
    """How often each message arrived intact by way of a pattern."""
    counts = np.zeros(index.size, dtype=np.int64)
    if not history.trial.scenario.arms[arm].pattern_overlap:
        return counts
    for block in history.blocks(EventKind.RECEIVE, ("producer", "sequence", "code", "detail"), arm=arm, scope=scope):
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        intact = block["detail"][rows] == ContentCheck.INTACT.value
        np.add.at(counts, where[intact & (block["code"][rows] == ReceiveTag.PATTERN.value)], 1)
    return counts


def _repeated_writes(history: History, index: MessageIndex, *, arm: int) -> Array:
    """How often each message was written to a socket beyond the first time: so many extras can be a retry's."""
    told, noted, attempted = (np.zeros(index.size, dtype=np.int64) for _ in range(3))
    for kind, counts in ((EventKind.OUTCOME, told), (EventKind.WIRE, noted), (EventKind.ATTEMPT, attempted)):
        for block in history.blocks(kind, ("producer", "sequence", "count"), arm=arm):
            where, rows = index.locate(block["producer"], block["sequence"]).expand()
            if kind is EventKind.WIRE:
                np.maximum.at(counts, where, block["count"][rows])
            else:
                np.add.at(counts, where, block["count"][rows] if kind is EventKind.OUTCOME else 1)
    most: Array = np.maximum(np.maximum(told, noted), attempted)
    repeated: Array = np.maximum(most - 1, 0)
    return repeated


def _entries(
    history: History, kind: EventKind, index: MessageIndex, chosen: Bools, *, arm: int, scope: int
) -> dict[str, Array]:
    """Receives, or successful XACKs, of the chosen messages, in order of time."""
    extra = ("code", "detail") if kind is EventKind.RECEIVE else ("value",)
    parts: list[dict[str, Array]] = []
    for block in history.blocks(kind, (*_ENTRY, *extra), arm=arm, scope=scope):
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        keep = chosen[where]
        keep &= block["detail"][rows] == ContentCheck.INTACT.value if "detail" in extra else block["value"][rows] >= 1
        where, rows = where[keep], rows[keep]
        code = block["code"][rows] if "code" in extra else np.zeros(len(rows), dtype=np.uint8)
        parts.append({"where": where, "code": code} | {name: block[name][rows] for name in ("t_ns", "id_ms", "id_seq")})
    names = ("where", "code", "t_ns", "id_ms", "id_seq")
    merged = {name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, int) for name in names}
    order = np.argsort(merged["t_ns"], kind="stable")
    return {name: merged[name][order] for name in names}


def _sort_out(
    received: dict[str, Array], acknowledged: dict[str, Array], *, log_entries: Array
) -> dict[DuplicateCause, int]:
    """Put every receive beyond a message's first under its cause."""
    where = received["where"]
    extra = ~_is_first([where])
    entry = [where, received["id_ms"], received["id_seq"]]
    new_entry = _is_first(entry)
    unknown_id = (received["id_ms"] == 0) & (received["id_seq"] == 0)
    retried = extra & (
        new_entry | (unknown_id & (received["code"] == ReceiveTag.FRESH.value) & (log_entries[where] > 1))
    )
    again = extra & ~retried
    after = again & _acknowledged_before(received, acknowledged)
    return {
        DuplicateCause.PRODUCER_RETRY: int(np.count_nonzero(retried)),
        DuplicateCause.REDELIVERY: int(np.count_nonzero(again & ~after)),
        DuplicateCause.AFTER_ACK: int(np.count_nonzero(after)),
    }


def _is_first(keys: list[Array]) -> Bools:
    """Which rows are the first with their key, in the order of the rows."""
    order = np.lexsort([np.arange(len(keys[0])), *reversed(keys)])
    first = np.ones(len(order), dtype=bool)
    same = np.ones(max(0, len(order) - 1), dtype=bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    first[1:] = ~same
    found = np.empty(len(order), dtype=bool)
    found[order] = first
    return found


def _acknowledged_before(received: dict[str, Array], acknowledged: dict[str, Array]) -> Bools:
    """Which receives are of an entry that the scope had acknowledged with success earlier."""
    count = len(received["where"])
    both = {name: np.concatenate([received[name], acknowledged[name]]) for name in ("where", "id_ms", "id_seq", "t_ns")}
    is_ack = np.arange(len(both["where"])) >= count
    order = np.lexsort([is_ack, both["t_ns"], both["id_seq"], both["id_ms"], both["where"]])
    same = np.ones(max(0, len(order) - 1), dtype=bool)
    for name in ("where", "id_ms", "id_seq"):
        same &= both[name][order][1:] == both[name][order][:-1]
    begins = np.flatnonzero(np.concatenate([[True], ~same])) if len(order) else np.empty(0, int)
    acks = np.cumsum(is_ack[order])
    before_group = np.repeat(acks[begins] - is_ack[order][begins], np.diff(np.append(begins, len(order))))
    found = np.zeros(len(order), dtype=bool)
    found[order] = acks - is_ack[order] - before_group > 0
    return found[:count]
