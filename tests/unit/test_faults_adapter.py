"""The control API's adapter against servers that misbehave in every way a proxy can."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from harness.faults.adapter import ControlApi, ControlNotFound, ControlOutcomeUnknown, ControlRejected, Toxic

HOLD = Toxic(name="hold_upstream", kind="bandwidth", stream="upstream", attributes={"rate": 0})
HOLD_ECHO = {
    "name": "hold_upstream",
    "type": "bandwidth",
    "stream": "upstream",
    "toxicity": 1,
    "attributes": {"rate": 0},
}
PROXY_ECHO = {"name": "p", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True, "toxics": []}


@dataclass
class CannedServer:
    """Answers every request with the same bytes, in pieces; remembers the requests."""

    pieces: list[bytes]
    pause_s: float = 0.0
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[CannedServer]:
        stopping = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.02)
            self.port = listener.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=(listener, stopping), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                stopping.set()
                thread.join(5)

    def _serve(self, listener: socket.socket, stopping: threading.Event) -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                client, _ = listener.accept()
                with client:
                    client.settimeout(30)
                    self.requests.append(_read_request(client))
                    for piece in self.pieces:
                        client.sendall(piece)
                        stopping.wait(self.pause_s)


def _more(client: socket.socket) -> bytes:
    data = client.recv(65_536)
    if not data:
        raise OSError("the client has gone")
    return data


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(client)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _more(client)
    return head + b"\r\n\r\n" + body


def response(status: int, body: object = None, *, text: str | None = None, cut: int = 0) -> bytes:
    content = (json.dumps(body) if text is None else text).encode() if status != 204 else b""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
    return head + content[: len(content) - cut]


def call_answered(
    canned: list[bytes], call: Callable[[ControlApi], object], *, pause_s: float = 0.0, deadline_s: float = 30
) -> object:
    with CannedServer(canned, pause_s).running() as server:
        return call(ControlApi("127.0.0.1", server.port, deadline_s=deadline_s))


def add(api: ControlApi) -> object:
    return api.add_toxic("p", HOLD)


def remove(api: ControlApi) -> object:
    return api.remove_toxic("p", "hold_upstream")


def enable(api: ControlApi) -> object:
    return api.set_enabled("p", True)


def disable(api: ControlApi) -> object:
    return api.set_enabled("p", False)


def create(api: ControlApi) -> object:
    return api.create("p", listen="127.0.0.1:0", upstream="127.0.0.1:2")


def version(api: ControlApi) -> object:
    return api.version()


UNKNOWN: dict[str, tuple[Callable[[ControlApi], object], list[bytes]]] = {
    "503 with a page": (add, [response(503, text="<html><body>Service Unavailable</body></html>")]),
    "500": (enable, [response(500, {"error": "bind: address already in use", "status": 500})]),
    "connection closed without an answer": (add, []),
    "answer cut short": (add, [response(200, HOLD_ECHO, cut=20)]),
    "half a JSON": (add, [response(200, text='{"name": "hold_up')]),
    "JSON that is no object": (add, [response(200, [1, 2])]),
    "no HTTP": (add, [b"-ERR unknown command 'POST'\r\n"]),
    "redirect": (remove, [b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"]),
    "200 where 204 belongs": (remove, [response(200, {})]),
    "another toxic": (add, [response(200, {**HOLD_ECHO, "attributes": {"rate": 7}})]),
    "a toxic on some connections": (add, [response(200, {**HOLD_ECHO, "toxicity": 0.5})]),
    "enabled that did not": (enable, [response(200, {**PROXY_ECHO, "enabled": False})]),
    "disabled that did not": (disable, [response(200, PROXY_ECHO)]),
    "a proxy without a listener": (create, [response(201, {"name": "p", "enabled": True})]),
    "another proxy": (create, [response(201, {**PROXY_ECHO, "name": "q"})]),
    "no version": (version, [response(200, text="hello")]),
}


@pytest.mark.parametrize(("call", "canned"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(
    call: Callable[[ControlApi], object], canned: list[bytes]
) -> None:
    """No answer, a server error and a contradiction are all "unknown", never success and never a clean failure."""
    with pytest.raises(ControlOutcomeUnknown, match="unknown"):
        call_answered(canned, call)


@pytest.mark.parametrize(
    ("pieces", "pause_s"),
    [([b""], 3.0), ([bytes([byte]) for byte in response(200, HOLD_ECHO)], 0.05)],
    ids=["silence", "a byte now and then"],
)
def test_a_call_ends_at_its_deadline(pieces: list[bytes], pause_s: float) -> None:
    """The deadline is one for the whole call; a trickle of bytes does not extend it."""
    with pytest.raises(ControlOutcomeUnknown, match=r"within 0\.5 s"):
        call_answered(pieces, add, pause_s=pause_s, deadline_s=0.5)


def test_a_proxy_that_is_gone_leaves_the_outcome_unknown() -> None:
    """Nobody listens: whatever the proxy did before it died can't be told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ControlOutcomeUnknown, match="connection failed"):
        ControlApi("127.0.0.1", port).version()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, ControlNotFound),
        (409, ControlRejected),
        (400, ControlRejected),
        (403, ControlRejected),
        (405, ControlRejected),
    ],
)
def test_a_clear_no_is_told_apart(status: int, expected: type[ControlRejected]) -> None:
    """A 4xx did nothing: it is a rejection with the proxy's own words."""
    with pytest.raises(ControlRejected, match="because so") as caught:
        call_answered([response(status, {"error": "because so", "status": status})], remove)
    assert expected is type(caught.value)


def test_success_returns_what_was_asked_for() -> None:
    """The good answers of a real proxy are understood."""
    assert "2.12.0" == call_answered([response(200, {"version": "2.12.0"})], version)
    assert "127.0.0.1:1" == call_answered([response(201, PROXY_ECHO)], create)


def test_times_enclose_the_call() -> None:
    """The times are taken before the request leaves and after the answer has been read."""
    with CannedServer([response(204)]).running() as server:
        begin = time.monotonic_ns()
        times = ControlApi("127.0.0.1", server.port).remove_toxic("p", "t")
        end = time.monotonic_ns()
    assert begin <= times.before_ns < times.after_ns <= end


def test_instances_do_not_share_their_address() -> None:
    """Two proxies are told apart although the package underneath keeps one address for the whole process."""
    with CannedServer([response(204)]).running() as one, CannedServer([response(204)]).running() as two:
        first, second = ControlApi("127.0.0.1", one.port), ControlApi("127.0.0.1", two.port)
        second.remove_toxic("p", "second")
        first.remove_toxic("p", "first")
    paths = [[request.split(b" ")[1] for request in server.requests] for server in (one, two)]
    assert [[b"/proxies/p/toxics/first"], [b"/proxies/p/toxics/second"]] == paths


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """An HTTP proxy set for the internet does not come between us and a proxy on this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert "2.12.0" == call_answered([response(200, {"version": "2.12.0"})], version)


def test_a_toxic_is_sent_for_every_connection() -> None:
    """What goes over the wire: the toxic with toxicity 1, as JSON."""
    with CannedServer([response(200, HOLD_ECHO)]).running() as server:
        ControlApi("127.0.0.1", server.port).add_toxic("p", HOLD)
    body = server.requests[0].partition(b"\r\n\r\n")[2]
    assert HOLD_ECHO == json.loads(body)
