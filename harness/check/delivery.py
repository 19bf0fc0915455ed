"""What arrived: receives, acknowledgements and pending entries of one scope, counted per message.

A receive counts when its content was intact and its message was attempted. A damaged copy of an attempted message
is marked on that message; a copy of a message that nobody attempted, or of a foreign run, is counted beside the
ledger. Drain sentinels count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER, Located, MessageIndex, Tally, first_wins
from harness.check.entries import UNNAMED, messages_of
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.message import SENTINEL_BASE
from harness.model.words import ContentCheck

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
NO_ROW = int(np.iinfo(np.uint32).max)


@dataclass(slots=True)
class Arrivals:
    """The receives of one scope. ``first_*`` describe a message's first intact receive."""

    index: MessageIndex
    first_ns: npt.NDArray[np.int64]
    first_row: npt.NDArray[np.uint32]
    """Running number of that receive among the scope's: the order of arrival even within one reply."""
    first_tag: npt.NDArray[np.uint8]
    """`ReceiveTag` of that receive."""
    lane: npt.NDArray[np.uint16] | None
    """Which of ``actors`` got it; ``None`` while the scope has a single consumer."""
    receives: Tally
    damaged: set[int] = field(default_factory=set)
    """Addresses of messages of which a damaged copy arrived."""
    foreign: int = 0
    actors: list[int] = field(default_factory=list)
    rows: int = 0

    @property
    def duplicated(self) -> Bools:
        """Which messages arrived more than once."""
        more: Bools = self.receives.counts > 1
        return more

    def add(self, block: Block) -> None:
        """Take in one block of receives."""
        lane = self._lane_of(block.info.actor)
        located = self.index.locate(block["producer"], block["sequence"])
        self.foreign += located.foreign
        if "detail" not in block.constants or block.constants["detail"] != ContentCheck.INTACT.value:
            located = self._without_damaged(block, located)
        times = located.pick(block["t_ns"])
        first = first_wins(self.first_ns, located, times, earlier=np.less)
        numbers = np.arange(self.rows, self.rows + block.info.rows, dtype=np.uint32)
        self.first_row[first.where] = numbers[first.rows]
        self.first_tag[first.where] = first.pick(block["code"])
        if self.lane is not None:
            self.lane[first.where] = lane
        self.receives.add(located)
        self.rows += block.info.rows

    def _lane_of(self, actor: int) -> int:
        if actor not in self.actors:
            self.actors.append(actor)
            if len(self.actors) == 2:
                self.lane = np.zeros(self.index.size, dtype=np.uint16)
        return self.actors.index(actor)

    def _without_damaged(self, block: Block, located: Located) -> Located:
        """Leave out copies whose content was damaged or foreign, and remember that they came."""
        detail = located.pick(block["detail"])
        where, _ = located.expand()
        self.damaged.update(where[detail == ContentCheck.DAMAGED.value].tolist())
        self.foreign += int(np.count_nonzero(detail == ContentCheck.FOREIGN.value))
        return located.select(detail == ContentCheck.INTACT.value)


def read_arrivals(history: History, index: MessageIndex, *, arm: int, scope: int) -> Arrivals:
    """Read all receives of one scope."""
    arrivals = Arrivals(
        index=index,
        first_ns=np.full(index.size, NEVER, dtype=np.int64),
        first_row=np.full(index.size, NO_ROW, dtype=np.uint32),
        first_tag=np.zeros(index.size, dtype=np.uint8),
        lane=None,
        receives=Tally(index.size),
    )
    columns = ("producer", "sequence", "t_ns", "code", "detail")
    for block in history.blocks(EventKind.RECEIVE, columns, arm=arm, scope=scope):
        arrivals.add(block)
    arrivals.receives.check(f"receives of arm {arm}, scope {scope}")
    return arrivals


def count_acknowledgements(history: History, *, arm: int) -> tuple[int, int]:
    """How many XACKs were called, and how many entries of theirs were refused (answered by 0).

    Acknowledgements that one actor noted at one moment were one call.
    """
    calls = refused = 0
    for block in history.blocks(EventKind.ACK, ("sequence", "t_ns", "value"), arm=arm):
        times, answers = block["t_ns"], block["value"]
        sequence = block["sequence"]
        if int(sequence.max()) >= SENTINEL_BASE:
            real = sequence < SENTINEL_BASE
            times, answers = times[real], answers[real]
        if len(times):
            calls += 1 + int(np.count_nonzero(times[1:] != times[:-1]))
        if "value" not in block.constants or block.constants["value"] == 0:
            refused += int(np.count_nonzero(answers == 0))
    return calls, refused


@dataclass(frozen=True, slots=True)
class PendingEntries:
    """What one group had not acknowledged at the end: addresses, and for how long each was pending at least."""

    where: Array
    pending_ns: Array


def read_pending(history: History, arrivals: Arrivals, *, arm: int, scope: int) -> PendingEntries:
    """The scope's pending entries. Claiming resets the server's idle time, so the first receive counts as well.

    An entry whose content was trimmed away names no message; it is found by its id.
    """
    columns = ("producer", "sequence", "t_ns", "aux_ns", "id_ms", "id_seq")
    found = history.records(EventKind.PENDING, columns=columns, arm=arm, scope=scope)
    where, rows = arrivals.index.locate(found["producer"], found["sequence"]).expand()
    unnamed = {
        (int(found["id_ms"][row]), int(found["id_seq"][row])): row
        for row in np.flatnonzero(found["producer"] == UNNAMED).tolist()
    }
    named = messages_of(history, arrivals.index, unnamed.keys(), arm=arm, scope=scope)
    where = np.append(where, np.array(list(named.values()), dtype=np.int64))
    rows = np.append(rows, np.array([unnamed[entry] for entry in named], dtype=np.int64))
    since_first = found["t_ns"][rows] - np.minimum(arrivals.first_ns[where], found["t_ns"][rows])
    return PendingEntries(where, np.maximum(found["aux_ns"][rows], since_first))


def mark_reordered(arrivals: Arrivals) -> Bools:
    """Messages whose first delivery came after that of a later message of the same producer, in the same lane.

    A lane is one producer's messages as one process got them. Only first deliveries count: a gap is no disorder, and
    neither is a redelivery. But a message that reached the scope first by a claim, because the reply that had handed
    it out was lost, counts: the application saw it out of order, whatever the server thinks.
    """
    reordered = np.zeros(arrivals.index.size, dtype=bool)
    for entry in arrivals.index.ranges:
        rows = arrivals.first_row[entry.span]
        if arrivals.lane is None:
            reordered[entry.span] = _overtaken(rows)
            continue
        lanes = arrivals.lane[entry.span]
        for lane in range(len(arrivals.actors)):
            reordered[entry.span] |= _overtaken(np.where(lanes == lane, rows, NO_ROW).astype(np.uint32))
    return reordered


def _overtaken(rows: npt.NDArray[np.uint32]) -> Bools:
    """For numbers of arrival in order of sequence: which are higher than one that follows."""
    present: Bools = rows != NO_ROW
    arrived = rows if present.all() else rows[present]
    if bool((arrived[1:] >= arrived[:-1]).all()):
        return np.zeros(len(rows), dtype=bool)
    earliest_after = np.minimum.accumulate(rows[::-1])[::-1]
    overtaken = np.zeros(len(rows), dtype=bool)
    overtaken[:-1] = present[:-1] & (rows[:-1] > earliest_after[1:])
    return overtaken
