"""Servers that are slow to say what they are: nobody else waits for them, and a moment is asked about at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import redis

from harness.faults import lookout as module
from harness.faults.lookout import Lookout
from harness.model.errors import EnvironmentUnavailable
from harness.stack.base import ServerAddress

ONE, OTHER = ServerAddress("127.0.0.1", 7000), ServerAddress("127.0.0.1", 7001)
DEADLINE_S = 10.0


@dataclass
class Servers:
    """Servers that do not exist: whoever is slow answers nobody who asks while it is, until it is let go."""

    slow: int = 0
    silent: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    stuck: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def client(self, address: ServerAddress, *, timeout_s: float) -> Iterator[Servers.Client]:
        yield Servers.Client(self, address.port, timeout_s)

    @dataclass
    class Client:
        servers: Servers
        port: int
        timeout_s: float

        def info(self, _section: str) -> dict[str, object]:
            if self.port == self.servers.silent:
                raise redis.TimeoutError
            if self.port == self.servers.slow:
                self.servers.stuck.set()
                self.servers.go_on.wait(DEADLINE_S)
            return {"role": "master", "master_repl_offset": 7, "run_id": "life"}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    made = Servers()
    monkeypatch.setattr(module, "admin_client", made.client)
    return made


def test_a_slow_server_keeps_no_other_from_being_asked(servers: Servers) -> None:
    """Each has a thread of its own."""
    with Lookout([ONE, OTHER], interval_s=0.001) as lookout:
        servers.slow = ONE.port
        assert servers.stuck.wait(DEADLINE_S)
        stuck_ns = time.monotonic_ns()
        assert lookout.wait_sight(OTHER.port, stuck_ns, deadline_s=DEADLINE_S) is not None
        assert lookout.wait_sight(ONE.port, stuck_ns, deadline_s=0) is None
        servers.go_on.set()


def test_a_moment_is_asked_about_while_an_earlier_question_waits(servers: Servers) -> None:
    """On a connection of its own, and what it says is a sight like others."""
    with Lookout([ONE], interval_s=0.001) as lookout:
        servers.slow = ONE.port
        assert servers.stuck.wait(DEADLINE_S)
        servers.slow = 0
        moment_ns = time.monotonic_ns()
        lookout.look_now(ONE)
        sight = lookout.wait_sight(ONE.port, moment_ns, deadline_s=DEADLINE_S)
        assert sight is not None
        assert (7, "life", "master") == (sight.replication_offset, sight.run_id, sight.role)
        servers.go_on.set()


def test_nobody_is_left_when_it_stops(servers: Servers) -> None:
    """Who looked once is joined with the others; later nobody begins."""
    before = set(threading.enumerate())
    with Lookout([ONE, OTHER]) as lookout:
        servers.silent = OTHER.port
        for server in (ONE, OTHER):
            lookout.look_now(server)
    lookout.look_now(ONE)
    lookout.stop()
    assert set() == set(threading.enumerate()) - before


def test_a_server_that_never_answers_is_no_start(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its thread ends."""
    before = set(threading.enumerate())
    monkeypatch.setattr(module, "_START_DEADLINE_S", 0.05)
    servers.silent = OTHER.port
    with pytest.raises(EnvironmentUnavailable, match=r"127\.0\.0\.1:7001 does not answer INFO"), Lookout([ONE, OTHER]):
        pytest.fail("it began")
    assert set() == set(threading.enumerate()) - before
