"""Faults of the server itself, from a plan to a verdict: played, believed only where seen, skipped with the reason."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import redis
from worker_rig import rig_of, until

from harness.check.judge import JudgedTrial, judge_trial
from harness.faults.server import ServerKill
from harness.faults.server_base import Deed, deed_since
from harness.faults.storage import DiskFull, Eviction, OutOfMemory, SlowFsync
from harness.history.journal import EventKind
from harness.history.table import read_history, write_history
from harness.model.results import TrialFacts
from harness.model.values import Scenario, StackChoice, Timeline, Trial
from harness.model.words import ErrorKind, Mechanism, Outcome, Persistence, StackKind, Verdict
from harness.plan.arms import named_arm
from harness.plan.catalogue import find_scenarios
from harness.stack import power
from harness.stack.base import RunningStack
from harness.stack.fsync import why_no_delay
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder

pytestmark = pytest.mark.servers
SHORT = Timeline(warm_up_s=0.5, steady_s=1.5, outage_s=1.5, recovery_s=2.0)
NO_POWER = power.why_not()
NO_DELAY = why_no_delay()


def scenario(name: str) -> Scenario:
    return find_scenarios([name])[0].model_copy(update={"timeline": SHORT})


def play(plan: Scenario, folder: Path, stack: StackChoice | None = None) -> TrialFacts:
    choice = stack or StackChoice(proxy_engine="builtin")
    trial = Trial(run_id="run", token="0123abcd", scenario=plan, seed=3, index=0, stack=choice)
    conductor = Conductor(trial, TrialFolder(folder), say=lambda _: None, interrupted=threading.Event())
    facts = conductor.run()
    assert facts is not None
    return facts


def judged(folder: Path) -> JudgedTrial:
    return judge_trial(read_history(write_history(folder)))


def test_a_kill_without_persistence_takes_the_log(tmp_path: Path) -> None:
    """All that was acknowledged before is gone, by a restart; the consumer makes its group again and goes on."""
    facts = play(scenario("server_kill_off"), tmp_path)
    assert ("complete", "") == (facts.status, facts.status_reason)
    assert "another life of the server had its data" in facts.evidence[0]
    result = judged(tmp_path).result
    stream = result.arms[1]
    assert result.weaknesses == ()
    assert result.barrier_reached
    assert stream.durability is not None
    gone = stream.durability.gone_with_effect + stream.durability.gone_without_effect
    assert {Mechanism.SERVER_RESTART: gone} == stream.gone_by_mechanism
    assert gone > 50
    assert stream.lost_log_s is not None
    assert 1.0 < stream.lost_log_s < 2.5


@pytest.mark.skipif(bool(NO_POWER), reason=f"power can't be cut here: {NO_POWER}")
def test_a_power_loss_takes_what_was_not_synced(tmp_path: Path) -> None:
    """Under always nothing acknowledged is gone, under no all of it; each cut brings its own control."""
    always, never = tmp_path / "always", tmp_path / "never"
    assert "a synced one was there" in play(scenario("server_power_aof_always"), always).evidence[0]
    play(scenario("server_power_aof_no"), never)
    kept, lost = judged(always).result.arms[1], judged(never).result.arms[1]
    assert {} == kept.gone_by_mechanism
    assert [Mechanism.UNFSYNCED] == list(lost.gone_by_mechanism)
    assert lost.gone_by_mechanism[Mechanism.UNFSYNCED] > 50


@pytest.mark.skipif(bool(NO_DELAY), reason=f"fsync can't be slowed here: {NO_DELAY}")
def test_slow_fsyncs_make_late_and_take_nothing(tmp_path: Path) -> None:
    """Under always every reply waits for its fsync, Pub/Sub's too; the library says how long they really took."""
    facts = play(scenario("server_slow_fsync_always"), tmp_path)
    assert ("complete", "") == (facts.status, facts.status_reason)
    assert "fsyncs were slowed, the longest took 3" in facts.evidence[0]
    assert not (tmp_path / "server-fsync").exists()
    result = judged(tmp_path).result
    assert (Verdict.HELD, ()) == (result.verdict, result.weaknesses)
    assert all((arm.latency[0].from_intended.max_ms or 0) >= 300 for arm in result.arms)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("server_out_of_memory", OutOfMemory),
        ("server_eviction", Eviction),
        pytest.param("server_disk_full", DiskFull, marks=pytest.mark.skipif(bool(NO_POWER), reason=f"{NO_POWER}")),
        pytest.param(
            "server_slow_fsync_everysec", SlowFsync, marks=pytest.mark.skipif(bool(NO_DELAY), reason=f"{NO_DELAY}")
        ),
    ],
)
def test_a_fault_in_name_only_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: type
) -> None:
    """Neither memory nor room nor fsyncs are touched: the trial plays to its end, and is inconclusive."""
    monkeypatch.setattr(fault, "inject", lambda _: deed_since(time.monotonic_ns()))
    assert "complete" == play(scenario(name), tmp_path).status
    result = judged(tmp_path).result
    assert Verdict.INCONCLUSIVE is result.verdict
    assert any("no effect of it was seen" in weakness for weakness in result.weaknesses)


@pytest.mark.parametrize(
    "name",
    [
        "server_out_of_memory",
        "server_eviction",
        pytest.param("server_disk_full", marks=pytest.mark.skipif(bool(NO_POWER), reason=f"{NO_POWER}")),
    ],
)
def test_a_server_without_room_is_seen_and_judged(tmp_path: Path, name: str) -> None:
    """As the scenario foretells: refused for certain without eviction, gone and explained with it."""
    assert "complete" == play(scenario(name), tmp_path).status
    result = judged(tmp_path).result
    assert (Verdict.HELD, ()) == (result.verdict, result.weaknesses)
    stream = result.arms[1]
    if name == "server_eviction":
        assert {Mechanism.EVICTED} == set(stream.gone_by_mechanism)
    else:
        assert {} == stream.gone_by_mechanism
        assert stream.outcomes[Outcome.REJECTED] > 0


def test_a_machine_that_cannot_slow_fsyncs_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the machine's reason."""
    monkeypatch.setattr("harness.stack.breakable.why_no_delay", lambda: "no C compiler is installed")
    facts = play(scenario("server_slow_fsync_always"), tmp_path)
    assert ("skipped", True) == (facts.status, "no C compiler" in facts.status_reason)


def test_an_arm_that_nobody_confirms_is_skipped(tmp_path: Path) -> None:
    """Without an append-only file WAITAOF is refused: the trial says so, and counts as nothing."""
    plan = scenario("remedy_control").model_copy(update={"persistence": Persistence.OFF})
    facts = play(plan, tmp_path)
    assert "skipped" == facts.status
    assert "stream-group-waitaof: the server can't confirm writes with WAITAOF 1 0" in facts.status_reason


def test_an_arm_that_waits_for_the_disk_plays_in_a_trial(tmp_path: Path) -> None:
    """Each message has one request; what was not confirmed in time is indeterminate, and the rest is acknowledged."""
    assert "complete" == play(scenario("remedy_control"), tmp_path).status
    waited = judged(tmp_path).result.arms[1]
    assert "stream-group-waitaof" == waited.arm
    assert waited.attempted == waited.outcomes[Outcome.ACKNOWLEDGED] + waited.outcomes[Outcome.INDETERMINATE] > 20
    assert waited.attempted == waited.cost.producer_requests == waited.log_entries


def test_a_kill_that_does_nothing_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault is injected in name only: the trial plays to its end, and is inconclusive."""

    def spare(_: ServerKill) -> Deed:
        return deed_since(time.monotonic_ns())

    monkeypatch.setattr(ServerKill, "inject", spare)
    assert "complete" == play(scenario("server_kill_aof_no"), tmp_path).status
    result = judged(tmp_path).result
    assert Verdict.INCONCLUSIVE is result.verdict
    assert any("no effect of it was seen" in weakness for weakness in result.weaknesses)


@pytest.mark.parametrize("kind", [StackKind.COMPOSE, StackKind.EXTERNAL])
def test_a_server_that_is_not_ours_is_not_struck(tmp_path: Path, kind: StackKind) -> None:
    """Skipped with the reason, before anything is started."""
    facts = play(scenario("server_kill_off"), tmp_path, StackChoice(kind=kind))
    assert "skipped" == facts.status
    assert "a process of our own on this machine" in facts.status_reason


def test_a_machine_that_cannot_cut_power_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the machine's."""
    monkeypatch.setattr("harness.stack.breakable.why_not", lambda: "it needs root")
    facts = play(scenario("server_power_off"), tmp_path)
    assert ("skipped", True) == (facts.status, "it needs root" in facts.status_reason)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    "name",
    [
        "server_pause",
        pytest.param("server_power_aof_no", marks=pytest.mark.skipif(bool(NO_POWER), reason=f"no power: {NO_POWER}")),
    ],
)
def test_a_hard_end_in_the_fault_leaves_nothing(tmp_path: Path, name: str, how: signal.Signals) -> None:
    """Neither the server, stopped or struck down, nor what holds its disk outlives the trial."""
    plan = scenario(name)
    trial = Trial(
        run_id="run", token="0123abcd", scenario=plan, seed=3, index=0, stack=StackChoice(proxy_engine="builtin")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.trial", str(tmp_path / "trial")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    (tmp_path / "trial").mkdir()
    process.stdin.write(trial.model_dump_json() + "\n")
    process.stdin.flush()
    assert any('"phase": "fault"' in line or '"phase":"fault"' in line for line in process.stdout)
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) >= 6
    process.send_signal(how)
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert [] == [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_a_group_that_went_with_its_stream_is_made_again(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path
) -> None:
    """The consumer gets NOGROUP, opens anew, and is owed the whole new stream."""
    with rig_of(named_arm("stream-group"), stack.server, admin, tmp_path) as rig:
        rig.start("only")
        rig.add(2)
        until(lambda: rig.effects() == [0, 1], "the first stream is read")
        admin.delete(rig.names.destination)
        rig.add(2, first=2)
        until(lambda: rig.effects() == [0, 1, 2, 3], "the second stream is read from its beginning")
        assert ErrorKind.NOGROUP in rig.records("only", EventKind.ERROR)["detail"]
