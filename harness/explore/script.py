"""Writes a schedule down as a scenario script, ready to be saved and run."""

from __future__ import annotations

import textwrap
from enum import StrEnum

from harness.explore.outcome import Found
from harness.model.naming import faults_name
from harness.model.values import Arm, FaultPlan, Scenario
from harness.model.words import CrashPoint, Direction, FaultModel, Guarantee, LinkRole, Members, WorkerRole
from harness.plan.arms import named_arm

_WORDS = (FaultModel, LinkRole, Direction, WorkerRole, Members, CrashPoint, Guarantee)
_LINE = 116


def script_name(arm: str, guarantee: Guarantee) -> str:
    """``explored_stream_group_ack_first_at_least_once``."""
    return f"explored_{arm}_{guarantee}".replace("-", "_").replace("@", "_at_").replace(".", "_")


def write_script(found: Found, *, base: str, guarantee: Guarantee, family: str) -> str:
    """A script that plays the smallest schedule, and fails as long as ``guarantee`` is violated.

    ``family`` is one whose no-fault control has the arm; without a perfect control a violation proves nothing.
    """
    scenario = found.smallest
    arm, timeline = scenario.arms[0], scenario.timeline
    plans = "".join(f"        {_plan(plan)},\n" for plan in scenario.faults)
    used = _used_words(scenario)
    names = sorted({"Guarantee", "Timeline", "Workload", "fault_scenario", "holds", "named_arm", "run_script", *used})
    imports = "".join(f"    {name},\n" for name in sorted(names, key=lambda name: (name[0].islower(), name.lower())))
    story = _story(found, arm, guarantee)
    return f'''"""{story}"""

from harness import (
{imports})

SCENARIO = fault_scenario(
    name="{script_name(arm.name, guarantee)}",
    family="{family}",
    story=__doc__ or "",
    question="Does {arm.name} keep {guarantee}?",
    mechanism="{faults_name(scenario.faults)}",
    arms=[{_arm(arm)}],
    faults=[
{plans}    ],
    statements=[holds("{base}", {_word(guarantee)}, "required; refuted when this was found")],
    timeline=Timeline(
        warm_up_s={timeline.warm_up_s:g},
        steady_s={timeline.steady_s:g},
        outage_s={timeline.outage_s:g},
        recovery_s={timeline.recovery_s:g},
    ),
    workload=Workload(rate_per_s={scenario.workload.rate_per_s:g}),
)

if __name__ == "__main__":
    run_script(__file__)
'''


def _story(found: Found, arm: Arm, guarantee: Guarantee) -> str:
    repeats = found.confirmed
    again = f"violated in {repeats.violated} of {repeats.valid} repeats" if repeats.valid else "not repeated"
    counted = textwrap.fill(f"{found.witness.told}. It was {again}; {found.shrunk}.", _LINE)
    return f"A schedule that breaks {guarantee} for {arm.name}, found by `harness explore`.\n\n{counted}\n"


def _used_words(scenario: Scenario) -> set[str]:
    words = {"FaultPlan"} if scenario.faults else set()
    for plan in scenario.faults:
        words |= {type(value).__name__ for value in _changes(plan).values() if isinstance(value, _WORDS)}
    return words


def _changes(plan: FaultPlan) -> dict[str, object]:
    """What the plan says beyond the defaults."""
    fields = type(plan).model_fields
    values = {name: getattr(plan, name) for name in fields}
    return {
        name: value for name, value in values.items() if fields[name].is_required() or value != fields[name].default
    }


def _plan(plan: FaultPlan) -> str:
    return f"FaultPlan({', '.join(f'{name}={_word(value)}' for name, value in _changes(plan).items())})"


def _word(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, StrEnum) else repr(value)


def _arm(arm: Arm) -> str:
    as_named = named_arm(arm.name)
    fields = ("scopes", "consumers_per_scope")
    changes = {name: getattr(arm, name) for name in fields if getattr(arm, name) != getattr(as_named, name)}
    changed = f".model_copy(update={changes!r})".replace("'", '"') if changes else ""
    return f'named_arm("{arm.name}"){changed}'
