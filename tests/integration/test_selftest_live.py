"""The self-test, live: consumers that lie on purpose, through real servers, are found out to the count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lying_worker
import pytest

from harness.check.judge import judge_trial
from harness.history.table import read_history
from harness.model.accounts import ArmResult
from harness.model.results import TrialFacts, TrialResult
from harness.model.values import Limits, StackChoice, Trial
from harness.model.words import DuplicateCause, Fate, Guarantee, LossPosition, Mechanism, Verdict
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import Overrides, override, plan_run

pytestmark = pytest.mark.servers
ARMS = ("pubsub", "stream-group")
LIKE_THIS = Overrides(duration_s=3.5, outage_s=1.0, rate_per_s=30, arms=ARMS)
PLAY = """
import sys
from harness.trial import cast
from harness.trial.__main__ import main
cast.PROGRAM = sys.argv[2]
sys.exit(main())
"""
LOST, DOUBLED, LATE, FORGOTTEN = (
    len(lies) for lies in (lying_worker.DROPPED, lying_worker.DOUBLED, lying_worker.LATE, lying_worker.FORGOTTEN)
)


def trial() -> Trial:
    """A short no-fault control. How late this machine is does not matter here."""
    (control,) = find_scenarios(["partition_control"])
    patient = override(control, LIKE_THIS).model_copy(update={"limits": Limits(lateness_p99_ms=30_000)})
    choice = StackChoice.model_validate({"proxy_engine": "builtin"})
    plan = plan_run([patient], name="lies", trials=1, seed=5, stack=choice, harness_version="0", repeat_command="none")
    return plan.trials[0]


def play(folder: Path, program: str) -> TrialResult:
    """Play the trial with this worker program, and judge what it left."""
    folder.mkdir()
    helpers = str(Path(lying_worker.__file__).parent)
    subprocess.run(
        [sys.executable, "-c", PLAY, str(folder), program],
        input=trial().model_dump_json() + "\n",
        env=os.environ | {"PYTHONPATH": os.pathsep.join([helpers, os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=90,
    )
    facts = TrialFacts.model_validate_json((folder / "facts.json").read_text())
    assert ("complete", "") == (facts.status, facts.status_reason)
    return judge_trial(read_history(folder / "history.parquet")).result


def found_of(arm: ArmResult) -> dict[str, int]:
    """What is wrong with an arm, in numbers."""
    return {
        "lost": arm.fates[Fate.LOST],
        "lost in the middle": arm.lost_by_position[LossPosition.MIDDLE],
        "lost unexplained": arm.lost_by_mechanism.get(Mechanism.UNEXPLAINED, 0),
        "other fates": arm.owed - arm.fates[Fate.LOST] - arm.fates[Fate.DELIVERED],
        "duplicated": arm.duplicated,
        "redelivered": arm.duplicates_by_cause[DuplicateCause.REDELIVERY],
        "effects doubled": arm.duplicate_effects,
        "reordered": arm.reordered,
        "forgotten": arm.unsettled_effects,
        "effects missing": arm.missing_effects,
    }


LIES = {
    "lost": LOST,
    "lost in the middle": LOST,
    "lost unexplained": LOST,
    "other fates": 0,
    "duplicated": DOUBLED,
    "redelivered": DOUBLED,
    "effects doubled": DOUBLED,
    "reordered": LATE,
    "forgotten": FORGOTTEN,
    "effects missing": LOST + FORGOTTEN,
}


def test_lies_are_found_to_the_count(tmp_path: Path) -> None:
    """Dropped, doubled, overtaken and forgotten messages, of both primitives: so many, and nothing else."""
    result = play(tmp_path / "trial", "lying_worker")
    assert dict.fromkeys(ARMS, LIES) == {arm.arm: found_of(arm) for arm in result.arms}
    assert LOST == result.arms[0].lost_contract_view
    measured = {(clause.arm, clause.guarantee): clause.measured for clause in result.clauses}
    refuted = {one for one, verdict in measured.items() if verdict is Verdict.VIOLATED}
    assert {(arm, one) for arm in ARMS for one in Guarantee if one is not Guarantee.DURABLE} == refuted
    assert Verdict.HELD is measured["stream-group", Guarantee.DURABLE]


def test_the_same_trial_without_lies_is_clean(tmp_path: Path) -> None:
    """What the other test finds was made by the lies."""
    result = play(tmp_path / "trial", "harness.trial.worker")
    assert dict.fromkeys(ARMS, dict.fromkeys(LIES, 0)) == {arm.arm: found_of(arm) for arm in result.arms}
