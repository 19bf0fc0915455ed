"""A server process of our own that may die and come back: same directory, same port, same settings.

    server = RestartableServer(program, place, settings=profile_settings(Persistence.AOF_ALWAYS))
    server.start()
    server.kill()          # SIGKILL
    server.start()         # reads what its last life left in its directory

Its port is one that no outgoing connection is given, so that it is still free when the server comes back. The log is
appended to, life after life.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import redis

from harness.model.errors import TrialError
from harness.stack.base import ServerAddress
from harness.stack.binaries import ServerProgram
from harness.stack.connect import admin_client
from harness.stack.process import ManagedProcess, wait_until
from harness.stack.profiles import as_arguments

HOST = "127.0.0.1"
READY_DEADLINE_S = 30.0
_ASK_TIMEOUT_S = 2.0


class Surroundings(Protocol):
    """What a server runs inside of, e.g. a `harness.stack.disk.Disk` or a `harness.stack.private.PrivateSpace`."""

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` there, under the process id of the command itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens, works and logs."""

    port: int
    directory: Path
    log_path: Path
    hosts: tuple[str, ...] = (HOST,)
    """Addresses to listen on; the harness itself uses the first."""


class RestartableServer:
    """A Redis or Valkey server. Not running until `start`; a context manager that stops it."""

    def __init__(
        self,
        program: ServerProgram,
        place: Place,
        *,
        settings: Mapping[str, str],
        surroundings: Surroundings | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "server",
    ) -> None:
        self.program = program
        self.place = place
        self.name = name
        self.surroundings = surroundings
        """May be exchanged between two lives."""
        self._settings = dict(settings)
        self._env = env
        self._process: ManagedProcess | None = None

    @property
    def address(self) -> ServerAddress:
        """Where it is reached, straight."""
        return ServerAddress(self.place.hosts[0], self.place.port)

    @property
    def process(self) -> ManagedProcess:
        """Its present life. Raises `TrialError` before the first one."""
        if self._process is None:
            raise TrialError(f"{self.name} was never started")
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether its process exists (stopped by a signal or not)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return once it has loaded its data and answers. Raises `EnvironmentUnavailable`."""
        self.launch()
        try:
            self.wait_ready()
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            self.kill()
            raise

    def launch(self) -> None:
        """Start it without waiting for an answer."""
        if self.is_running:
            raise TrialError(f"{self.name} runs already, as process {self.process.pid}")
        self.place.directory.mkdir(parents=True, exist_ok=True)
        command = [str(self.program.path), *self._arguments()]
        self._process = ManagedProcess.start(
            command if self.surroundings is None else self.surroundings.inside(command),
            name=f"{self.name} ({self.program.product} {self.program.version})",
            log_path=self.place.log_path,
            env=self._env,
        )

    def wait_ready(self, deadline_s: float = READY_DEADLINE_S) -> None:
        """Wait until this very server answers and is not loading any more."""
        with admin_client(self.address, timeout_s=_ASK_TIMEOUT_S) as client:
            wait_until(
                lambda: self._answers(client),
                deadline_s=deadline_s,
                what=f"{self.name} answers on port {self.place.port}",
                process=self.process,
                interval_s=0.005,
            )

    def kill(self) -> int:
        """SIGKILL, and when it was sent (monotonic ns). Idempotent."""
        begin = time.monotonic_ns()
        if self._process is not None:
            self._process.kill()
        return begin

    def suspend(self) -> None:
        """SIGSTOP; returns once the system says that it is stopped."""
        self.process.suspend()

    def resume(self) -> None:
        """SIGCONT. Harmless when it is not suspended."""
        if self._process is not None:
            self._process.resume()

    def stop(self) -> None:
        """End it in order. Idempotent."""
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        own = {
            "port": str(self.place.port),
            "bind": " ".join(self.place.hosts),
            "dir": str(self.place.directory),
            "daemonize": "no",
        }
        return as_arguments({**own, **self._settings})

    def _answers(self, client: redis.Redis) -> bool:
        """Whether it answers: our process, and not a stranger on its port."""
        try:
            client.ping()
            return int(client.info("server")["process_id"]) == self.process.pid
        except redis.RedisError:
            return False
