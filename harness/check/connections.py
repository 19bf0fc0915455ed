"""Connections that stood at some moment: how they ended, and what was acknowledged while they still stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.check.ledger import Messages
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.words import ErrorKind, OutcomeCode

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


class End(NamedTuple):
    """How a connection came to its end."""

    at_ns: int
    """`NEVER`: it did not."""
    noticed: bool
    """Rather than decided by the client itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The connections of one actor around a moment."""

    ends: list[End] = field(default_factory=list)
    """Of those that had begun before it and were not over."""
    later_ns: list[int] = field(default_factory=list)
    """When those began that begin at it or later."""

    @property
    def until_ns(self) -> int:
        """When the last of those that stood ended."""
        return max((end.at_ns for end in self.ends), default=-NEVER)


def standing_at(history: History, moment_ns: int, *, arm: int) -> dict[int, Standing]:
    """Per actor of an arm that had connections, what stood at a moment and what began after it."""
    first: dict[tuple[int, int], End] = {}
    for block in history.blocks(EventKind.DISCONNECTED, ("t_ns", "count", "detail"), arm=arm):
        rows = zip(block["count"].tolist(), block["t_ns"].tolist(), block["detail"].tolist(), strict=True)
        for number, moment, detail in rows:
            first.setdefault((block.info.actor, number), End(moment, detail != ErrorKind.NONE.value))
    found: dict[int, Standing] = {}
    for actor, number, begun_ns in _begun(history, arm=arm):
        known = found.setdefault(actor, Standing())
        end = first.get((actor, number), End(NEVER, noticed=False))
        if begun_ns >= moment_ns:
            known.later_ns.append(begun_ns)
        elif moment_ns <= end.at_ns:
            known.ends.append(end)
    return found


def _begun(history: History, *, arm: int) -> Iterator[tuple[int, int, int]]:
    """Actor, number and beginning of each connection; of repeated records the last counts."""
    begun: dict[tuple[int, int], int] = {}
    for block in history.blocks(EventKind.CONNECTED, ("t_ns", "count"), arm=arm):
        for number, moment in zip(block["count"].tolist(), block["t_ns"].tolist(), strict=True):
            begun[block.info.actor, number] = moment
    yield from ((actor, number, moment) for (actor, number), moment in begun.items())


def answered_over_older(history: History, messages: Messages, standing: Mapping[int, Standing], *, arm: int) -> Bools:
    """Which messages may have been acknowledged over a connection that had begun before the moment of ``standing``.

    All are, except where a later one had begun by then and none of the older ones still stood.
    """
    found = np.zeros(messages.index.size, dtype=bool)
    for block in history.blocks(EventKind.OUTCOME, ("t_ns", "producer", "sequence", "code"), arm=arm):
        known = standing.get(block.info.actor, Standing())
        where, rows = messages.index.locate(block["producer"], block["sequence"]).expand()
        times = block["t_ns"][rows]
        first = (block["code"][rows] == OutcomeCode.ACKNOWLEDGED.value) & (times == messages.outcome_ns[where])
        older = (times <= known.until_ns) | (times < min(known.later_ns, default=NEVER))
        found[where[first & older]] = True
    return found
