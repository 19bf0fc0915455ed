"""Whole trials in which a master fails: believed where seen, an error where nobody takes over, and nothing stays."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis

from harness.check.judge import judge_run, judge_trial
from harness.faults.base import CallTimes, Link
from harness.faults.failover import MasterKill
from harness.faults.server_base import Deed, deed_since
from harness.history.journal import Journal
from harness.history.table import read_history, write_history
from harness.model.accounts import ArmResult
from harness.model.errors import ExitCode
from harness.model.results import TrialFacts, TrialResult
from harness.model.values import Limits, RunPlan, Scenario, StackChoice, Timeline, Trial, Workload
from harness.model.words import Guarantee, Mechanism, PredictionResult, StackKind, Verdict
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import plan_run
from harness.stack.base import RunningStack
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.redis_sentinel import SERVICE, why_no_sentinel
from harness.trial.conductor import Conductor, _Stage
from harness.trial.folder import TrialFolder
from harness.trial.replicated import ReplicatedTrialStack
from harness.trial.run import write_plan

REASON = why_no_sentinel(choose_program(None))
pytestmark = [pytest.mark.servers, pytest.mark.timeout(400), pytest.mark.skipif(bool(REASON), reason=REASON)]

SHORT = Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=2.5, recovery_s=1.5)
ENDLESS = SHORT.model_copy(update={"outage_s": 120.0})
"""A fault that nobody waits for the end of."""
DEADLINE_S = 90.0
GONE_DEADLINE_S = 10.0
HARNESS = """
import sys, threading
from pathlib import Path
from harness.trial.run import Run, read_plan
folder = Path(sys.argv[1])
say = lambda name, event: print(event.to_line(), flush=True)
Run(read_plan(folder), folder, jobs=1, news=say, interrupted=threading.Event()).execute()
"""
RECOUNTED = (
    *("attempted", "outcomes", "owed", "fates", "duplicated", "duplicates_by_cause", "duplicate_effects"),
    *("missing_effects", "lost_by_mechanism", "gone_by_mechanism", "log_entries", "durability", "publish"),
    *("recovered", "reordered", "unsettled_effects"),
)


def scenario(name: str) -> Scenario:
    """Short. How late this machine is does not matter here."""
    changes = {"workload": Workload(rate_per_s=60), "limits": Limits(lateness_p99_ms=30_000)}
    return find_scenarios([name])[0].model_copy(update=changes)


def plan_of(name: str, choice: StackChoice | None = None, *, timeline: Timeline = SHORT) -> RunPlan:
    stack = choice or StackChoice(proxy_engine="builtin")
    timed = scenario(name).model_copy(update={"timeline": timeline})
    return plan_run([timed], name="short", trials=1, seed=3, stack=stack, harness_version="0", repeat_command="none")


def play(plan: RunPlan, run_folder: Path) -> tuple[TrialFacts, TrialResult]:
    """Play the only trial of a run in this process; what was told of it, and what is found."""
    write_plan(run_folder, plan)
    folder = run_folder / "trials" / plan.trials[0].folder_name
    facts = Conductor(plan.trials[0], TrialFolder(folder), say=lambda _: None, interrupted=threading.Event()).run()
    assert facts is not None
    return facts, judge_trial(read_history(write_history(folder))).result


# ---------------------------------------------------------------------------------------------- played to the end


@dataclass(frozen=True, slots=True)
class Played:
    """A trial that ended as it should."""

    folder: Path
    facts: TrialFacts
    result: TrialResult

    @property
    def stream(self) -> ArmResult:
        return self.result.arms[1]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    """A failover with its replication dropped, and a hung master, side by side."""
    names = ("failover_dropped", "failover_hung")
    folders = {name: tmp_path_factory.mktemp(name) for name in names}
    processes = {name: start_trial(plan_of(name).trials[0], folders[name]) for name in names}
    for process in processes.values():
        process.communicate(timeout=DEADLINE_S)
        assert 0 == process.returncode
    found = {}
    for name, folder in folders.items():
        facts = TrialFacts.model_validate_json((folder / "facts.json").read_text())
        found[name] = Played(folder, facts, judge_trial(read_history(folder / "history.parquet")).result)
    return found


def start_trial(trial: Trial, folder: Path) -> subprocess.Popen[str]:
    """In a process of its own, as a run does."""
    process = start([sys.executable, "-m", "harness.trial", str(folder)])
    assert process.stdin is not None
    process.stdin.write(trial.model_dump_json() + "\n")
    process.stdin.flush()
    return process


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def test_what_was_not_replicated_is_gone_and_explained(played: dict[str, Played]) -> None:
    """Clients are led to a replica that lacks what came after the cut: un-replicated at failover, and nothing else."""
    trial = played["failover_dropped"]
    assert ("complete", "", ()) == (trial.facts.status, trial.facts.status_reason, trial.result.weaknesses)
    assert "said that it is the master" in trial.facts.evidence[0]
    assert "replication stood still from its cut to the strike" in trial.facts.evidence[0]
    assert [Mechanism.UNREPLICATED] == list(trial.stream.gone_by_mechanism)
    assert trial.stream.gone_by_mechanism[Mechanism.UNREPLICATED] > 20
    assert trial.stream.lost_log_s is not None
    assert 0.4 < trial.stream.lost_log_s < 1.5


def test_a_hung_master_is_left_for_the_new_one(played: dict[str, Played]) -> None:
    """It was seen to be a replica in the end; nothing that is gone is without a reason."""
    trial = played["failover_hung"]
    assert ("complete", "", ()) == (trial.facts.status, trial.facts.status_reason, trial.result.weaknesses)
    assert "the old one was a replica" in trial.facts.evidence[0]
    assert set(trial.stream.gone_by_mechanism) <= {Mechanism.UNREPLICATED}


@pytest.mark.parametrize("name", ["failover_dropped", "failover_hung"])
def test_an_independent_recount_agrees(played: dict[str, Played], name: str) -> None:
    """The naive program reads the raw journals of the real trial and comes to the same counts."""
    trial = played[name]
    program = Path(__file__).parent.parent / "quality" / "naive_recount.py"
    command = [sys.executable, str(program), str(trial.folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    for arm, naive in zip(trial.result.arms, json.loads(printed)["arms"], strict=True):
        counted = arm.model_dump(mode="json")
        counted["fates"]["phantom"] -= counted["foreign_receives"]
        assert {it: some(naive[it]) for it in RECOUNTED} == {it: some(counted[it]) for it in RECOUNTED}


def some(count: object) -> object:
    """None of something and no word of it are the same."""
    return {name: value for name, value in count.items() if value} if isinstance(count, dict) else count


# ---------------------------------------------------------------------------------------------- in name only


def test_a_strike_in_name_only_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The master is spared: the trial plays to its end, and is inconclusive."""
    monkeypatch.setattr(MasterKill, "inject", lambda _: deed_since(time.monotonic_ns()))
    facts, result = play(plan_of("failover_healthy"), tmp_path)
    assert "complete" == facts.status
    assert Verdict.INCONCLUSIVE is result.verdict
    assert any("no effect of it was seen: not shown: nothing was injected" in it for it in result.weaknesses)


class _NoCut:
    """A fault of the replication links that does nothing."""

    def inject(self, _link: Link) -> CallTimes:
        return CallTimes(time.monotonic_ns(), time.monotonic_ns())


def test_a_cut_in_name_only_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that was fed until the end takes over: a failover, but not the one that was to be tested."""
    monkeypatch.setattr("harness.trial.failover_act.make_fault", lambda _: _NoCut())
    facts, result = play(plan_of("failover_dropped"), tmp_path)
    assert "complete" == facts.status
    assert Verdict.INCONCLUSIVE is result.verdict
    assert any("the replication was not cut: its replicas went on to be fed" in it for it in result.weaknesses)
    durable = [it for it in result.clauses if it.guarantee is Guarantee.DURABLE]
    assert [Verdict.INCONCLUSIVE] == [it.verdict for it in durable]
    assert PredictionResult.CONFIRMED not in {it.prediction for it in result.clauses}


# ---------------------------------------------------------------------------------------------- nobody takes over


def with_sentinels_asleep(fault: MasterKill) -> Deed:
    """The master dies, and nobody sees it."""
    for sentinel in fault.stack.sentinels:
        sentinel.process.suspend()
    fault._struck = fault.stack.servers[0]
    return deed_since(fault._struck.kill())


def with_a_master_that_lives(fault: MasterKill) -> Deed:
    """The SIGKILL does not kill."""
    fault._struck = fault.stack.servers[0]
    return deed_since(time.monotonic_ns())


@pytest.mark.parametrize("strike", [with_sentinels_asleep, with_a_master_that_lives])
def test_a_failover_that_does_not_happen_in_time_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strike: Callable[[MasterKill], Deed]
) -> None:
    """With the reason; what was counted until then is no pass, and the exit code says so."""

    def inject(fault: MasterKill) -> Deed:
        fault.deadline_s = 2.0
        return strike(fault)

    monkeypatch.setattr(MasterKill, "inject", inject)
    facts, result = play(plan_of("failover_healthy"), tmp_path)
    assert "error" == facts.status
    assert "no failover within 2 s" in facts.status_reason
    assert Verdict.ERROR is result.verdict
    assert Verdict.HELD not in {clause.verdict for clause in result.clauses}
    summary = judge_run(tmp_path, write=False)
    assert (Verdict.ERROR, ExitCode.INTERNAL) == (summary.verdict, summary.exit_code)


# ---------------------------------------------------------------------------------------------- another failover


def fail_over_again(stack: RunningStack) -> None:
    """A Sentinel is told to, and takes the order as soon as it can."""
    assert isinstance(stack, ReplicatedTrialStack)
    with admin_client(stack.servers.sentinels[0].address) as client:
        deadline = time.monotonic() + DEADLINE_S
        while not told_to_fail_over(client):
            assert time.monotonic() < deadline, "no Sentinel fails over again"
            time.sleep(0.1)
    stack.servers.wait_failover(stack.server, deadline_s=DEADLINE_S)


def told_to_fail_over(client: redis.Redis) -> bool:
    try:
        return bool(client.execute_command("SENTINEL", "FAILOVER", SERVICE))
    except redis.ResponseError:
        return False


@pytest.mark.parametrize(("name", "moment"), [("failover_healthy", "before"), ("failover_control", "after")])
def test_another_failover_around_the_drain_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, moment: str
) -> None:
    """The fault was healed and believed, or there was none: the log is read off a server that is the master no more."""
    drain = Conductor._drain

    def with_another_failover(conductor: Conductor, journal: Journal, stage: _Stage) -> None:
        if moment == "before":
            fail_over_again(stage.stack)
        drain(conductor, journal, stage)
        if moment == "after":
            fail_over_again(stage.stack)

    monkeypatch.setattr(Conductor, "_drain", with_another_failover)
    facts, result = play(plan_of(name), tmp_path)
    assert "error" == facts.status
    assert "the logs were read on port " in facts.status_reason
    assert "3 of 3 Sentinels named the server on port " in facts.status_reason
    assert facts.status_reason.endswith("there was another failover")
    assert Verdict.ERROR is result.verdict
    assert Verdict.HELD not in {clause.verdict for clause in result.clauses}


# ---------------------------------------------------------------------------------------------- not possible


@pytest.mark.parametrize("kind", [StackKind.COMPOSE, StackKind.EXTERNAL])
def test_servers_that_are_not_ours_are_not_failed_over(tmp_path: Path, kind: StackKind) -> None:
    """Skipped with the reason, before anything is started; no pass."""
    facts, result = play(plan_of("failover_healthy", StackChoice(kind=kind)), tmp_path)
    assert "skipped" == facts.status
    assert "it needs a master, replicas and Sentinels that are processes of our own" in facts.status_reason
    assert Verdict.INCONCLUSIVE is result.verdict


def test_a_program_that_cannot_be_a_sentinel_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the program's reason; the replication links, which were there already, are closed."""
    monkeypatch.setattr("harness.stack.replication.why_no_sentinel", lambda _: "it has no --sentinel")
    before = set(psutil.Process().children(recursive=True))
    facts, result = play(plan_of("failover_healthy"), tmp_path)
    assert ("skipped", Verdict.INCONCLUSIVE) == (facts.status, result.verdict)
    assert "it has no --sentinel" in facts.status_reason
    assert [] == living(set(psutil.Process().children(recursive=True)) - before)


# ---------------------------------------------------------------------------------------------- a hard end


@dataclass(slots=True)
class Struck:
    """A trial that is in its fault, and everybody who belongs to it."""

    process: subprocess.Popen[str]
    folder: Path
    started: list[psutil.Process]

    def end(self, how: signal.Signals) -> list[str]:
        """End it; who is left."""
        self.process.send_signal(how)
        self.process.communicate(timeout=DEADLINE_S)
        psutil.wait_procs(self.started, timeout=GONE_DEADLINE_S)
        return living({*self.started, *at_home(self.folder)})


@pytest.fixture(scope="module")
def in_the_fault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Struck]]:
    """A run whose master hangs, and a trial whose replication is cut, side by side."""
    run, trial = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("trial")
    hung, dropped = plan_of("failover_hung", timeline=ENDLESS), plan_of("failover_dropped", timeline=ENDLESS)
    write_plan(run, hung)
    partial = run / "trials" / f"{hung.trials[0].folder_name}.partial"
    places = {
        "run": (start([sys.executable, "-c", HARNESS, str(run)]), partial),
        "trial": (start_trial(dropped.trials[0], trial), trial),
    }
    try:
        yield {name: wait_for_fault(process, folder) for name, (process, folder) in places.items()}
    finally:
        for process, _ in places.values():
            process.kill()
            process.communicate(timeout=DEADLINE_S)


def wait_for_fault(process: subprocess.Popen[str], folder: Path) -> Struck:
    assert process.stdout is not None
    said: list[str] = []
    while not said or json.loads(said[-1]).get("phase") != "fault":
        said.append(process.stdout.readline())
        assert said[-1], f"it ended before its fault, and had said: {''.join(said[-3:])}"
    return Struck(process, folder, psutil.Process(process.pid).children(recursive=True))


def at_home(folder: Path) -> list[psutil.Process]:
    """Who works below ``folder``, as servers and Sentinels do, or was told of it."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in word for word in (one.cwd(), *one.cmdline())):
                found.append(one)
    return found


def living(processes: set[psutil.Process]) -> list[str]:
    """Those that have not ended, by name."""
    found = []
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{one.pid} {' '.join(one.cmdline())[:80]}")
    return found


def words_of(processes: list[psutil.Process]) -> list[str]:
    return [" ".join(one.cmdline()) for one in processes]


def test_a_killed_harness_takes_everybody_along(in_the_fault: dict[str, Struck]) -> None:
    """SIGKILL while the master hangs: no Sentinel, server, proxy or worker is left, and what was played is readable."""
    struck = in_the_fault["run"]
    deadline = time.monotonic() + DEADLINE_S
    while not any(one.status() == psutil.STATUS_STOPPED for one in at_home(struck.folder)):
        assert time.monotonic() < deadline, "the master does not hang"
        time.sleep(0.01)
    homely = words_of(at_home(struck.folder))
    assert 3 == sum("sentinel" in words for words in homely)
    assert len(homely) >= 6
    assert 4 == sum("harness.faults.builtin" in words for words in words_of(struck.started))
    assert [] == struck.end(signal.SIGKILL)
    result = judge_trial(read_history(write_history(struck.folder))).result
    assert Verdict.INCONCLUSIVE is result.verdict
    assert all(arm.attempted > 20 for arm in result.arms)


def test_a_trial_that_is_told_to_end_in_the_fault_leaves_nothing(in_the_fault: dict[str, Struck]) -> None:
    """SIGTERM: exit 130, status interrupted, nobody left; what was played is there, and proves nothing."""
    struck = in_the_fault["trial"]
    assert [] == struck.end(signal.SIGTERM)
    facts = TrialFacts.model_validate_json((struck.folder / "facts.json").read_text())
    assert (ExitCode.INTERRUPTED, "interrupted") == (struck.process.returncode, facts.status)
    result = judge_trial(read_history(struck.folder / "history.parquet")).result
    assert Verdict.INCONCLUSIVE is result.verdict
    assert all(arm.attempted > 20 for arm in result.arms)
