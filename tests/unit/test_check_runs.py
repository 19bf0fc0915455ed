"""Runs of many families: controls per arm, skipped trials, claims of the source document, answers, fault names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from literal_history import (
    DROP,
    LiteralTrial,
    clause,
    facts,
    make_trial,
    predicted,
    pubsub_arm,
    required,
    stream_arm,
)

from harness.check.judge import judge_run
from harness.check.naming import base_name, covers
from harness.history.journal import EventKind
from harness.model.results import RunSummary
from harness.model.values import Arm, FaultPlan, RunPlan, SourceClaim
from harness.model.words import (
    Fate,
    FaultModel,
    Guarantee,
    Mechanism,
    Outcome,
    OutcomeCode,
    PredictionResult,
    ProcessEvent,
    Stance,
    Verdict,
    WorkerRole,
)

ALO = Guarantee.AT_LEAST_ONCE
KILL_PRODUCERS = FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER)
CONTROL: dict[str, Any] = {"name": "partition_control", "token": "0000000c"}


def played(
    folder: Path, arms: list[Arm], *, lost: tuple[str, ...] = (), gone: tuple[str, ...] = (), **about: Any
) -> LiteralTrial:
    """Ten messages per arm; of the arms named in ``lost`` one did not arrive, of those in ``gone`` one left the log."""
    trial = LiteralTrial(folder, arms, **{"faults": [DROP], **about})
    trial.sane(10)
    if trial.trial.scenario.faults:
        trial.fault(120, 180)
    for number, arm in enumerate(arms):
        if arm.name in lost:
            for kind in (EventKind.RECEIVE, EventKind.ACK):
                trial.without(f"consumer-{number}-0-0", kind=kind, sequence=4)
            trial.without(f"effects-{number}", sequence=4)
        if arm.name in lost + gone:
            trial.without("conductor", kind=EventKind.LOG_ENTRY, arm=number, sequence=4)
    trial.finish()
    return trial


def run_of(folder: Path, trials: list[LiteralTrial], *, missing: int = 0) -> RunSummary:
    """These trials as one run, judged."""
    planned = [trial.trial for trial in trials]
    planned += [make_trial([pubsub_arm()], seed=900 + number, token="0000ffff") for number in range(missing)]
    plan = RunPlan(
        run_id="run",
        name="test",
        created_utc="2026-01-01T00:00:00",
        harness_version="0",
        repeat_command="harness run",
        trials=tuple(planned),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(plan.model_dump_json())
    for trial in trials:
        trial.folder = folder / "trials" / trial.trial.folder_name
        trial.write()
    return judge_run(folder, write=False)


# controls --------------------------------------------------------------------------------------------------------
def measured(summary: RunSummary) -> dict[str, Verdict]:
    """Of the fault trial, per arm: at least once."""
    trial = next(one for one in summary.trials if not one.trial.scenario.is_control)
    return {one.arm: one.measured for one in trial.clauses if one.guarantee is ALO}


def test_an_imperfect_arm_of_the_control_spoils_its_namesake_only(tmp_path: Path) -> None:
    """Pub/Sub lost something without a fault; what Streams did is proven all the same."""
    arms = [pubsub_arm(), stream_arm()]
    trials = [played(tmp_path, arms), played(tmp_path, arms, lost=("pubsub",), faults=[], **CONTROL)]
    summary = run_of(tmp_path, trials)
    assert {"pubsub": Verdict.INCONCLUSIVE, "stream-group": Verdict.HELD} == measured(summary)
    assert any("pubsub: the no-fault control was not perfect" in text for text in summary.trials[0].weaknesses)


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("stream-group", Verdict.HELD),
        ("stream-group-no-retry", Verdict.HELD),
        ("stream-group@6.4.0", Verdict.HELD),
        ("stream-group-hardened@5.3.1", Verdict.HELD),
        ("stream-group-lua", Verdict.INCONCLUSIVE),
    ],
)
def test_an_arm_is_compared_with_its_closest_namesake(tmp_path: Path, arm: str, expected: Verdict) -> None:
    """Presets and releases fall back on their base; an arm that no control has proves nothing."""
    trials = [played(tmp_path, [stream_arm(arm)]), played(tmp_path, [stream_arm()], faults=[], **CONTROL)]
    assert {arm: expected} == measured(run_of(tmp_path, trials))


@pytest.mark.parametrize("kind", ["replicated", "wired"])
@pytest.mark.parametrize(("alike", "expected"), [(False, Verdict.INCONCLUSIVE), (True, Verdict.HELD)])
def test_a_trial_needs_a_control_of_its_kind(tmp_path: Path, kind: str, alike: bool, expected: Verdict) -> None:
    """What a single server behind a proxy does without a fault says nothing about replicas, nor about wires."""
    trials = [played(tmp_path, [stream_arm()]), played(tmp_path, [stream_arm()], faults=[], **CONTROL)]
    for trial, is_of_it in zip(trials, (True, alike), strict=True):
        planned = trial.trial.scenario
        faults = [plan.model_copy(update={"model": FaultModel.PACKET_DROP}) for plan in planned.faults]
        changes = {kind: is_of_it} | ({"faults": tuple(faults)} if kind == "wired" else {})
        scenario = planned.model_copy(update=changes)
        trial.trial = trial.trial.model_copy(update={"scenario": scenario})
    assert {"stream-group": expected} == measured(run_of(tmp_path, trials))


def doubled(folder: Path, *, overlap: bool) -> RunSummary:
    """A control in which one message came by channel and by pattern."""
    arm = pubsub_arm().model_copy(update={"pattern_overlap": overlap})
    control = played(folder, [arm], faults=[], **CONTROL)
    control.receive(3, 140, effect=False, code=5)
    return run_of(folder, [played(folder, [arm]), control])


@pytest.mark.parametrize(("overlap", "expected"), [(True, Verdict.HELD), (False, Verdict.INCONCLUSIVE)])
def test_what_an_arm_does_by_design_is_no_imperfection(tmp_path: Path, overlap: bool, expected: Verdict) -> None:
    """Two subscriptions bring everything twice, fault or no fault."""
    assert {"pubsub": expected} == measured(doubled(tmp_path, overlap=overlap))


# skipped ---------------------------------------------------------------------------------------------------------
def skip(trial: LiteralTrial, reason: str) -> LiteralTrial:
    """It could not be played: no journals, only the facts."""
    trial._actors.clear()
    trial.facts = facts("skipped", reason)
    return trial


def test_a_skipped_trial_is_listed_and_counted_nowhere(tmp_path: Path) -> None:
    """Neither pass nor failure, and the run is not partial for it."""
    lacking = skip(played(tmp_path, [stream_arm()], name="idmp", token="0000000d"), "this server has no IDMP")
    trials = [played(tmp_path, [stream_arm()]), played(tmp_path, [stream_arm()], faults=[], **CONTROL), lacking]
    summary = run_of(tmp_path, trials)
    assert (False, Verdict.HELD, 2) == (summary.partial, summary.verdict, len(summary.trials))
    assert [("idmp", 1, "this server has no IDMP")] == [(one.scenario, one.seed, one.reason) for one in summary.skipped]
    assert "idmp" not in {row.scenario for row in summary.rows} | {line.scenario for line in summary.guarantees}
    assert summary.answer.endswith("(1 trial skipped: this server has no IDMP).")


def test_a_run_of_skipped_trials_only_is_inconclusive(tmp_path: Path) -> None:
    """Nothing was played, so nothing is known."""
    summary = run_of(tmp_path, [skip(played(tmp_path, [stream_arm()]), "no IDMP")])
    assert (Verdict.INCONCLUSIVE, False, ()) == (summary.verdict, summary.partial, summary.trials)
    assert summary.answer == ("Nothing is known: none of the 1 planned trial was played (1 trial skipped: no IDMP).")


def test_a_skipped_control_leaves_its_family_unproven(tmp_path: Path) -> None:
    """And its reason is told."""
    trials = [played(tmp_path, [stream_arm()]), skip(played(tmp_path, [stream_arm()], faults=[], **CONTROL), "no room")]
    summary = run_of(tmp_path, trials)
    assert {"stream-group": Verdict.INCONCLUSIVE} == measured(summary)
    assert "(no room)" in summary.trials[0].weaknesses[0]


# predictions ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, PredictionResult.CONFIRMED),
        (Mechanism.TRIMMED_UNREAD, PredictionResult.REFUTED),
        (Mechanism.UNEXPLAINED, PredictionResult.CONFIRMED),
    ],
)
def test_a_prediction_is_confirmed_by_its_mechanism(
    tmp_path: Path, named: Mechanism | None, expected: PredictionResult
) -> None:
    """That it was violated is not enough when the reason was said, and was another."""
    told = predicted("stream-group", ALO, Verdict.VIOLATED).model_copy(update={"mechanism": named})
    trial = played(tmp_path, [stream_arm()], lost=("stream-group",), predictions=[told])
    assert expected is clause(trial.judge(), ALO).prediction


def test_a_mechanism_is_not_tested_where_nothing_is_lost(tmp_path: Path) -> None:
    """At most once was violated as predicted, but there is nothing that could have that mechanism."""
    told = predicted("pubsub", Guarantee.AT_MOST_ONCE, Verdict.VIOLATED)
    told = told.model_copy(update={"mechanism": Mechanism.NOACK})
    trial = played(tmp_path, [pubsub_arm()], predictions=[told])
    trial.receive(3, 150, effect=False)
    judged = clause(trial.judge(), Guarantee.AT_MOST_ONCE)
    assert (Verdict.VIOLATED, PredictionResult.NOT_TESTED) == (judged.measured, judged.prediction)


# claims ----------------------------------------------------------------------------------------------------------
def claim(**about: Any) -> SourceClaim:
    """A claim of the source document."""
    return SourceClaim.model_validate({"row": "delivery", "text": "Streams lose nothing", **about})


def claiming(folder: Path, told: SourceClaim, *, lost: tuple[str, ...] = (), controlled: bool = True) -> RunSummary:
    """A run whose fault scenario makes a claim."""
    arms = [pubsub_arm(), stream_arm()]
    trial = played(folder, arms, lost=lost)
    scenario = trial.trial.scenario.model_copy(update={"claims": (told,)})
    trial.trial = trial.trial.model_copy(update={"scenario": scenario})
    return run_of(folder, [trial, *([played(folder, arms, faults=[], **CONTROL)] if controlled else [])])


@pytest.mark.parametrize(
    ("holds_when", "lost", "finding"),
    [
        (Verdict.HELD, (), "true"),
        (Verdict.HELD, ("stream-group",), "false"),
        (Verdict.VIOLATED, ("stream-group",), "true"),
    ],
)
def test_a_claim_is_true_when_its_guarantee_measures_so(
    tmp_path: Path, holds_when: Verdict, lost: tuple[str, ...], finding: str
) -> None:
    """In every conclusive trial; the trial that shows it is named."""
    told = claim(arm="stream-group", guarantee=ALO, holds_when=holds_when, claimed_loss=14_700)
    (found,) = claiming(tmp_path, told, lost=lost).claims
    assert (finding, "literal-1", "stream-group") == (found.finding, found.evidence, found.arm)
    assert found.measured == (f"said to be lost: 14,700; stream-group: lost {len(lost)} of 10 owed deliveries.")


def test_a_claim_without_a_guarantee_shows_its_numbers(tmp_path: Path) -> None:
    """Those of its row, for all arms where it names none."""
    (found,) = claiming(tmp_path, claim(row="Persistence", text="Pub/Sub keeps nothing")).claims
    assert ("shown", "all arms", "literal-1") == (found.finding, found.arm, found.evidence)
    assert found.measured == (
        "pubsub: keeps nothing to read again; lost 0 of 10 owed deliveries; "
        "stream-group: keeps 10 entries of 10 messages; lost 0 of 10 owed deliveries."
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("complexity", "stream-group: took 1.00 requests a message to send, and 1.00 XACKs a message and group beside"),
        ("latency", "stream-group: delivered half within "),
        ("memory", "stream-group: keeps 1,100 bytes a message, for 10 messages."),
        ("delivery", "stream-group: lost 0 of 10 owed deliveries."),
        ("incident: failover", "stream-group: lost 0 of 10 owed deliveries, 0 of 10 acknowledged messages gone"),
    ],
)
def test_a_claim_is_told_the_numbers_of_its_row(tmp_path: Path, row: str, expected: str) -> None:
    """Latency in milliseconds, complexity in requests: a loss says nothing about them."""
    (found,) = claiming(tmp_path, claim(row=row, arm="stream-group")).claims
    assert found.measured.startswith(expected)


def test_a_claim_about_a_failover_tells_what_is_gone_from_the_log(tmp_path: Path) -> None:
    """Gone and processed is not lost to a reader, and refutes that none is lost all the same; Pub/Sub keeps no log."""
    arms = [pubsub_arm(), stream_arm()]
    trial = played(tmp_path, arms, gone=("stream-group",))
    about: dict[str, Any] = {"row": "incident: failover", "guarantee": Guarantee.DURABLE, "holds_when": Verdict.HELD}
    told = (claim(arm="stream-group", **about), claim(arm="pubsub", row="incident: failover"))
    scenario = trial.trial.scenario.model_copy(update={"claims": told})
    trial.trial = trial.trial.model_copy(update={"scenario": scenario})
    kept, published = run_of(tmp_path, [trial, played(tmp_path, arms, faults=[], **CONTROL)]).claims
    assert "false" == kept.finding
    assert "lost 0 of 10 owed deliveries" in kept.measured
    assert kept.measured.endswith(", 1 of 10 acknowledged messages gone from the log.")
    assert "log" not in published.measured


def test_a_claim_without_a_sound_trial_is_open(tmp_path: Path) -> None:
    """And the doubt is told."""
    told = claim(arm="stream-group", guarantee=ALO, holds_when=Verdict.HELD)
    (found,) = claiming(tmp_path, told, controlled=False).claims
    assert ("open", "") == (found.finding, found.evidence)
    assert "no no-fault control" in found.measured


# faults of processes ---------------------------------------------------------------------------------------------
def test_producers_that_are_killed_attempt_nothing_meanwhile(tmp_path: Path) -> None:
    """That is the fault, not an empty window."""
    trial = LiteralTrial(
        tmp_path, [stream_arm()], faults=[KILL_PRODUCERS], expectations=[required("stream-group", ALO)]
    )
    trial.sane(10)
    trial.fault(1_000, 2_000)
    trial.finish()
    judged = trial.judge()
    assert (Verdict.HELD, ()) == (judged.result.verdict, judged.result.weaknesses)
    assert 0 == judged.result.arms[0].attempted_in_fault


def test_a_fault_without_a_link_that_was_not_seen_is_named(tmp_path: Path) -> None:
    """No link, no crash of the checker."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[KILL_PRODUCERS])
    trial.sane(10)
    trial.fault(120, 180, observed=False)
    trial.finish()
    assert any(text.startswith("all producers · kill: no effect") for text in trial.judge().result.weaknesses)


def test_a_flapping_link_lasts_until_its_last_heal(tmp_path: Path) -> None:
    """Three times on and off: one window from the first injection to the last heal; cut short, it has no end."""
    plan = DROP.model_copy(update={"cycles": 3})
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[plan])
    trial.sane(10)
    for begin in (120, 160, 200):
        trial.fault(begin, begin + 20, observed=begin == 120, healed=begin == 200)
    trial.finish()
    (window,) = trial.judge().result.faults
    assert (120_000_000, 220_000_000) == (window.inject_before_ns, window.heal_before_ns)
    assert (121_000_000, 221_000_000) == (window.observed_from_ns, window.observed_to_ns)


def test_a_flapping_link_that_stayed_broken_was_not_healed(tmp_path: Path) -> None:
    """The last injection has no heal."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[DROP.model_copy(update={"cycles": 2})])
    trial.sane(10)
    trial.fault(120, 140)
    trial.conductor(EventKind.INJECT, 160, detail=0)
    trial.finish()
    (window,) = trial.judge().result.faults
    assert (None, None) == (window.heal_before_ns, window.observed_to_ns)


def test_one_producer_may_be_two_processes(tmp_path: Path) -> None:
    """The second goes on counting where the first was killed, in the middle of a call."""
    trial = LiteralTrial(tmp_path)
    trial.subscribe(1)
    for sequence in range(3):
        trial.send(sequence, 100 + sequence)
        trial.receive(sequence, 101 + sequence)
    trial.attempt(3, 110)
    successor = trial.actor("producer-0-0r1", number=190, role="producer")
    for sequence in (6, 7):
        for kind, at in ((EventKind.ATTEMPT, 200), (EventKind.OUTCOME, 200.25)):
            fields = {"code": OutcomeCode.ACKNOWLEDGED, "count": 1, "value": 1} if kind is EventKind.OUTCOME else {}
            trial._note(successor, kind, at + sequence, {"producer": 0, "sequence": sequence, **fields})
        trial.receive(sequence, 201 + sequence)
    trial.finish()
    judged = trial.judge()
    result = judged.result.arms[0]
    assert (6, 1) == (result.attempted, result.outcomes[Outcome.INDETERMINATE])
    assert (5, 1) == (result.fates[Fate.DELIVERED], result.fates[Fate.ABSENT])
    assert Verdict.ERROR is not judged.result.verdict


@pytest.mark.parametrize(("died", "expected"), [(False, Verdict.ERROR), (True, Verdict.HELD)])
def test_a_process_that_left_no_journal_must_have_died(tmp_path: Path, died: bool, expected: Verdict) -> None:
    """Killed before it could begin one: fine. Vanished: nobody knows what it did."""
    trial = played(tmp_path, [stream_arm()], faults=[])
    for event in (ProcessEvent.STARTED, *([ProcessEvent.DIED] if died else [])):
        trial.conductor(EventKind.PROCESS, 200, code=event, detail=777, arm=0, scope=0)
    assert expected is trial.judge().result.verdict


# names -----------------------------------------------------------------------------------------------------------
def test_names_of_arms_have_a_base() -> None:
    """Without preset and release."""
    assert "stream-group" == base_name("stream-group-no-retry@6.4.0")
    assert covers("stream-group-no-retry", "stream-group-no-retry@6.4.0")
    assert covers("stream-group@6.4.0", "stream-group-no-retry@6.4.0")
    assert not covers("stream-group", "stream-group-noack")


# answers ---------------------------------------------------------------------------------------------------------
def test_other_families_tell_apart_what_was_promised(tmp_path: Path) -> None:
    """Streams that were set up to lose nothing, and those that show what else costs; forgotten is not done."""
    arms = [pubsub_arm(), stream_arm(), stream_arm("stream-group-noack")]
    stances = [required("stream-group", ALO), required("stream-group-noack", ALO, Stance.EXPECTED_NOT_TO_HOLD)]
    trials = [
        played(tmp_path, arms, lost=("pubsub",), expectations=stances),
        played(tmp_path, arms, faults=[], expectations=stances[:1], **CONTROL),
    ]
    trials[0].without("effects-2", sequence=6)
    for trial in trials:
        scenario = trial.trial.scenario.model_copy(update={"family": "crash"})
        trial.trial = trial.trial.model_copy(update={"scenario": scenario})
    assert run_of(tmp_path, trials).answer == (
        "In 1 fault trial, Pub/Sub did not complete 1 of 10 deliveries of acknowledged messages (in 1 of 1 trial), "
        "Streams set up not to lose 0 of 10, "
        "Streams set up otherwise 1 of 10 (in 1 of 1 trial); "
        "with 1 trial each, 0 of 1 still allows a rate of up to 95 %."
    )
