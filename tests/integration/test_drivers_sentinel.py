"""Clients that ask real Sentinels: nobody leads them, and they find the new master; or stay with the old one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from worker_rig import Rig, rig_of, until

from harness.check.judge import judge_trial
from harness.drivers.base import Names, Producer
from harness.drivers.registry import make_producer
from harness.history.journal import EventKind, Journal, JournalHeader
from harness.history.table import read_history, write_history
from harness.model.message import SENTINEL_BASE, OrderEvent, make_event
from harness.model.values import Arm, Limits, StackChoice, Timeline, Trial, Workload
from harness.model.words import ErrorKind, OutcomeCode, Persistence, Primitive
from harness.plan.arms import named_arm
from harness.plan.catalogue import find_scenarios
from harness.stack.base import ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.redis_sentinel import why_no_sentinel
from harness.stack.replication import Layout, ReplicatedStack, open_replication, role_of
from harness.trial.conductor import Conductor
from harness.trial.folder import TrialFolder
from harness.trial.recorder import Recorder

REASON = why_no_sentinel(choose_program(None))
pytestmark = [pytest.mark.servers, pytest.mark.skipif(bool(REASON), reason=REASON)]
INTERVAL_NS = 10_000_000
MANY = tuple(range(0, 60 * 100 * INTERVAL_NS, INTERVAL_NS))
"""A minute of messages, a hundred a second: more than any test here waits for."""
LATE_NS = 900_000_000
"""No other master is named so soon: Sentinels wait for a second. A reply of the old one is written down by then."""
NAMES = Names("0123abcd", 0)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ReplicatedStack]:
    """One master, two replicas, three Sentinels."""
    with open_replication(choose_program(None), Layout.choose(tmp_path), persistence=Persistence.OFF) as opened:
        yield opened


def asked(stack: ReplicatedStack) -> ServerAddress:
    """What a worker of such an arm is told. Nobody listens where the address itself points to."""
    return ServerAddress("127.0.0.1", 1).found_by(stack.sentinel_group)


def start_producer(rig: Rig) -> None:
    """One that begins now."""
    rig.start("producer", f"go {time.monotonic_ns()}", role="producer", scope=-1, offsets_ns=MANY)


def acknowledged(rig: Rig, *, after_ns: int = 0) -> set[int]:
    """The messages that its producer was acknowledged since then."""
    found = rig.records("producer", EventKind.OUTCOME)
    if not len(found):
        return set()
    good = (found["code"] == OutcomeCode.ACKNOWLEDGED) & (found["t_ns"] > after_ns)
    return {int(sequence) for sequence in found["sequence"][good & (found["sequence"] < SENTINEL_BASE)]}


def received(rig: Rig) -> set[int]:
    """The messages that its consumer got."""
    return set(rig.sequences("consumer", EventKind.RECEIVE))


@pytest.mark.parametrize("name", ["stream-group-sentinel", "pubsub-sentinel"])
def test_they_find_the_new_master_by_themselves(stack: ReplicatedStack, tmp_path: Path, name: str) -> None:
    """A killed master: refused provably until another is named; then, on a new connection, both go on."""
    old = stack.master
    with admin_client(old.address) as admin, rig_of(named_arm(name), asked(stack), admin, tmp_path) as rig:
        rig.start("consumer")
        start_producer(rig)
        until(lambda: len(rig.effects()) > 20, "messages arrive")
        old.kill()
        killed_ns = time.monotonic_ns()
        failover = stack.wait_failover(old.address, deadline_s=30)
        until(lambda: len(acknowledged(rig, after_ns=failover.promoted_ns)) > 20, "the producer is acknowledged again")
        until(lambda: len(received(rig) & acknowledged(rig, after_ns=failover.promoted_ns)) > 20, "they arrive")
        rig.workers[1].stop()
        assert_refused_with_proof(rig, killed_ns=killed_ns)
        for worker in ("producer", "consumer"):
            connected = rig.records(worker, EventKind.CONNECTED)["t_ns"]
            assert 1 == (connected < killed_ns).sum() < len(connected), worker
        if rig.arm.primitive is Primitive.STREAMS:
            with admin_client(failover.new) as new:
                log = {int(fields["id"].rpartition("/")[2]) for _, fields in new.xrange(rig.names.destination)}
            assert set() == acknowledged(rig, after_ns=failover.promoted_ns) - log


def assert_refused_with_proof(rig: Rig, *, killed_ns: int) -> None:
    """From the death until another master answers: but for what was on its way, nothing was written at all."""
    outcomes = rig.records("producer", EventKind.OUTCOME)
    after = outcomes[outcomes["t_ns"] > killed_ns]
    answered = after["t_ns"][(after["code"] == OutcomeCode.ACKNOWLEDGED) & (after["t_ns"] > killed_ns + LATE_NS)]
    meanwhile = after[after["t_ns"] < answered.min()]
    rejected = meanwhile[meanwhile["code"] == OutcomeCode.REJECTED]
    assert 1 >= len(meanwhile) - len(rejected)
    assert {0} == set(rejected["count"].tolist())
    assert {ErrorKind.REFUSED, ErrorKind.NO_MASTER} <= set(rejected["detail"].tolist())


def test_who_only_listens_stays_with_a_hung_master(stack: ReplicatedStack, tmp_path: Path) -> None:
    """The new master's messages do not reach it, and it notices nothing, until the old one is made a replica."""
    old, arm = stack.master, named_arm("pubsub-sentinel")
    with admin_client(old.address) as admin, rig_of(arm, asked(stack), admin, tmp_path) as rig:
        rig.start("consumer")
        rig.publish(1)
        until(lambda: received(rig) == {0}, "the first")
        old.suspend()
        failover = stack.wait_failover(old.address, deadline_s=30)
        with admin_client(failover.new) as new:
            assert 0 == new.publish(rig.names.destination, "nobody hears it")
            assert 0 == len(rig.records("consumer", EventKind.DISCONNECTED))
            old.resume()
            stack.wait_replica(old, deadline_s=30)
            assert "slave" == role_of(old.address)
            rig.admin = new
            until(lambda: new.publish(rig.names.destination, "-") == 1, "it is subscribed to the new one")
            rig.publish(1, first=1)
            until(lambda: received(rig) >= {0, 1}, "what is published there")
        noticed = rig.records("consumer", EventKind.DISCONNECTED)["t_ns"].min()
        assert noticed > failover.promoted_ns


def test_a_replica_passes_on_what_its_master_publishes(stack: ReplicatedStack) -> None:
    """So a subscriber that a deposed master kept would hear the new one again; a Sentinel closes its connection."""
    master, replica = stack.master, stack.replicas[0]
    with admin_client(master.address) as publisher, admin_client(replica.address) as client, client.pubsub() as there:
        there.subscribe("orders")
        assert "subscribe" == there.get_message(timeout=5)["type"]
        assert 0 == publisher.publish("orders", "one"), "it counts its own subscribers only"
        assert "one" == there.get_message(timeout=5)["data"]


def event(sequence: int) -> OrderEvent:
    return make_event(token=NAMES.token, arm=0, producer=0, sequence=sequence, seed=1, timestamp="t")


@contextmanager
def producing(arm: Arm, address: ServerAddress, folder: Path) -> Iterator[Producer]:
    """A producer of the arm in this process."""
    header = JournalHeader(
        token=NAMES.token, actor=1, role="producer", arm=0, scope=-1, name="p", pid=1, origin_ns=0, wall_ns=0
    )
    with Journal.create(folder / "producer.journal", header) as journal:
        producer = make_producer(arm, address, NAMES, Recorder(journal))
        producer.open()
        try:
            yield producer
        finally:
            producer.close()


@pytest.mark.parametrize("name", ["stream-group-sentinel", "pubsub-sentinel", "stream-group-sentinel-hardened"])
def test_what_a_replica_refuses_is_rejected(stack: ReplicatedStack, tmp_path: Path, name: str) -> None:
    """A master that was made a replica behind its clients' backs. PUBLISH is no write: a replica takes it.

    Where redis-py repeats the request, each of them is refused and none is the proof for all.
    """
    master, other = stack.master, stack.replicas[0]
    arm = named_arm(name)
    with producing(arm, asked(stack), tmp_path) as producer:
        assert OutcomeCode.ACKNOWLEDGED is producer.send(event(0)).outcome
        for sentinel in stack.sentinels:
            sentinel.process.suspend()
        with admin_client(master.address) as admin:
            admin.replicaof(other.address.host, other.address.port)
            assert "slave" == role_of(master.address)
        found = producer.send(event(1))
    match name:
        case "pubsub-sentinel":
            assert (OutcomeCode.ACKNOWLEDGED, 1) == (found.outcome, found.writes)
        case "stream-group-sentinel":
            assert (OutcomeCode.REJECTED, ErrorKind.READONLY, 1) == (found.outcome, found.error, found.writes)
        case _:
            assert (OutcomeCode.INDETERMINATE, ErrorKind.READONLY) == (found.outcome, found.error)
            assert found.writes > 1


def test_in_a_trial_nobody_leads_them(tmp_path: Path) -> None:
    """They are acknowledged before the heal, at which alone the others' address leads to the new master."""
    timeline = Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=6.0, recovery_s=1.0)
    changes = {"timeline": timeline, "workload": Workload(rate_per_s=50), "limits": Limits(lateness_p99_ms=30_000)}
    scenario = find_scenarios(["failover_sentinel_kill"])[0].model_copy(update=changes)
    stack = StackChoice(proxy_engine="builtin")
    trial = Trial(run_id="run", token="0123abcd", scenario=scenario, seed=3, index=0, stack=stack)
    facts = Conductor(trial, TrialFolder(tmp_path), say=lambda _: None, interrupted=threading.Event()).run()
    assert facts is not None
    assert ("complete", "") == (facts.status, facts.status_reason)
    assert {"as-shipped", "as-shipped, asks Sentinels"} == set(facts.environment.client_settings)
    history = read_history(write_history(tmp_path))
    judged = judge_trial(history).result
    assert ((), True) == (judged.weaknesses, judged.barrier_reached)
    injected = history.records(EventKind.INJECT, columns=("aux_ns",))["aux_ns"].min() + LATE_NS
    healed = history.records(EventKind.HEAL, columns=("t_ns",))["t_ns"].min()
    for index, arm in enumerate(scenario.arms):
        outcomes = history.records(EventKind.OUTCOME, columns=("t_ns", "code"), arm=index)
        times = outcomes["t_ns"][outcomes["code"] == OutcomeCode.ACKNOWLEDGED.value]
        assert arm.asks_sentinel is bool(((times > injected) & (times < healed)).any()), arm.name
