"""What each replica holds of an arm's log at the end, against the acknowledgements and against the master's log."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import MessageIndex
from harness.check.ledger import ArmLedger
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import ReplicaLog
from harness.model.message import SENTINEL_BASE
from harness.model.words import ContentCheck

Array = npt.NDArray[Any]
Entries = set[tuple[int, int]]


def replica_logs(history: History, timeline: Timeline, ledger: ArmLedger) -> tuple[ReplicaLog, ...]:
    """One for each replica that was read, or did not follow in time; none where nothing is replicated.

    A master's log that was not read to its end is no measure for a replica's.
    """
    reads = history.records(EventKind.REPLICA_READ, columns=("scope", "value"), arm=ledger.arm)
    known = dict(zip(reads["scope"].tolist(), reads["value"].tolist(), strict=True))
    if not known:
        return ()
    master = None
    if timeline.barriers[ledger.arm].log_read:
        master, _ = _read(history, EventKind.LOG_ENTRY, ledger.messages.index, arm=ledger.arm, scope=None)
    return tuple(
        _compare(history, ledger, master, number) if entries >= 0 else ReplicaLog(number=number)
        for number, entries in sorted(known.items())
    )


def _compare(history: History, ledger: ArmLedger, master: Entries | None, number: int) -> ReplicaLog:
    messages = ledger.messages
    own, held = _read(history, EventKind.REPLICA_ENTRY, messages.index, arm=ledger.arm, scope=number)
    return ReplicaLog(
        number=number,
        entries=len(own),
        gone=int(np.count_nonzero(messages.acknowledged & ~held)),
        missing=None if master is None else len(master - own),
        surplus=None if master is None else len(own - master),
    )


def _read(
    history: History, kind: EventKind, index: MessageIndex, *, arm: int, scope: int | None
) -> tuple[Entries, npt.NDArray[np.bool_]]:
    """The entries of a log, without sentinels, and which messages they hold intact."""
    entries: Entries = set()
    held = np.zeros(index.size, dtype=bool)
    columns = ("producer", "sequence", "detail", "id_ms", "id_seq")
    for block in history.blocks(kind, columns, arm=arm, scope=scope):
        real = block["sequence"] < SENTINEL_BASE
        entries.update(zip(block["id_ms"][real].tolist(), block["id_seq"][real].tolist(), strict=True))
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        held[where[block["detail"][rows] == ContentCheck.INTACT.value]] = True
    return entries, held
