"""What a dead, deposed or full server takes, and what a fault of it does not explain.

Each alone in a trial of its own, and those of a failover beside each other as well (`FAILOVER_TOGETHER`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.history.journal import EventKind
from harness.model.values import FaultPlan
from harness.model.words import FAILOVERS, ErrorKind, FaultModel, Persistence, ServerStat
from harness.selftest.book import Book, Note
from harness.selftest.case import MESSAGES
from harness.selftest.deeds import forget_after_processing, lose_from_log
from harness.selftest.moments import FAN_OUT, HEAL_NS, INJECT_NS, MILLISECOND, PUBSUB, QUEUE
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, Target
from harness.selftest.setup import Setup
from harness.selftest.setup_deeds import miss_in_fault, miss_in_fault_unnoticed, trim_oldest

Deed = Callable[[Target], None]
FAILOVER, HUNG = FaultPlan(model=FaultModel.FAILOVER), FaultPlan(model=FaultModel.HUNG_MASTER)
FAILOVER_AND_BACK = FaultPlan(model=FaultModel.FAILOVER, old_returns=True)
_ANSWERED_LATE_NS = HEAL_NS + 50 * MILLISECOND
"""After clients were led on, and within the tenth of a second in which an answer may still be written down."""


def strike(book: Book, plan: FaultPlan, persistence: Persistence) -> None:
    """The trial's fault was this one of the server."""
    changes = {"faults": (plan,), "persistence": persistence, "replicated": plan.model in FAILOVERS}
    book.trial = book.trial.model_copy(update={"scenario": book.trial.scenario.model_copy(update=changes)})


def _under(plan: FaultPlan, persistence: Persistence, deed: Deed) -> Deed:
    def apply(target: Target) -> None:
        strike(target.book, plan, persistence)
        deed(target)

    return apply


# ------------------------------------------------------------------------------------------------ what happens


def take_last(deed: Deed, *, back: int = 0) -> Deed:
    """``deed`` on the last message that was acknowledged before the server was struck, or the one ``back`` before it.

    A log that was cut off lacks its end: with one of them all later ones are gone, too.
    """

    def apply(target: Target) -> None:
        notes = target.book.notes(EventKind.OUTCOME, arm=target.arm)
        deed(_between(target, notes, until_ns=INJECT_NS)[-1 - back])

    return apply


def see_eviction(book: Book, at_ns: int) -> None:
    """The count of evicted keys is seen to have risen."""
    seen = Note(EventKind.SERVER_STAT, at_ns, 0, -1, 0, code=ServerStat.EVICTED_KEYS, value=1)
    book.journals["conductor"].notes.append(seen)


def _evict(target: Target) -> None:
    """The stream was evicted when it had one entry, and that was seen right after the injection."""
    trim_oldest(target)
    see_eviction(target.book, INJECT_NS + 5 * MILLISECOND)


def _evict_younger(target: Target) -> None:
    """The count rose; the log holds what is older, so this stream was not evicted."""
    lose_from_log(target)
    see_eviction(target.book, INJECT_NS + 5 * MILLISECOND)


def _answer_late(target: Target, at_ns: int = _ANSWERED_LATE_NS) -> int:
    """Sent before clients were led on, acknowledged after it, and in no log that counts; who got the answer."""
    sent_ns = min(HEAL_NS, at_ns - MILLISECOND)
    about = _between(target, target.book.notes(EventKind.ATTEMPT, arm=target.arm), until_ns=sent_ns)[-1]
    lose_from_log(about)
    outcome = about.one(EventKind.OUTCOME)
    outcome.t_ns = at_ns
    return outcome.actor


def _deposed_answers(target: Target) -> None:
    """The connection is as old as the trial."""
    _answer_late(target)


def _dead_answers(target: Target) -> None:
    """A long time after the master was struck, and before clients were led on, an answer is written down."""
    _answer_late(target, HEAL_NS - 50 * MILLISECOND)


def _successor_answers(at_ns: int) -> Deed:
    """The answer comes over a connection that began right before it; the first had ended with the master."""

    def apply(target: Target) -> None:
        (first,) = target.book.notes(EventKind.CONNECTED, actor=_answer_late(target, at_ns))
        over = Note(EventKind.DISCONNECTED, INJECT_NS + 9, target.arm, -1, first.actor, count=1, detail=ErrorKind.EOF)
        target.book.add_beside(first, over)
        target.book.repeat(first, after_ns=0, count=2).t_ns = at_ns - MILLISECOND

    return apply


def _lose_from_new_master(target: Target) -> None:
    """The new master acknowledged it, long after clients were led there."""
    lose_from_log(_between(target, target.book.notes(EventKind.OUTCOME, arm=target.arm), since_ns=HEAL_NS)[-1])


def _between(target: Target, notes: Iterable[Note], *, since_ns: int = 0, until_ns: int = 2**62) -> list[Target]:
    """The messages of these notes, in order of time; neither the first nor the last of a producer."""
    return [
        Target(target.book, target.arm, note.producer, note.sequence)
        for note in notes
        if since_ns <= note.t_ns <= until_ns and 0 < note.sequence < MESSAGES - 1
    ]


# ------------------------------------------------------------------------------------------------ what is found


def taken(mechanism: str, arm: int = FAN_OUT, *, position: str = "middle") -> dict[str, int]:
    """What is found of a message that scope 0 never got and that the log has no more."""
    found = {"fates.lost": 1, "fates.delivered": -1, "missing_effects": 1, f"lost_by_position.{position}": 1}
    found |= {f"lost_by_mechanism.{mechanism}": 1, f"gone_by_mechanism.{mechanism}": 1, "acknowledgement_calls": -1}
    effect = "with" if arm == FAN_OUT else "without"  # scope 1 of the fan-out has made it
    return found | {"log_entries": -1, "durability.in_log_with_effect": -1, f"durability.gone_{effect}_effect": 1}


def _done_and_gone(mechanism: str) -> dict[str, int]:
    found = {"durability.gone_with_effect": 1, "durability.in_log_with_effect": -1, "log_entries": -1}
    return found | {f"gone_by_mechanism.{mechanism}": 1}


def cut_off(mechanism: str) -> dict[str, int]:
    """What is found of a message that was published while scope 0's subscriber was away."""
    found = {"fates.lost": 1, "fates.delivered": -1, "missing_effects": 1, "lost_by_position.middle": 1}
    found |= {"lost_silently": 1, "publish.received_sum": -1, "publish.overstated": 1}
    return found | {f"lost_by_mechanism.{mechanism}": 1}


_ALL = frozenset({LEAST, EFFECTIVELY, DURABLE})
_UNREPLICATED = "un-replicated at failover"


def _setup(name: str, model: FaultModel, persistence: Persistence, mechanism: str, deed: Deed | None = None) -> Setup:
    """The last message before the fault is lost to one scope of the fan-out, or what ``deed`` does."""
    struck = _under(FaultPlan(model=model), persistence, take_last(lose_from_log) if deed is None else deed)
    return Setup(name, FAN_OUT, struck, taken(mechanism), _ALL, early=True)


def _evicted(plan: FaultPlan) -> Setup:
    """The oldest of the stream, whatever else struck the server: what is younger is still there."""
    struck = _under(plan, Persistence.OFF, _evict)
    return Setup("lost: evicted", FAN_OUT, struck, taken("evicted", position="prefix"), _ALL)


def _failed_over(name: str, plan: FaultPlan, mechanism: str, deed: Deed, *, arm: int = FAN_OUT) -> Setup:
    """Lost to one scope of ``arm``."""
    struck = _under(plan, Persistence.AOF_EVERYSEC, deed)
    return Setup(name, arm, struck, taken(mechanism, arm), _ALL, early=True)


def _unreplicated(plan: FaultPlan, *, arm: int = FAN_OUT) -> Setup:
    """The last that the old master acknowledged before it was struck."""
    return _failed_over("lost: un-replicated", plan, _UNREPLICATED, take_last(lose_from_log), arm=arm)


def _forgotten(plan: FaultPlan, *, back: int) -> Setup:
    """Everybody had done it before the master was struck: the last message, or ``back`` before it."""
    struck = _under(plan, Persistence.AOF_EVERYSEC, take_last(forget_after_processing, back=back))
    found = _done_and_gone(_UNREPLICATED)
    return Setup("gone from the log: un-replicated", FAN_OUT, struck, found, frozenset({DURABLE}), early=True)


_BY_NEW_MASTER = "lost: acknowledged by the new master"
_BY_DEPOSED = "lost: acknowledged by a deposed master"
_HOLE = "lost: a hole in the log"

SERVER_SETUPS: tuple[Setup, ...] = (
    _setup("lost: server restart", FaultModel.SERVER_KILL, Persistence.OFF, "server restart"),
    _setup("lost: un-fsynced", FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC, "un-fsynced at power loss"),
    _evicted(FaultPlan(model=FaultModel.EVICTION)),
    _setup("lost: never to be synced", FaultModel.POWER_LOSS, Persistence.OFF, "server restart"),
    _setup("lost: written, unexplained", FaultModel.SERVER_KILL, Persistence.AOF_NO, "unexplained"),
    _setup("lost: fsynced, unexplained", FaultModel.POWER_LOSS, Persistence.AOF_ALWAYS, "unexplained"),
    _setup(_HOLE, FaultModel.SERVER_KILL, Persistence.OFF, "unexplained", lose_from_log),
    _setup(_HOLE, FaultModel.EVICTION, Persistence.OFF, "unexplained", _evict_younger),
    Setup(
        "lost: subscriber of a server that restarted",
        PUBSUB,
        _under(FaultPlan(model=FaultModel.SERVER_KILL), Persistence.OFF, miss_in_fault),
        cut_off("server restart"),
        frozenset({LEAST, EFFECTIVELY}),
    ),
    Setup(
        "lost: subscriber of a master that was failed over",
        PUBSUB,
        _under(FAILOVER, Persistence.AOF_EVERYSEC, miss_in_fault_unnoticed),
        cut_off("not connected"),
        frozenset({LEAST, EFFECTIVELY}),
    ),
    *(_unreplicated(plan) for plan in (FAILOVER, HUNG)),
    _unreplicated(FAILOVER, arm=QUEUE),
    _forgotten(FAILOVER, back=0),
    _evicted(FAILOVER),
    *(_failed_over(_BY_DEPOSED, plan, _UNREPLICATED, _deposed_answers) for plan in (HUNG, FAILOVER_AND_BACK)),
    _failed_over("lost: acknowledged by the dead master", FAILOVER, _UNREPLICATED, _dead_answers),
    _failed_over(_BY_NEW_MASTER, FAILOVER, "unexplained", _deposed_answers),
    _failed_over(_BY_NEW_MASTER, FAILOVER, "unexplained", _successor_answers(HEAL_NS - 50 * MILLISECOND)),
    _failed_over(_BY_NEW_MASTER, HUNG, "unexplained", _successor_answers(_ANSWERED_LATE_NS)),
    *(_failed_over(_BY_NEW_MASTER, plan, "unexplained", _lose_from_new_master) for plan in (FAILOVER, HUNG)),
)

FAILOVER_TOGETHER: dict[str, tuple[Setup, ...]] = {
    "failover": (
        _unreplicated(FAILOVER),
        _forgotten(FAILOVER, back=1),
        _evicted(FAILOVER),
        _failed_over(_BY_NEW_MASTER, FAILOVER, "unexplained", _lose_from_new_master),
        _unreplicated(FAILOVER, arm=QUEUE),
    ),
    "hung master": (
        _unreplicated(HUNG),
        _forgotten(HUNG, back=1),
        _failed_over(_BY_DEPOSED, HUNG, _UNREPLICATED, _deposed_answers),
        _failed_over(_BY_NEW_MASTER, HUNG, "unexplained", _lose_from_new_master),
        _unreplicated(HUNG, arm=QUEUE),
    ),
}
"""Per kind of failover, what can be planted into one trial at once: each on a message of its own."""
