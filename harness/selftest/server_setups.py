"""What a dead, deposed or full server takes, and what a fault of it does not explain.

Each alone in a trial of its own, and those of a failover beside each other as well (`FAILOVER_TOGETHER`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.history.journal import EventKind
from harness.model.values import FaultPlan
from harness.model.words import FAILOVERS, FaultModel, Persistence, ServerStat
from harness.selftest.book import Book, Note
from harness.selftest.case import MESSAGES
from harness.selftest.deeds import forget_after_processing, lose_from_log
from harness.selftest.moments import FAN_OUT, HEAL_NS, INJECT_NS, MILLISECOND, PUBSUB, QUEUE
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, Target
from harness.selftest.setup import Setup
from harness.selftest.setup_deeds import miss_in_fault, miss_in_fault_unnoticed

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


def _see_eviction(book: Book, at_ns: int) -> None:
    """The count of evicted keys is seen to have risen."""
    seen = Note(EventKind.SERVER_STAT, at_ns, 0, -1, 0, code=ServerStat.EVICTED_KEYS, value=1)
    book.journals["conductor"].notes.append(seen)


def _evict(target: Target) -> None:
    """The log has it no more, and the count rose right after the injection."""
    lose_from_log(target)
    _see_eviction(target.book, INJECT_NS + 5 * MILLISECOND)


def _evict_from_new_master(target: Target) -> None:
    """The new master acknowledged it; its count of evicted keys rises right after."""
    about = _between(target, target.book.notes(EventKind.ATTEMPT, arm=target.arm), since_ns=HEAL_NS + 1)[0]
    lose_from_log(about)
    _see_eviction(target.book, about.one(EventKind.OUTCOME).t_ns + 5 * MILLISECOND)


def _answer_late(target: Target) -> None:
    """Sent before clients were led on, acknowledged after it, and in no log that counts."""
    about = _between(target, target.book.notes(EventKind.ATTEMPT, arm=target.arm), until_ns=HEAL_NS)[-1]
    lose_from_log(about)
    about.one(EventKind.OUTCOME).t_ns = _ANSWERED_LATE_NS


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


def taken(mechanism: str, arm: int = FAN_OUT) -> dict[str, int]:
    """What is found of a message that scope 0 never got and that the log has no more."""
    found = {"fates.lost": 1, "fates.delivered": -1, "missing_effects": 1, "lost_by_position.middle": 1}
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


def _setup(name: str, model: FaultModel, persistence: Persistence, mechanism: str) -> Setup:
    deed = _evict if model is FaultModel.EVICTION else lose_from_log
    return Setup(name, FAN_OUT, _under(FaultPlan(model=model), persistence, deed), taken(mechanism), _ALL, early=True)


def _failed_over(
    name: str, plan: FaultPlan, mechanism: str, deed: Deed = lose_from_log, *, arm: int = FAN_OUT
) -> Setup:
    """Lost to one scope of ``arm``; whether it lies early in the trial matters only where ``deed`` takes its target."""
    struck = _under(plan, Persistence.AOF_EVERYSEC, deed)
    return Setup(name, arm, struck, taken(mechanism, arm), _ALL, early=True)


def _forgotten(plan: FaultPlan) -> Setup:
    """Everybody had done it before the master died."""
    struck = _under(plan, Persistence.AOF_EVERYSEC, forget_after_processing)
    found = _done_and_gone(_UNREPLICATED)
    return Setup("gone from the log: un-replicated", FAN_OUT, struck, found, frozenset({DURABLE}), early=True)


_BY_NEW_MASTER = "lost: acknowledged by the new master"
_BY_DEPOSED = "lost: acknowledged by a deposed master"

SERVER_SETUPS: tuple[Setup, ...] = (
    _setup("lost: server restart", FaultModel.SERVER_KILL, Persistence.OFF, "server restart"),
    _setup("lost: un-fsynced", FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC, "un-fsynced at power loss"),
    _setup("lost: evicted", FaultModel.EVICTION, Persistence.OFF, "evicted"),
    _setup("lost: never to be synced", FaultModel.POWER_LOSS, Persistence.OFF, "server restart"),
    _setup("lost: written, unexplained", FaultModel.SERVER_KILL, Persistence.AOF_NO, "unexplained"),
    _setup("lost: fsynced, unexplained", FaultModel.POWER_LOSS, Persistence.AOF_ALWAYS, "unexplained"),
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
    *(_failed_over("lost: un-replicated", plan, _UNREPLICATED) for plan in (FAILOVER, HUNG)),
    _failed_over("lost: un-replicated", FAILOVER, _UNREPLICATED, arm=QUEUE),
    _forgotten(FAILOVER),
    *(_failed_over(_BY_DEPOSED, plan, _UNREPLICATED, _answer_late) for plan in (HUNG, FAILOVER_AND_BACK)),
    _failed_over(_BY_NEW_MASTER, FAILOVER, "unexplained", _answer_late),
    *(_failed_over(_BY_NEW_MASTER, plan, "unexplained", _lose_from_new_master) for plan in (FAILOVER, HUNG)),
    _failed_over("lost: evicted by the new master", FAILOVER, "evicted", _evict_from_new_master),
)

FAILOVER_TOGETHER: dict[str, tuple[Setup, ...]] = {
    "failover": (
        _failed_over("lost: un-replicated", FAILOVER, _UNREPLICATED),
        _forgotten(FAILOVER),
        _failed_over("lost: evicted by the new master", FAILOVER, "evicted", _evict_from_new_master),
        _failed_over(_BY_NEW_MASTER, FAILOVER, "unexplained", _lose_from_new_master),
        _failed_over("lost: un-replicated", FAILOVER, _UNREPLICATED, arm=QUEUE),
    ),
    "hung master": (
        _failed_over("lost: un-replicated", HUNG, _UNREPLICATED),
        _forgotten(HUNG),
        _failed_over(_BY_DEPOSED, HUNG, _UNREPLICATED, _answer_late),
        _failed_over(_BY_NEW_MASTER, HUNG, "unexplained", _lose_from_new_master),
        _failed_over("lost: un-replicated", HUNG, _UNREPLICATED, arm=QUEUE),
    ),
}
"""Per kind of failover, what can be planted into one trial at once: each on a message of its own."""
