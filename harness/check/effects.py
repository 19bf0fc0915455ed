"""What became of the handling: effects, suppressed ones, handlers that failed, dead letters, and who did how much.

An effect that a consumer held back as a duplicate is *suppressed*: it did not happen. Where no effect of that message
ever happened in that scope, this was a *false dedup*.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import MessageIndex, Tally
from harness.history.journal import EventKind
from harness.history.layout import ActorInfo
from harness.history.table import History

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
_RESTART = re.compile(r"r\d+$")


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of one scope, per message and per process."""

    counts: Array
    suppressed: Array | None
    """How many of each message were held back; ``None``: none of any."""
    made_by: Mapping[int, int]
    """Actor → effects that it made."""


def read_effects(history: History, index: MessageIndex, *, arm: int, scope: int) -> Effects:
    """Count the effects of one scope; of attempted messages only, and no sentinels."""
    tally = Tally(index.size)
    held_back: Tally | None = None
    made_by: Counter[int] = Counter()
    for block in history.blocks(EventKind.EFFECT, ("producer", "sequence", "detail"), arm=arm, scope=scope):
        located = index.locate(block["producer"], block["sequence"])
        if block["detail"].any():
            suppressed = located.pick(block["detail"]) != 0
            held_back = held_back or Tally(index.size)
            held_back.add(located.select(suppressed))
            located = located.select(~suppressed)
        before = tally.total
        tally.add(located)
        made_by[block.info.actor] += tally.total - before
    tally.check(f"effects of arm {arm}, scope {scope}")
    return Effects(tally.counts, None if held_back is None else held_back.counts, made_by)


@dataclass(frozen=True, slots=True)
class Marks:
    """The messages of one scope of which some rare thing was noted."""

    marked: Bools | None
    """``None``: of none."""
    records: int
    """How often it was noted."""

    def of(self, chosen: Array) -> Bools:
        """Which of some addresses are marked."""
        if self.marked is None:
            return np.zeros(len(chosen), dtype=bool)
        marked: Bools = self.marked[chosen]
        return marked


def read_marks(history: History, index: MessageIndex, kind: EventKind, *, arm: int, scope: int) -> Marks:
    """Of which attempted messages the scope noted ``kind``: FAILED or DEAD_LETTER."""
    marked: Bools | None = None
    records = 0
    for block in history.blocks(kind, ("producer", "sequence"), arm=arm, scope=scope):
        where, _ = index.locate(block["producer"], block["sequence"]).expand()
        marked = np.zeros(index.size, dtype=bool) if marked is None else marked
        marked[where] = True
        records += len(where)
    return Marks(marked, records)


def load_of(actors: Iterable[ActorInfo], made_by: Iterable[Mapping[int, int]]) -> dict[str, int]:
    """Effects per member: processes that took over from one another (``…r1``, ``…r2``) are one member.

    ``actors`` are the consumers of scopes that several share: who made nothing is in it, with 0.
    """
    total: Counter[int] = Counter()
    for part in made_by:
        total.update(part)
    load: dict[str, int] = {}
    for actor in actors:
        name = member_name(actor.name)
        load[name] = load.get(name, 0) + total[actor.actor]
    return load


def member_name(process: str) -> str:
    """The member that a process is: ``consumer-0-0-1r2`` is the second successor of ``consumer-0-0-1``."""
    return _RESTART.sub("", process)
