"""Every known difference between the built-in proxy and Toxiproxy 2.12.0, each shown on both.

The list for readers is in ``docs/proxy.md``; its numbers are those of the tests here. When the real one changes, or the
built-in one comes to agree, a test here fails, and the list is wrong.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxy_conformance_rig import (
    DEADLINE_S,
    ENGINES,
    HOST,
    STREAMS,
    ProxyProcess,
    Wire,
    ending,
    engine_command,
    is_silent,
    passes,
    receive_exactly,
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


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    """The built-in proxy alone, for what would wedge or crash the real one."""
    running = start_proxy("builtin", tmp_path_factory.mktemp("builtin"))
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


@pytest.mark.parametrize(
    ("kind", "attributes", "reason"),
    [
        ("bandwidth", {"rate": -1}, "rate must be 0 (hold) or more KB/s, got -1"),
        ("slicer", {}, "average_size must be 1 byte or more, got 0"),
        ("slicer", {"average_size": -5}, "average_size must be 1 byte or more, got -5"),
        (
            "slicer",
            {"average_size": 5, "size_variation": 6},
            "size_variation must be from 0 to average_size (5), got 6",
        ),
        (
            "slicer",
            {"average_size": 5, "size_variation": -1},
            "size_variation must be from 0 to average_size (5), got -1",
        ),
    ],
)
def test_1_attributes_that_crash_the_real_one(
    wire: Wire, stream: str, kind: str, attributes: dict[str, int], reason: str
) -> None:
    """The real one takes attributes on which its process dies at the first data; the built-in one answers 400."""
    body = {"type": kind, "name": "bad", "stream": stream, "attributes": attributes}
    answer = wire.server.call("POST", f"{wire.path}/toxics", body)
    if wire.server.engine == "real":
        assert answer.status == 200
        wire.remove("bad")
        return
    assert (400, {"error": f"bad request body: {reason}", "status": 400}) == (answer.status, answer.json())


def test_1_updates_too(builtin: ProxyProcess) -> None:
    """An update can't make attributes bad either, and leaves them as they were."""
    with wired(builtin) as wire:
        wire.add("bandwidth", "downstream", rate=7)
        before = builtin.call("GET", f"{wire.path}/toxics/toxic").body
        answer = builtin.call("POST", f"{wire.path}/toxics/toxic", {"attributes": {"rate": -1}})
        assert answer.status == 400
        assert before == builtin.call("GET", f"{wire.path}/toxics/toxic").body


def test_2_another_toxic_does_not_loosen_a_hold(wire: Wire, stream: str) -> None:
    """Adding a toxic behind a hold makes the real one let go of the chunk it holds; the built-in one holds on."""
    flow = wire.flow(stream)
    wire.add("bandwidth", stream, rate=0)
    flow.sender.sendall(b"held")
    assert is_silent(flow.receiver)
    wire.add("noop", stream, name="another")
    assert {"real": False, "builtin": True}[wire.server.engine] is is_silent(flow.receiver)


def test_3_an_update_does_not_loosen_a_hold(wire: Wire, stream: str) -> None:
    """The same holds for an update that changes nothing."""
    flow = wire.flow(stream)
    wire.add("bandwidth", stream, rate=0)
    flow.sender.sendall(b"held")
    assert is_silent(flow.receiver)
    wire.update(rate=0)
    assert {"real": False, "builtin": True}[wire.server.engine] is is_silent(flow.receiver)


def test_4_toxicity_is_rolled_once(wire: Wire, stream: str) -> None:
    """The real one rolls a toxic's toxicity anew when one behind it comes or goes; the built-in one only at updates."""
    wire.add("latency", stream, name="half", toxicity=0.5, latency=60_000)
    flow = wire.flow(stream)
    outcomes = set()
    for _ in range(25):
        wire.add("noop", stream, name="another")
        wire.remove("another")
        flow.sender.sendall(b"x")
        flow.receiver.settimeout(0.03)
        try:
            outcomes.add(flow.receiver.recv(64) != b"")
        except TimeoutError:
            outcomes.add(False)
    expected = {"real": (2,), "builtin": (1,)}[wire.server.engine]
    assert len(outcomes) in expected


def test_5_removing_a_pending_reset_does_not_block(wire: Wire, stream: str) -> None:
    """Removing reset_peer while a reset is due: the real one waits for it, the built-in one resets at once."""
    delay_s = 0.5
    wire.add("reset_peer", stream, timeout=int(delay_s * 1000))
    flow = wire.flow(stream)
    flow.sender.sendall(b"lost")
    assert is_silent(flow.receiver)
    began = time.monotonic()
    wire.remove()
    assert "reset" == ending(flow.receiver)
    took = time.monotonic() - began
    assert {"real": True, "builtin": False}[wire.server.engine] is (took >= delay_s / 2)


def test_6_a_refused_update_changes_nothing(wire: Wire) -> None:
    """An update with one good and one bad attribute is 400; the real one keeps the good half all the same."""
    wire.add("latency", "downstream", latency=1, jitter=2)
    body = {"attributes": {"latency": 5, "jitter": "bad"}}
    assert wire.server.call("POST", f"{wire.path}/toxics/toxic", body).status == 400
    shown = wire.server.call("GET", f"{wire.path}/toxics/toxic").json()
    assert isinstance(shown, dict)
    expected = {"real": {"latency": 5, "jitter": 2}, "builtin": {"latency": 1, "jitter": 2}}
    assert expected[wire.server.engine] == shown["attributes"]


def test_7_a_busy_port_ends_the_process(server: ProxyProcess, tmp_path: Path) -> None:
    """Where the API's port is taken, the real one lives on without an API; the built-in one says so and ends with 4."""
    command = [*engine_command(server.engine), "-host", HOST, "-port", str(server.port)]
    log = tmp_path / "second.log"
    with log.open("wb") as output:
        second = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: b"address already in use" in log.read_bytes(), "the second server says what is wrong")
        if server.engine == "builtin":
            assert 4 == second.wait(DEADLINE_S)
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(0.3)
    finally:
        second.kill()
        second.wait(DEADLINE_S)


def test_8_the_version_is_marked(server: ProxyProcess) -> None:
    """The built-in proxy names the release whose behaviour it has, and that it is not it."""
    answer = server.call("GET", "/version").json()
    assert isinstance(answer, dict)
    assert (server.engine == "builtin") is answer["version"].endswith("+builtin")


def test_9_the_same_seed_makes_the_same_choices(tmp_path: Path) -> None:
    """With ``-seed`` the built-in proxy's toxicity falls the same way in every run; the real one ignores its seed."""

    def struck_connections() -> list[bool]:
        proxy = start_proxy("builtin", tmp_path, "-seed", "11")
        try:
            with wired(proxy) as wire:
                wire.add("limit_data", "downstream", toxicity=0.5, bytes=0)
                return [_is_struck(wire) for _ in range(20)]
        finally:
            proxy.stop()

    first = struck_connections()
    assert {True, False} == set(first)
    assert first == struck_connections()


def _is_struck(wire: Wire) -> bool:
    client, upstream = wire.connect()
    upstream.sendall(b"x")
    return receive_exactly(client, 1) == b""


class TestWhereTheRealOneWedgesOrDies:
    """What makes the real one hang or crash (and is therefore not tried on it) is survived."""

    def test_10_clients_that_leave_under_a_latency(self, builtin: ProxyProcess, stream: str) -> None:
        """A latency full of data, clients that go away, a heal: the API answers and the proxy serves."""
        with wired(builtin) as wire:
            wire.add("latency", stream, latency=60_000)
            for _ in range(30):
                flow = wire.flow(stream)
                flow.sender.sendall(b"x" * 100_000)
                flow.receiver.close()
                flow.sender.close()
            wire.remove()
            assert passes(wire.flow(stream), b"fine")

    def test_10_a_toxic_while_nobody_reads(self, builtin: ProxyProcess, stream: str) -> None:
        """Toxics come and go while the receiver does not read and every buffer is full; then every byte arrives."""
        with wired(builtin) as wire:
            flow = wire.flow(stream)
            flow.sender.settimeout(0.2)
            taken = 0
            with contextlib.suppress(TimeoutError):
                while taken < 1 << 30:
                    taken += flow.sender.send(b"x" * 65536)
            wire.add("latency", stream, name="one", latency=1)
            wire.add("bandwidth", stream, name="two", rate=1_000_000)
            wire.remove("one")
            assert builtin.call("POST", "/reset").status == 204
            assert b"x" * taken == receive_exactly(flow.receiver, taken)

    def test_10_a_rate_raised_on_many_held_connections(self, builtin: ProxyProcess) -> None:
        """Raising the rate of a hold by update lets a hundred connections go, whole."""
        with wired(builtin) as wire:
            pairs = [wire.connect() for _ in range(100)]
            wire.add("bandwidth", "downstream", rate=0)
            for _, upstream in pairs:
                upstream.sendall(b"x" * 5000)
            assert is_silent(pairs[0][0])
            wire.update(rate=100_000)
            for client, _ in pairs:
                assert b"x" * 5000 == receive_exactly(client, 5000)
