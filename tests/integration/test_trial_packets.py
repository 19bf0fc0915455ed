"""Whole trials whose packets are really dropped: felt late, counted right, believed where seen, gone in the end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from leftovers import interfaces

from harness.check.judge import judge_trial
from harness.faults.packets import PacketDrop
from harness.faults.server_base import Deed, deed_since
from harness.history.table import read_history, write_history
from harness.model.errors import TrialError
from harness.model.progress import ProgressEvent
from harness.model.results import TrialFacts, TrialResult
from harness.model.values import Limits, Scenario, StackChoice, Timeline, Trial, Workload
from harness.model.words import FaultModel, LinkRole, Outcome, Phase, StackKind, Verdict
from harness.plan.catalogue import find_scenarios
from harness.stack import namespaces
from harness.stack.connect import admin_client
from harness.stack.namespaces import Wire, why_no_wire
from harness.stack.process import wait_until
from harness.stack.wired import WiredStack, open_wired
from harness.trial import conductor
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder

REASON = why_no_wire()
needs_wire = pytest.mark.skipif(bool(REASON), reason=REASON)
pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

SHORT = Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=2.0, recovery_s=3.0)
"""TCP sends again about 1.6 and 3.2 s after a packet was first lost: the heal lies well before the latter."""
PRODUCERS_OUTAGE = Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=4.0, recovery_s=4.0)
"""With the client's patience of five seconds between the heal and what TCP sends again after it."""
DEADLINE_S = 60.0
RECOUNTED = (
    *("attempted", "outcomes", "owed", "fates", "duplicated", "duplicates_by_cause", "duplicate_effects"),
    *("missing_effects", "lost_by_mechanism", "log_entries", "durability", "publish", "recovered", "reordered"),
)


def trial_of(name: str, *, timeline: Timeline = SHORT, stack: StackChoice | None = None) -> Trial:
    """Short. How late this machine is does not matter here."""
    changes = {
        "timeline": timeline,
        "workload": Workload(rate_per_s=60),
        "limits": Limits(lateness_p99_ms=30_000),
    }
    scenario: Scenario = find_scenarios([name])[0].model_copy(update=changes)
    choice = stack or StackChoice(proxy_engine="builtin")
    return Trial(run_id="run", token="0123abcd", scenario=scenario, seed=3, index=0, stack=choice)


@dataclass(slots=True)
class Played:
    """A trial that was played in this process."""

    folder: Path
    facts: TrialFacts
    result: TrialResult
    hosts: list[str] = field(default_factory=list)
    """From where the server had connections in the steady phase."""
    clients: dict[LinkRole, str] = field(default_factory=dict)


def play(trial: Trial, folder: Path) -> Played:
    stacks: list[WiredStack] = []
    hosts: list[str] = []

    def spy(*arguments: object, **words: object) -> WiredStack:
        stacks.append(open_wired(*arguments, **words))  # type: ignore[arg-type]
        return stacks[0]

    def look(event: ProgressEvent) -> None:
        if event.phase is Phase.STEADY and stacks and not hosts:
            with admin_client(stacks[0].server) as client:
                hosts.extend(str(each["addr"]).rpartition(":")[0] for each in client.client_list())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conductor, "open_wired", spy)
        facts = Conductor(trial, TrialFolder(folder), say=look, interrupted=threading.Event()).run()
    assert facts is not None
    result = judge_trial(read_history(write_history(folder))).result
    clients = {role: wire.client_host for stack in stacks for role, wire in stack.wires.items()}
    return Played(folder, facts, result, hosts, clients)


@pytest.fixture(scope="module")
def consumers(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(trial_of("network_consumers_drop"), tmp_path_factory.mktemp("consumers"))


@pytest.fixture(scope="module")
def producers(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(trial_of("network_producers_drop", timeline=PRODUCERS_OUTAGE), tmp_path_factory.mktemp("producers"))


# ---------------------------------------------------------------------------------------------- played to the end


@needs_wire
def test_what_was_dropped_comes_late_and_nothing_is_lost(consumers: Played) -> None:
    """TCP sends again: Pub/Sub feels the heal when the next pause is over, and has lost nothing."""
    assert ("complete", "", ()) == (consumers.facts.status, consumers.facts.status_reason, consumers.result.weaknesses)
    (evidence,) = consumers.facts.evidence
    assert "late answer on the same connection" in evidence
    assert "the kernel discarded" in evidence
    assert Verdict.HELD is consumers.result.verdict
    pubsub = consumers.result.arms[0]
    assert 0 == sum(pubsub.lost_by_mechanism.values())
    read_ns = pubsub.recovery.read_from_heal_ns
    assert read_ns is not None
    assert read_ns > 300_000_000
    assert "no proxy" in consumers.facts.environment.proxy_engine


@needs_wire
def test_every_client_comes_by_its_wire(consumers: Played) -> None:
    """One producer and one consumer per arm and a sentinel per role; the harness itself comes by none."""
    roles = consumers.clients
    assert {LinkRole.PRODUCERS, LinkRole.CONSUMERS} == set(roles)
    assert len(set(roles.values())) == 2
    assert {"127.0.0.1", *roles.values()} == set(consumers.hosts)
    # A Pub/Sub consumer may have a connection besides its subscription.
    assert [3, True] == [
        consumers.hosts.count(roles[LinkRole.PRODUCERS]),
        consumers.hosts.count(roles[LinkRole.CONSUMERS]) >= 3,
    ]


@needs_wire
def test_what_the_client_gave_up_is_delivered_by_tcp(producers: Played) -> None:
    """The message under way is sent again after five seconds, and TCP brings its first copy after that."""
    assert ("complete", "", ()) == (producers.facts.status, producers.facts.status_reason, producers.result.weaknesses)
    pubsub, stream = producers.result.arms
    assert (1, 1) == (pubsub.duplicated, stream.log_duplicates)
    assert 0 == sum(stream.lost_by_mechanism.values()) == sum(pubsub.lost_by_mechanism.values())
    assert stream.attempted == stream.outcomes[Outcome.ACKNOWLEDGED]


@needs_wire
@pytest.mark.parametrize("name", ["consumers", "producers"])
def test_an_independent_recount_agrees(name: str, request: pytest.FixtureRequest) -> None:
    """The naive program reads the raw journals of the real trial and comes to the same counts."""
    played: Played = request.getfixturevalue(name)
    program = Path(__file__).parent.parent / "quality" / "naive_recount.py"
    command = [sys.executable, str(program), str(played.folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_S).stdout
    for arm, naive in zip(played.result.arms, json.loads(printed)["arms"], strict=True):
        counted = arm.model_dump(mode="json")
        counted["fates"]["phantom"] -= counted["foreign_receives"]
        assert {it: some(naive[it]) for it in RECOUNTED} == {it: some(counted[it]) for it in RECOUNTED}


def some(count: object) -> object:
    """None of something and no word of it are the same."""
    return {name: value for name, value in count.items() if value} if isinstance(count, dict) else count


@needs_wire
def test_a_drop_in_name_only_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No rule is set: the trial plays to its end, and is inconclusive."""
    monkeypatch.setattr(Wire, "drop", lambda *_: None)
    played = play(trial_of("network_consumers_drop"), tmp_path)
    assert "complete" == played.facts.status
    assert Verdict.INCONCLUSIVE is played.result.verdict
    assert any("no effect of it was seen: not shown: the kernel discarded 0" in it for it in played.result.weaknesses)


@needs_wire
def test_a_wire_that_ends_by_itself_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault would have no end: what was counted is no pass."""

    def cut(fault: PacketDrop) -> Deed:
        begin = time.monotonic_ns()
        psutil.Process(fault.wire._wire.pid).kill()
        return deed_since(begin)

    monkeypatch.setattr(PacketDrop, "inject", cut)
    played = play(trial_of("network_consumers_drop"), tmp_path)
    assert "error" == played.facts.status
    assert "what holds the namespace consumers-wire ended by itself" in played.facts.status_reason
    assert Verdict.ERROR is played.result.verdict


@needs_wire
def test_rules_that_go_out_of_reach_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What worked when the wire was set up and fails in the trial is no reason to skip it."""

    def refuse(_: PacketDrop) -> Deed:
        raise TrialError("the wire's rules are out of reach: iptables failed")

    monkeypatch.setattr(PacketDrop, "heal", refuse)
    played = play(trial_of("network_consumers_drop"), tmp_path)
    assert ("error", Verdict.ERROR) == (played.facts.status, played.result.verdict)
    assert "out of reach" in played.facts.status_reason


@needs_wire
def test_rules_that_nobody_can_set_are_no_wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out before anything else is started, and nothing is left: the trial is skipped."""
    made: list[str] = []
    monkeypatch.setattr(namespaces, "_rule", lambda _: ["FORWARD", "--jump", "NOWHERE"])
    monkeypatch.setattr(Wire, "_prove", lambda wire: made.append(wire.interface))
    played = play(trial_of("network_consumers_drop"), tmp_path)
    assert ("skipped", Verdict.INCONCLUSIVE) == (played.facts.status, played.result.verdict)
    assert "iptables failed" in played.facts.status_reason
    assert 1 == len(made)
    assert made[0] not in interfaces()


# ---------------------------------------------------------------------------------------------- not possible


@pytest.mark.parametrize("kind", [StackKind.COMPOSE, StackKind.EXTERNAL])
def test_a_server_that_is_not_ours_is_not_wired(tmp_path: Path, kind: StackKind) -> None:
    """Skipped with the reason, before anything is started; no pass."""
    played = play(trial_of("network_consumers_drop", stack=StackChoice(kind=kind)), tmp_path)
    assert "skipped" == played.facts.status
    assert "network namespaces of this machine" in played.facts.status_reason
    assert Verdict.INCONCLUSIVE is played.result.verdict


@pytest.mark.parametrize("reason", ["it needs root", "not installed: iptables", "it needs Linux, and this is darwin"])
def test_a_machine_that_cannot_drop_packets_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """With the machine's reason; the counterparts are played there all the same."""
    monkeypatch.setattr(namespaces, "why_not", lambda *_, **__: reason)
    played = play(trial_of("network_control"), tmp_path)
    assert ("skipped", f"packets can't be dropped here: {reason}") == (
        played.facts.status,
        played.facts.status_reason.partition(";")[0],
    )
    beside = [scenario for scenario in find_scenarios(["network"]) if scenario.beside]
    assert {FaultModel.HOLD, FaultModel.DROP} == {scenario.faults[0].model for scenario in beside}


# ---------------------------------------------------------------------------------------------- a hard end


@pytest.fixture
def struck(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A trial in a process of its own, in its fault."""
    endless = SHORT.model_copy(update={"outage_s": 120.0})
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.trial", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(trial_of("network_consumers_drop", timeline=endless).model_dump_json() + "\n")
        process.stdin.flush()
        assert any(json.loads(line).get("phase") == "fault" for line in process.stdout)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_S)


@needs_wire
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_hard_end_in_the_fault_leaves_nothing(struck: subprocess.Popen[str], how: signal.Signals) -> None:
    """Neither a process, nor an interface, nor a route; rules go with their namespaces."""
    started = psutil.Process(struck.pid).children(recursive=True)
    networks = network_namespaces(started)
    hosts = served_by({one.pid for one in started}) - {"127.0.0.1"}
    assert (4, 2) == (len(networks), len(hosts))
    assert hosts <= addresses()
    struck.send_signal(how)
    struck.communicate(timeout=DEADLINE_S)
    _, alive = psutil.wait_procs(started, timeout=DEADLINE_S)
    assert [] == [one for one in alive if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    everybody = list(psutil.process_iter())
    assert set() == networks & network_namespaces(everybody)
    # A namespace goes when the kernel comes to it, and with it the interface, its address and its routes.
    wait_until(lambda: not hosts & addresses(), deadline_s=10, what="the addresses are gone")
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    assert [] == [host for host in hosts if host.removesuffix("1") in routes]


def served_by(pids: set[int]) -> set[str]:
    """The addresses of this machine on which one of them listens."""
    found = psutil.net_connections("tcp4")
    return {one.laddr.ip for one in found if one.pid in pids and one.status == psutil.CONN_LISTEN}


def addresses() -> set[str]:
    """The IPv4 addresses of this machine."""
    found = (address for ends in psutil.net_if_addrs().values() for address in ends if address.family == socket.AF_INET)
    return {address.address for address in found}


def network_namespaces(processes: list[psutil.Process]) -> set[int]:
    """The network namespaces of ``processes`` other than ours, by their inode."""
    found = set()
    for one in processes:
        try:
            found.add(Path(f"/proc/{one.pid}/ns/net").stat().st_ino)
        except OSError:
            continue
    return found - {Path("/proc/self/ns/net").stat().st_ino}
