"""What servers say of themselves while they are broken: INFO, asked again and again on straight connections.

One thread per server, so that a slow one keeps nobody waiting, one question at a time, a new connection after each
failure. Where a moment has to be seen, `Lookout.look_now` asks beside them, once. A server that does not answer makes
no sight: its silence is seen by the sentinel, which pings it without waiting. A lookout is not counted in any result;
it is what a fault of a server is believed by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import redis

from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client

INTERVAL_S: Final = 0.05
_ASK_TIMEOUT_S: Final = 1.0
_START_DEADLINE_S: Final = 10.0
_STOP_DEADLINE_S: Final = 5.0
STALE_NS: Final = int(2 * (_ASK_TIMEOUT_S + INTERVAL_S) * 1e9)
"""A sight that is older tells nothing of a server any more: two questions in a row went without an answer since."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One answer of a server. Counters are as the server has them: from its start on, in this life."""

    port: int
    asked_ns: int
    answered_ns: int
    run_id: str
    """Another one in each life."""
    role: str
    loading: bool = False
    """It still reads its data and answers hardly anything else."""
    oom_errors: int = 0
    misconf_errors: int = 0
    evicted_keys: int = 0
    maxmemory: int = 0
    aof_write_ok: bool = True
    replication_offset: int = 0
    """A master: what it has written for its replicas. A replica: what has reached it."""


class Lookout:
    """Watches servers. A context manager: every server has answered once on entry, and its threads end on exit."""

    def __init__(self, servers: Sequence[ServerAddress], *, interval_s: float = INTERVAL_S) -> None:
        self._servers = tuple(servers)
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._news = threading.Condition()
        self._sights: list[Sight] = []
        self._threads = [
            threading.Thread(target=self._run, args=(server,), name=f"lookout-{server.port}", daemon=True)
            for server in self._servers
        ]

    def look_now(self, server: ServerAddress) -> None:
        """Ask once more at once, on a connection of its own, whatever question is still waiting for its answer.

        Does not wait; the thread ends with its answer, or after the timeout of one, and is joined with the others.
        """
        if self._stopping.is_set():
            return
        thread = threading.Thread(target=self._run_once, args=(server,), name=f"look-{server.port}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def sights(self) -> tuple[Sight, ...]:
        """All until now, in the order in which they were answered."""
        with self._news:
            return tuple(self._sights)

    def wait_sight(self, port: int, after_ns: int, *, deadline_s: float) -> Sight | None:
        """Wait for an answer, to a question asked later than ``after_ns``, of a server that has its data."""

        def found() -> Sight | None:
            return next(
                (it for it in self._sights if it.port == port and it.asked_ns > after_ns and not it.loading), None
            )

        with self._news:
            return self._news.wait_for(found, timeout=deadline_s)

    def __enter__(self) -> Self:
        begin = time.monotonic_ns()
        for thread in self._threads:
            thread.start()
        for server in self._servers:
            if self.wait_sight(server.port, begin, deadline_s=_START_DEADLINE_S) is None:
                self.stop()
                raise EnvironmentUnavailable(
                    f"the server at {server.host}:{server.port} does not answer INFO",
                    fix="check that it runs and that INFO is permitted",
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the threads. Idempotent."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is None:
                continue
            thread.join(_STOP_DEADLINE_S)
            if thread.is_alive():
                raise TrialError(f"{thread.name} did not stop within {_STOP_DEADLINE_S:g} s")

    def _run(self, server: ServerAddress) -> None:
        with admin_client(server, timeout_s=_ASK_TIMEOUT_S) as client:
            while not self._stopping.is_set():
                self._ask(client, server.port)
                self._stopping.wait(self._interval_s)

    def _run_once(self, server: ServerAddress) -> None:
        with admin_client(server, timeout_s=_ASK_TIMEOUT_S) as client:
            self._ask(client, server.port)

    def _ask(self, client: redis.Redis, port: int) -> None:
        asked = time.monotonic_ns()
        try:
            said = client.info("everything")
        except redis.RedisError:
            return
        sight = _sight(port, asked, time.monotonic_ns(), said)
        with self._news:
            self._sights.append(sight)
            self._news.notify_all()


def _sight(port: int, asked_ns: int, answered_ns: int, said: Mapping[str, object]) -> Sight:
    def number(name: str) -> int:
        return int(str(said.get(name, 0)))

    return Sight(
        port=port,
        asked_ns=asked_ns,
        answered_ns=answered_ns,
        run_id=str(said.get("run_id", "")),
        role=str(said.get("role", "")),
        loading=bool(number("loading")),
        oom_errors=_errors(said, "OOM"),
        misconf_errors=_errors(said, "MISCONF"),
        evicted_keys=number("evicted_keys"),
        maxmemory=number("maxmemory"),
        aof_write_ok=said.get("aof_last_write_status", "ok") == "ok",
        replication_offset=number("slave_repl_offset" if said.get("role") == "slave" else "master_repl_offset"),
    )


def _errors(said: Mapping[str, object], kind: str) -> int:
    """INFO errorstats: how many commands were answered by an error of this kind."""
    found = said.get(f"errorstat_{kind}")
    return int(str(found.get("count", 0))) if isinstance(found, dict) else 0
