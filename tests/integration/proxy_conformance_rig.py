"""What the conformance suite is made of: a proxy process of either engine, its API, and both ends of its connections.

Every wait has a deadline. Sockets are plain and blocking with a timeout, so a test reads as what happens on the wire.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.faults.engine import acquire_engine
from harness.model.errors import EnvironmentUnavailable

HOST = "127.0.0.1"
DEADLINE_S = 10.0
QUIET_S = 0.15
"""How long nothing has to arrive for the wire to count as silent."""
ENGINES = ("builtin", "real")
STREAMS = ("upstream", "downstream")


def engine_command(engine: str) -> tuple[str, ...]:
    """The command of ``engine``; skips the test where the real one is not to be had, but fails it in CI with Go."""
    if engine == "builtin":
        return (sys.executable, "-m", "harness.faults.builtin")
    lines: list[str] = []
    try:
        return acquire_engine("toxiproxy", path=None, say=lines.append).command
    except EnvironmentUnavailable as reason:
        if os.environ.get("CI") and shutil.which("go"):
            pytest.fail(f"CI has Go, so the suite has to run against the real Toxiproxy: {reason.message}")
        pytest.skip(f"the real Toxiproxy is not to be had: {reason.message}")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    body: bytes
    content_type: str

    def json(self) -> object:
        return json.loads(self.body)


@dataclass
class ProxyProcess:
    """One running proxy server."""

    engine: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def call(
        self, method: str, path: str, body: object = None, *, raw: bytes | None = None, agent: str = "conformance"
    ) -> Answer:
        """One request on a connection of its own."""
        content = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        connection = http.client.HTTPConnection(HOST, self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, content, {"User-Agent": agent})
            reply = connection.getresponse()
            return Answer(reply.status, reply.read(), reply.getheader("Content-Type") or "")
        finally:
            connection.close()

    def stop(self) -> int:
        """End the process as a user would, and say how it ended. Its log must not tell of a crash survived."""
        self.process.terminate()
        try:
            code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(DEADLINE_S)
            raise
        log = self.log.read_text()
        assert not [word for word in ("Traceback", "panic:", "exception") if word in log], log
        return code


def start_proxy(engine: str, folder: Path, *flags: str) -> ProxyProcess:
    """A proxy server whose API answers."""
    command = engine_command(engine)
    port = free_port()
    log = folder / f"{engine}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "-host", HOST, "-port", str(port), *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LOG_LEVEL": "warn"},
        )
    server = ProxyProcess(engine, port, process, log)
    try:
        wait_until(lambda: _answers(server), f"the API of {engine} answers; log: {log.read_text()}")
    except BaseException:  # an interrupt, too: no process stays, and it is raised again
        process.kill()
        process.wait(DEADLINE_S)
        raise
    return server


def _answers(server: ProxyProcess) -> bool:
    if server.process.poll() is not None:
        raise AssertionError(f"{server.engine} ended with {server.process.returncode}: {server.log.read_text()}")
    with contextlib.suppress(OSError):
        return server.call("GET", "/version").status == 200
    return False


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for ``condition``, at most `DEADLINE_S`."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {DEADLINE_S} s: {what}"
        time.sleep(0.01)


@dataclass
class Flow:
    """One stream of one connection: bytes written to ``sender`` come out of ``receiver``."""

    sender: socket.socket
    receiver: socket.socket


@dataclass
class Wire:
    """A proxy, the server behind it, and connections through it."""

    server: ProxyProcess
    name: str
    listener: socket.socket
    address: tuple[str, int]
    open: list[socket.socket] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/proxies/{self.name}"

    def dial(self) -> socket.socket:
        """A client's connection to the proxy."""
        client = socket.create_connection(self.address, timeout=DEADLINE_S)
        self.open.append(client)
        return client

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client's connection and the server's end of it."""
        client = self.dial()
        upstream, _ = self.listener.accept()
        upstream.settimeout(DEADLINE_S)
        self.open.append(upstream)
        return client, upstream

    def flow(self, stream: str) -> Flow:
        """A new connection, seen along ``stream``. It is known to be through to the other end."""
        client, upstream = self.connect()
        return Flow(client, upstream) if stream == "upstream" else Flow(upstream, client)

    def add(self, kind: str, stream: str, *, name: str = "toxic", toxicity: float = 1.0, **attributes: int) -> None:
        """Add a toxic."""
        body = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        answer = self.server.call("POST", f"{self.path}/toxics", body)
        assert answer.status == 200, answer

    def update(self, name: str = "toxic", **attributes: int) -> None:
        """Change a toxic's attributes."""
        answer = self.server.call("POST", f"{self.path}/toxics/{name}", {"attributes": attributes})
        assert answer.status == 200, answer

    def remove(self, name: str = "toxic") -> None:
        """Remove a toxic."""
        answer = self.server.call("DELETE", f"{self.path}/toxics/{name}")
        assert answer.status == 204, answer

    def switch(self, *, enabled: bool) -> None:
        """Enable or disable the proxy."""
        answer = self.server.call("POST", self.path, {"enabled": enabled})
        assert answer.status == 200, answer


_names = iter(range(1_000_000))


@contextlib.contextmanager
def wired(server: ProxyProcess) -> Iterator[Wire]:
    """A proxy in front of a listening socket; everything is closed and deleted at the end."""
    name = f"wire{next(_names)}"
    with socket.create_server((HOST, 0), backlog=512) as listener:
        listener.settimeout(DEADLINE_S)
        upstream = f"{HOST}:{listener.getsockname()[1]}"
        answer = server.call("POST", "/proxies", {"name": name, "listen": f"{HOST}:0", "upstream": upstream})
        assert answer.status == 201, answer
        created = answer.json()
        assert isinstance(created, dict)
        wire = Wire(server, name, listener, (HOST, int(created["listen"].rpartition(":")[2])))
        try:
            yield wire
        finally:
            server.call("DELETE", wire.path)
            for connection in wire.open:
                connection.close()


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """``size`` bytes, or fewer if the connection ends before."""
    received = bytearray()
    while len(received) < size and (data := connection.recv(min(size - len(received), 1 << 20))):
        received += data
    return bytes(received)


def receive_all(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    received = bytearray()
    while data := connection.recv(1 << 20):
        received += data
    return bytes(received)


def ending(connection: socket.socket) -> str:
    """How ``connection`` ends: ``eof`` or ``reset``; data before it is read and forgotten."""
    try:
        receive_all(connection)
    except ConnectionResetError:
        return "reset"
    return "eof"


def is_silent(connection: socket.socket) -> bool:
    """Whether nothing arrives, not even an end, for `QUIET_S`."""
    connection.settimeout(QUIET_S)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(DEADLINE_S)
    return False


def passes(flow: Flow, data: bytes) -> bool:
    """Whether ``data`` gets through ``flow`` intact."""
    flow.sender.sendall(data)
    return receive_exactly(flow.receiver, len(data)) == data


@contextlib.contextmanager
def sending(connection: socket.socket, data: bytes) -> Iterator[threading.Thread]:
    """Send ``data`` beside what the block does; it has been taken when the block ends."""
    failures: list[OSError] = []

    def send() -> None:
        try:
            connection.sendall(data)
        except OSError as problem:
            failures.append(problem)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(3 * DEADLINE_S)
    assert not thread.is_alive()
    assert not failures
