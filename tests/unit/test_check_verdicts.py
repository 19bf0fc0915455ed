"""From counts to verdicts: stances, predictions, the rules against vacuous passes, controls, runs and their answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from literal_history import (
    DROP,
    LiteralTrial,
    clause,
    entry_id,
    facts,
    make_trial,
    predicted,
    pubsub_arm,
    required,
    stream_arm,
)

from harness.check.judge import judge_run
from harness.check.ledger_table import read_ledger
from harness.check.weakness import empty_window
from harness.history.journal import BarrierPart, EventKind
from harness.model.errors import InvalidFileError
from harness.model.message import SENTINEL_BASE
from harness.model.results import RunSummary
from harness.model.values import FaultPlan, Limits, RunPlan
from harness.model.words import (
    ErrorKind,
    Fate,
    FaultModel,
    Guarantee,
    LinkRole,
    OutcomeCode,
    PredictionResult,
    ProcessEvent,
    Stance,
    Verdict,
    WorkerRole,
)

ALO = Guarantee.AT_LEAST_ONCE
AMO = Guarantee.AT_MOST_ONCE


def lossy(folder: Path, *, stance: Stance = Stance.REQUIRED, lost: int = 1, **about: Any) -> LiteralTrial:
    """Twenty Pub/Sub messages under a proven fault, of which ``lost`` do not arrive."""
    about = {"faults": [DROP], "expectations": [required("pubsub", ALO, stance)], **about}
    trial = LiteralTrial(folder, **about)
    trial.sane(20)
    trial.fault(120, 220)
    for sequence in range(5, 5 + lost):
        trial.without("consumer-0-0-0", kind=EventKind.RECEIVE, sequence=sequence)
        trial.without("effects-0", sequence=sequence)
    trial.finish()
    return trial


@pytest.mark.parametrize(
    ("stance", "lost", "measured", "verdict"),
    [
        (Stance.REQUIRED, 0, Verdict.HELD, Verdict.HELD),
        (Stance.REQUIRED, 2, Verdict.VIOLATED, Verdict.VIOLATED),
        (Stance.EXPECTED_NOT_TO_HOLD, 2, Verdict.VIOLATED, Verdict.HELD),
        (Stance.EXPECTED_NOT_TO_HOLD, 0, Verdict.HELD, Verdict.INCONCLUSIVE),
        (Stance.FREE, 2, Verdict.VIOLATED, Verdict.HELD),
    ],
)
def test_stances(tmp_path: Path, stance: Stance, lost: int, measured: Verdict, verdict: Verdict) -> None:
    """An expected loss is fine, an expected loss that did not happen proves nothing, a free one gates nothing."""
    judged = lossy(tmp_path, stance=stance, lost=lost).judge()
    found = clause(judged, ALO)
    assert (measured, verdict, lost) == (found.measured, found.verdict, found.violations)
    assert verdict is judged.result.verdict


@pytest.mark.parametrize(
    ("named", "arm", "stance"),
    [
        ("pubsub", "pubsub", Stance.REQUIRED),
        ("pubsub", "pubsub-hardened", Stance.REQUIRED),
        ("pubsub", "pubsub-other", Stance.FREE),
        ("pubsub-hardened", "pubsub", Stance.FREE),
    ],
)
def test_an_expectation_covers_its_arm_and_its_presets(tmp_path: Path, named: str, arm: str, stance: Stance) -> None:
    """The base name stands for all client presets, and for nothing else."""
    trial = LiteralTrial(tmp_path, [pubsub_arm(arm)], expectations=[required(named, ALO)])
    trial.sane(3)
    trial.finish()
    assert stance is clause(trial.judge(), ALO).stance


@pytest.mark.parametrize(
    ("lost", "observed", "expected"),
    [
        (2, True, PredictionResult.CONFIRMED),
        (0, True, PredictionResult.REFUTED),
        (2, False, PredictionResult.NOT_TESTED),
    ],
)
def test_predictions(tmp_path: Path, lost: int, observed: bool, expected: PredictionResult) -> None:
    """A prediction is confirmed or refuted only by a trial that proves something."""
    trial = lossy(tmp_path, lost=lost, predictions=[predicted("pubsub", ALO, Verdict.VIOLATED)])
    if not observed:
        trial.without("conductor", kind=EventKind.EFFECT_OBSERVED)
    assert expected is clause(trial.judge(), ALO).prediction


def test_durable_is_asked_of_streams_only(tmp_path: Path) -> None:
    """Pub/Sub keeps nothing that could be durable."""
    trial = LiteralTrial(tmp_path, [pubsub_arm(), stream_arm()])
    trial.sane(3)
    trial.finish()
    asked = {(one.arm, one.guarantee) for one in trial.judge().result.clauses}
    assert ("stream-group", Guarantee.DURABLE) in asked
    assert ("pubsub", Guarantee.DURABLE) not in asked


@pytest.mark.parametrize(("acknowledged", "verdict"), [(4, Verdict.HELD), (0, Verdict.INCONCLUSIVE)])
def test_what_nobody_was_told_of_is_no_sample(tmp_path: Path, acknowledged: int, verdict: Verdict) -> None:
    """Six messages of unknown outcome lie in the log before the group's start: owed to nobody, and never promised."""
    trial = LiteralTrial(tmp_path, [stream_arm()])
    trial.subscribe(1)
    for sequence in range(6 + acknowledged):
        told = OutcomeCode.INDETERMINATE if sequence < 6 else OutcomeCode.ACKNOWLEDGED
        trial.send(sequence, 100 + sequence, told)
        trial.log(sequence)
        if sequence >= 6:
            trial.receive(sequence, 101 + sequence)
    trial.conductor(EventKind.GROUP_START, 5, arm=0, scope=0, entry=entry_id(5))
    trial.finish()
    judged = trial.judge()
    for guarantee in (ALO, Guarantee.EFFECTIVELY_ONCE):
        found = clause(judged, guarantee)
        assert (acknowledged, 0, verdict) == (found.samples, found.violations, found.measured)
    assert 6 == judged.result.arms[0].fates[Fate.NOT_ENTITLED]


# weaknesses ----------------------------------------------------------------------------------------------------
def unseen(trial: LiteralTrial) -> None:
    """The sentinel saw no effect."""
    trial.without("conductor", kind=EventKind.EFFECT_OBSERVED)


def unhealed(trial: LiteralTrial) -> None:
    """The sentinel saw no end."""
    trial.without("conductor", kind=EventKind.HEAL_OBSERVED)


def not_injected(trial: LiteralTrial) -> None:
    """Nothing was done at all."""
    for kind in (EventKind.INJECT, EventKind.HEAL, EventKind.EFFECT_OBSERVED, EventKind.HEAL_OBSERVED):
        trial.without("conductor", kind=kind)


def no_barrier(trial: LiteralTrial) -> None:
    """One scope never saw the sentinel."""
    trial.without("conductor", kind=EventKind.BARRIER, code=BarrierPart.SENTINELS_SEEN)


def interrupted(trial: LiteralTrial) -> None:
    """Ctrl-C."""
    trial.facts = facts("interrupted", "by the user")


def killed(trial: LiteralTrial) -> None:
    """No facts at all."""
    trial.facts = None


@pytest.mark.parametrize("lost", [0, 3])
@pytest.mark.parametrize("spoil", [unseen, unhealed, not_injected, no_barrier, interrupted, killed])
def test_a_weak_trial_proves_neither_a_pass_nor_a_loss(tmp_path: Path, spoil: Any, lost: int) -> None:
    """At least once is inconclusive, the trial as well, and the reason is told."""
    trial = lossy(tmp_path, lost=lost)
    spoil(trial)
    judged = trial.judge()
    assert (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE) == (clause(judged, ALO).measured, judged.result.verdict)
    assert judged.result.weaknesses


def test_a_duplicate_counts_without_the_barrier(tmp_path: Path) -> None:
    """What was seen twice was seen twice; only absence needs proof."""
    trial = lossy(tmp_path, lost=0, expectations=[required("pubsub", AMO)])
    trial.receive(3, 150)
    no_barrier(trial)
    assert Verdict.VIOLATED is clause(trial.judge(), AMO).measured


def test_a_trial_that_went_wrong_is_an_error(tmp_path: Path) -> None:
    """Whatever was counted."""
    trial = lossy(tmp_path)
    trial.facts = facts("error", "the proxy wedged")
    judged = trial.judge()
    assert (Verdict.ERROR, Verdict.ERROR) == (clause(judged, ALO).measured, judged.result.verdict)


def test_own_lateness_beyond_the_limit_is_inconclusive(tmp_path: Path) -> None:
    """The harness began the call 60 ms after it could have; the limit is 50."""
    trial = LiteralTrial(tmp_path, expectations=[required("pubsub", ALO)], limits=Limits(lateness_p99_ms=50))
    trial.attempt(0, 160, intended=100, free=100)
    trial.outcome(0, 161)
    trial.receive(0, 162)
    trial.finish()
    judged = trial.judge()
    assert 60.0 == judged.result.arms[0].own_lateness_p99_ms
    assert Verdict.INCONCLUSIVE is judged.result.verdict


def test_zero_samples_prove_nothing(tmp_path: Path) -> None:
    """No message, no pass."""
    trial = LiteralTrial(tmp_path, expectations=[required("pubsub", ALO)])
    trial.finish()
    assert Verdict.INCONCLUSIVE is trial.judge().result.verdict


def under(folder: Path, fault: FaultPlan, code: OutcomeCode | None, *, takes: int = 600) -> LiteralTrial:
    """Ten messages, and one more half a second before the heal, with this outcome, unless ``None``."""
    trial = LiteralTrial(folder, faults=[fault], expectations=[required("pubsub", ALO)])
    trial.sane(10)
    trial.fault(1_000, 2_000)
    if code is not None:
        trial.send(10, 1_500, code, takes=takes)
        if code is OutcomeCode.ACKNOWLEDGED:
            trial.receive(10, 2_200)
    trial.finish()
    return trial


PRODUCERS_DOWN = FaultPlan(model=FaultModel.DOWN, link=LinkRole.PRODUCERS)


@pytest.mark.parametrize(
    ("fault", "code", "at_least", "at_most"),
    [
        (DROP, OutcomeCode.ACKNOWLEDGED, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (DROP, OutcomeCode.INDETERMINATE, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (DROP, None, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (PRODUCERS_DOWN, OutcomeCode.ACKNOWLEDGED, Verdict.HELD, Verdict.HELD),
        (PRODUCERS_DOWN, OutcomeCode.REJECTED, Verdict.INCONCLUSIVE, Verdict.HELD),
        (PRODUCERS_DOWN, None, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (FaultPlan(model=FaultModel.SERVER_KILL), OutcomeCode.REJECTED, Verdict.INCONCLUSIVE, Verdict.HELD),
    ],
)
def test_something_must_meet_the_fault(
    tmp_path: Path, fault: FaultPlan, code: OutcomeCode | None, at_least: Verdict, at_most: Verdict
) -> None:
    """An attempt that overlaps a fault of its way counts, acknowledged at any time; refusing links may reject all."""
    judged = under(tmp_path, fault, code).judge()
    assert (at_least, at_most) == (clause(judged, ALO).measured, clause(judged, AMO).measured)
    assert int(code is not None) == judged.result.arms[0].attempted_in_fault


CONSUMERS_PAUSED = FaultPlan(model=FaultModel.PAUSE, worker=WorkerRole.CONSUMER)
POISONED = FaultPlan(model=FaultModel.POISON)


@pytest.mark.parametrize("fault", [DROP, CONSUMERS_PAUSED, POISONED])
@pytest.mark.parametrize(("takes", "verdict"), [(400, Verdict.HELD), (600, Verdict.INCONCLUSIVE)])
def test_who_is_left_alone_must_be_acknowledged_meanwhile(
    tmp_path: Path, fault: FaultPlan, takes: int, verdict: Verdict
) -> None:
    """What a producer got acknowledged after the heal may have reached the server after it."""
    judged = under(tmp_path, fault, OutcomeCode.ACKNOWLEDGED, takes=takes).judge()
    assert verdict is clause(judged, ALO).measured
    assert int(verdict is Verdict.HELD) == judged.result.arms[0].acknowledged_while_on


@pytest.mark.parametrize(
    ("last_sign", "seen_dead", "met"),
    [(None, None, False), (None, 900, False), (None, 1_400, True), (1_300, None, True), (950, None, False)],
)
def test_a_call_without_outcome_lasts_as_long_as_its_process(
    tmp_path: Path, last_sign: int | None, seen_dead: int | None, met: bool
) -> None:
    """The producer began it before the fault; it met the fault if it was known to live then."""
    trial = LiteralTrial(tmp_path, faults=[DROP])
    trial.sane(10)
    trial.without("producer-0-0", sequence=SENTINEL_BASE)
    trial.attempt(10, 800)
    trial.fault(1_000, 2_000)
    if last_sign is not None:
        trial.producer(EventKind.ERROR, last_sign, detail=ErrorKind.TIMEOUT)
    if seen_dead is not None:
        trial.conductor(EventKind.PROCESS, seen_dead, code=ProcessEvent.DIED, detail=100)
    trial.finish()
    assert int(met) == trial.result().attempted_in_fault


@pytest.mark.parametrize(
    ("model", "acknowledged_at", "guarantee", "tested"),
    [
        (FaultModel.KILL, 500, ALO, True),
        (FaultModel.KILL, 2_500, ALO, False),
        (FaultModel.KILL, 2_500, AMO, True),
        (FaultModel.LATE_START, 2_500, ALO, True),
    ],
)
def test_who_is_struck_down_had_been_promised_something(
    tmp_path: Path, model: FaultModel, acknowledged_at: int, guarantee: Guarantee, tested: bool
) -> None:
    """That producers attempt nothing while they are dead is the fault; what they had sent before is at stake."""
    plan = FaultPlan(model=model, worker=WorkerRole.PRODUCER)
    trial = LiteralTrial(tmp_path, faults=[plan])
    trial.fault(1_000, 2_000)
    trial.send(0, acknowledged_at)
    trial.receive(0, acknowledged_at + 1)
    trial.finish()
    assert tested is (empty_window(guarantee, trial.result(), [plan]) == "")


@pytest.mark.parametrize(("acknowledged_s", "tested"), [(0.1, True), (2.5, False)])
def test_a_dead_server_can_take_only_what_a_stream_had(tmp_path: Path, acknowledged_s: float, tested: bool) -> None:
    """Where all was acknowledged after its return, nothing was at stake, and nothing is held."""
    plan = FaultPlan(model=FaultModel.SERVER_KILL)
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=[plan])
    trial.fault(1_000, 2_000)
    trial.send(0, int(acknowledged_s * 1_000))
    trial.receive(0, int(acknowledged_s * 1_000) + 1)
    trial.send(1, 1_500, OutcomeCode.REJECTED)
    trial.finish()
    result = trial.judge().result.arms[0]
    assert (tested, 1) == (result.acknowledged_before_fault == 1, result.attempted_in_fault)
    assert tested is (empty_window(Guarantee.DURABLE, result, [plan]) == "")


_TWO = [DROP, FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER)]
_KILLED = FaultPlan(model=FaultModel.KILL, worker=WorkerRole.PRODUCER)
_KILL_UNMET = "nothing was attempted while all consumers · kill was on"


@pytest.mark.parametrize(
    ("faults", "sent_at", "takes", "reason"),
    [
        (_TWO, None, 0, _KILL_UNMET),
        (_TWO, 2_500, 1, ""),
        (_TWO, 2_500, 900, "nothing was acknowledged before all consumers · kill was over"),
        ([DROP, _KILLED], None, 0, ""),
        ([_KILLED, _TWO[1]], None, 0, _KILL_UNMET),
    ],
)
def test_each_of_several_faults_must_be_met(
    tmp_path: Path, faults: list[FaultPlan], sent_at: int | None, takes: int, reason: str
) -> None:
    """Two faults: ten messages meet the first one, and one more may meet the second."""
    trial = LiteralTrial(tmp_path, [stream_arm()], faults=faults)
    trial.sane(10)
    trial.fault(110, 180)
    trial.fault(2_000, 3_000, index=1)
    if sent_at is not None:
        trial.send(10, sent_at, takes=takes)
        trial.log(10)
        trial.receive(10, sent_at + takes + 1)
    trial.finish()
    judged = trial.judge()
    assert reason == empty_window(ALO, judged.result.arms[0], faults)
    assert (Verdict.INCONCLUSIVE if reason else Verdict.HELD) is clause(judged, ALO).measured
    assert (reason.startswith(_KILL_UNMET)) is any(_KILL_UNMET in text for text in judged.result.weaknesses)


def test_unread_messages_are_no_pass(tmp_path: Path) -> None:
    """Lag is not loss, but it is not delivery either."""
    trial = LiteralTrial(tmp_path, [stream_arm()], expectations=[required("stream-group", ALO)])
    trial.sane(5)
    trial.without("consumer-0-0-0", kind=EventKind.RECEIVE, sequence=2)
    trial.without("effects-0", sequence=2)
    trial.finish()
    assert Verdict.INCONCLUSIVE is clause(trial.judge(), ALO).measured


# health --------------------------------------------------------------------------------------------------------
def two_with_one_number(trial: LiteralTrial) -> None:
    """Two producers write as the same actor."""
    other = trial.actor("impostor", number=100, role="producer")
    other.records.append({"kind": EventKind.READY, "t_ns": 8_000_000_000})


def clock_backwards(trial: LiteralTrial) -> None:
    """The second attempt is earlier than the first."""
    trial.keep_order = True
    records = trial._actors["producer-0-0"].records
    attempts = [record for record in records if record["kind"] is EventKind.ATTEMPT]
    attempts[0]["t_ns"], attempts[1]["t_ns"] = attempts[1]["t_ns"], attempts[0]["t_ns"]


def outcome_without_attempt(trial: LiteralTrial) -> None:
    """A record of the producer is missing."""
    trial.without("producer-0-0", kind=EventKind.ATTEMPT, sequence=2)


def effect_without_receive(trial: LiteralTrial) -> None:
    """A record of the consumer is missing."""
    trial.without("consumer-0-0-0", kind=EventKind.RECEIVE, sequence=2)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (two_with_one_number, "2 processes wrote as actor 100"),
        (clock_backwards, "ran backwards 1 times"),
        (outcome_without_attempt, "without an attempt"),
        (effect_without_receive, "never received"),
    ],
)
def test_journals_that_cannot_be_right_are_an_error(tmp_path: Path, spoil: Any, told: str) -> None:
    """The trial is not to be believed."""
    trial = LiteralTrial(tmp_path)
    trial.sane(5)
    trial.finish()
    spoil(trial)
    judged = trial.judge()
    assert Verdict.ERROR is judged.result.verdict
    assert any(told in weakness for weakness in judged.result.weaknesses)


# runs ----------------------------------------------------------------------------------------------------------
CONTROL = {"name": "partition_control", "token": "00000001", "faults": [], "expectations": [required("pubsub", ALO)]}


def run_of(folder: Path, trials: list[LiteralTrial], *, missing: int = 0) -> Path:
    """A run's folder with these trials, and some that were planned and never played."""
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
    return folder


def judged_run(folder: Path, *, control_lost: int | None = 0, lost: int = 0, missing: int = 0) -> RunSummary:
    """One fault trial and its control; ``None``: no control."""
    trials = [lossy(folder, lost=lost)]
    if control_lost is not None:
        trials.append(lossy(folder, lost=control_lost, **CONTROL))
    return judge_run(run_of(folder, trials, missing=missing))


@pytest.mark.parametrize(
    ("told", "verdict", "code"),
    [
        ({}, Verdict.HELD, 0),
        ({"lost": 2}, Verdict.VIOLATED, 1),
        ({"control_lost": None}, Verdict.INCONCLUSIVE, 3),
        ({"control_lost": None, "lost": 2}, Verdict.INCONCLUSIVE, 3),
        ({"missing": 1}, Verdict.INCONCLUSIVE, 3),
    ],
)
def test_runs(tmp_path: Path, told: dict[str, int], verdict: Verdict, code: int) -> None:
    """A run without its control, or with trials missing, is no pass."""
    summary = judged_run(tmp_path, **told)
    assert (verdict, code) == (summary.verdict, summary.exit_code)
    assert bool(told.get("missing")) is summary.partial


def test_an_imperfect_control_makes_its_family_inconclusive(tmp_path: Path) -> None:
    """The control's own loss is a violation; the fault trial proves nothing any more."""
    summary = judged_run(tmp_path, control_lost=1, lost=2)
    assert [Verdict.INCONCLUSIVE, Verdict.VIOLATED] == [trial.verdict for trial in summary.trials]
    assert "the no-fault control was not perfect" in summary.trials[0].weaknesses[0]


def test_a_run_writes_ledgers_only_when_told(tmp_path: Path) -> None:
    """With ``write=False`` not a file appears."""
    folder = run_of(tmp_path, [lossy(tmp_path)])
    before = sorted(folder.rglob("*"))
    without = judge_run(folder, write=False)
    assert before == sorted(folder.rglob("*"))
    assert without == judge_run(folder)
    assert 20 == len(read_ledger(folder / "trials" / "literal-1" / "ledger.parquet"))


def test_judging_twice_gives_the_same(tmp_path: Path) -> None:
    """A stored run can be judged again."""
    first = judged_run(tmp_path, lost=3)
    assert first == judge_run(tmp_path)


def test_a_trial_that_was_cut_short_is_judged_as_partial(tmp_path: Path) -> None:
    """Its folder still has the name of one that plays."""
    folder = run_of(tmp_path, [lossy(tmp_path)])
    (folder / "trials" / "literal-1" / "facts.json").unlink()
    (folder / "trials" / "literal-1").rename(folder / "trials" / "literal-1.partial")
    summary = judge_run(folder)
    assert (True, Verdict.INCONCLUSIVE, "interrupted") == (summary.partial, summary.verdict, summary.trials[0].status)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """With the fix."""
    with pytest.raises(InvalidFileError, match="not a run"):
        judge_run(tmp_path)


def test_rows_and_summaries_add_up_over_trials(tmp_path: Path) -> None:
    """Three trials of one scenario, one of which loses: 1 of 3, with its bound."""
    trials = [
        lossy(tmp_path, lost=2 * (number == 1), seed=number, token=f"0000000{number}", index=number)
        for number in range(3)
    ]
    trials.append(lossy(tmp_path, lost=0, **{**CONTROL, "token": "0000000c"}))
    summary = judge_run(run_of(tmp_path, trials))
    row = next(row for row in summary.rows if row.scenario == "literal")
    assert (3, 60, 60, 2, 58) == (row.trials, row.attempted, row.owed, row.lost, row.delivered)
    line = next(one for one in summary.guarantees if one.scenario == "literal" and one.guarantee is ALO)
    assert (3, 1, 0, Verdict.VIOLATED) == (line.trials, line.violated, line.inconclusive, line.verdict)
    assert line.upper_bound is not None
    assert 0.8646 == round(line.upper_bound, 4)


def test_the_answer_counts_and_bounds(tmp_path: Path) -> None:
    """For somebody who asks for the first time."""
    answer = judged_run(tmp_path, lost=2).answer
    assert answer == (
        "In 1 partition, Pub/Sub lost 2 of 20 deliveries of acknowledged messages (in 1 of the 1); "
        "with 1 trial each, 1 of 1 still allows a rate of up to 100 %."
    )


def test_the_answer_says_when_nothing_is_proven(tmp_path: Path) -> None:
    """No number is offered without its doubt."""
    answer = judged_run(tmp_path, control_lost=None, lost=2).answer
    assert answer.startswith("Nothing is proven: in literal-1, the run has no no-fault control")
