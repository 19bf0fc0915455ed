"""Readable names: of a fault, of an arm without its client preset and release.

>>> from harness.model.words import Direction, LinkRole
>>> name_of_fault(FaultPlan(model=FaultModel.DROP, link=LinkRole.CONSUMERS, direction=Direction.REPLIES))
"consumers' link · drop (replies only)"
>>> base_name("stream-group-no-retry@6.4.0")
'stream-group'
"""

from __future__ import annotations

from harness.model.values import FaultPlan
from harness.model.words import ClientPreset, Direction, FaultModel, LinkRole, Members, WorkerRole

_LINKS = {
    LinkRole.PRODUCERS: "producers' link",
    LinkRole.CONSUMERS: "consumers' link",
    LinkRole.ONE_CONSUMER: "one consumer's link",
}


def name_of_fault(plan: FaultPlan | None) -> str:
    """What strikes what, in a few words; ``None`` and `FaultModel.NONE` are the control."""
    if plan is None or plan.model is FaultModel.NONE:
        return "no fault (control)"
    if plan.link is not None:
        return f"{_LINKS[plan.link]} · {plan.model}{_details(plan)}"
    if plan.model is FaultModel.POISON:
        return f"poison · every {plan.every}th message"
    if plan.worker is None:
        return f"{plan.model}{_details(plan)}"
    return f"{plan.model} of {_struck(plan, plan.worker)}{_details(plan)}"


def _struck(plan: FaultPlan, role: WorkerRole) -> str:
    return f"{role}s" if plan.members is Members.ALL else f"one {role} per {_per(role)}"


def _per(role: WorkerRole) -> str:
    return "scope" if role is WorkerRole.CONSUMER else "arm"


def _details(plan: FaultPlan) -> str:
    """What distinguishes two plans of one model."""
    parts = []
    if plan.direction is not Direction.BOTH:
        parts.append(f"{plan.direction} only")
    if plan.model is FaultModel.LATENCY:
        parts.append(f"{plan.delay_ms} ms ± {plan.jitter_ms} ms")
    if plan.model is FaultModel.BANDWIDTH:
        parts.append(f"{plan.rate_kb_per_s} kB/s")
    if plan.model is FaultModel.SLOW:
        parts.append(f"{plan.handling_ms} ms a message")
    if plan.cycles > 1:
        parts.append(f"{plan.cycles} times")
    point = f" · {plan.point}" if plan.point is not None else ""
    return f"{point} ({', '.join(parts)})" if parts else point


def base_name(arm: str) -> str:
    """An arm's name without its release and its client preset."""
    return without_preset(arm.partition("@")[0])


def without_preset(arm: str) -> str:
    """An arm's name without its client preset, whatever its release."""
    name, at, release = arm.partition("@")
    for preset in ClientPreset:
        if name.endswith(f"-{preset}"):
            return name.removesuffix(f"-{preset}") + at + release
    return arm


def covers(named: str, arm: str) -> bool:
    """Whether what is said about ``named`` speaks of ``arm``: the arm itself, or a preset or a release of it."""
    return named in {arm, arm.partition("@")[0], without_preset(arm), base_name(arm)}
