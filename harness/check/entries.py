"""Entries of a stream: which message has which id, what lies before and after an id, and ids that name no message.

The server speaks of entries by their ids. A pending entry whose content was trimmed away names no message any more
(a *shell*); then only what producers and consumers noted tells which one it was.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import MessageIndex
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.words import ContentCheck, OutcomeCode

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
EntryId = tuple[int, int]
_TELL_IDS = (EventKind.OUTCOME, EventKind.LOG_ENTRY)
UNNAMED = 0xFFFF
"""The producer in a record that cannot tell which message it speaks of."""


def entry_ids(
    history: History, index: MessageIndex, *, arm: int, kinds: tuple[EventKind, ...] = _TELL_IDS
) -> tuple[Array, Array]:
    """The highest known entry id of each message, from XADD's answers and the log; (0, 0) where none is known."""
    ms, seq = np.zeros(index.size, dtype=np.uint64), np.zeros(index.size, dtype=np.uint64)
    for kind in kinds:
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


def ends_of_log(history: History, *, arm: int) -> tuple[EntryId, EntryId] | None:
    """The lowest and the highest id in the log, sentinels included; ``None`` for an empty log."""
    found = [
        end
        for block in history.blocks(EventKind.LOG_ENTRY, ("id_ms", "id_seq"), arm=arm)
        for end in (_end_of(block, highest=False), _end_of(block, highest=True))
    ]
    return (min(found), max(found)) if found else None


def highest_id(history: History, kind: EventKind, *, arm: int, scope: int) -> EntryId | None:
    """The highest id that records of a kind name in a scope, sentinels included."""
    blocks = history.blocks(kind, ("id_ms", "id_seq"), arm=arm, scope=scope)
    return max((_end_of(block, highest=True) for block in blocks), default=None)


def _end_of(block: Block, *, highest: bool) -> EntryId:
    ms, seq = block["id_ms"], block["id_seq"]
    end = ms.max() if highest else ms.min()
    tied = seq[ms == end]
    return int(end), int(tied.max() if highest else tied.min())


def follows(ids: tuple[Array, Array], start: tuple[int, int]) -> Bools:
    """Which ids are greater than ``start``."""
    after: Bools = (ids[0] > np.uint64(start[0])) | ((ids[0] == np.uint64(start[0])) & (ids[1] > np.uint64(start[1])))
    return after


def precedes(ids: tuple[Array, Array], end: tuple[int, int]) -> Bools:
    """Which ids are known and lower than ``end``."""
    known = (ids[0] > 0) | (ids[1] > 0)
    before: Bools = known & (
        (ids[0] < np.uint64(end[0])) | ((ids[0] == np.uint64(end[0])) & (ids[1] < np.uint64(end[1])))
    )
    return before


def messages_of(
    history: History, index: MessageIndex, ids: AbstractSet[EntryId], *, arm: int, scope: int
) -> dict[EntryId, int]:
    """The address of the message that each of ``ids`` held, from XADD's answers and the scope's receives."""
    found: dict[EntryId, int] = {}
    if not ids:
        return found
    moments = np.array(sorted({ms for ms, _ in ids}), dtype=np.uint64)
    for kind in (EventKind.OUTCOME, EventKind.RECEIVE):
        within = scope if kind is EventKind.RECEIVE else None
        for block in history.blocks(kind, ("producer", "sequence", "id_ms", "id_seq"), arm=arm, scope=within):
            where, rows = index.locate(block["producer"], block["sequence"]).expand()
            keep = np.flatnonzero(np.isin(block["id_ms"][rows], moments))
            for address, row in zip(where[keep].tolist(), rows[keep].tolist(), strict=True):
                entry = (int(block["id_ms"][row]), int(block["id_seq"][row]))
                if entry in ids:
                    found.setdefault(entry, address)
    return found


def shells(history: History, index: MessageIndex, *, arm: int, scope: int) -> Bools:
    """Messages of which a pending entry came back to the scope without content, or is still pending without."""
    marked = np.zeros(index.size, dtype=bool)
    columns = ("id_ms", "id_seq", "producer")
    empty = history.records(EventKind.TOMBSTONE, columns=columns, arm=arm, scope=scope)
    pending = history.records(EventKind.PENDING, columns=columns, arm=arm, scope=scope)
    unnamed = pending["producer"] == UNNAMED
    ids = {*zip(empty["id_ms"].tolist(), empty["id_seq"].tolist(), strict=True)}
    ids |= {*zip(pending["id_ms"][unnamed].tolist(), pending["id_seq"][unnamed].tolist(), strict=True)}
    marked[list(messages_of(history, index, ids, arm=arm, scope=scope).values())] = True
    return marked
