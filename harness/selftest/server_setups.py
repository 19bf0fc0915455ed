"""What a dead or full server takes, and what a fault of it does not explain: each alone in a trial of its own."""

from __future__ import annotations

from collections.abc import Callable

from harness.history.journal import EventKind
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, Persistence, ServerStat
from harness.selftest.book import Note
from harness.selftest.deeds import lose_from_log
from harness.selftest.moments import FAN_OUT, INJECT_NS, MILLISECOND, PUBSUB
from harness.selftest.plant import DURABLE, EFFECTIVELY, LEAST, Target
from harness.selftest.setup import Setup
from harness.selftest.setup_deeds import miss_in_fault


def _under(model: FaultModel, persistence: Persistence, deed: Callable[[Target], None]) -> Callable[[Target], None]:
    """The deed, in a trial whose fault was this one of the server."""

    def apply(target: Target) -> None:
        changes = {"faults": (FaultPlan(model=model),), "persistence": persistence}
        trial = target.book.trial
        target.book.trial = trial.model_copy(update={"scenario": trial.scenario.model_copy(update=changes)})
        deed(target)

    return apply


def _evict(target: Target) -> None:
    """The log has it no more, and right after the injection the count of evicted keys is seen to have risen."""
    lose_from_log(target)
    seen = Note(EventKind.SERVER_STAT, INJECT_NS + 5 * MILLISECOND, 0, -1, 0, code=ServerStat.EVICTED_KEYS, value=1)
    target.book.journals["conductor"].notes.append(seen)


def _taken(mechanism: str) -> dict[str, int]:
    found = {"fates.lost": 1, "fates.delivered": -1, "missing_effects": 1, "lost_by_position.middle": 1}
    found |= {f"lost_by_mechanism.{mechanism}": 1, f"gone_by_mechanism.{mechanism}": 1, "acknowledgement_calls": -1}
    return found | {"log_entries": -1, "durability.in_log_with_effect": -1, "durability.gone_with_effect": 1}


_CUT_OFF = {"fates.lost": 1, "fates.delivered": -1, "missing_effects": 1, "lost_by_position.middle": 1} | {
    **{"lost_silently": 1, "publish.received_sum": -1, "publish.overstated": 1},
    "lost_by_mechanism.server restart": 1,
}
_ALL = frozenset({LEAST, EFFECTIVELY, DURABLE})


def _setup(name: str, model: FaultModel, persistence: Persistence, mechanism: str) -> Setup:
    deed = _evict if model is FaultModel.EVICTION else lose_from_log
    return Setup(name, FAN_OUT, _under(model, persistence, deed), _taken(mechanism), _ALL, early=True)


SERVER_SETUPS = (
    _setup("lost: server restart", FaultModel.SERVER_KILL, Persistence.OFF, "server restart"),
    _setup("lost: un-fsynced", FaultModel.POWER_LOSS, Persistence.AOF_EVERYSEC, "un-fsynced at power loss"),
    _setup("lost: evicted", FaultModel.EVICTION, Persistence.OFF, "evicted"),
    _setup("lost: fsynced, unexplained", FaultModel.POWER_LOSS, Persistence.AOF_ALWAYS, "unexplained"),
    Setup(
        "lost: subscriber of a server that restarted",
        PUBSUB,
        _under(FaultModel.SERVER_KILL, Persistence.OFF, miss_in_fault),
        _CUT_OFF,
        frozenset({LEAST, EFFECTIVELY}),
    ),
)
