"""Searching and shrinking against known oracles: what is found must be the least that they call a violation."""

from __future__ import annotations

import ast
import itertools
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.explore.drawing import Dealer
from harness.explore.outcome import Exploration, Outcome, Repeats, Shrunk, Spent
from harness.explore.script import write_script
from harness.explore.search import CONFIRMATIONS, Allowance, Explorer
from harness.explore.smaller import STEPS, expected_messages, size
from harness.explore.vocabulary import DRAWN, fit_together, models_named, vocabulary
from harness.model.errors import UsageError
from harness.model.values import FaultPlan, Scenario
from harness.model.words import CrashPoint, FaultModel, Guarantee, LinkRole, Members, Verdict, WorkerRole
from harness.plan.arms import named_arm
from harness.plan.catalogue import load_scenario

Oracle = Callable[[Scenario], Verdict]
CRASH = FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=CrashPoint.BEFORE_EFFECT)


def dealer(arm: str = "stream-queue", seed: int = 1) -> Dealer:
    return Dealer(named_arm(arm), arm, Guarantee.AT_LEAST_ONCE, vocabulary(named_arm(arm)), seed)


def player(oracle: Oracle, played: list[Scenario] | None = None) -> Callable[[Sequence[Scenario]], list[Outcome]]:
    """Plays nothing: the oracle says how it went."""

    def play(scenarios: Sequence[Scenario]) -> list[Outcome]:
        if played is not None:
            played.extend(scenarios)
        return [Outcome(one, oracle(one), "counted", one.name, "crash before effect") for one in scenarios]

    return play


def explore(oracle: Oracle, *, trials: int = 200, seed: int = 1, arm: str = "stream-queue") -> Exploration:
    dealt = dealer(arm, seed)
    explorer = Explorer(player(oracle), Allowance(trials=trials), clock=itertools.count().__next__)
    return explorer.explore(dealt.control(), dealt.draw)


def broken_by(*models: FaultModel) -> Oracle:
    """Violated where all of ``models`` are on."""

    def oracle(scenario: Scenario) -> Verdict:
        return Verdict.VIOLATED if set(models) <= {plan.model for plan in scenario.faults} else Verdict.HELD

    return oracle


def smaller_ones(scenario: Scenario) -> list[Scenario]:
    return [one for step in STEPS for one in step(scenario)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 500))
def test_every_step_makes_it_smaller(seed: int, number: int) -> None:
    """Whatever is drawn: no step leaves the size as it was, so shrinking ends."""
    drawn = dealer(seed=seed).draw(number)
    assert [True] * len(smaller_ones(drawn)) == [size(one) < size(drawn) for one in smaller_ones(drawn)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([FaultModel.PAUSE, FaultModel.CRASH, FaultModel.HALF_OPEN]))
def test_what_is_found_is_violated_and_nothing_smaller_is(seed: int, model: FaultModel) -> None:
    """The smallest still violates, and no single step from it does."""
    oracle = broken_by(model)
    found = explore(oracle, seed=seed).found
    assert found is not None
    assert Verdict.VIOLATED is oracle(found.smallest)
    assert [] == [one for one in smaller_ones(found.smallest) if oracle(one) is Verdict.VIOLATED]
    assert Repeats(violated=CONFIRMATIONS) == found.confirmed
    assert Shrunk.WHOLE is found.shrunk


def test_two_faults_that_need_each_other_stay_together() -> None:
    """Neither is taken away, and everything else is as little as may be."""
    exploration = explore(broken_by(FaultModel.PAUSE, FaultModel.HOLD), trials=1_000)
    assert exploration.found is not None
    smallest = exploration.found.smallest
    assert {FaultModel.PAUSE, FaultModel.HOLD} == {plan.model for plan in smallest.faults}
    assert (2, 0.5, 2.5, 5.0) == (
        len(smallest.faults),
        smallest.timeline.outage_s,
        smallest.timeline.traffic_s,
        smallest.workload.rate_per_s,
    )
    assert 12 == expected_messages(smallest)


def test_load_that_is_needed_is_kept() -> None:
    """A violation that takes an outage of a second and 20 messages a second is shrunk down to about these."""

    def oracle(scenario: Scenario) -> Verdict:
        enough = scenario.timeline.outage_s >= 1.0 and scenario.workload.rate_per_s >= 20.0
        return Verdict.VIOLATED if enough and scenario.faults else Verdict.HELD

    found = explore(oracle).found
    assert found is not None
    assert 1.0 <= found.smallest.timeline.outage_s < 2.0
    assert 20.0 <= found.smallest.workload.rate_per_s < 40.0


@pytest.mark.parametrize("seed", range(8))
def test_chance_is_weighed(seed: int) -> None:
    """A crash that does harm in seven of ten trials is found, and what holds always is not called its cause."""
    chance = random.Random(seed)

    def oracle(scenario: Scenario) -> Verdict:
        crashes = any(plan.model is FaultModel.CRASH for plan in scenario.faults)
        return Verdict.VIOLATED if crashes and chance.random() < 0.7 else Verdict.HELD

    found = explore(oracle, seed=seed).found
    assert found is not None
    assert FaultModel.CRASH in {plan.model for plan in found.smallest.faults}
    assert 0 < found.confirmed.valid


def test_a_violation_that_never_comes_again_is_told_and_not_shrunk() -> None:
    """One trial is a fact; that it could not be repeated is said."""
    seen: list[Scenario] = []

    def oracle(scenario: Scenario) -> Verdict:
        seen.append(scenario)
        return Verdict.VIOLATED if len(seen) == 6 else Verdict.HELD

    found = explore(oracle).found
    assert found is not None
    assert (Shrunk.NOT_REPEATED, found.first.scenario) == (found.shrunk, found.smallest)
    assert Repeats(held=CONFIRMATIONS) == found.confirmed


def test_trials_that_prove_nothing_count_neither_way() -> None:
    """Nothing but inconclusive trials: nothing found, and nothing held."""

    def oracle(scenario: Scenario) -> Verdict:
        return Verdict.INCONCLUSIVE if scenario.faults else Verdict.HELD

    exploration = explore(oracle, trials=10)
    assert (None, Verdict.INCONCLUSIVE, 10) == (exploration.found, exploration.verdict, len(exploration.tried))


def test_a_smaller_one_that_proves_nothing_is_not_taken() -> None:
    """Too few messages to say: the larger schedule stays."""

    def oracle(scenario: Scenario) -> Verdict:
        if not scenario.faults:
            return Verdict.HELD
        return Verdict.VIOLATED if scenario.workload.rate_per_s >= 40 else Verdict.INCONCLUSIVE

    found = explore(oracle).found
    assert found is not None
    assert 40.0 <= found.smallest.workload.rate_per_s < 80.0


def test_nothing_is_found_where_nothing_breaks() -> None:
    """The whole budget is played, and each outcome is kept."""
    exploration = explore(lambda _: Verdict.HELD, trials=30)
    assert (None, Verdict.HELD, 30, 31) == (
        exploration.found,
        exploration.verdict,
        len(exploration.tried),
        exploration.played,
    )
    assert "the budget of 30 trials is spent" == exploration.ended


def test_what_breaks_without_a_fault_is_found_at_once() -> None:
    """No fault is blamed for what happens without any."""
    exploration = explore(lambda _: Verdict.VIOLATED)
    assert exploration.found is not None
    assert ((), ()) == (exploration.found.smallest.faults, exploration.tried)


def test_a_control_that_proves_nothing_ends_the_search() -> None:
    """It gets a second chance, and then nothing is compared with it."""
    exploration = explore(lambda scenario: Verdict.HELD if scenario.faults else Verdict.INCONCLUSIVE)
    assert (Verdict.INCONCLUSIVE, 2, ()) == (exploration.verdict, exploration.played, exploration.tried)


def test_a_time_ends_the_search() -> None:
    """Seconds are counted from after the control."""
    dealt = dealer()
    explorer = Explorer(
        player(lambda _: Verdict.HELD), Allowance(seconds=10.0), clock=itertools.count(0.0, 2.0).__next__
    )
    exploration = explorer.explore(dealt.control(), dealt.draw)
    assert ("the budget of 10 seconds is spent", 8) == (exploration.ended, len(exploration.tried))


def test_an_interruption_tells_what_was_found_so_far() -> None:
    """Interrupted while it shrinks: the schedule that was found first is there, and says that it may be larger."""
    played: list[Scenario] = []
    inner = player(broken_by(FaultModel.PAUSE), played)

    def play(scenarios: Sequence[Scenario]) -> list[Outcome]:
        if any(one.timeline.outage_s < 0.8 for one in scenarios):
            raise Spent("interrupted")
        return inner(scenarios)

    dealt = dealer()
    found = Explorer(play, Allowance(trials=200), itertools.count().__next__).explore(dealt.control(), dealt.draw).found
    assert found is not None
    assert Shrunk.ENDED_EARLY is found.shrunk
    assert [FaultModel.PAUSE] == [plan.model for plan in found.smallest.faults]


def test_the_seed_draws_the_same_schedules() -> None:
    """Same seed, same schedules; another seed, others."""
    first, again, other = ([dealer(seed=seed).draw(n) for n in range(20)] for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_every_fault_has_its_turn_before_any_comes_again() -> None:
    """The leading faults of one deck are all of the vocabulary."""
    dealt = dealer()
    leading = [dealt.draw(number).faults[0] for number in range(len(dealt.deck))]
    assert sorted(map(repr, dealt.deck)) == sorted(map(repr, leading))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 500))
def test_what_is_drawn_together_can_be_told_apart(seed: int, number: int) -> None:
    """Any two faults of a schedule fit, whichever of them was drawn first."""
    faults = dealer(seed=seed).draw(number).faults
    pairs = list(itertools.permutations(faults, 2))
    assert [True] * len(pairs) == [fit_together(one, other) for one, other in pairs]


def test_no_fault_of_a_single_member_where_there_is_one() -> None:
    """An arm of one consumer per recipient has no `one of them`."""
    plans = vocabulary(named_arm("stream-group"))
    assert set() == {plan for plan in plans if plan.members is Members.FIRST or plan.link is LinkRole.ONE_CONSUMER}
    assert DRAWN == {plan.model for plan in plans}


def test_an_unknown_fault_is_told_the_nearest() -> None:
    """As every name on the command line."""
    with pytest.raises(UsageError, match="crash"):
        models_named(["crush"])


@pytest.mark.parametrize("arm", ["stream-group-ack-first", "stream-queue", "pubsub-no-retry"])
def test_the_script_is_the_schedule(tmp_path: Path, arm: str) -> None:
    """Loaded as a scenario script, it has the faults, the load and the arm that were found."""
    found = explore(broken_by(FaultModel.KILL), arm=arm).found
    assert found is not None
    text = write_script(found, base=arm, guarantee=Guarantee.AT_LEAST_ONCE, family="crash")
    path = tmp_path / "found.py"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path)
    smallest = found.smallest
    assert (smallest.arms, smallest.faults, smallest.timeline, smallest.workload) == (
        scenario.arms,
        scenario.faults,
        scenario.timeline,
        scenario.workload,
    )
    assert [("crash", "required")] == [(scenario.family, one.stance.value) for one in scenario.expectations]
    assert [] == [line for line in text.splitlines() if len(line) > 120]
    assert (ast.get_docstring(ast.parse(text)) or "").startswith(f"A schedule that breaks at-least-once for {arm}")


def test_every_plan_can_be_written_down(tmp_path: Path) -> None:
    """Directions, cycles, members, points and delays are spelled as the scripts spell them."""
    found = explore(broken_by(FaultModel.KILL)).found
    assert found is not None
    for number, plan in enumerate(dealer().deck):
        changed = found.smallest.model_copy(update={"faults": (plan, CRASH)})
        text = write_script(
            type(found)(found.first, changed, found.witness, found.confirmed, found.shrunk, 0),
            base="stream-queue",
            guarantee=Guarantee.ORDERED,
            family="crash",
        )
        path = tmp_path / f"found_{number}.py"
        path.write_text(text, encoding="utf-8")
        assert (plan, CRASH) == load_scenario(path).faults
