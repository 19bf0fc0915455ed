"""The judge: a stored history in, a verdict with its reasons out.

`judge_trial` is pure: the same history gives the same answer, today and with the checkers of a later release.
`judge_run` reads a run's folder, judges each trial in it, weighs the trials against their control, and merges.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.check.answer import one_sentence
from harness.check.arm import JudgedArm, judge_arm
from harness.check.claims import judge_claims
from harness.check.clauses import gating, judge_clause, spoil_clause
from harness.check.controls import control_doubts
from harness.check.guarantees import applicable, measure
from harness.check.health import Weakness, check_health
from harness.check.ledger import Ledger
from harness.check.ledger_table import write_ledger
from harness.check.summary import guarantee_summaries, scenario_rows
from harness.check.timeline import Timeline, read_timeline
from harness.check.weakness import (
    barrier_weakness,
    empty_window,
    lateness_weakness,
    silent_window,
    trial_weaknesses,
)
from harness.history.table import HISTORY_NAME, History, read_history, read_stored, write_history
from harness.model.errors import ExitCode, InvalidFileError
from harness.model.results import ClauseResult, RunSummary, SkippedTrial, TrialEnvironment, TrialFacts, TrialResult
from harness.model.values import RunPlan, Trial
from harness.model.words import Stance, Verdict, merge_verdicts

LEDGER_NAME = "ledger.parquet"
PARTIAL = ".partial"
"""How the folder of a trial that did not come to its end is called."""

EXIT_CODES = {
    Verdict.HELD: ExitCode.HELD,
    Verdict.VIOLATED: ExitCode.VIOLATED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.ERROR: ExitCode.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class JudgedTrial:
    """What one trial came to, and the ledger behind it."""

    result: TrialResult
    ledger: Ledger


def judge_trial(history: History) -> JudgedTrial:
    """Judge one trial from its history alone.

    Raises:
        InvalidFileError: the history breaks off or holds what cannot be.
        HarnessError: two ways to count the same thing disagree.
    """
    timeline = read_timeline(history)
    arms = [judge_arm(history, timeline, arm=number) for number in range(len(history.trial.scenario.arms))]
    weaknesses = [
        *trial_weaknesses(history.trial.scenario, history.facts, timeline),
        *check_health(history, timeline, arms),
    ]
    clauses = [clause for judged in arms for clause in _judge_arm_clauses(history.trial, timeline, judged, weaknesses)]
    weaknesses += _arm_weaknesses(history.trial, timeline, arms, clauses)
    facts = history.facts
    result = TrialResult(
        trial=history.trial,
        environment=facts.environment if facts is not None else _unknown_environment(history.trial),
        status=facts.status if facts is not None else "interrupted",
        status_reason=facts.status_reason if facts is not None else "killed before it could say how it went",
        verdict=merge_verdicts([*gating(clauses), *(weakness.verdict for weakness in weaknesses)]),
        weaknesses=tuple(dict.fromkeys(weakness.text for weakness in weaknesses)),
        phases=timeline.phases,
        faults=timeline.faults,
        barrier_reached=all(barrier.reached for barrier in timeline.barriers),
        arms=tuple(judged.result for judged in arms),
        clauses=tuple(clauses),
        history_rows=history.rows,
        torn_records=history.torn_bytes,
    )
    return JudgedTrial(result, Ledger(tuple(judged.ledger for judged in arms)))


def _judge_arm_clauses(
    trial: Trial, timeline: Timeline, judged: JudgedArm, weaknesses: Sequence[Weakness]
) -> list[ClauseResult]:
    scenario, result = trial.scenario, judged.result
    late = lateness_weakness(result, limit_ms=scenario.limits.lateness_p99_ms)
    clauses = []
    for guarantee in applicable(result.primitive):
        measurement = measure(
            guarantee, ledger=judged.ledger, result=result, barrier=timeline.barriers[judged.ledger.arm]
        )
        texts = [late, empty_window(guarantee, result, scenario.faults)]
        doubts = [*weaknesses, *(Weakness(text, Verdict.INCONCLUSIVE) for text in texts if text)]
        clauses.append(judge_clause(scenario, result, guarantee, measurement, doubts))
    return clauses


def _arm_weaknesses(
    trial: Trial, timeline: Timeline, arms: Sequence[JudgedArm], clauses: Sequence[ClauseResult]
) -> list[Weakness]:
    """What is weak about single arms, or about clauses of theirs that gate, for the trial's list."""
    texts = []
    for judged in arms:
        result = judged.result
        texts.append(lateness_weakness(result, limit_ms=trial.scenario.limits.lateness_p99_ms))
        texts.append(barrier_weakness(result.arm, timeline.barriers[judged.ledger.arm]))
        texts.append(silent_window(result, trial.scenario.faults))
        for clause in clauses:
            if clause.arm == result.arm and clause.stance is not Stance.FREE:
                empty = empty_window(clause.guarantee, result, trial.scenario.faults)
                texts.append(f"{result.arm}: {empty}" if empty else "")
    return [Weakness(text, Verdict.INCONCLUSIVE) for text in texts if text]


def _unknown_environment(trial: Trial) -> TrialEnvironment:
    return TrialEnvironment(
        stack=trial.stack.kind,
        server="unknown",
        proxy_engine="unknown",
        client="unknown",
        python="unknown",
        platform="unknown",
        cpu_count=0,
    )


def judge_run(run_folder: Path, *, write: bool = True) -> RunSummary:
    """Judge every trial of a run and merge them; with ``write`` each trial's folder gets its ``ledger.parquet``.

    Raises:
        InvalidFileError: the folder holds no run, or a file in it is not what it should be.
        EnvironmentUnavailable: a ledger cannot be written.
    """
    plan = read_stored(run_folder / "run.json", RunPlan)
    if plan is None:
        raise InvalidFileError(
            f"{run_folder}: not a run (no run.json in it)",
            fix="name a folder that `harness run` made, such as results/latest",
        )
    skipped = [one for trial in plan.trials if (one := _skipped(run_folder, trial)) is not None]
    left = {(one.scenario, one.seed) for one in skipped}
    played = [trial for trial in plan.trials if (trial.scenario.name, trial.seed) not in left]
    found = [result for trial in played if (result := judge_stored(run_folder, trial, write=write)) is not None]
    results = weigh_against_controls(found, skipped)
    partial = len(results) < len(played) or any(result.status == "interrupted" for result in results)
    verdicts = [result.verdict for result in results]
    verdict = merge_verdicts([*verdicts, Verdict.INCONCLUSIVE] if partial else verdicts)
    return RunSummary(
        run_id=plan.run_id,
        name=plan.name,
        created_utc=plan.created_utc,
        harness_version=plan.harness_version,
        repeat_command=plan.repeat_command,
        partial=partial,
        planned_trials=len(plan.trials),
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        answer=one_sentence(results, planned=len(plan.trials), skipped=skipped),
        rows=scenario_rows(results),
        guarantees=guarantee_summaries(results),
        skipped=tuple(skipped),
        claims=judge_claims([trial.scenario for trial in plan.trials], results, skipped),
        trials=tuple(results),
    )


def _skipped(run_folder: Path, trial: Trial) -> SkippedTrial | None:
    """What is said of a trial that could not be played here; ``None`` for one that was, or is missing.

    It is no pass and no failure: it is listed, and nothing is counted of it.
    """
    for name in (trial.folder_name, trial.folder_name + PARTIAL):
        facts = read_stored(run_folder / "trials" / name / "facts.json", TrialFacts)
        if facts is not None and facts.status == "skipped":
            reason = facts.status_reason or "no reason was given"
            return SkippedTrial(scenario=trial.scenario.name, seed=trial.seed, reason=reason)
    return None


def weigh_against_controls(results: Sequence[TrialResult], skipped: Sequence[SkippedTrial] = ()) -> list[TrialResult]:
    """Make arms of fault trials inconclusive where their family's no-fault control lacks them or is not perfect."""
    controls = [result for result in results if result.trial.scenario.is_control]
    return [_weigh(result, control_doubts(result.trial, controls, skipped)) for result in results]


def _weigh(result: TrialResult, doubts: Mapping[str, str]) -> TrialResult:
    if not doubts:
        return result
    clauses = tuple(spoil_clause(clause, doubts.get(clause.arm, "")) for clause in result.clauses)
    shared = set(doubts.values()) if len(doubts) == len(result.trial.scenario.arms) else set()
    texts = [doubt if len(shared) == 1 else f"{arm}: {doubt}" for arm, doubt in doubts.items()]
    # Violations that were spoiled no longer count; an error does, and so does the doubt itself.
    kept = [Verdict.ERROR] if result.verdict is Verdict.ERROR else []
    return result.model_copy(
        update={
            "clauses": clauses,
            "weaknesses": (*result.weaknesses, *dict.fromkeys(texts)),
            "verdict": merge_verdicts([*gating(clauses), *kept, Verdict.INCONCLUSIVE]),
        }
    )


def judge_stored(run_folder: Path, trial: Trial, *, write: bool) -> TrialResult | None:
    """Judge one trial of a run; ``None`` when nothing of it is there."""
    folder = _folder_of(run_folder, trial)
    if folder is None:
        return None
    stored = folder / HISTORY_NAME
    with tempfile.TemporaryDirectory() as elsewhere:
        if not stored.exists():
            stored = write_history(folder, into=None if write else Path(elsewhere))
        judged = judge_trial(read_history(stored))
    if judged.result.trial.token != trial.token:
        raise InvalidFileError(
            f"{folder}: holds trial {judged.result.trial.token}, but run.json names {trial.token}",
            fix="do not mix the folders of two runs",
        )
    if write:
        write_ledger(folder / LEDGER_NAME, judged.ledger)
    return judged.result


def _folder_of(run_folder: Path, trial: Trial) -> Path | None:
    for name in (trial.folder_name, trial.folder_name + PARTIAL):
        folder = run_folder / "trials" / name
        written = any(path.stat().st_size for path in (folder / "journals").glob("*.journal"))
        if (folder / HISTORY_NAME).exists() or ((folder / "trial.json").exists() and written):
            return folder
    return None
