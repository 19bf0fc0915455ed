"""The ten scenarios that strike the server down, by the way in which it dies and the way in which it persists.

They differ in two words, so their scripts give these two words and what they predict; arms, workload, timeline and
everything that follows from the mechanism is said here once.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.values import Arm, FaultPlan, Scenario, Timeline, Workload
from harness.model.words import FaultModel, Persistence
from harness.plan.building import Statement, fault_scenario, select_arms

SERVER_ARMS = ("pubsub", "stream-group")
SERVER_TIMELINE = Timeline(warm_up_s=1.0, steady_s=2.5, outage_s=2.0, recovery_s=3.0)
"""Long enough before the fault for a snapshot, and for an fsync of every second, to have come and gone."""
SERVER_WORKLOAD = Workload(rate_per_s=100.0)

REMEDY_ARMS = ("stream-group", "stream-group-waitaof")
REMEDY_PRODUCERS = 10
REMEDY_WORKLOAD = Workload(rate_per_s=12.0)
"""Of all producers together: each may wait for up to a second over each message."""

_DEATHS = {
    FaultModel.SERVER_KILL: ("gets a SIGKILL", "SIGKILL, and another life on the same directory and port"),
    FaultModel.POWER_LOSS: (
        "loses power",
        "SIGKILL, and only what had reached the block device is there for the next life",
    ),
}
_PROFILES = {
    Persistence.OFF: "without persistence",
    Persistence.RDB: "with RDB, a snapshot a second after a change",
    Persistence.AOF_NO: "with an append-only file that is never fsynced (appendfsync no)",
    Persistence.AOF_EVERYSEC: "with an append-only file and appendfsync everysec",
    Persistence.AOF_ALWAYS: "with an append-only file and appendfsync always",
}


def remedy_arms() -> tuple[Arm, ...]:
    """One recipient each, and so many producers that waiting does not hold up the schedule."""
    return tuple(arm.model_copy(update={"producers": REMEDY_PRODUCERS}) for arm in select_arms(*REMEDY_ARMS, scopes=1))


def server_death(
    *, name: str, model: FaultModel, persistence: Persistence, story: str, statements: Sequence[Statement]
) -> Scenario:
    """The server dies by ``model`` (server-kill or power-loss) under ``persistence``, and comes back."""
    fate, mechanism = _DEATHS[model]
    return fault_scenario(
        name=name,
        family="server",
        story=story,
        question=f"What is left of what was acknowledged when a server {_PROFILES[persistence]} {fate}?",
        mechanism=mechanism,
        arms=select_arms(*SERVER_ARMS, scopes=1),
        faults=[FaultPlan(model=model)],
        statements=statements,
        timeline=SERVER_TIMELINE,
        workload=SERVER_WORKLOAD,
        persistence=persistence,
    )
