"""What a schedule may be made of: one plan per way to break a link or a process, for a given arm.

Faults of the server are left out: what survives them is a question of its persistence and not of the arm, and the
family `server` asks it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.model.errors import UsageError, nearest
from harness.model.values import Arm, FaultPlan
from harness.model.words import PROCESS_FAULTS, CrashPoint, Direction, FaultModel, LinkRole, Members
from harness.model.words import WorkerRole as Role

_CUTS = (FaultModel.HOLD, FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET)
_DECEITS = (FaultModel.REPLY_LOST, FaultModel.HALF_OPEN)
DRAWN = frozenset({*_CUTS, *_DECEITS, FaultModel.LATENCY}) | PROCESS_FAULTS - {FaultModel.LATE_START}


def vocabulary(arm: Arm, models: Collection[FaultModel] = DRAWN) -> tuple[FaultPlan, ...]:
    """Every plan of ``models`` that can strike ``arm``, in a fixed order."""
    links = [LinkRole.PRODUCERS, LinkRole.CONSUMERS]
    members = [Members.ALL]
    if arm.consumers_per_scope > 1:
        links.append(LinkRole.ONE_CONSUMER)
        members.insert(0, Members.FIRST)
    plans = [plan for link in links for plan in _of_link(link)]
    plans += [plan for some in members for plan in _of_consumers(some)]
    plans.append(FaultPlan(model=FaultModel.KILL, worker=Role.PRODUCER))
    return tuple(plan for plan in plans if plan.model in models)


def _of_link(link: LinkRole) -> list[FaultPlan]:
    plans = [FaultPlan(model=model, link=link) for model in (*_CUTS, *_DECEITS)]
    plans.append(FaultPlan(model=FaultModel.LATENCY, link=link, delay_ms=150, jitter_ms=50))
    plans.append(FaultPlan(model=FaultModel.DOWN, link=link, cycles=3))
    one_way = (Direction.REQUESTS, Direction.REPLIES)
    return plans + [FaultPlan(model=FaultModel.DROP, link=link, direction=way) for way in one_way]


def _of_consumers(members: Members) -> list[FaultPlan]:
    crash = FaultModel.CRASH
    plans = [FaultPlan(model=crash, worker=Role.CONSUMER, members=members, point=point) for point in CrashPoint]
    others = (FaultModel.KILL, FaultModel.PAUSE, FaultModel.RESTART)
    return plans + [FaultPlan(model=model, worker=Role.CONSUMER, members=members) for model in others]


def fit_together(first: FaultPlan, second: FaultPlan) -> bool:
    """Whether both can be on at once and each still be seen to happen: another link, or other workers.

    A deploy starts processes while the fault is on, and these need a link that works; a crash at an exact point needs
    messages that get there; and a producer that is killed behind a cut link leaves nothing that was acknowledged.
    """
    if first.link is not None and second.link is not None:
        return _end_of(first.link) is not _end_of(second.link)
    if first.worker is not None and second.worker is not None:
        return first.worker is not second.worker
    of_link, of_workers = (first, second) if first.link is not None else (second, first)
    if of_workers.model is FaultModel.RESTART:
        return False
    needs_traffic = of_workers.model is FaultModel.CRASH or of_workers.worker is Role.PRODUCER
    return not needs_traffic or of_link.model is FaultModel.LATENCY or of_link.cycles > 1


def _end_of(link: LinkRole) -> Role:
    return Role.PRODUCER if link is LinkRole.PRODUCERS else Role.CONSUMER


def models_named(names: Sequence[str]) -> frozenset[FaultModel]:
    """The models that ``--fault`` names; all that are drawn, where it names none.

    Raises:
        UsageError: there is no such fault, or it is one that is not drawn.
    """
    known = {model.value: model for model in FaultModel if model in DRAWN}
    for name in names:
        if name not in known:
            raise UsageError(f'--fault "{name}": not a fault that explore draws', fix=nearest(name, sorted(known)))
    return frozenset(known[name] for name in names) or DRAWN
