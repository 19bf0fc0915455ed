"""What toxics do to bytes and connections: the built-in proxy and Toxiproxy 2.12.0, on both streams, under one suite.

Times are only ever bounded from below, because a loaded machine may be late but never early.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator

import pytest
from proxy_conformance_rig import (
    DEADLINE_S,
    ENGINES,
    QUIET_S,
    STREAMS,
    Flow,
    ProxyProcess,
    Wire,
    ending,
    is_silent,
    passes,
    receive_all,
    receive_exactly,
    start_proxy,
    wired,
)

pytestmark = pytest.mark.servers

LONG_MS = 60_000
"""Longer than any deadline: what waits for it waits for good."""
GREETING = b"greeting"


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
    """Each test runs along both streams."""
    name: str = request.param
    return name


@pytest.fixture(params=["existing", "new"])
def age(request: pytest.FixtureRequest) -> str:
    """Whether the connection was there before the toxic."""
    name: str = request.param
    return name


def struck(wire: Wire, stream: str, age: str, kind: str, **attributes: int) -> Flow:
    """A connection of ``age`` under a toxic. An existing one has carried data both ways before."""
    if age == "new":
        wire.add(kind, stream, **attributes)
        return wire.flow(stream)
    flow = wire.flow(stream)
    assert passes(flow, GREETING)
    assert passes(Flow(flow.receiver, flow.sender), GREETING)
    wire.add(kind, stream, **attributes)
    return flow


class TestLatency:
    def test_delays(self, wire: Wire, stream: str, age: str) -> None:
        """Data arrives no sooner than the latency, the other stream is untouched."""
        flow = struck(wire, stream, age, "latency", latency=120)
        began = time.monotonic()
        assert passes(flow, b"late")
        assert time.monotonic() - began >= 0.119
        assert passes(Flow(flow.receiver, flow.sender), b"untouched")

    def test_adds_up(self, wire: Wire, stream: str) -> None:
        """Two latencies one after the other delay by their sum."""
        wire.add("latency", stream, name="one", latency=80)
        wire.add("latency", stream, name="two", latency=80)
        flow = wire.flow(stream)
        began = time.monotonic()
        assert passes(flow, b"late")
        assert time.monotonic() - began >= 0.159

    def test_jitter_keeps_the_order(self, wire: Wire, stream: str) -> None:
        """Pieces delayed differently arrive in the order in which they were sent."""
        flow = struck(wire, stream, "new", "latency", latency=20, jitter=20)
        pieces = [f"{number:04d}".encode() for number in range(60)]
        for piece in pieces:
            flow.sender.sendall(piece)
            time.sleep(0.001)  # Apart, so that they are pieces of their own on their way.
        assert b"".join(pieces) == receive_exactly(flow.receiver, 4 * len(pieces))

    def test_removal_lets_go(self, wire: Wire, stream: str, age: str) -> None:
        """What was delayed arrives at once and in order when the toxic goes."""
        flow = struck(wire, stream, age, "latency", latency=LONG_MS)
        for number in range(20):
            flow.sender.sendall(f"{number:04d}".encode())
        assert is_silent(flow.receiver)
        wire.remove()
        assert b"".join(f"{number:04d}".encode() for number in range(20)) == receive_exactly(flow.receiver, 80)
        assert passes(flow, b"after")

    def test_update(self, wire: Wire, stream: str) -> None:
        """A shorter latency holds for what is under way and what comes."""
        flow = struck(wire, stream, "existing", "latency", latency=LONG_MS)
        flow.sender.sendall(b"before")
        assert is_silent(flow.receiver)
        wire.update(latency=1)
        assert b"before" == receive_exactly(flow.receiver, 6)
        assert passes(flow, b"after")

    def test_the_end_waits_its_turn(self, wire: Wire, stream: str) -> None:
        """A close arrives after the data before it, as late as that."""
        flow = struck(wire, stream, "existing", "latency", latency=150)
        began = time.monotonic()
        flow.sender.sendall(b"last words")
        flow.sender.close()
        assert b"last words" == receive_all(flow.receiver)
        assert time.monotonic() - began >= 0.149


class TestBandwidth:
    def test_limits(self, wire: Wire, stream: str, age: str) -> None:
        """100 KB at 400 KB/s take a quarter of a second, and arrive whole."""
        flow = struck(wire, stream, age, "bandwidth", rate=400)
        data = bytes(range(250)) * 400
        began = time.monotonic()
        flow.sender.sendall(data)
        assert data == receive_exactly(flow.receiver, len(data))
        # The last pieces may be due a few milliseconds early, to make good for timers that rang late.
        assert time.monotonic() - began >= 0.2

    def test_zero_holds(self, wire: Wire, stream: str, age: str) -> None:
        """A rate of 0 passes nothing; when it goes everything arrives in order, on the same connection."""
        flow = struck(wire, stream, age, "bandwidth", rate=0)
        for number in range(20):
            flow.sender.sendall(f"{number:04d}".encode())
        assert is_silent(flow.receiver)
        assert passes(Flow(flow.receiver, flow.sender), b"the other stream")
        wire.remove()
        assert b"".join(f"{number:04d}".encode() for number in range(20)) == receive_exactly(flow.receiver, 80)
        assert passes(flow, b"after")

    def test_a_hold_does_not_swallow_without_end(self, wire: Wire, stream: str) -> None:
        """A sender is stopped by full buffers long before it has sent everything; the heal delivers what was taken."""
        flow = struck(wire, stream, "existing", "bandwidth", rate=0)
        flow.sender.settimeout(0.3)
        block = bytes(range(256)) * 256
        taken = 0
        with contextlib.suppress(TimeoutError):
            while taken < 64 * 1024 * 1024:
                taken += flow.sender.send(block[taken % len(block) :])
        assert taken < 64 * 1024 * 1024
        wire.remove()
        expected = (block * (taken // len(block) + 1))[:taken]
        assert expected == receive_exactly(flow.receiver, taken)

    def test_a_held_connection_outlives_its_sender(self, wire: Wire, stream: str) -> None:
        """Who is behind a hold learns of a close only at the heal, after the data before it."""
        flow = struck(wire, stream, "existing", "bandwidth", rate=0)
        flow.sender.sendall(b"last words")
        assert is_silent(flow.receiver)
        flow.sender.close()
        assert is_silent(flow.receiver)
        wire.remove()
        assert b"last words" == receive_all(flow.receiver)

    def test_an_idle_held_connection_closes_with_its_sender(self, wire: Wire, stream: str) -> None:
        """A hold holds bytes: a close with nothing before it gets through."""
        flow = struck(wire, stream, "existing", "bandwidth", rate=0)
        flow.sender.close()
        assert "eof" == ending(flow.receiver)


class TestTimeout:
    def test_zero_drops_and_closes_when_removed(self, wire: Wire, stream: str, age: str) -> None:
        """A timeout of 0 discards data in silence; when it goes, both ends are closed."""
        flow = struck(wire, stream, age, "timeout", timeout=0)
        flow.sender.sendall(b"lost")
        assert is_silent(flow.receiver)
        assert is_silent(flow.sender)
        wire.remove()
        assert b"" == receive_all(flow.receiver)
        assert "eof" == ending(flow.sender)
        assert passes(wire.flow(stream), b"a new connection works")

    def test_the_other_stream_still_works(self, wire: Wire, stream: str) -> None:
        """Dropping is one way."""
        flow = struck(wire, stream, "existing", "timeout", timeout=0)
        assert passes(Flow(flow.receiver, flow.sender), b"the other way")

    def test_closes_after_idling(self, wire: Wire, stream: str, age: str) -> None:
        """A timeout closes both ends when no data has come for that long."""
        began = time.monotonic()
        flow = struck(wire, stream, age, "timeout", timeout=120)
        assert "eof" == ending(flow.receiver)
        assert time.monotonic() - began >= 0.119
        assert "eof" == ending(flow.sender)

    def test_is_an_idle_timer(self, wire: Wire, stream: str) -> None:
        """Data, though discarded, starts the time anew."""
        flow = struck(wire, stream, "existing", "timeout", timeout=400)
        began = time.monotonic()
        for _ in range(4):
            time.sleep(0.15)  # Traffic needs time to be steady.
            flow.sender.sendall(b"lost")
        assert b"" == receive_all(flow.receiver)
        assert time.monotonic() - began >= 0.99

    def test_the_end_gets_through(self, wire: Wire, stream: str) -> None:
        """A sender's close closes the other end at once."""
        flow = struck(wire, stream, "existing", "timeout", timeout=0)
        flow.sender.close()
        assert "eof" == ending(flow.receiver)

    def test_removal_closes_what_toxicity_spared(self, wire: Wire, stream: str) -> None:
        """With toxicity 0 data passes, and removal closes the connection all the same."""
        flow = wire.flow(stream)
        wire.add("timeout", stream, toxicity=0, timeout=0)
        assert passes(flow, b"spared")
        wire.remove()
        assert "eof" == ending(flow.receiver)


class TestResetPeer:
    def test_resets_new_connections(self, wire: Wire, stream: str) -> None:
        """The first data on a connection opened under the toxic resets both ends; the data is lost."""
        flow = struck(wire, stream, "new", "reset_peer", timeout=0)
        assert is_silent(flow.receiver)
        flow.sender.sendall(b"lost")
        assert ("reset", "reset") == (ending(flow.receiver), ending(flow.sender))

    def test_closes_existing_connections(self, wire: Wire, stream: str) -> None:
        """A connection opened before is closed without a reset."""
        flow = struck(wire, stream, "existing", "reset_peer", timeout=0)
        flow.sender.sendall(b"lost")
        assert "eof" == ending(flow.receiver)

    def test_waits(self, wire: Wire, stream: str) -> None:
        """The reset comes its timeout after the first data."""
        flow = struck(wire, stream, "new", "reset_peer", timeout=120)
        began = time.monotonic()
        flow.sender.sendall(b"lost")
        assert "reset" == ending(flow.receiver)
        assert time.monotonic() - began >= 0.119

    def test_removal_spares_idle_connections(self, wire: Wire, stream: str) -> None:
        """A connection on which nothing came works on when the toxic goes."""
        flow = struck(wire, stream, "new", "reset_peer", timeout=0)
        wire.remove()
        assert passes(flow, b"spared")

    def test_toxicity_zero_makes_disabling_reset(self, wire: Wire, stream: str) -> None:
        """Connections opened under it, though spared, are reset when the proxy is disabled."""
        wire.add("reset_peer", stream, toxicity=0)
        flow = wire.flow(stream)
        assert passes(flow, b"spared")
        wire.switch(enabled=False)
        assert ("reset", "reset") == (ending(flow.receiver), ending(flow.sender))


class TestLimitData:
    def test_closes_after_so_many_bytes(self, wire: Wire, stream: str, age: str) -> None:
        """Exactly so many bytes since the toxic was added arrive, then the end."""
        flow = struck(wire, stream, age, "limit_data", bytes=10)
        flow.sender.sendall(b"0123456789abcdef")
        assert b"0123456789" == receive_all(flow.receiver)

    def test_reaching_the_limit_is_enough(self, wire: Wire, stream: str) -> None:
        """The connection closes with the last allowed byte, not with the next one."""
        flow = struck(wire, stream, "existing", "limit_data", bytes=4)
        flow.sender.sendall(b"0123")
        assert b"0123" == receive_all(flow.receiver)
        assert "eof" == ending(flow.sender)

    def test_zero_closes_at_the_first_data(self, wire: Wire, stream: str, age: str) -> None:
        """With a limit of 0 a connection is silent until data comes, and then closes without it."""
        flow = struck(wire, stream, age, "limit_data", bytes=0)
        assert is_silent(flow.receiver)
        flow.sender.sendall(b"lost")
        assert b"" == receive_all(flow.receiver)

    def test_counts_on_through_updates(self, wire: Wire, stream: str) -> None:
        """A new limit counts what passed under the old one."""
        flow = struck(wire, stream, "existing", "limit_data", bytes=10)
        assert passes(flow, b"01234567")
        wire.update(bytes=12)
        flow.sender.sendall(b"89abcdef")
        assert b"89ab" == receive_all(flow.receiver)

    def test_removal_lifts_it(self, wire: Wire, stream: str) -> None:
        """Below its limit, a connection is as before when the toxic goes."""
        flow = struck(wire, stream, "existing", "limit_data", bytes=10)
        assert passes(flow, b"0123")
        wire.remove()
        assert passes(flow, b"0123456789abcdef")


class TestSlowClose:
    def test_delays_the_end_only(self, wire: Wire, stream: str, age: str) -> None:
        """Data passes at once, the close comes later."""
        flow = struck(wire, stream, age, "slow_close", delay=150)
        assert passes(flow, b"at once")
        began = time.monotonic()
        flow.sender.close()
        assert b"" == receive_all(flow.receiver)
        assert time.monotonic() - began >= 0.149

    def test_removal_closes_what_waits(self, wire: Wire, stream: str) -> None:
        """A close that is being delayed happens when the toxic goes."""
        flow = struck(wire, stream, "existing", "slow_close", delay=LONG_MS)
        flow.sender.close()
        assert is_silent(flow.receiver)
        wire.remove()
        assert "eof" == ending(flow.receiver)

    def test_update(self, wire: Wire, stream: str) -> None:
        """A shorter delay counts from the update."""
        flow = struck(wire, stream, "existing", "slow_close", delay=LONG_MS)
        flow.sender.close()
        assert is_silent(flow.receiver)
        wire.update(delay=50)
        assert "eof" == ending(flow.receiver)


class TestSlicer:
    def test_cuts_and_keeps_every_byte(self, wire: Wire, stream: str, age: str) -> None:
        """Data comes in pieces near the average size, with pauses between them."""
        flow = struck(wire, stream, age, "slicer", average_size=10, size_variation=2, delay=10_000)
        data = bytes(range(120))
        began = time.monotonic()
        flow.sender.sendall(data)
        received, pieces = b"", 0
        while len(received) < len(data):
            received += flow.receiver.recv(len(data))
            pieces += 1
        assert data == received
        assert pieces > 1
        # 120 bytes make at least ten pieces of at most twelve bytes.
        assert time.monotonic() - began >= 0.08

    def test_removal_lets_go(self, wire: Wire, stream: str) -> None:
        """The rest comes at once, whole and once, when the toxic goes."""
        flow = struck(wire, stream, "existing", "slicer", average_size=10, size_variation=0, delay=LONG_MS * 1000)
        data = bytes(range(100))
        flow.sender.sendall(data)
        first = flow.receiver.recv(len(data))
        assert len(first) < len(data)
        assert is_silent(flow.receiver)
        wire.remove()
        assert data[len(first) :] == receive_exactly(flow.receiver, len(data) - len(first))
        assert passes(flow, b"after")


class TestToxicity:
    @pytest.mark.parametrize(
        ("kind", "attributes"),
        [
            ("noop", {}),
            ("latency", {"latency": LONG_MS}),
            ("bandwidth", {"rate": 0}),
            ("timeout", {"timeout": 1}),
            ("reset_peer", {"timeout": 0}),
            ("limit_data", {"bytes": 0}),
            ("slow_close", {"delay": LONG_MS}),
            ("slicer", {"average_size": 1, "delay": LONG_MS * 1000}),
        ],
    )
    def test_zero_spares(self, wire: Wire, stream: str, age: str, kind: str, attributes: dict[str, int]) -> None:
        """With toxicity 0 no toxic does anything: data passes, and so does the end."""
        flow = wire.flow(stream) if age == "existing" else None
        wire.add(kind, stream, toxicity=0, **attributes)
        flow = flow or wire.flow(stream)
        assert passes(flow, b"spared")
        flow.sender.close()
        receive_all_or_reset(flow)

    def test_is_rolled_per_connection(self, wire: Wire, stream: str) -> None:
        """With toxicity one half, of forty connections some are struck and some spared, each one throughout."""
        wire.add("timeout", stream, toxicity=0.5, timeout=0)
        flows = [wire.flow(stream) for _ in range(40)]
        spared = reached(flows, b"one")
        assert 0 < len(spared) < len(flows)
        assert spared == reached(flows, b"two")
        for number in spared:
            assert b"onetwo" == receive_exactly(flows[number].receiver, 6)


def reached(flows: list[Flow], data: bytes) -> set[int]:
    """On which of ``flows`` something has arrived, once ``data`` is sent on all and all are quiet."""
    for flow in flows:
        flow.sender.sendall(data)
    heard: set[int] = set()
    deadline = time.monotonic() + DEADLINE_S
    while waiting := [flow.receiver for number, flow in enumerate(flows) if number not in heard]:
        readable, _, _ = select.select(waiting, [], [], 2 * QUIET_S)
        heard |= {number for number, flow in enumerate(flows) if flow.receiver in readable}
        assert time.monotonic() < deadline
        if not readable:
            break
    return heard


def receive_all_or_reset(flow: Flow) -> None:
    """The receiver's end comes, cleanly or (where reset_peer set it so) as a reset."""
    assert ending(flow.receiver) in ("eof", "reset")
