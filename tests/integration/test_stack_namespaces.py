"""Packets that are really dropped: TCP retransmits, nobody is told, and nothing outlives the wire."""

from __future__ import annotations

import random
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from leftovers import interfaces, is_gone

from harness.model.errors import NotPossible, TrialError
from harness.model.words import Direction, Persistence
from harness.stack import namespaces
from harness.stack.binaries import choose_program
from harness.stack.namespaces import LostPackets, Wire, as_inside, why_no_wire
from harness.stack.ports import reserve_port
from harness.stack.process import ManagedProcess, wait_until
from harness.stack.profiles import profile_settings
from harness.stack.restartable import Place, RestartableServer

REASON = why_no_wire()
pytestmark = [pytest.mark.servers, pytest.mark.skipif(bool(REASON), reason=REASON)]

STALL_S = 0.6
HARNESS = """
import sys, time
from pathlib import Path
from harness.model.words import Direction
from harness.stack.namespaces import Wire
from harness.stack.process import ManagedProcess
folder = Path(sys.argv[1])
wire = Wire.open(folder)
wire.drop(Direction.BOTH)
worker = ManagedProcess.start(wire.clients.inside(["sleep", "120"]), name="worker", log_path=folder / "worker.log")
print(wire.interface, wire.clients.pid, wire._wire.pid, worker.pid, flush=True)
if sys.argv[2] == "exception":
    raise RuntimeError("on purpose")
time.sleep(120)
"""


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with Wire.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def ends(wire: Wire) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection through the wire: the client's end and the server's."""
    with socket.create_server((wire.server_host, 0)) as listener:
        client = wire.connect(listener.getsockname()[1], timeout_s=5)
        server, (host, _) = listener.accept()
        assert wire.client_host == host
        with client, server:
            yield client, server


def has_news(connection: socket.socket, timeout_s: float) -> bool:
    """Whether bytes, an end or an error came up on the connection within the time."""
    return bool(select.select([connection], [], [], timeout_s)[0])


def read(connection: socket.socket, length: int) -> bytes:
    connection.settimeout(20)
    data = b""
    while len(data) < length:
        data += connection.recv(length - len(data))
    return data


def test_bytes_stall_and_arrive_by_retransmission(wire: Wire, ends: tuple[socket.socket, socket.socket]) -> None:
    """Under a drop nothing arrives and neither end hears of it; afterwards TCP delivers everything, in order."""
    client, server = ends
    wire.drop(Direction.BOTH)
    client.sendall(b"request")
    server.sendall(b"reply")
    assert (False, False) == (has_news(server, STALL_S), has_news(client, 0))
    lost = wire.heal()
    assert lost.requests >= 2
    assert lost.replies >= 2
    assert b"request" == read(server, len(b"request"))
    assert b"reply" == read(client, len(b"reply"))
    assert LostPackets(0, 0) == wire.heal()


def test_only_one_way_is_struck(wire: Wire, ends: tuple[socket.socket, socket.socket]) -> None:
    """With replies lost, requests still arrive (their acknowledgements don't, so TCP sends them again)."""
    client, server = ends
    wire.drop(Direction.REPLIES)
    client.sendall(b"request")
    assert b"request" == read(server, len(b"request"))
    server.sendall(b"reply")
    assert not has_news(client, STALL_S)
    lost = wire.heal()
    assert 0 == lost.requests
    assert lost.replies >= 2
    assert b"reply" == read(client, len(b"reply"))


def test_a_new_connection_is_not_refused_but_never_answered(wire: Wire) -> None:
    """A SYN into the black hole: the client waits until its own timeout."""
    with socket.create_server((wire.server_host, 0)) as listener:
        port = listener.getsockname()[1]
        wire.drop(Direction.BOTH)
        with pytest.raises(TimeoutError):
            wire.connect(port, timeout_s=STALL_S)
        assert wire.lost().requests >= 1
        wire.heal()
        wire.connect(port, timeout_s=5).close()
    with pytest.raises(ConnectionRefusedError):
        wire.connect(port, timeout_s=5)


def test_a_closed_connection_stays_open_for_the_other_end(
    wire: Wire, ends: tuple[socket.socket, socket.socket]
) -> None:
    """The FIN is lost like everything else: the server learns of it after the heal, by retransmission."""
    client, server = ends
    wire.drop(Direction.BOTH)
    client.close()
    assert not has_news(server, STALL_S)
    wire.heal()
    assert has_news(server, 20)
    assert b"" == server.recv(1)


def test_a_worker_inside_talks_to_a_server_of_this_machine(wire: Wire, tmp_path: Path) -> None:
    """The server is reached from inside by its address on the wire, and by us straight."""
    place = Place(reserve_port(), tmp_path / "server", tmp_path / "server.log", hosts=("127.0.0.1", wire.server_host))
    settings = {**profile_settings(Persistence.OFF), "protected-mode": "no"}
    code = f"import redis; print(redis.Redis('{wire.server_host}', {place.port}).ping(), flush=True)"
    with RestartableServer(choose_program(None), place, settings=settings) as server:
        server.start()
        command = wire.clients.inside([sys.executable, "-c", code])
        log_path = tmp_path / "worker.log"
        with ManagedProcess.start(command, name="worker", log_path=log_path, stdout_pipe=True) as worker:
            assert b"True\n" == worker.stdout.read()


def test_this_machines_network_is_as_before(tmp_path: Path) -> None:
    """One interface while it is open, none afterwards, and no route; closing twice is harmless."""
    wire = Wire.open(tmp_path)
    assert wire.interface in interfaces()
    assert {"lo", "wire"} == as_inside(wire.clients, lambda: {name for _, name in socket.if_nameindex()})
    wire.close()
    wire.close()
    assert wire.interface not in interfaces()
    assert wire.server_host not in routes()


def test_two_wires_do_not_meet(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tries a network that another has just taken gets another one, and a drop on one is none on the other."""
    taken = [int(part) for part in wire.server_host.split(".")]
    draws = iter([taken[1], taken[2]])
    monkeypatch.setattr(namespaces, "random", _Draws(draws))
    monkeypatch.setattr(namespaces, "run", _without_looking(namespaces.run))
    with Wire.open(tmp_path) as other, socket.create_server((other.server_host, 0)) as listener:
        assert other.server_host.rpartition(".")[0] != wire.server_host.rpartition(".")[0]
        assert [] == list(draws)
        wire.drop(Direction.BOTH)
        other.connect(listener.getsockname()[1], timeout_s=5).close()
        assert LostPackets(0, 0) == other.lost()


class _Draws:
    """Draws what it is told first, as two who draw alike do, and then what it likes."""

    def __init__(self, first: Iterator[int]) -> None:
        self._first = first

    def randint(self, low: int, high: int) -> int:
        return next(self._first, random.randint(low, high))


def _without_looking(run: Callable[..., str]) -> Callable[..., str]:
    """`run` that never finds a network taken: the other takes it between looking and taking."""
    return lambda argv, *, what: "" if argv[:3] == ["ip", "route", "show"] else run(argv, what=what)


def test_a_wire_whose_holder_ends_is_noticed(wire: Wire) -> None:
    """Its clients would be cut off for good, and nobody would heal that."""
    wire.check_alive()
    psutil.Process(wire.clients.pid).kill()
    wait_until(lambda: is_gone(wire.clients.pid), deadline_s=10, what="the holder is gone")
    with pytest.raises(TrialError, match="what holds the namespace all-clients ended by itself"):
        wire.check_alive()


def test_a_wire_that_carries_nothing_is_told_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a firewall swallows the proof, there is no wire, and nothing of it is left."""
    made: list[str] = []

    def stuck(self: Wire, port: int, *, timeout_s: float) -> socket.socket:
        made.append(self.interface)
        raise TimeoutError(f"{self.server_host}:{port} within {timeout_s} s")

    monkeypatch.setattr(namespaces.Wire, "connect", stuck)
    with pytest.raises(NotPossible, match="no bytes pass"):
        Wire.open(tmp_path)
    assert 1 == len(made)
    wait_until(lambda: made[0] not in interfaces(), deadline_s=10, what="the interface is gone")


@pytest.mark.parametrize("end", ["killed", "terminated", "exception"])
def test_nothing_outlives_a_harness_that_ends(tmp_path: Path, end: str) -> None:
    """Namespaces, interface, routes, rules and the worker inside are gone, whatever ended the harness."""
    command = [sys.executable, "-c", HARNESS, str(tmp_path), end]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as harness:
        assert harness.stdout is not None
        interface, *words = harness.stdout.readline().split()
        if end != "exception":
            assert interface in interfaces()
            harness.send_signal(signal.SIGKILL if end == "killed" else signal.SIGTERM)
        harness.wait(20)
    wait_until(lambda: all(is_gone(int(word)) for word in words), deadline_s=10, what="the processes are gone")
    wait_until(lambda: interface not in interfaces(), deadline_s=10, what="the interface is gone")
    assert interface not in routes()


def routes() -> str:
    return subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
