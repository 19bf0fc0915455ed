"""The points of the checklist: what each asks for, and the scenarios that show what happens otherwise.

The one place where the lint names scenarios; a test looks each of them up. A point without one is shown by no scenario
that leaves the server alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.lint.finding import Point


@dataclass(frozen=True, slots=True)
class Item:
    """One point as it is explained."""

    asks: str
    otherwise: tuple[str, ...] = ()
    """Names of scenarios."""


CHECKLIST: Mapping[Point, Item] = {
    Point.PERSISTENCE: Item("what is acknowledged survives the server: appendonly, or snapshots"),
    Point.GROUP_START: Item(
        "groups begin at 0, not at $: entries from before a group exists are owed to it",
        ("consume_group_at_end", "consume_late_start"),
    ),
    Point.ACKNOWLEDGEMENT: Item(
        "entries are acknowledged, and after their effect, so that a crash leaves them pending",
        ("crash_before_effect", "crash_kill", "partition_consumers_drop"),
    ),
    Point.PENDING: Item(
        "what is pending is few, young, and not delivered again and again", ("consume_recovery", "crash_kill")
    ),
    Point.CONSUMERS: Item(
        "what a consumer left pending is claimed by another", ("crash_one_worker", "incident_rolling_restart")
    ),
    Point.RETENTION: Item(
        "the stream keeps more than lag + rate × outage",
        ("consume_trim_length", "consume_trim_age", "incident_partition"),
    ),
    Point.MEMORY: Item("something bounds the stream before memory does, and no policy evicts it"),
    Point.OUTPUT_BUFFER: Item("a slow subscriber is bounded, and none has been cut off", ("consume_slow_subscriber",)),
    Point.DEAD_LETTER: Item("an entry whose handling fails every time is put aside", ("consume_poison",)),
    Point.IDEMPOTENT_EFFECTS: Item(
        "an event that is delivered twice takes effect once", ("crash_after_effect", "crash_pause")
    ),
    Point.REPLICATION: Item("with replicas, writes wait for one that keeps up: min-replicas-to-write"),
}


def scenario_names() -> list[str]:
    """Every scenario that the checklist refers to, sorted."""
    return sorted({name for item in CHECKLIST.values() for name in item.otherwise})
