"""When a Pub/Sub scope was not known to be subscribed, and what had cut it off.

A subscriber is *known good* on a connection from its SUBSCRIBED to the last message that arrived on it. Pub/Sub is
first in, first out per connection, so what was published before that message arrived before it, whenever the client
came to write it down: the gap that follows begins when that last message was *sent*, and ends with the next
SUBSCRIBED, or never. A process that is dead, or not started yet, has no SUBSCRIBED, so that time is a gap as well.
Where several processes make up a scope, at once or one after the other, the scope's gaps are what their gaps share.

A gap was made by an *output-buffer kill* when the server's counter of such kills rose in it (or was read
`SEEN_WITHIN_NS` later: the counter is read from time to time) and no fault of the consumers' link was on meanwhile.
A gap in which the server was seen dead was made by its *restart*.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.check.ledger import Messages
from harness.check.server_loss import was_away
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.message import SENTINEL_BASE
from harness.model.words import LINK_FAULTS, PACKET_FAULTS, ContentCheck, LinkRole, ServerStat

Array = npt.NDArray[Any]
_ALWAYS = -NEVER
SEEN_WITHIN_NS = 1_000_000_000
_TO_CONSUMERS = frozenset({LinkRole.CONSUMERS, LinkRole.ONE_CONSUMER})


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which nobody of a scope was known to be subscribed."""

    begin_ns: int
    end_ns: int
    killed: bool = False
    """The server had cut the connection: the subscriber's output buffer was over its limit."""
    restarted: bool = False
    """The server itself was seen dead in it."""


def scope_gaps(history: History, timeline: Timeline, messages: Messages, *, arm: int, scope: int) -> list[Gap]:
    """The gaps of a scope, in order of time, not overlapping."""
    shared = [(_ALWAYS, NEVER)]
    for gaps in _gaps_of_actors(history, messages, arm=arm, scope=scope).values():
        shared = _shared(shared, gaps)
    kills, faults = _kills(history), _link_faults(timeline)
    return [
        Gap(
            begin,
            end,
            killed=_was_killed(begin, end, kills, faults),
            restarted=was_away(timeline, begin, end),
        )
        for begin, end in shared
    ]


def which_gap(gaps: list[Gap], begin: Array, end: Array) -> Array:
    """The first gap that each interval [begin, end] has a moment in common with; -1: none."""
    begins = np.array([gap.begin_ns for gap in gaps], dtype=np.int64)
    ends = np.maximum.accumulate(np.array([gap.end_ns for gap in gaps], dtype=np.int64))
    candidate = np.searchsorted(ends, begin, side="left")
    last = len(gaps) - 1
    met = (candidate <= last) & (begins[np.minimum(candidate, last)] <= end) if gaps else np.zeros(len(begin), bool)
    found: Array = np.where(met, candidate, -1)
    return found


def _shared(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What two lists of stretches have in common; a single moment counts."""
    found = [(max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) <= min(b, d)]
    return sorted(found)


def _was_killed(begin: int, end: int, kills: list[int], faults: list[tuple[int, int]]) -> bool:
    if any(since <= end and begin <= until for since, until in faults):
        return False
    seen_until = end if end == NEVER else end + SEEN_WITHIN_NS
    return any(begin <= moment <= seen_until for moment in kills)


def _kills(history: History) -> list[int]:
    """When the server's count of output-buffer kills was seen to have risen."""
    found = history.records(EventKind.SERVER_STAT, columns=("t_ns", "code", "value"))
    chosen = found["code"] == ServerStat.OUTPUT_BUFFER_KILLS.value
    counts = sorted(zip(found["t_ns"][chosen].tolist(), found["value"][chosen].tolist(), strict=True))
    return [moment for (_, before), (moment, count) in pairwise([(0, 0), *counts]) if count > before]


def _link_faults(timeline: Timeline) -> list[tuple[int, int]]:
    return [
        (fault.inject_before_ns, timeline.end_ns if fault.heal_after_ns is None else fault.heal_after_ns)
        for fault in timeline.faults
        if fault.plan.model in LINK_FAULTS | PACKET_FAULTS and fault.plan.link in _TO_CONSUMERS
    ]


def _gaps_of_actors(history: History, messages: Messages, *, arm: int, scope: int) -> dict[int, list[tuple[int, int]]]:
    """Per process of the scope: when it was not known to be subscribed, in order of time."""
    subscribed = _subscriptions(history, arm=arm, scope=scope)
    last = _last_arrivals(history, messages, arm=arm, scope=scope)
    gaps: dict[int, list[tuple[int, int]]] = {}
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
