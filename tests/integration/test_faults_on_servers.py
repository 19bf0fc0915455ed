"""The faults of servers on real servers: each does what its name says, and is believed only where it was seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from harness.faults.base import Evidence
from harness.faults.lookout import Lookout
from harness.faults.packets import PacketDrop, WireRoute, sentinel_inside
from harness.faults.sentinel import Sentinel
from harness.faults.server import PowerLoss, ServerKill, ServerPause
from harness.faults.server_base import Deed, Seen, ServerFault, deed_since, straight
from harness.faults.storage import DiskFull, Eviction, OutOfMemory, SlowFsync
from harness.model.words import Direction, LinkRole, Persistence
from harness.stack import power
from harness.stack.base import ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.disk import Disk
from harness.stack.fsync import FsyncDelay, why_no_delay
from harness.stack.namespaces import Wire, why_no_wire
from harness.stack.ports import quiet_port
from harness.stack.power import PowerSupply
from harness.stack.process import wait_until
from harness.stack.profiles import profile_settings
from harness.stack.restartable import Place, RestartableServer

pytestmark = pytest.mark.servers

OUTAGE_S = 0.4
NO_POWER, NO_DELAY, NO_WIRE = power.why_not(), why_no_delay(), why_no_wire()
needs_power = pytest.mark.skipif(bool(NO_POWER), reason=f"power can't be cut here: {NO_POWER}")
needs_delay = pytest.mark.skipif(bool(NO_DELAY), reason=f"fsync can't be slowed here: {NO_DELAY}")
needs_wire = pytest.mark.skipif(bool(NO_WIRE), reason=NO_WIRE)

Condition = Callable[[], bool]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestartableServer]:
    place = Place(quiet_port(), tmp_path / "server", tmp_path / "server.log")
    settings = profile_settings(Persistence.AOF_EVERYSEC)
    with RestartableServer(choose_program(None), place, settings=settings) as started:
        started.start()
        yield started


@contextmanager
def powered(folder: Path, persistence: Persistence = Persistence.AOF_EVERYSEC) -> Iterator[PowerSupply]:
    place = Place(quiet_port(), folder / "server", folder / "server.log")
    with PowerSupply.open(choose_program(None), place, persistence=persistence, size_mb=32) as supply:
        supply.server.start()
        yield supply


@contextmanager
def writing(address: ServerAddress) -> Iterator[list[str]]:
    """Somebody who writes to many keys all the time, and the list of the errors that he got."""
    errors: list[str] = []
    done = threading.Event()

    def write() -> None:
        with admin_client(address) as client:
            number = 0
            while not done.is_set():
                number += 1
                try:
                    client.set(f"key:{number % 5000}", "x" * 200)
                except redis.RedisError as error:
                    errors.append(str(error))
                done.wait(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield errors
    finally:
        done.set()
        writer.join(20)


def strike(
    fault: ServerFault, address: ServerAddress, *, inject: bool = True, until: Condition | None = None
) -> Evidence:
    """One outage, with or without anybody injecting it, and what the straight connections say about it."""
    with Sentinel(straight(address), address, interval_ns=10_000_000) as sentinel, Lookout([address]) as lookout:
        injected = fault.inject() if inject else deed_since(time.monotonic_ns())
        if until is not None:
            wait_until(until, deadline_s=20, what="the fault shows")
        time.sleep(OUTAGE_S)  # the outage itself: how long it lasts is part of the test
        healed = fault.heal()
        assert sentinel.wait_answered(healed.times.after_ns, deadline_s=20) is not None
        assert lookout.wait_sight(address.port, healed.times.after_ns, deadline_s=20) is not None
        # A server whose append-only file could not be written tries again once a second.
        wait_until(
            lambda: any(it.asked_ns >= healed.times.after_ns and it.aof_write_ok for it in lookout.sights()),
            deadline_s=20,
            what="the server writes",
        )
        seen = Seen(sentinel.probes(), lookout.sights())
    found = fault.evidence(seen, inject=injected, heal=healed)
    if found.observed_from_ns is not None and found.observed_to_ns is not None:
        assert injected.times.before_ns <= found.observed_from_ns <= found.observed_to_ns
    return found


def proven(found: Evidence) -> bool:
    return None not in (found.observed_from_ns, found.observed_to_ns)


@pytest.mark.parametrize("make", [ServerKill, ServerPause])
def test_a_process_fault_is_proven_twice(server: RestartableServer, make: type[ServerKill] | type[ServerPause]) -> None:
    """Killed and started anew, or stopped and continued: seen to begin and to end, also a second time."""
    for _ in range(2):
        found = strike(make(server), server.address)
        assert proven(found), found.sentence


@pytest.mark.parametrize("make", [ServerKill, ServerPause])
def test_a_process_fault_that_nobody_injected_is_not_proven(
    server: RestartableServer, make: type[ServerKill] | type[ServerPause]
) -> None:
    """A server in good health proves nothing."""
    found = strike(make(server), server.address, inject=False)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns), found.sentence


def test_a_pause_is_no_kill_and_a_kill_no_pause(server: RestartableServer) -> None:
    """What was done is not taken for its neighbour."""

    class Other:
        model, style = ServerKill.model, ServerKill.style

        def __init__(self, real: ServerFault, judge: ServerFault) -> None:
            self.why_not, self.inject, self.heal = real.why_not, real.inject, real.heal
            self.evidence = judge.evidence

    kill, pause = ServerKill(server), ServerPause(server)
    for real, judge in ((kill, pause), (pause, kill)):
        found = strike(Other(real, judge), server.address)
        assert found.observed_to_ns is None, found.sentence


@needs_power
def test_a_power_loss_is_proven_by_its_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proven as it is; not proven when the page cache survived, though the server died and came back."""
    with powered(tmp_path) as supply:
        fault = PowerLoss(supply)
        assert proven(found := strike(fault, supply.server.address)), found.sentence
        assert "written and not synced" in found.sentence
        monkeypatch.setattr(Disk, "_stop_writing", Disk.sync)
        found = strike(fault, supply.server.address)
        assert (None, None) == (found.observed_from_ns, found.observed_to_ns)
        assert "never synced survived" in found.sentence
        found = strike(fault, supply.server.address, inject=False)
        assert (None, None) == (found.observed_from_ns, found.observed_to_ns)


def test_out_of_memory_refuses_writes_and_is_lifted(server: RestartableServer) -> None:
    """Writes are refused with OOM until the heal; with nobody writing there is no evidence."""
    fault = OutOfMemory(server.address)
    with writing(server.address) as errors:
        found = strike(fault, server.address, until=lambda: len(errors) > 10)
        assert proven(found), found.sentence
        assert all("maxmemory" in error for error in errors)
        before = len(errors)
        found = strike(fault, server.address, inject=False)
        assert not proven(found)
        assert before == len(errors)
    found = strike(fault, server.address)
    assert "not shown: no commands refused with OOM" in found.sentence


def test_eviction_takes_keys(server: RestartableServer) -> None:
    """Half of the data is evicted and stays away after the heal."""
    fault = Eviction(server.address)
    with writing(server.address) as errors, admin_client(server.address) as client:
        wait_until(lambda: bool(client.dbsize() > 2000), deadline_s=20, what="there is something to evict")
        found = strike(fault, server.address)
        assert proven(found), found.sentence
        assert [] == errors
        assert not proven(strike(fault, server.address, inject=False))
        assert ("0", "noeviction") == (
            client.config_get("maxmemory")["maxmemory"],
            client.config_get("maxmemory-policy")["maxmemory-policy"],
        )


@needs_power
@pytest.mark.parametrize("persistence", [Persistence.AOF_NO, Persistence.AOF_EVERYSEC])
def test_a_full_disk_makes_the_server_refuse_writes(tmp_path: Path, persistence: Persistence) -> None:
    """MISCONF while there is no room, and none of it afterwards."""
    with powered(tmp_path, persistence) as supply, writing(supply.server.address) as errors:
        fault = DiskFull(supply)
        found = strike(fault, supply.server.address, until=lambda: len(errors) > 10)
        assert proven(found), found.sentence
        assert all("MISCONF" in error or "AOF" in error for error in errors)
        found = strike(fault, supply.server.address, inject=False)
        assert not proven(found), found.sentence


@needs_power
def test_a_full_disk_ends_a_server_that_syncs_always(tmp_path: Path) -> None:
    """It can't take back what it has not synced, so it ends itself; room and a start bring it back."""
    with powered(tmp_path, Persistence.AOF_ALWAYS) as supply, writing(supply.server.address):
        found = strike(DiskFull(supply), supply.server.address, until=lambda: not supply.server.is_running)
        assert proven(found), found.sentence
        assert "another life" in found.sentence


@needs_delay
def test_slow_fsyncs_are_counted_by_the_library_itself(tmp_path: Path) -> None:
    """Under always each write waits for its fsync; with no delay set, nothing was slowed."""
    place = Place(quiet_port(), tmp_path / "server", tmp_path / "server.log")
    delay = FsyncDelay.build(tmp_path / "fsync")
    settings = profile_settings(Persistence.AOF_ALWAYS)
    with RestartableServer(choose_program(None), place, settings=settings, env=delay.env) as server:
        server.start()
        fault = SlowFsync(delay, delay_ms=200)
        with admin_client(server.address) as client:
            found = strike(fault, server.address, inject=False)
            assert "no fsync was slowed" in found.sentence
            times: list[float] = []

            def write() -> bool:
                begin = time.monotonic()
                client.set("key", "value")
                times.append(time.monotonic() - begin)
                return len(times) == 3

            found = strike(fault, server.address, until=write)
            assert proven(found), found.sentence
            assert min(times) >= 0.2
            begin = time.monotonic()
            client.set("key", "value")
            assert time.monotonic() - begin < 0.2
    delay.close()


@needs_wire
@pytest.mark.parametrize("direction", list(Direction))
def test_dropped_packets_are_proven(tmp_path: Path, direction: Direction) -> None:
    """Seen from inside as silence that ends on the same connection, and counted by the kernel."""
    with Wire.open(tmp_path) as wire:
        place = Place(quiet_port(), tmp_path / "server", tmp_path / "server.log", hosts=("127.0.0.1", wire.server_host))
        settings = {**profile_settings(Persistence.OFF), "protected-mode": "no"}
        with RestartableServer(choose_program(None), place, settings=settings) as server:
            server.start()
            fault = PacketDrop(wire, LinkRole.CONSUMERS, direction)
            for inject in (True, False):
                route = WireRoute(wire, server.address.port, LinkRole.CONSUMERS)
                with sentinel_inside(route, server.address) as sentinel:
                    injected = fault.inject() if inject else deed_since(time.monotonic_ns())
                    time.sleep(OUTAGE_S)  # the outage itself: how long it lasts is part of the test
                    healed = fault.heal()
                    assert sentinel.wait_answered(healed.times.after_ns, deadline_s=20) is not None
                found = fault.evidence(sentinel.probes(), inject=injected, heal=healed)
                assert inject is proven(found), found.sentence


def test_a_heal_without_an_injection_is_harmless(server: RestartableServer) -> None:
    """Safe on every path, and idempotent."""
    for fault in (ServerKill(server), ServerPause(server), OutOfMemory(server.address), Eviction(server.address)):
        for _ in range(2):
            deed = fault.heal()
            assert isinstance(deed, Deed)
    with admin_client(server.address) as client:
        assert client.ping()
