"""What is played for a contract: each scenario with its own arms and those that are asked of it, and no others."""

from __future__ import annotations

from pathlib import Path

from harness.cli.verifying import VerifyRequest, known_names, plan_contract
from harness.contract.clauses import clauses_of
from harness.contract.read import parse_contract
from harness.model.values import RunPlan, StackChoice
from harness.plan.catalogue import find_scenarios


def planned(text: str) -> RunPlan:
    """The plan for a contract with this text."""
    scenarios = find_scenarios(["all"], slow=True)
    contract = parse_contract(text.encode(), name="c.yaml", known=known_names(scenarios))
    request = VerifyRequest(
        contract=None,
        profile=None,
        trials=None,
        runs=(),
        seed=None,
        stack=StackChoice(),
        jobs=2,
        results=Path("results"),
        as_json=False,
        junit=None,
    )
    clauses = clauses_of(contract, chosen=None, profile=None, trials=None)
    return plan_contract(request, scenarios, clauses, contract="c.yaml")


def arms_of(plan: RunPlan) -> dict[str, list[str]]:
    """The arms of each scenario of the plan."""
    return {trial.scenario.name: [arm.name for arm in trial.scenario.arms] for trial in plan.trials}


def test_an_arm_is_added_where_it_is_asked_for_and_to_one_control() -> None:
    """Not to every scenario of the family: arms that nobody asked for cost time and make the others late."""
    text = """\
version: 1
scenarios:
  link_flap:
    pubsub-hardened: {required: [at-most-once]}
    stream-group-hardened: {required: [at-least-once]}
  link_latency:
    pubsub: {required: [at-least-once]}
"""
    arms = arms_of(planned(text))
    assert ["link_control", "link_flap", "link_latency"] == sorted(arms)
    assert ["pubsub-hardened", "stream-group-hardened"] == arms["link_flap"][-2:]
    assert ["pubsub", "stream-group", "stream-queue"] == arms["link_latency"]
    assert "stream-group-hardened" in arms["link_control"]
    assert 1 == arms["link_control"].count("pubsub-hardened")


def test_a_family_with_two_controls_has_each_arm_in_one_of_them() -> None:
    """What the second control has is not added to the first."""
    text = """\
version: 1
scenarios:
  consume_recovery:
    stream-group-claim: {required: [at-least-once]}
    stream-queue-lua: {required: [effectively-once]}
"""
    arms = arms_of(planned(text))
    controls = [name for name in arms if name.startswith("consume_control")]
    assert 2 == len(controls)
    held = [arm for name in controls for arm in arms[name]]
    assert sorted(set(held)) == sorted(held)
    assert {"stream-group-claim", "stream-queue-lua", "stream-group-own-pending"} <= set(held)
