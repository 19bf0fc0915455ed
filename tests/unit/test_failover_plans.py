"""The scenarios in which a replica takes over: what they have in common, and what their control has to answer for."""

from __future__ import annotations

from harness.model.words import FAILOVERS, Guarantee, ReplicationCut, Stance
from harness.plan.arms import base_name
from harness.plan.catalogue import find_scenarios
from harness.plan.failover import INCIDENT_FAILOVER_ARMS

SENTINEL_NEEDS_S = 3.0
"""A second and a half of silence, and a second or so to agree and to promote."""
REPLICATED = [scenario for scenario in find_scenarios(["failover", "incident"], slow=True) if scenario.replicated]


def test_every_scenario_tells_its_story_and_strikes_a_master_once() -> None:
    """And every control strikes nobody."""
    assert [] == [one.name for one in REPLICATED if not (one.question and one.story and one.predictions)]
    struck = [[plan.model for plan in one.faults] for one in REPLICATED if not one.is_control]
    assert [] == [models for models in struck if len(models) != 1 or models[0] not in FAILOVERS]
    assert {"failover_control", "incident_failover_control"} == {one.name for one in REPLICATED if one.is_control}


def test_each_family_has_a_control_with_every_arm() -> None:
    """By its base name: an arm that no control has proves nothing."""
    for family in ("failover", "incident"):
        members = [one for one in REPLICATED if one.family == family]
        controlled = {base_name(arm) for one in members if one.is_control for arm in one.arms}
        assert set() == {base_name(arm) for one in members for arm in one.arms} - controlled


def test_after_the_longest_cut_there_is_time_for_sentinel() -> None:
    """Replication may be cut for seconds before the strike; the phase lasts until a replica can be promoted."""
    left = {
        one.name: one.timeline.outage_s - (plan.cut_ms / 1_000 if plan.replication is not ReplicationCut.NONE else 0)
        for one in REPLICATED
        for plan in one.faults
    }
    assert {} == {name: seconds for name, seconds in left.items() if seconds < SENTINEL_NEEDS_S}


def test_only_what_every_replica_confirmed_has_to_be_durable() -> None:
    """Replication is asynchronous: without a cut it is chance whether anything is lost, with one it has to be.

    What a deposed master acknowledges is replicated to nobody, with or without a cut.
    """
    durable = [
        (one, item)
        for one in REPLICATED
        if one.faults
        for item in one.expectations
        if item.guarantee is Guarantee.DURABLE
    ]
    assert {"stream-group-wait-2"} == {item.arm for _, item in durable if item.stance is Stance.REQUIRED}
    lagging = {one.name for one in REPLICATED for plan in one.faults if plan.replication is not ReplicationCut.NONE}
    deposed = {"failover_sentinel_deposed"}
    assert lagging | deposed == {one.name for one, item in durable if item.stance is Stance.EXPECTED_NOT_TO_HOLD}


def test_the_incident_has_several_on_either_side() -> None:
    """With one publisher and one subscriber a throw of the dice would decide whether anything is lost."""
    assert [] == [arm.name for arm in INCIDENT_FAILOVER_ARMS if arm.producers < 2 or arm.scopes < 2]
