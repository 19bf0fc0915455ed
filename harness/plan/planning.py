"""Scenario × arms × seeds = trials: what a run will do, as plain data, before anything is started."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.model.errors import UsageError
from harness.model.values import RunPlan, Scenario, StackChoice, Timeline, Trial, sentinel_objection
from harness.plan.arms import base_name, named_arm

MAX_SECONDS = 3600.0
MAX_TRIALS = 1_000
MAX_RATE_PER_S = 100_000.0
DEFAULT_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line changes about scenarios; ``None`` leaves the scenario's own value."""

    duration_s: float | None = None
    rate_per_s: float | None = None
    outage_s: float | None = None
    arms: tuple[str, ...] = ()
    real_time: bool = False
    """Incidents last as long as they did. A rate or an outage that is given as well counts more."""


def check_real_time(scenarios: Sequence[Scenario], overrides: Overrides) -> None:
    """Refuse ``--real-time`` where it would change nothing.

    Raises:
        UsageError: none of ``scenarios`` is compressed.
    """
    if overrides.real_time and all(scenario.real_time is None for scenario in scenarios):
        raise UsageError(
            "--real-time: none of these scenarios is compressed",
            fix="leave it out, or name an incident that is, e.g. incident_partition",
        )


def override(scenario: Scenario, overrides: Overrides) -> Scenario:
    """``scenario`` with what the user changed.

    Raises:
        UsageError: a number is negative, zero or absurd, or the outage does not fit into the duration.
    """
    if overrides.real_time and scenario.real_time is not None:
        scenario = _in_real_time(scenario, *scenario.real_time)
    changes: dict[str, object] = {}
    if overrides.rate_per_s is not None:
        rate = _within("--rate", overrides.rate_per_s, MAX_RATE_PER_S, unit="messages per second")
        changes["workload"] = scenario.workload.model_copy(update={"rate_per_s": rate})
    if overrides.outage_s is not None or overrides.duration_s is not None:
        changes["timeline"] = _stretch(scenario.timeline, overrides)
    if overrides.arms:
        changes["arms"] = tuple(named_arm(name) for name in dict.fromkeys(overrides.arms))
        bases = {base_name(named_arm(name)) for name in overrides.arms}
        changes["expectations"] = tuple(item for item in scenario.expectations if item.arm in bases)
        changes["predictions"] = tuple(item for item in scenario.predictions if item.arm in bases)
    return scenario.model_copy(update=changes)


def _in_real_time(scenario: Scenario, outage_s: float, rate_per_s: float) -> Scenario:
    """The incident as it was: only the outage and the rate change, so that it is the same incident otherwise."""
    return scenario.model_copy(
        update={
            "workload": scenario.workload.model_copy(update={"rate_per_s": rate_per_s}),
            "timeline": scenario.timeline.model_copy(update={"outage_s": outage_s}),
        }
    )


def _stretch(timeline: Timeline, overrides: Overrides) -> Timeline:
    """The timeline with another outage or another whole length; what is left is shared out as before."""
    outage_s = timeline.outage_s
    if overrides.outage_s is not None:
        outage_s = _within("--outage", overrides.outage_s, MAX_SECONDS, unit="seconds")
    if overrides.duration_s is None:
        return timeline.model_copy(update={"outage_s": outage_s})
    duration_s = _within("--duration", overrides.duration_s, MAX_SECONDS, unit="seconds")
    calm_s = timeline.traffic_s - timeline.outage_s
    left_s = duration_s - outage_s
    if left_s < 1.0:
        raise UsageError(
            f"--duration {duration_s:g} leaves {left_s:g} s around an outage of {outage_s:g} s",
            fix=f"--duration is all of the traffic: give at least {outage_s + 1:g}, or a shorter --outage",
        )
    share = left_s / calm_s
    return timeline.model_copy(
        update={
            "warm_up_s": timeline.warm_up_s * share,
            "steady_s": timeline.steady_s * share,
            "outage_s": outage_s,
            "recovery_s": timeline.recovery_s * share,
        }
    )


def _within(option: str, value: float, highest: float, *, unit: str) -> float:
    if not math.isfinite(value) or value <= 0 or value > highest:
        raise UsageError(f"{option} {value:g}: out of range", fix=f"give more than 0 and at most {highest:g} {unit}")
    return value


def plan_run(
    scenarios: Sequence[Scenario],
    *,
    name: str,
    trials: int,
    seed: int,
    stack: StackChoice,
    harness_version: str,
    repeat_command: str,
) -> RunPlan:
    """All trials of a run; trial i of every scenario has seed ``seed + i``, so that it can be repeated alone.

    Raises:
        UsageError: the number of trials or the seed is absurd, or an arm has no place in its scenario.
    """
    for scenario in scenarios:
        objection = sentinel_objection(scenario)
        if objection is not None:
            raise UsageError(objection[0], fix=objection[1])
    if not 1 <= trials <= MAX_TRIALS:
        raise UsageError(f"--trials {trials}: out of range", fix=f"give 1 to {MAX_TRIALS}")
    if not 0 <= seed < 2**62:
        raise UsageError(f"--seed {seed}: out of range", fix="give a number from 0 to 2^62 - 1")
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}-{name}"
    planned = [
        Trial(run_id=run_id, token=secrets.token_hex(4), scenario=scenario, seed=seed + index, index=index, stack=stack)
        for index in range(trials)
        for scenario in scenarios
    ]
    return RunPlan(
        run_id=run_id,
        name=name,
        created_utc=now.isoformat(timespec="seconds"),
        harness_version=harness_version,
        repeat_command=repeat_command,
        trials=tuple(planned),
    )
