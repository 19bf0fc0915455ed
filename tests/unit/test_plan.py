"""From names and options to trials; what is wrong is told with the value and the fix."""

import math
from pathlib import Path

import pytest

from harness.model.errors import InvalidFileError, UsageError
from harness.model.values import StackChoice, Trial
from harness.model.words import Guarantee, Stance
from harness.plan.arms import named_arm
from harness.plan.catalogue import control_of, example_names, find_scenarios, load_scenario, script_names
from harness.plan.planning import Overrides, check_real_time, override, plan_run
from harness.trial.schedule import draw_offsets_ns

FAMILY = find_scenarios(["partition"])


def test_the_partition_family_is_complete() -> None:
    """Both links, each as hold, drop, down and reset, and one control; each with a story, question and prediction."""
    faults = {(fault.struck_link.value, fault.model.value) for scenario in FAMILY for fault in scenario.faults}
    models = ("hold", "drop", "down", "reset")
    assert {(link, model) for link in ("producers", "consumers") for model in models} == faults
    assert ["partition_control"] == [scenario.name for scenario in FAMILY if scenario.is_control]
    assert [] == [s.name for s in FAMILY if not (s.question and s.story and s.predictions)]


def test_pubsub_is_expected_to_lose_only_where_the_consumers_are_cut_off() -> None:
    """Under hold nothing is dropped, and the producers' link does not concern a subscriber."""
    losing = {
        scenario.name
        for scenario in FAMILY
        for item in scenario.expectations
        if item.stance is Stance.EXPECTED_NOT_TO_HOLD
    }
    assert {f"partition_consumers_{model}" for model in ("drop", "down", "reset")} == losing


@pytest.mark.parametrize("scenario", FAMILY, ids=lambda scenario: scenario.name)
def test_streams_must_hold_in_every_scenario(scenario: object) -> None:
    """At-least-once is required of each Streams arm whatever is broken."""
    required = {
        item.arm
        for item in scenario.expectations  # type: ignore[attr-defined]
        if item.guarantee is Guarantee.AT_LEAST_ONCE and item.stance is Stance.REQUIRED
    }
    assert {"stream-group", "stream-queue"} <= required


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: named_arm("stream-grup"), 'did you mean "stream-group"'),
        (lambda: find_scenarios(["partition_consumer_drop"]), 'did you mean "partition_consumers_drop"'),
        (lambda: override(FAMILY[0], Overrides(rate_per_s=-1)), "--rate -1"),
        (lambda: override(FAMILY[0], Overrides(rate_per_s=math.nan)), "--rate nan"),
        (lambda: override(FAMILY[0], Overrides(outage_s=0)), "--outage 0"),
        (lambda: override(FAMILY[0], Overrides(outage_s=1e9)), "--outage 1e+09"),
        (lambda: override(FAMILY[0], Overrides(duration_s=math.inf)), "--duration inf"),
        (lambda: override(FAMILY[0], Overrides(duration_s=3.5)), "leaves 0.5 s"),
    ],
)
def test_bad_input_is_one_clear_error(call: object, said: str) -> None:
    """With the value that was given, and what to give instead."""
    with pytest.raises(UsageError) as caught:
        call()  # type: ignore[operator]
    assert said in str(caught.value)
    assert caught.value.fix


def test_duration_is_all_of_the_traffic() -> None:
    """The outage keeps its length; what is around it is stretched in proportion."""
    timeline = override(FAMILY[0], Overrides(duration_s=15, outage_s=3)).timeline
    assert (15, 3) == (pytest.approx(timeline.traffic_s), timeline.outage_s)
    assert pytest.approx(2) == timeline.steady_s / timeline.warm_up_s


def test_choosing_arms_keeps_what_is_expected_of_them() -> None:
    """Expectations of a base name hold for its presets; those of other arms are left out."""
    scenario = override(FAMILY[0], Overrides(arms=("stream-group-hardened",)))
    assert ["stream-group-hardened"] == [arm.name for arm in scenario.arms]
    assert {"stream-group"} == {item.arm for item in scenario.expectations}


def test_a_run_without_its_control_gets_it() -> None:
    """A fault compared with nothing proves nothing."""
    drop = find_scenarios(["partition_consumers_drop"])
    assert ["partition_control"] == [scenario.name for scenario in control_of(drop)]
    assert [] == control_of(FAMILY)


def test_what_has_replicas_gets_a_control_that_has_them() -> None:
    """A family may have both; each scenario brings the control of its own kind."""
    assert ["incident_control"] == [one.name for one in control_of(find_scenarios(["incident_partition"]))]
    assert ["incident_failover_control"] == [one.name for one in control_of(find_scenarios(["incident_failover"]))]
    both = find_scenarios(["incident_partition", "incident_failover"])
    assert ["incident_control", "incident_failover_control"] == [one.name for one in control_of(both)]
    assert [] == control_of(find_scenarios(["incident"]))


def test_trials_have_seeds_and_tokens_of_their_own() -> None:
    """Trial i has seed + i, and a trial survives a trip through JSON."""
    plan = plan_run(
        FAMILY[:2], name="x", trials=3, seed=10, stack=StackChoice(), harness_version="0", repeat_command="x"
    )
    assert [10, 10, 11, 11, 12, 12] == [trial.seed for trial in plan.trials]
    assert 6 == len({trial.token for trial in plan.trials})
    assert plan.trials[0] == Trial.model_validate_json(plan.trials[0].model_dump_json())


def test_the_schedule_follows_from_the_seed() -> None:
    """The same seed draws the same times, another seed others; all lie inside the traffic, in order."""
    scenario = FAMILY[0]
    offsets = draw_offsets_ns(scenario, arm_index=0, producer=0, seed=1)
    assert offsets == draw_offsets_ns(scenario, arm_index=0, producer=0, seed=1)
    assert offsets != draw_offsets_ns(scenario, arm_index=0, producer=0, seed=2)
    assert list(offsets) == sorted(offsets)
    assert 0 < offsets[0] < offsets[-1] < scenario.timeline.traffic_s * 1e9
    expected = scenario.workload.rate_per_s * scenario.timeline.traffic_s
    assert expected * 0.8 < len(offsets) < expected * 1.2


@pytest.mark.parametrize("text", ["SCENARIO = 5", "1 / 0", "def broken(:", ""])
def test_a_broken_script_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """Whatever a user's script does, the file is named and no traceback is shown."""
    script = tmp_path / "mine.py"
    script.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFileError) as caught:
        load_scenario(script)
    assert str(script) in str(caught.value)


def test_a_slow_scenario_is_played_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family leaves it out, ``slow`` takes it in, its name always means it; nothing but slow ones is an error."""
    text = (
        "from harness.model.values import Scenario\nfrom harness.plan.arms import named_arm\n"
        "SCENARIO = Scenario(name='{0}', family='{1}', question='', mechanism='', slow={2},\n"
        "                    arms=[named_arm('pubsub')])\n"
    )
    for name, family, slow in (("quick", "one", False), ("long", "one", True), ("longest", "two", True)):
        (tmp_path / f"{name}.py").write_text(text.format(name, family, slow), encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIOS", str(tmp_path))

    def found(*names: str, slow: bool = False) -> list[str]:
        return [scenario.name for scenario in find_scenarios(list(names), slow=slow)]

    assert ["quick"] == found("one") == found("all")
    assert ["long", "quick"] == found("one", slow=True)
    assert ["long"] == found("long")
    assert ["long", "longest", "quick"] == found("all", slow=True)
    with pytest.raises(UsageError, match="--slow"):
        found("two")


def test_an_incident_can_last_as_long_as_it_did() -> None:
    """The outage and the rate are the real ones, the rest stays; a rate that is given as well counts more."""
    compressed = FAMILY[0].model_copy(update={"real_time": (720.0, 20.4)})

    real = override(compressed, Overrides(real_time=True))
    faster = override(compressed, Overrides(real_time=True, rate_per_s=50))

    assert (720.0, 20.4) == (real.timeline.outage_s, real.workload.rate_per_s)
    assert (720.0, 50) == (faster.timeline.outage_s, faster.workload.rate_per_s)
    assert compressed.timeline.steady_s == real.timeline.steady_s
    assert compressed == override(compressed, Overrides())


def test_real_time_that_changes_nothing_is_refused() -> None:
    """No scenario of the partition family is compressed."""
    with pytest.raises(UsageError, match="--real-time"):
        check_real_time(FAMILY, Overrides(real_time=True))


def test_a_file_without_a_scenario_is_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither loaded nor run with all; named, it is told how to run it. A broken file is never passed over."""
    (tmp_path / "looking_around.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    (tmp_path / "borrowed.py").write_text("from elsewhere import THAT as SCENARIO\n", encoding="utf-8")
    (tmp_path / "broken.py").write_text("def broken(:", encoding="utf-8")
    (tmp_path / "typed.py").write_text("SCENARIO: int = 5\n", encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIOS", str(tmp_path))
    assert ["borrowed", "broken", "typed"] == script_names()
    assert ["looking_around"] == example_names()
    for name in ("borrowed", "broken", "typed"):
        (tmp_path / f"{name}.py").unlink()
    with pytest.raises(InvalidFileError) as caught:
        find_scenarios(["looking_around"])
    assert "defines no SCENARIO" in str(caught.value)
    assert f"python {tmp_path / 'looking_around.py'}" in caught.value.fix
