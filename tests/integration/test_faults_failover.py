"""Failover on real servers: a healthy link loses nothing, a cut one loses what had not been replicated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis

from harness.faults.base import Evidence
from harness.faults.engine import acquire_engine
from harness.faults.failover import HungMaster, MasterKill, ReplicationLinks
from harness.faults.lookout import Lookout
from harness.faults.registry import make_fault
from harness.faults.replication_evidence import bytes_behind
from harness.faults.server_base import Seen, deed_since
from harness.model.errors import TrialError
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole, Persistence
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.process import wait_until
from harness.stack.redis_sentinel import SERVICE, why_no_sentinel
from harness.stack.replication import Layout, ReplicatedStack, open_replication, role_of
from harness.trial.reign import begin_reign, check_reign

REASON = why_no_sentinel(choose_program(None))
pytestmark = [pytest.mark.servers, pytest.mark.timeout(400), pytest.mark.skipif(bool(REASON), reason=REASON)]

ENTRIES = 200


@dataclass
class Rig:
    """A replicated stack whose replicas follow through links, and who watches it."""

    stack: ReplicatedStack
    links: ReplicationLinks
    lookout: Lookout

    def write(self, count: int) -> list[str]:
        with admin_client(self.stack.master.address) as client:
            return [str(client.xadd("log", {"number": number})) for number in range(count)]

    def in_log(self) -> set[str]:
        with admin_client(self.stack.master.address) as client:
            return {str(entry) for entry, _ in client.xrange("log")}

    def has_replicated(self) -> bool:
        behind = bytes_behind(
            self.lookout.sights(), master_port=self.stack.master.place.port, at_ns=time.monotonic_ns()
        )
        return set(behind.values()) == {0} and len(behind) == 2


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path) as made:
        yield made


@contextmanager
def opened(folder: Path) -> Iterator[Rig]:
    layout = Layout.choose(folder)
    with (
        ReplicationLinks.open(acquire_engine("auto", path=None, say=print), layout) as links,
        open_replication(choose_program(None), layout, persistence=Persistence.AOF_NO, paths=links.paths) as stack,
        Lookout([server.address for server in stack.servers]) as lookout,
    ):
        yield Rig(stack, links, lookout)


def fail_over(rig: Rig, fault: MasterKill | HungMaster) -> Evidence:
    injected = fault.inject()
    healed = fault.heal()
    old = fault.old
    assert old is not None
    assert fault.failover is not None
    assert rig.lookout.wait_sight(fault.failover.new.port, healed.times.after_ns, deadline_s=10) is not None
    if fault.old_returns:
        assert rig.lookout.wait_sight(old.port, time.monotonic_ns(), deadline_s=20) is not None
    return fault.evidence(Seen(sights=rig.lookout.sights()), inject=injected, heal=healed)


def test_a_healthy_link_loses_nothing(rig: Rig) -> None:
    """Everything acknowledged is on the promoted replica; the old master comes back and follows."""
    acknowledged = rig.write(ENTRIES)
    wait_until(rig.has_replicated, deadline_s=10, what="both replicas have everything")
    fault = MasterKill(rig.stack)
    found = fail_over(rig, fault)
    assert found.observed_to_ns is not None, found.sentence
    assert "the old one was a replica" in found.sentence
    assert set(acknowledged) == rig.in_log()
    assert fault.failover is not None
    assert rig.stack.servers[0].address != rig.stack.master.address == fault.failover.new


@pytest.mark.parametrize("model", [FaultModel.HOLD, FaultModel.DROP])
def test_what_was_not_replicated_is_gone(rig: Rig, model: FaultModel) -> None:
    """With both replication links cut before the kill, the promoted log lacks exactly what came after."""
    before = rig.write(ENTRIES)
    wait_until(rig.has_replicated, deadline_s=10, what="both replicas have everything")
    for link in rig.links.links:
        make_fault(FaultPlan(model=model, link=LinkRole.REPLICATION)).inject(link)
    after = rig.write(ENTRIES)
    master_port = rig.stack.master.place.port
    written_ns = time.monotonic_ns()
    assert rig.lookout.wait_sight(master_port, written_ns, deadline_s=10) is not None
    behind = bytes_behind(rig.lookout.sights(), master_port=master_port, at_ns=time.monotonic_ns())
    assert 2 == len(behind)
    assert min(behind.values()) > ENTRIES * 10
    found = fail_over(rig, MasterKill(rig.stack))
    assert found.observed_to_ns is not None, found.sentence
    assert set(before) == rig.in_log()
    assert not set(after) & rig.in_log()


def test_a_hung_master_is_deposed_and_follows_when_it_goes_on(rig: Rig) -> None:
    """It keeps its connections and its role until it is told otherwise."""
    fault = HungMaster(rig.stack)
    pid = rig.stack.servers[0].process.pid
    found = fail_over(rig, fault)
    assert found.observed_to_ns is not None, found.sentence
    assert pid == rig.stack.servers[0].process.pid
    assert "slave" == role_of(rig.stack.servers[0].address)


def test_a_second_failover_in_the_fault_proves_nothing(rig: Rig) -> None:
    """Clients are led to whom Sentinels name in the end; another one was the master in between, which is told."""
    fault = MasterKill(rig.stack, old_returns=False)
    injected = fault.inject()
    assert fault.old is not None
    first = rig.stack.wait_failover(fault.old, deadline_s=30)
    wait_until(lambda: told_to_fail_over(rig), deadline_s=30, what="a Sentinel fails over again", interval_s=0.2)
    second = rig.stack.wait_failover(first.new, deadline_s=30)
    healed = fault.heal()
    assert rig.lookout.wait_sight(second.new.port, healed.times.after_ns, deadline_s=10) is not None
    found = fault.evidence(Seen(sights=rig.lookout.sights()), inject=injected, heal=healed)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    assert "there was more than one failover" in found.sentence
    assert f"port {first.new.port} from" in found.sentence
    assert f"clients were led to the server on port {second.new.port}" in found.sentence


def told_to_fail_over(rig: Rig) -> bool:
    """A Sentinel takes the order as soon as it knows a replica that follows the new master."""
    with admin_client(rig.stack.sentinels[0].address) as client:
        try:
            return bool(client.execute_command("SENTINEL", "FAILOVER", SERVICE))
        except redis.ResponseError:
            return False


@pytest.mark.parametrize("told", [True, False])
def test_a_reign_that_was_interrupted_is_known_afterwards(rig: Rig, told: bool) -> None:
    """The same server in the same life, the master as before and named by all: another one was it in between.

    ``told``: whether the old master was made a replica before it was promoted again, so that it knows, too.
    """
    first, other, third = rig.stack.servers
    with admin_client(third.address) as client:
        client.config_set("replica-priority", 0)
    wait_until(lambda: never_promoted(rig, third.place.port), deadline_s=30, what="the Sentinels pass the third over")
    reign = begin_reign(rig.stack.sentinels, first.address)
    check_reign(rig.stack.sentinels, reign)
    for old, new in ((first, other), (other, first)):
        wait_until(lambda: told_to_fail_over(rig), deadline_s=30, what="a Sentinel fails over", interval_s=0.2)
        assert new.address == rig.stack.wait_failover(old.address, deadline_s=30).new
        if told:
            rig.stack.wait_replica(old, deadline_s=30)
    with pytest.raises(TrialError, match=f"on port {first.place.port}, but in between Sentinels named another server"):
        check_reign(rig.stack.sentinels, reign)
    if told:
        with pytest.raises(TrialError, match="but in between it was not the master"):
            check_reign(rig.stack.sentinels, replace(reign, epoch=99))
    check_reign(rig.stack.sentinels, begin_reign(rig.stack.sentinels, first.address))


def never_promoted(rig: Rig, port: int) -> bool:
    """Whether every Sentinel has been told so; they ask every ten seconds."""
    for sentinel in rig.stack.sentinels:
        with admin_client(sentinel.address) as client:
            replicas = client.sentinel_slaves(SERVICE)
        if not any(it["port"] == port and it["slave-priority"] == 0 for it in replicas):
            return False
    return True


def test_a_failover_that_nobody_caused_is_not_proven_and_one_that_fails_is_an_error(rig: Rig) -> None:
    """Nothing injected: no evidence. Sentinels gone: the error says so, and the old master is brought back."""
    fault = MasterKill(rig.stack, deadline_s=2)
    nothing = deed_since(time.monotonic_ns())
    found = fault.evidence(Seen(sights=rig.lookout.sights()), inject=nothing, heal=fault.heal())
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
    fault.inject()
    for sentinel in rig.stack.sentinels:
        sentinel.close()
    with pytest.raises(TrialError, match="no failover within 2 s"):
        fault.heal()
    assert "master" == role_of(rig.stack.servers[0].address)
