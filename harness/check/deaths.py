"""Who among the processes died, rather than ended in order.

A consumer died when it journalled that it was about to kill itself (CRASHING), when the conductor saw that it died
(PROCESS), or when its journal has no END: what ends in order says so.
"""

from __future__ import annotations

from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.words import ProcessEvent


def dead_consumers(history: History, *, arm: int, scope: int) -> frozenset[int]:
    """The actors of a scope's consumers that died."""
    consumers = {
        one.actor for one in history.actors if one.role == "consumer" and one.arm == arm and one.scope == scope
    }
    crashed = history.records(EventKind.CRASHING, columns=("actor",), arm=arm, scope=scope)["actor"].tolist()
    ended = history.records(EventKind.END, columns=("actor",), arm=arm, scope=scope)["actor"].tolist()
    return frozenset((consumers & (seen_to_die(history) | set(crashed))) | (consumers - set(ended)))


def seen_to_die(history: History) -> set[int]:
    """The actors that the conductor saw die."""
    return actors_that(history, ProcessEvent.DIED)


def actors_that(history: History, event: ProcessEvent) -> set[int]:
    """The actors of which the conductor noted this."""
    found = history.records(EventKind.PROCESS, columns=("code", "detail"))
    return set(found["detail"][found["code"] == event.value].tolist())


def last_signs_of_life(history: History) -> dict[int, int]:
    """Per actor, the last moment at which its process is known to have lived: what it wrote, or its death was seen.

    A process that hangs in a call writes nothing; that it hung there is known from when it was seen to die.
    """
    lived = {one.actor: one.last_ns for one in history.actors if one.role != "effects"}
    found = history.records(EventKind.PROCESS, columns=("code", "detail", "t_ns"))
    gone = found["code"] == ProcessEvent.DIED.value
    for actor, moment in zip(found["detail"][gone].tolist(), found["t_ns"][gone].tolist(), strict=True):
        lived[actor] = max(moment, lived.get(actor, moment))
    return lived


def scope_has_deaths(history: History, *, arm: int, scope: int) -> bool:
    """Whether a consumer of the scope died."""
    return bool(dead_consumers(history, arm=arm, scope=scope))
