"""Connections through the proxy: opened, closed, half-closed, cut off, many at once, and whole under load."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from proxy_conformance_rig import (
    ENGINES,
    HOST,
    STREAMS,
    Flow,
    ProxyProcess,
    Wire,
    ending,
    free_port,
    is_silent,
    passes,
    receive_all,
    receive_exactly,
    sending,
    start_proxy,
    wait_until,
    wired,
)

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    """One server for the module."""
    running = start_proxy(request.param, tmp_path_factory.mktemp("proxy"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def wire(server: ProxyProcess) -> Iterator[Wire]:
    """A proxy of its own for each test."""
    with wired(server) as made:
        yield made


@pytest.fixture(params=STREAMS)
def stream(request: pytest.FixtureRequest) -> str:
    """Along both streams."""
    name: str = request.param
    return name


def refuses(wire: Wire) -> bool:
    """Whether nobody listens at the proxy's address."""
    try:
        wire.dial()
    except ConnectionRefusedError:
        return True
    return False


class TestPlain:
    def test_passes_both_ways(self, wire: Wire) -> None:
        """Without a toxic bytes pass as they are."""
        client, upstream = wire.connect()
        assert passes(Flow(client, upstream), b"request")
        assert passes(Flow(upstream, client), b"reply")

    def test_the_server_may_speak_first(self, wire: Wire) -> None:
        """Nothing waits for the client to begin."""
        client, upstream = wire.connect()
        assert passes(Flow(upstream, client), b"hello")

    def test_a_close_closes_the_other_end(self, wire: Wire, stream: str) -> None:
        """What was sent before the close arrives before it."""
        flow = wire.flow(stream)
        flow.sender.sendall(b"last words")
        flow.sender.close()
        assert b"last words" == receive_all(flow.receiver)

    def test_a_half_close_is_a_close(self, wire: Wire, stream: str) -> None:
        """Who shuts down only its sending is closed altogether: 2.12.0 knows no half-closed connection."""
        flow = wire.flow(stream)
        flow.sender.sendall(b"last words")
        flow.sender.shutdown(socket.SHUT_WR)
        assert b"last words" == receive_all(flow.receiver)
        assert "eof" == ending(flow.sender)

    def test_a_reset_closes_the_other_end(self, wire: Wire, stream: str) -> None:
        """A reset is passed on as an end."""
        flow = wire.flow(stream)
        flow.sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        flow.sender.close()
        assert "eof" == ending(flow.receiver)

    def test_nobody_behind(self, server: ProxyProcess) -> None:
        """A client whose server can't be reached is accepted and closed."""
        upstream = f"{HOST}:{free_port()}"
        with wired(server) as wire:
            assert server.call("POST", wire.path, {"upstream": upstream}).status == 200
            shown = server.call("GET", wire.path).json()
            assert isinstance(shown, dict)
            with socket.create_connection((HOST, int(shown["listen"].rpartition(":")[2])), timeout=10) as client:
                assert ending(client) in ("eof", "reset")

    def test_nonsense_behind(self, server: ProxyProcess) -> None:
        """An upstream that is no address is found out when a client comes, and closes it."""
        body = {"name": "nonsense", "listen": f"{HOST}:0", "upstream": "nonsense"}
        shown = server.call("POST", "/proxies", body).json()
        assert isinstance(shown, dict)
        try:
            with socket.create_connection((HOST, int(shown["listen"].rpartition(":")[2])), timeout=10) as client:
                assert ending(client) in ("eof", "reset")
        finally:
            server.call("DELETE", "/proxies/nonsense")


class TestSwitching:
    def test_disable_and_enable(self, wire: Wire) -> None:
        """Disabling closes every connection and refuses new ones at once; enabling listens on the same port."""
        client, upstream = wire.connect()
        wire.switch(enabled=False)
        assert refuses(wire)
        assert ("eof", "eof") == (ending(client), ending(upstream))
        wire.switch(enabled=True)
        assert passes(wire.flow("upstream"), b"again")

    def test_disabling_under_toxics(self, wire: Wire, stream: str) -> None:
        """No toxic keeps a connection open when the proxy is disabled; the toxics act again afterwards."""
        wire.add("slow_close", stream, name="slow", delay=60_000)
        wire.add("latency", stream, name="late", latency=100)
        flow = wire.flow(stream)
        wire.switch(enabled=False)
        assert ("eof", "eof") == (ending(flow.receiver), ending(flow.sender))
        wire.switch(enabled=True)
        again = wire.flow(stream)
        began = time.monotonic()
        assert passes(again, b"late")
        assert time.monotonic() - began >= 0.099

    def test_disabling_while_connecting(self, wire: Wire) -> None:
        """A client that comes at the moment of disabling is closed, and so is its connection to the server, if any."""
        for _ in range(20):
            client = wire.dial()
            wire.switch(enabled=False)
            assert ending(client) in ("eof", "reset")
            wire.switch(enabled=True)
        newest = wire.dial()
        newest.sendall(b"newest")
        heard = b""
        for _ in range(21):  # As many as were ever made; all but the newest have ended.
            upstream, _ = wire.listener.accept()
            wire.open.append(upstream)
            upstream.settimeout(10)
            if heard := receive_exactly(upstream, 6):
                break
        assert b"newest" == heard

    def test_delete(self, wire: Wire) -> None:
        """Deleting closes every connection and frees the port at once: it can be had again under the same name."""
        client, upstream = wire.connect()
        assert wire.server.call("DELETE", wire.path).status == 204
        assert refuses(wire)
        assert ("eof", "eof") == (ending(client), ending(upstream))
        body = {"name": wire.name, "listen": f"{HOST}:{wire.address[1]}", "upstream": f"{HOST}:9"}
        assert wire.server.call("POST", "/proxies", body).status == 201

    def test_delete_while_held(self, wire: Wire, stream: str) -> None:
        """A deleted proxy lets go of held connections; what it held is lost."""
        flow = wire.flow(stream)
        wire.add("bandwidth", stream, rate=0)
        flow.sender.sendall(b"lost")
        assert is_silent(flow.receiver)
        assert wire.server.call("DELETE", wire.path).status == 204
        assert b"" == receive_all(flow.receiver)

    def test_another_upstream(self, wire: Wire) -> None:
        """A new upstream closes what is open and is where new connections go."""
        client, _ = wire.connect()
        with socket.create_server((HOST, 0)) as other:
            other.settimeout(10)
            body = {"upstream": f"{HOST}:{other.getsockname()[1]}"}
            assert wire.server.call("POST", wire.path, body).status == 200
            assert "eof" == ending(client)
            again = wire.dial()
            upstream, _ = other.accept()
            with upstream:
                upstream.settimeout(10)
                assert passes(Flow(again, upstream), b"other")

    def test_deletes_during_traffic(self, server: ProxyProcess) -> None:
        """Proxies can be deleted under full traffic, and the server goes on."""
        for _ in range(5):
            with wired(server) as wire:
                client, upstream = wire.connect()
                sender = threading.Thread(target=send_until_closed, args=(client,))
                sender.start()
                receive_exactly(upstream, 1 << 20)
                assert server.call("DELETE", wire.path).status == 204
                sender.join(10)
                assert not sender.is_alive()
        with wired(server) as wire:
            assert passes(wire.flow("upstream"), b"fine")


def send_until_closed(connection: socket.socket) -> None:
    """Send, at most 256 MB, until the other side has had enough."""
    try:
        for _ in range(4096):
            connection.sendall(b"x" * 65536)
    except OSError:
        return


LARGE = random.Random(1).randbytes(3 * 1024 * 1024)
CHAINS: dict[str, list[tuple[str, dict[str, int]]]] = {
    "none": [],
    "noop": [("noop", {})],
    "latency": [("latency", {"latency": 20, "jitter": 10})],
    "bandwidth": [("bandwidth", {"rate": 20_000})],
    "slicer": [("slicer", {"average_size": 4096, "size_variation": 1024, "delay": 10})],
    "slow_close": [("slow_close", {"delay": 10})],
    "limit_data": [("limit_data", {"bytes": len(LARGE) + 1})],
    "several": [
        ("latency", {"latency": 5}),
        ("slicer", {"average_size": 8192, "size_variation": 100, "delay": 1}),
        ("bandwidth", {"rate": 50_000}),
        ("slow_close", {"delay": 5}),
    ],
}


class TestLargeTransfers:
    @pytest.mark.parametrize("chain", CHAINS)
    def test_every_byte_both_ways(self, wire: Wire, chain: str) -> None:
        """Three megabytes each way at the same time arrive as they were sent, on a connection that was there before."""
        client, upstream = wire.connect()
        for stream in STREAMS:
            for position, (kind, attributes) in enumerate(CHAINS[chain]):
                wire.add(kind, stream, name=f"{stream}{position}", **attributes)
        backwards = LARGE[::-1]
        received: dict[str, bytes] = {}

        def receive() -> None:
            received["upstream"] = receive_exactly(upstream, len(LARGE))

        receiver = threading.Thread(target=receive)
        receiver.start()
        with sending(client, LARGE), sending(upstream, backwards):
            received["downstream"] = receive_exactly(client, len(LARGE))
            receiver.join(30)
        assert LARGE == received["upstream"]
        assert backwards == received["downstream"]

    def test_toxics_that_come_and_go_change_no_byte(self, wire: Wire, stream: str) -> None:
        """Adding and removing toxics during a transfer neither loses, doubles nor reorders anything."""
        flow = wire.flow(stream)
        kinds: list[tuple[str, dict[str, int]]] = [
            ("latency", {"latency": 3}),
            ("bandwidth", {"rate": 30_000}),
            ("slicer", {"average_size": 2000, "size_variation": 500, "delay": 100}),
            ("bandwidth", {"rate": 0}),
        ]
        received: list[bytes] = []
        receiver = threading.Thread(target=lambda: received.append(receive_exactly(flow.receiver, len(LARGE))))
        receiver.start()
        with sending(flow.sender, LARGE):
            for turn in range(24):
                kind, attributes = kinds[turn % len(kinds)]
                wire.add(kind, stream, **attributes)
                time.sleep(0.01)  # The transfer goes on under the toxic for a moment.
                wire.remove()
            receiver.join(30)
        assert [LARGE] == received


class TestMany:
    def test_connections_are_struck_and_healed_together(self, wire: Wire) -> None:
        """A hold and its heal reach a hundred connections; each gets its own bytes."""
        pairs = [wire.connect() for _ in range(100)]
        wire.add("bandwidth", "downstream", rate=0)
        for number, (_, upstream) in enumerate(pairs):
            upstream.sendall(f"{number:04d}".encode())
        assert is_silent(pairs[0][0])
        assert is_silent(pairs[-1][0])
        wire.remove()
        for number, (client, _) in enumerate(pairs):
            assert f"{number:04d}".encode() == receive_exactly(client, 4)

    def test_clients_that_leave_during_a_drop(self, wire: Wire) -> None:
        """Clients may disconnect under a drop; the proxy heals and serves on."""
        pairs = [wire.connect() for _ in range(50)]
        wire.add("timeout", "upstream", name="up", timeout=0)
        wire.add("timeout", "downstream", name="down", timeout=0)
        for client, _ in pairs[:25]:
            client.sendall(b"lost")
            client.close()
        for _, upstream in pairs[:25]:
            assert "eof" == ending(upstream)
        wire.remove("up")
        wire.remove("down")
        for client, upstream in pairs[25:]:
            assert ("eof", "eof") == (ending(client), ending(upstream))
        assert passes(wire.flow("upstream"), b"new")

    def test_connections_come_and_go(self, wire: Wire) -> None:
        """Three hundred connections one after the other leave none behind."""
        for number in range(300):
            client, upstream = wire.connect()
            client.sendall(b"%d" % number)
            client.close()
            assert b"%d" % number == receive_all(upstream)
            upstream.close()
        wait_until(lambda: descriptors(wire.server) < 100, "the proxy's descriptors are closed")


def descriptors(server: ProxyProcess) -> int:
    """How many files the server has open."""
    return int(psutil.Process(server.process.pid).num_fds())
