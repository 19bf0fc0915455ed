"""Faults of the server as plans: what they may name, what they need, and what the family is made of."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.values import FaultPlan
from harness.model.words import SERVER_FAULTS, FaultModel, Guarantee, LinkRole, Persistence, Stance, WorkerRole
from harness.plan.catalogue import find_scenarios
from harness.stack.breakable import Breaks, what_breaks

FAMILY = find_scenarios(["server"])


@pytest.mark.parametrize("model", sorted(SERVER_FAULTS))
@pytest.mark.parametrize("named", [{"link": LinkRole.CONSUMERS}, {"worker": WorkerRole.CONSUMER}, {"cycles": 2}])
def test_a_fault_of_the_server_strikes_nothing_else(model: FaultModel, named: dict[str, object]) -> None:
    """Neither a link nor a worker, and once for the whole phase."""
    assert FaultPlan(model=model).model is model
    with pytest.raises(ValidationError, match=f"{model} "):
        FaultPlan.model_validate({"model": model} | named)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FaultModel.SERVER_KILL, Breaks.PROCESS),
        (FaultModel.EVICTION, Breaks.PROCESS),
        (FaultModel.POWER_LOSS, Breaks.DISK),
        (FaultModel.DISK_FULL, Breaks.DISK),
        (FaultModel.POISON, Breaks.NOTHING),
    ],
)
def test_what_a_fault_asks_of_the_server(model: FaultModel, expected: Breaks) -> None:
    """The hardest of several counts."""
    assert expected is what_breaks([FaultPlan(model=model)])
    assert max(expected, Breaks.PROCESS) is what_breaks(
        [FaultPlan(model=FaultModel.SERVER_PAUSE), FaultPlan(model=model)]
    )


def test_the_family_has_every_profile_under_both_deaths() -> None:
    """And one control; each with a story, a question and a prediction."""
    deaths = {
        (scenario.faults[0].model, scenario.persistence)
        for scenario in FAMILY
        if scenario.faults and scenario.faults[0].model in (FaultModel.SERVER_KILL, FaultModel.POWER_LOSS)
    }
    assert {(m, p) for m in (FaultModel.SERVER_KILL, FaultModel.POWER_LOSS) for p in Persistence} == deaths
    assert ["server_control"] == [scenario.name for scenario in FAMILY if scenario.is_control]
    assert [] == [s.name for s in FAMILY if not (s.question and s.story and s.predictions)]


def test_durability_is_asked_of_the_stream_under_every_death() -> None:
    """It has to hold where the file is synced before the reply, and where only the process dies with a file."""
    required = {
        scenario.name
        for scenario in FAMILY
        for item in scenario.expectations
        if item.guarantee is Guarantee.DURABLE and item.stance is Stance.REQUIRED and scenario.faults
    }
    kept = {"server_power_aof_always", *(f"server_kill_aof_{fsync}" for fsync in ("no", "everysec", "always"))}
    lives = {"server_pause", "server_out_of_memory", "server_disk_full"}
    slow = {"server_slow_fsync_always", "server_slow_fsync_everysec"}
    assert kept | lives | slow == required
