"""Lost packets as plans: what they need, what cannot be had together, and what the family sets side by side."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.values import FaultPlan, Scenario
from harness.model.words import FaultModel, LinkRole
from harness.plan.catalogue import control_of, find_scenarios

FAMILY = find_scenarios(["network"])
PACKETS = [scenario for scenario in FAMILY if scenario.faults and scenario.wired]
BESIDE = [scenario for scenario in FAMILY if scenario.beside]
DROP = FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.CONSUMERS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wired": False}, "packet-drop needs clients whose packets can be dropped: wired=True"),
        ({"replicated": True}, "so replicated has nothing to strike"),
        ({"faults": (FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS),)}, "so hold has nothing to strike"),
        ({"faults": (FaultPlan(model=FaultModel.SERVER_KILL),)}, "so server-kill has nothing to strike"),
    ],
)
def test_packets_are_dropped_on_wires_and_nothing_else_is_there(changes: dict[str, object], said: str) -> None:
    """Neither a proxy, nor a server that may die, nor replicas."""
    with pytest.raises(ValidationError, match=said):
        Scenario.model_validate({**dict(PACKETS[0]), "faults": (DROP,), **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "packet-drop strikes a link: name it"),
        ({"link": LinkRole.CONSUMERS, "cycles": 2}, "packet-drop is on once"),
    ],
)
def test_a_drop_of_packets_names_its_link(changes: dict[str, object], said: str) -> None:
    """And is on once for the whole phase."""
    with pytest.raises(ValidationError, match=said):
        FaultPlan.model_validate({"model": FaultModel.PACKET_DROP} | changes)


def test_both_links_are_struck_and_both_proxy_models_stand_beside() -> None:
    """Each with a story, a question and a prediction."""
    struck = {(scenario.faults[0].link, scenario.name) for scenario in PACKETS if not scenario.slow}
    assert {LinkRole.CONSUMERS, LinkRole.PRODUCERS} == {link for link, _ in struck}
    for name in ("network_consumers_drop", "network_producers_drop"):
        models = {scenario.faults[0].model for scenario in BESIDE if scenario.beside == name}
        assert {FaultModel.HOLD, FaultModel.DROP} == models
    assert [] == [s.name for s in FAMILY if not (s.question and s.story and s.predictions)]


@pytest.mark.parametrize("scenario", BESIDE, ids=lambda scenario: scenario.name)
def test_a_counterpart_differs_in_its_model_alone(scenario: Scenario) -> None:
    """Arms, workload, timeline, limits, link and direction are those of what it stands beside."""
    (packets,) = [other for other in PACKETS if other.name == scenario.beside]
    same = ("arms", "workload", "timeline", "limits", "persistence", "server_settings", "slow", "family")
    assert {name: getattr(packets, name) for name in same} == {name: getattr(scenario, name) for name in same}
    struck, ours = packets.faults[0], scenario.faults[0]
    assert struck.model_copy(update={"model": ours.model}) == ours
    assert (True, False) == (packets.wired, scenario.wired)


@pytest.mark.parametrize(
    ("name", "control"),
    [("network_consumers_drop", "network_control"), ("network_proxy_consumers_hold", "network_proxy_control")],
)
def test_each_kind_brings_its_own_control(name: str, control: str) -> None:
    """What a proxy does without a fault says nothing about namespaces, routes and rules."""
    assert [control] == [scenario.name for scenario in control_of(find_scenarios([name]))]
