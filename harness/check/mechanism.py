"""Why a message was lost: the mechanism, as far as the records tell; ``unexplained`` is a finding in itself.

Pub/Sub. A subscriber is *known good* on a connection from its SUBSCRIBED to the last message that arrived on it.
Pub/Sub is first in, first out per connection, so what was published before that message arrived before it, whenever
the client came to write it down: the gap that follows begins when that last message was *sent*, and ends with the
next SUBSCRIBED, or never. A lost message whose [first send, outcome] meets a gap was not connected. One that meets
none was lost although a confirmed SUBSCRIBE covered it, which is more than at-most-once allows.

Streams. An acknowledged message that is gone from the log, unreceived, was trimmed while pending when a consumer got
its empty shell, and trimmed unread when the log begins after it. Otherwise nothing explains it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER, MessageIndex
from harness.check.ledger import MECHANISM_CODE, Messages
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.message import SENTINEL_BASE
from harness.model.words import ContentCheck, Mechanism, OutcomeCode

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Gaps = list[tuple[int, int]]
_ALWAYS = -NEVER


def explain_pubsub(history: History, messages: Messages, lost: Array, *, arm: int, scope: int) -> Array:
    """Mechanism codes of the ``lost`` addresses of a Pub/Sub scope: not connected, or unexplained.

    Where several consumers make up a scope, a message must fall into a gap of each of them.
    """
    explained = np.ones(len(lost), dtype=bool)
    for gaps in subscription_gaps(history, messages, arm=arm, scope=scope).values():
        explained &= _meets(gaps, messages.send_ns[lost], messages.outcome_ns[lost])
    return np.where(explained, MECHANISM_CODE[Mechanism.NOT_CONNECTED], MECHANISM_CODE[Mechanism.UNEXPLAINED]).astype(
        np.uint8
    )


def subscription_gaps(history: History, messages: Messages, *, arm: int, scope: int) -> dict[int, Gaps]:
    """Per consumer of the scope: when it was not known to be subscribed, in order of time."""
    subscribed = _subscriptions(history, arm=arm, scope=scope)
    last = _last_arrivals(history, messages, arm=arm, scope=scope)
    gaps: dict[int, Gaps] = {}
    for actor, connections in subscribed.items():
        ordered = sorted((moment, number) for number, moment in connections.items())
        begin = _ALWAYS
        gaps[actor] = []
        for moment, number in ordered:
            gaps[actor].append((begin, moment))
            begin = max(moment, last.get((actor, number), moment))
        gaps[actor].append((begin, NEVER))
    return gaps


def _subscriptions(history: History, *, arm: int, scope: int) -> dict[int, dict[int, int]]:
    """Per consumer and connection number: its first confirmation."""
    found: dict[int, dict[int, int]] = {}
    for block in history.blocks(EventKind.SUBSCRIBED, ("t_ns", "count"), arm=arm, scope=scope):
        connections = found.setdefault(block.info.actor, {})
        for moment, number in zip(block["t_ns"].tolist(), block["count"].tolist(), strict=True):
            connections.setdefault(number, moment)
    return found


def _last_arrivals(history: History, messages: Messages, *, arm: int, scope: int) -> dict[tuple[int, int], int]:
    """Per consumer and connection: when the last message that arrived intact on it had been sent."""
    last: dict[tuple[int, int], int] = {}
    columns = ("producer", "sequence", "t_ns", "count", "detail")
    for block in history.blocks(EventKind.RECEIVE, columns, arm=arm, scope=scope):
        intact = np.flatnonzero(block["detail"] == ContentCheck.INTACT.value)
        numbers = block["count"][intact]
        ends = np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)]
        for row in intact[ends].tolist():
            last[block.info.actor, int(block["count"][row])] = _sent(block, row, messages)
    return last


def _sent(block: Block, row: int, messages: Messages) -> int:
    """When the message in a row was first sent; for a sentinel, after which nothing else is, when it arrived."""
    received = int(block["t_ns"][row])
    if int(block["sequence"][row]) >= SENTINEL_BASE:
        return received
    where, _ = messages.index.locate(block["producer"][row : row + 1], block["sequence"][row : row + 1]).expand()
    return min(received, int(messages.send_ns[where[0]])) if len(where) else received


def _meets(gaps: Gaps, begin: Array, end: Array) -> Bools:
    """Which intervals [begin, end] have a moment in common with one of the gaps (ascending, not overlapping)."""
    begins = np.array([gap[0] for gap in gaps], dtype=np.int64)
    ends = np.maximum.accumulate(np.array([gap[1] for gap in gaps], dtype=np.int64))
    candidate = np.searchsorted(ends, begin, side="left")
    inside = candidate < len(gaps)
    met: Bools = inside & (begins[np.minimum(candidate, len(gaps) - 1)] <= end)
    return met


def explain_streams(history: History, messages: Messages, lost: Array, *, arm: int, tombstoned: Bools) -> Array:
    """Mechanism codes of the ``lost`` addresses of a Streams scope: trimmed, or unexplained."""
    ids = entry_ids(history, messages.index, arm=arm)
    codes = np.full(len(lost), MECHANISM_CODE[Mechanism.UNEXPLAINED], dtype=np.uint8)
    first = first_log_id(history, arm=arm)
    if first is not None:
        known = (ids[0][lost] > 0) | (ids[1][lost] > 0)
        before = known & ~follows((ids[0][lost], ids[1][lost]), first) & ~_same(ids, lost, first)
        codes[before] = MECHANISM_CODE[Mechanism.TRIMMED_UNREAD]
    codes[tombstoned[lost]] = MECHANISM_CODE[Mechanism.TRIMMED_PENDING]
    return codes


def entry_ids(history: History, index: MessageIndex, *, arm: int) -> tuple[Array, Array]:
    """The highest known entry id of each message, from XADD's answers and the log; (0, 0) where none is known."""
    ms, seq = np.zeros(index.size, dtype=np.uint64), np.zeros(index.size, dtype=np.uint64)
    for kind in (EventKind.OUTCOME, EventKind.LOG_ENTRY):
        for block in history.blocks(kind, ("producer", "sequence", "code", "detail", "id_ms", "id_seq"), arm=arm):
            where, rows = index.locate(block["producer"], block["sequence"]).expand()
            if kind is EventKind.OUTCOME:
                keep = block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value
            else:
                keep = block["detail"][rows] == ContentCheck.INTACT.value
            where, rows = where[keep], rows[keep]
            block_ms, block_seq = block["id_ms"][rows], block["id_seq"][rows]
            order = np.lexsort([block_seq, block_ms])  # of several entries of one message the highest is written last
            where, block_ms, block_seq = where[order], block_ms[order], block_seq[order]
            higher = (block_ms > ms[where]) | ((block_ms == ms[where]) & (block_seq > seq[where]))
            ms[where[higher]], seq[where[higher]] = block_ms[higher], block_seq[higher]
    return ms, seq


def first_log_id(history: History, *, arm: int) -> tuple[int, int] | None:
    """The lowest id in the log, sentinels included; ``None`` for an empty log."""
    lowest: tuple[int, int] | None = None
    for block in history.blocks(EventKind.LOG_ENTRY, ("id_ms", "id_seq"), arm=arm):
        row = int(np.lexsort([block["id_seq"], block["id_ms"]])[0])
        found = (int(block["id_ms"][row]), int(block["id_seq"][row]))
        lowest = found if lowest is None else min(lowest, found)
    return lowest


def follows(ids: tuple[Array, Array], start: tuple[int, int]) -> Bools:
    """Which ids are greater than ``start``."""
    after: Bools = (ids[0] > np.uint64(start[0])) | ((ids[0] == np.uint64(start[0])) & (ids[1] > np.uint64(start[1])))
    return after


def _same(ids: tuple[Array, Array], where: Array, one: tuple[int, int]) -> Bools:
    same: Bools = (ids[0][where] == np.uint64(one[0])) & (ids[1][where] == np.uint64(one[1]))
    return same


def tombstoned(history: History, index: MessageIndex, *, arm: int, scope: int) -> Bools:
    """Messages of which a pending entry came back to the scope without content."""
    marked = np.zeros(index.size, dtype=bool)
    found = history.records(EventKind.TOMBSTONE, columns=("id_ms", "id_seq"), arm=arm, scope=scope)
    shells = set(zip(found["id_ms"].tolist(), found["id_seq"].tolist(), strict=True))
    if not shells:
        return marked
    moments = np.array(sorted({ms for ms, _ in shells}), dtype=np.uint64)
    for kind in (EventKind.OUTCOME, EventKind.RECEIVE):
        within = scope if kind is EventKind.RECEIVE else None
        for block in history.blocks(kind, ("producer", "sequence", "id_ms", "id_seq"), arm=arm, scope=within):
            where, rows = index.locate(block["producer"], block["sequence"]).expand()
            keep = np.flatnonzero(np.isin(block["id_ms"][rows], moments))
            for address, row in zip(where[keep].tolist(), rows[keep].tolist(), strict=True):
                if (int(block["id_ms"][row]), int(block["id_seq"][row])) in shells:
                    marked[address] = True
    return marked
