"""The sentinel and the little protocol it speaks, on servers made for the occasion; no proxy is involved."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from harness.faults import sentinel as sentinel_module
from harness.faults.base import CallTimes, Probe
from harness.faults.pong import PongServer
from harness.faults.resp import NotRedisError, Reply, encode, take_command, take_reply
from harness.faults.sentinel import Sentinel
from harness.model.errors import EnvironmentUnavailable, HarnessError
from harness.model.words import LinkRole, ProbeResult
from harness.stack.base import ServerAddress

MS = 1_000_000


@dataclass
class StraightLink:
    """A link without a proxy: where clients connect is the server itself."""

    host: str
    port: int
    role: LinkRole = LinkRole.PRODUCERS
    engine: str = "none"

    def add_toxic(self, *, name: str, kind: str, stream: str, attributes: dict[str, int]) -> CallTimes:
        raise NotImplementedError(f"{name} {kind} {stream} {attributes}")

    def remove_toxic(self, name: str) -> CallTimes:
        raise NotImplementedError(name)

    def disable(self) -> CallTimes:
        raise NotImplementedError

    enable = disable
    recreate = disable


def sentinel_on(port: int, *, on_probe: Callable[[Probe], None] | None = None, password: str | None = None) -> Sentinel:
    address = ServerAddress("127.0.0.1", port, password=password)
    link = StraightLink("127.0.0.1", port)
    if on_probe is None:
        return Sentinel(link, address, interval_ns=2 * MS)
    return Sentinel(link, address, interval_ns=2 * MS, on_probe=on_probe)


@contextlib.contextmanager
def scripted(*steps: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats its first connection as the first step says, and so on; the last step repeats."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)

        def serve() -> None:
            served = 0
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    served += 1
                    with client:
                        client.settimeout(30)
                        steps[min(served, len(steps)) - 1](client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stopping.set()
        thread.join(5)


def answer(count: int) -> Callable[[socket.socket], None]:
    """Answer ``count`` pings, then close."""

    def step(client: socket.socket) -> None:
        data, done = b"", 0
        while done < count:
            chunk = client.recv(4096)
            if not chunk:
                return
            data += chunk
            while done < count and (found := take_command(data)) is not None:
                token = found[0][1].encode()
                client.sendall(b"$%d\r\n%s\r\n" % (len(token), token))
                data, done = data[found[1] :], done + 1

    return step


def read_until_gone(client: socket.socket) -> None:
    client.settimeout(60)
    while client.recv(4096):
        pass


def wait_for(sentinel: Sentinel, condition: Callable[[tuple[Probe, ...]], bool]) -> tuple[Probe, ...]:
    deadline = time.monotonic() + 30
    while not condition(found := sentinel.probes()):
        assert time.monotonic() < deadline, f"in vain: {found[-5:]}"
        time.sleep(0.002)
    return found


def test_every_ping_of_a_working_link_is_answered_on_one_connection() -> None:
    """On a good link every probe is answered, on connection 1, in order, and told to the callback too."""
    told: list[Probe] = []
    with PongServer() as server, sentinel_on(server.address.port, on_probe=told.append) as sentinel:
        wait_for(sentinel, lambda probes: len(probes) >= 10)
    probes = [probe for probe in sentinel.probes() if probe.result is not ProbeResult.SILENT]
    assert {(ProbeResult.ANSWERED, 1)} == {(probe.result, probe.connection) for probe in probes}
    assert all(probe.sent_ns <= (probe.answered_ns or 0) == probe.ended_ns for probe in probes)
    assert sorted(probes, key=lambda probe: probe.sent_ns) == probes
    assert list(sentinel.probes()) == told


def test_a_closed_connection_is_a_probe_and_is_replaced() -> None:
    """A connection that ends is told about, and the next one has the next number."""
    with scripted(answer(3), answer(10_000)) as port, sentinel_on(port) as sentinel:
        probes = wait_for(sentinel, lambda probes: any(p.connection == 2 and p.answered_ns for p in probes))
    first = [probe.result for probe in probes if probe.connection == 1]
    assert [ProbeResult.ANSWERED] * 3 == first[:3]
    assert {ProbeResult.CLOSED} | {ProbeResult.RESET} >= set(first[3:]) != set()


def test_silence_is_told_while_it_lasts_and_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings queue up unanswered, never more than the bound; when the sentinel stops they are SILENT."""
    monkeypatch.setattr(sentinel_module, "MAX_OUTSTANDING", 32)

    def mute(client: socket.socket) -> None:
        answer(2)(client)
        read_until_gone(client)

    with scripted(mute) as port:
        sentinel = sentinel_on(port)
        with sentinel:
            full = wait_for(sentinel, lambda probes: len(probes) == 2 + 32)[-1]
            ticks_later = full.sent_ns + 20 * MS
            wait_for(sentinel, lambda _: time.monotonic_ns() > ticks_later)
        probes = sentinel.probes()
    silent = [probe for probe in probes if probe.result is ProbeResult.SILENT]
    assert 32 == len(silent)
    assert {None} == {probe.answered_ns for probe in silent}
    assert 2 == len(probes) - len(silent)


def test_a_refusal_is_a_probe_without_connection() -> None:
    """Where nobody listens every attempt is REFUSED, on connection 0, and starting fails in time."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sentinel = sentinel_on(port)
    with pytest.raises(EnvironmentUnavailable, match="refused"):
        sentinel.start(deadline_s=0.1)
    assert {(ProbeResult.REFUSED, 0)} == {(probe.result, probe.connection) for probe in sentinel.probes()}


def test_waiting_for_an_answer_ends_at_its_deadline() -> None:
    """No answer in time is ``None``; an answer is its own time, not before what was asked for."""
    with PongServer() as server, sentinel_on(server.address.port) as sentinel:
        after = time.monotonic_ns()
        found = sentinel.wait_answered(after, deadline_s=30)
        assert found is not None
        assert found >= after
        assert None is sentinel.wait_answered(time.monotonic_ns() + 10**12, deadline_s=0.05)


def test_a_late_answer_to_an_old_ping_does_not_count() -> None:
    """An answer that arrives after the moment asked for, to a ping sent before it, does not say that the link works."""
    silenced, healed = threading.Event(), threading.Event()

    def answer_late(client: socket.socket) -> None:
        answer(2)(client)
        data = b""
        while (found := take_command(data)) is None:
            data += client.recv(4096)
        silenced.set()
        healed.wait(30)
        token = found[0][1].encode()
        client.sendall(b"$%d\r\n%s\r\n" % (len(token), token))
        read_until_gone(client)

    with scripted(answer_late) as port, sentinel_on(port) as sentinel:
        assert silenced.wait(30)
        after = time.monotonic_ns()
        healed.set()
        wait_for(sentinel, lambda probes: sum(p.answered_ns is not None for p in probes) == 3)
        assert None is sentinel.wait_answered(after, deadline_s=0.1)


@pytest.mark.parametrize(
    ("reply", "password", "reason"),
    [
        (b"-WRONGPASS invalid username-password pair\r\n", "s3cret", "WRONGPASS"),
        (b"-NOAUTH Authentication required.\r\n", None, "NOAUTH"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", None, "not Redis"),
        (b"$5\r\nother\r\n", None, "answers no ping"),
    ],
    ids=["wrong password", "password missing", "no Redis", "another's answer"],
)
def test_a_server_that_can_not_be_pinged_is_an_error(reply: bytes, password: str | None, reason: str) -> None:
    """What makes pinging pointless is told at once, without the password."""

    def once(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(reply)
        read_until_gone(client)

    with scripted(once) as port, pytest.raises(HarnessError, match=reason) as caught:
        sentinel_on(port, password=password).start(deadline_s=30)
    assert "s3cret" not in str(caught.value)


def test_a_callback_that_fails_is_not_swallowed() -> None:
    """A probe that can't be written down (disk full) reaches whoever waits for an answer."""

    def full(probe: Probe) -> None:
        raise OSError(28, f"no space for {probe.result.name}")

    with PongServer() as server, pytest.raises(OSError, match="no space"):
        sentinel_on(server.address.port, on_probe=full).start(deadline_s=30)


def test_stopping_is_idempotent_and_needs_no_start() -> None:
    """Stop may come twice, or before start."""
    with PongServer() as server:
        sentinel = sentinel_on(server.address.port)
        sentinel.stop()
        other = sentinel_on(server.address.port)
        other.start()
        other.stop()
        other.stop()
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("sentinel")]


REPLIES: dict[str, tuple[bytes, tuple[Reply, int] | None]] = {
    "empty": (b"", None),
    "status": (b"+OK\r\n+", (Reply("OK", is_error=False), 5)),
    "error": (b"-ERR x\r\n", (Reply("ERR x", is_error=True), 8)),
    "number": (b":12\r\n", (Reply("12", is_error=False), 5)),
    "bulk": (b"$2\r\nab\r\nmore", (Reply("ab", is_error=False), 8)),
    "bulk with a line end": (b"$4\r\na\r\nb\r\n", (Reply("a\r\nb", is_error=False), 10)),
    "bulk cut in its length": (b"$2\r", None),
    "bulk cut in its text": (b"$2\r\nab\r", None),
}


@pytest.mark.parametrize(("data", "expected"), REPLIES.values(), ids=REPLIES)
def test_replies_are_read_one_at_a_time(data: bytes, expected: tuple[Reply, int] | None) -> None:
    """A whole reply is taken with its length, a partial one waits."""
    assert expected == take_reply(data)


@pytest.mark.parametrize("data", [b"hello\r\n", b"$-5\r\n", b"$99999999999\r\n", b"$x\r\n", b"*1\r\n"])
def test_what_is_no_reply_is_an_error(data: bytes) -> None:
    """Foreign bytes, absurd lengths and arrays (a ping gets none) are not guessed at."""
    with pytest.raises(NotRedisError):
        take_reply(data)


def test_commands_survive_the_trip() -> None:
    """What is encoded is what the other side reads."""
    data = encode("AUTH", "user", "pass word")
    assert (["AUTH", "user", "pass word"], len(data)) == take_command(data)
    assert None is take_command(data[:-1])
