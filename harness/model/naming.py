"""What a fault is called where people read: one spelling for the report, the terminal and the checker's sentences.

A name has two halves, what is struck and what is done to it:

    >>> fault_name(FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS, direction=Direction.REPLIES))
    "consumers' link · drop, replies only"
    >>> fault_name(FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT))
    'all consumers · crash before effect'

Only what differs from a plan's defaults is said, so the plain partitions stay short.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import assert_never

from harness.model.values import FaultPlan
from harness.model.words import CrashPoint, Direction, FaultModel, LinkRole, Members, ReplicationCut, WorkerRole

NO_FAULT = "no fault (control)"

FAMILY_TITLES = {
    "partition": "Partitions of a link",
    "link": "Other faults of a link",
    "crash": "Crashes and restarts",
    "consume": "Ways to consume and to fall behind",
    "incident": "Incidents of the source document",
    "server": "Crashes and full memory or disk of the server",
    "remedy": "What waiting for more than a reply saves",
    "failover": "Failovers to a replica",
    "network": "Lost packets",
}
"""The families in the order in which they are shown, each with what its scenarios have in common."""

MODEL_MEANING = {
    FaultModel.NONE: "no fault: the control, which must be perfect",
    FaultModel.HOLD: "bytes stop, connections stay, everything arrives late after the heal",
    FaultModel.DROP: "bytes are discarded, connections stay silent and are closed by the heal",
    FaultModel.DOWN: "connections are closed at once and new ones are refused until the heal",
    FaultModel.RESET: "connections are closed and new ones are reset (RST) until the heal",
    FaultModel.LATENCY: "every reply is delayed, by an amount that varies",
    FaultModel.BANDWIDTH: "bytes pass, but only so many a second",
    FaultModel.REPLY_LOST: "requests are executed, their replies are swallowed and the connection is closed",
    FaultModel.HALF_OPEN: "nothing passes, and the server is not told that its clients are gone",
    FaultModel.CRASH: "consumers kill themselves (SIGKILL) at that point of their work and start anew at the heal",
    FaultModel.KILL: "processes get a SIGKILL at a moment that nobody chose and start anew at the heal",
    FaultModel.PAUSE: "processes are stopped (SIGSTOP) and go on (SIGCONT) at the heal, unaware of it",
    FaultModel.RESTART: "a deploy: one process after the other ends in order and starts anew",
    FaultModel.LATE_START: "processes are not started before the heal",
    FaultModel.SLOW: "consumers take so long over each message that they fall behind",
    FaultModel.POISON: "messages whose handling fails every time",
    FaultModel.SERVER_KILL: "the server gets a SIGKILL and starts anew at the heal, on the same directory and port",
    FaultModel.POWER_LOSS: "the server dies with its machine: only what reached the block device is there at the heal",
    FaultModel.SERVER_PAUSE: "the server is stopped (SIGSTOP) and goes on (SIGCONT) at the heal, unaware of it",
    FaultModel.OUT_OF_MEMORY: "the server's memory limit is below its use, so it refuses writes until the heal",
    FaultModel.EVICTION: "the server's memory limit is below its use, so it evicts keys until the heal",
    FaultModel.DISK_FULL: "there is no room for the append-only file until the heal",
    FaultModel.SLOW_FSYNC: "every fsync of the server takes long until the heal",
    FaultModel.FAILOVER: "the master gets a SIGKILL and a replica is promoted",
    FaultModel.HUNG_MASTER: "the master is stopped (SIGSTOP), a replica is promoted, and it goes on at the heal",
    FaultModel.PACKET_DROP: "packets are discarded unseen by either end, and TCP sends them again",
}


def fault_name(plan: FaultPlan) -> str:
    """``consumers' link · drop``, ``first consumer · pause``, ``poison, every 20th message``."""
    struck = struck_name(plan)
    return f"{struck} · {deed_name(plan)}" if struck else deed_name(plan)


def faults_name(plans: Sequence[FaultPlan]) -> str:
    """All faults of a scenario in one name; the same deed on several links or workers is said once."""
    if not plans:
        return NO_FAULT
    parts = []
    for deed, same in groupby(plans, key=deed_name):
        struck = [name for name in map(struck_name, same) if name]
        parts.append(f"{' and '.join(struck)} · {deed}" if struck else deed)
    return " + ".join(parts)


def short_name(plans: Sequence[FaultPlan]) -> str:
    """`faults_name` for the head of a narrow column: ``one before effect``, ``prod. kill``, ``no fault``.

    Consumers are not named, since most faults of processes strike them; ``one`` is the first of each scope.
    """
    return " + ".join(dict.fromkeys(map(_short, plans))) or "no fault"


def _short(plan: FaultPlan) -> str:
    words = []
    if plan.link is not None:
        words.append(link_name(plan.link).removesuffix("' link").removesuffix("'s link"))
    elif plan.worker is WorkerRole.PRODUCER:
        words.append("prod.")
    if plan.link is None and plan.worker is not None and plan.members is Members.FIRST:
        words.append("one")
    after = plan.model is FaultModel.CRASH and plan.point is CrashPoint.AFTER_EFFECT
    words.append("after effect" if after else deed_name(plan).removeprefix("crash ").replace("-", " "))
    return " ".join(words)


def family_title(family: str) -> str:
    """What the scenarios of a family have in common; a family that we don't know is called by its name."""
    return FAMILY_TITLES.get(family, family)


def family_place(family: str) -> tuple[int, str]:
    """Sorts families into the order in which they are shown; unknown ones come last, by name."""
    known = list(FAMILY_TITLES)
    return (known.index(family), "") if family in known else (len(known), family)


def link_name(link: LinkRole) -> str:
    """``consumers' link``."""
    match link:
        case LinkRole.PRODUCERS | LinkRole.CONSUMERS:
            return f"{link.value}' link"
        case LinkRole.ONE_CONSUMER:
            return "one consumer's link"
        case LinkRole.REPLICATION:
            return "replication link"
        case LinkRole.STRAIGHT:
            return "straight connection"
        case _:
            assert_never(link)


def struck_name(plan: FaultPlan) -> str:
    """What the fault strikes: a link, some workers, or nothing in particular (the empty text)."""
    if plan.link is not None:
        return link_name(plan.link)
    if plan.worker is None:
        return ""
    return _workers_name(plan.worker, plan.members)


def _workers_name(worker: WorkerRole, members: Members) -> str:
    match members:
        case Members.FIRST:
            return f"first {worker.value}"
        case Members.ALL:
            return f"all {worker.value}s"
        case _:
            assert_never(members)


def deed_name(plan: FaultPlan) -> str:
    """What the fault does, with the settings that matter to its model."""
    words = [_deed(plan)]
    match plan.direction:
        case Direction.BOTH:
            pass
        case Direction.REQUESTS | Direction.REPLIES:
            words.append(f"{plan.direction.value} only")
        case _:
            assert_never(plan.direction)
    if plan.cycles > 1:
        words.append(f"{plan.cycles} times")
    return ", ".join(words)


def _deed(plan: FaultPlan) -> str:
    match plan.model:
        case FaultModel.LATENCY:
            return f"latency {plan.delay_ms:,}{f' ± {plan.jitter_ms:,}' if plan.jitter_ms else ''} ms"
        case FaultModel.BANDWIDTH:
            return f"bandwidth {plan.rate_kb_per_s:,} kB/s"
        case FaultModel.CRASH:
            return f"crash {crash_point_name(plan.point)}" if plan.point else "crash"
        case FaultModel.SLOW:
            return f"slow, {plan.handling_ms:,} ms a message"
        case FaultModel.POISON:
            return "poison, every message" if plan.every == 1 else f"poison, every {ordinal(plan.every)} message"
        case FaultModel.REPLY_LOST:
            return "reply lost"
        case FaultModel.LATE_START:
            return "late start"
        case FaultModel.NONE:
            return NO_FAULT
        case FaultModel.FAILOVER | FaultModel.HUNG_MASTER:
            return _failover(plan)
        case _:
            return plan.model.value


def _failover(plan: FaultPlan) -> str:
    """``failover, replication held 700 ms before``, ``hung master``."""
    words = ["failover" if plan.model is FaultModel.FAILOVER else "hung master"]
    match plan.replication:
        case ReplicationCut.NONE:
            pass
        case ReplicationCut.HOLD | ReplicationCut.DROP:
            done = "held" if plan.replication is ReplicationCut.HOLD else "dropped"
            words.append(f"replication {done} {plan.cut_ms:,} ms before")
        case _:
            assert_never(plan.replication)
    return ", ".join([*words, *["the old one returns"] * plan.old_returns])


def crash_point_name(point: CrashPoint) -> str:
    """``before effect``, ``between effect and XACK``, ``after XACK``."""
    return "between effect and XACK" if point is CrashPoint.AFTER_EFFECT else point.value


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``20th``."""
    if number % 100 in (11, 12, 13):
        return f"{number:,}th"
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"
