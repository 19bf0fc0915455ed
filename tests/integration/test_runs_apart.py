"""Two runs at once do not disturb each other, even on one server; and one that is not whole says so everywhere."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from harness.check.judge import judge_trial
from harness.cli.running import judge_and_write
from harness.contract.gather import notes_of
from harness.history.table import read_history
from harness.model.results import RunSummary
from harness.model.values import RunPlan, StackChoice
from harness.model.words import Persistence, StackKind, Verdict
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import Overrides, override, plan_run
from harness.stack.connect import admin_client
from harness.stack.local import open_local
from harness.trial.run import Run, RunOutcome, write_plan
from harness.trial.schedule import draw_offsets_ns

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
SHORT = Overrides(duration_s=3, outage_s=1, rate_per_s=40, arms=("pubsub", "stream-group"))


def plan_of(name: str) -> RunPlan:
    """A short trial on an address from outside, with the same seed as the other run's."""
    scenarios = [override(scenario, SHORT) for scenario in find_scenarios([name])]
    choice = StackChoice(kind=StackKind.EXTERNAL, proxy_engine="builtin")
    return plan_run(scenarios, name=name, trials=1, seed=11, stack=choice, harness_version="0", repeat_command="none")


@pytest.mark.servers
def test_two_runs_on_one_server_count_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scenario with the same seed, twice at the same time: each sends what was planned, receives it once, sees
    nothing foreign, and removes its keys and no others."""
    plans = [plan_of("partition_producers_hold"), plan_of("partition_producers_hold")]
    folders = [tmp_path / plan.run_id for plan in plans]
    outcomes: list[RunOutcome] = []

    def play(plan: RunPlan, folder: Path) -> None:
        write_plan(folder, plan)
        outcomes.append(Run(plan, folder, jobs=1, news=lambda *_: None, interrupted=threading.Event()).execute())

    with open_local(StackChoice(), persistence=Persistence.OFF, folder=tmp_path / "server") as server:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.server.port}")
        with admin_client(server.server) as client:
            client.set("somebody-elses", "1")
            threads = [threading.Thread(target=play, args=pair) for pair in zip(plans, folders, strict=True)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert ["somebody-elses"] == client.keys("*")
    assert [RunOutcome(), RunOutcome()] == outcomes
    names = set()
    for plan, folder in zip(plans, folders, strict=True):
        trial = plan.trials[0]
        judged = judge_trial(read_history(folder / "trials" / trial.folder_name / "history.parquet")).result
        assert (trial.token, "complete") == (judged.trial.token, judged.status)
        names.add(trial.token)
        for number, arm in enumerate(judged.arms):
            producers = trial.scenario.arms[number].producers
            planned = [
                len(draw_offsets_ns(trial.scenario, arm_index=number, producer=producer, seed=trial.seed))
                for producer in range(producers)
            ]
            assert (sum(planned), 0, 0) == (arm.attempted, arm.fates["lost"], arm.foreign_receives)
    assert 2 == len(names)


@pytest.fixture
def partial(tmp_path: Path) -> tuple[Path, RunSummary]:
    """A run of three trials, of which one was played, one was killed while it played, and one never began."""
    folder = tmp_path / "run"
    shutil.copytree(REFERENCE, folder, ignore=shutil.ignore_patterns("*.png", "summary.json", "junit.xml"))
    plan = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    kept = ("partition_control", "partition_consumers_drop", "partition_consumers_hold")
    plan["trials"] = [trial for trial in plan["trials"] if trial["scenario"]["name"] in kept]
    (folder / "run.json").write_text(json.dumps(plan), encoding="utf-8")
    begun = folder / "trials" / "partition_consumers_drop-20260101"
    shutil.rmtree(folder / "trials" / "partition_consumers_hold-20260101")
    for name in ("history.parquet", "facts.json", "ledger.parquet"):
        (begun / name).unlink()
    (begun / "journals").mkdir()
    (begun / "journals" / "producer-0-0.journal").write_bytes(b"")
    begun.rename(begun.with_name(begun.name + ".partial"))
    return folder, judge_and_write(folder)


def test_a_partial_run_is_judged_and_says_so_everywhere(partial: tuple[Path, RunSummary]) -> None:
    """What is there is judged; the whole is inconclusive, in the summary, the page, JUnit and a contract's notes."""
    folder, summary = partial
    assert (True, 3, 1) == (summary.partial, summary.planned_trials, len(summary.trials))
    assert (Verdict.INCONCLUSIVE, 3) == (summary.verdict, summary.exit_code)
    assert "Partial run" in (folder / "report.html").read_text(encoding="utf-8")
    assert "1 of 3 planned trials are complete" in (folder / "junit.xml").read_text(encoding="utf-8")
    assert ["it is partial: 1 of 3 planned trials are here"] == notes_of([("it", summary)])
