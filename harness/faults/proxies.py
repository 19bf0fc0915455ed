"""Proxy processes: those we start, and those that a stack brings.

Both offer their control API and can be replaced after a wedge. An `OwnProxy` listens on a free port, is proven to be
the process that answers there (a second Toxiproxy on a busy port neither listens nor exits), and logs to a file.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Final, Protocol

import psutil

from harness.faults.adapter import ControlApi
from harness.faults.base import Engine
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.stack.base import ProvidedProxy
from harness.stack.process import ManagedProcess, free_port, wait_until

HOST: Final = "127.0.0.1"
_START_DEADLINE_S: Final = 10.0
_START_TRIES: Final = 3
_PEEK_DEADLINE_S: Final = 0.5


class ProxyServer(Protocol):
    """A running proxy process with its control API."""

    @property
    def api(self) -> ControlApi:
        """Its control API; another one after `respawn`."""

    @property
    def engine(self) -> str:
        """What the report calls it."""

    @property
    def stays(self) -> bool:
        """Whether it goes on after `close`, so that what was made on it must be removed."""

    def check_alive(self) -> None:
        """Raise `TrialError` where it has ended by itself, as far as that can be seen."""

    def respawn(self) -> None:
        """Kill it and put another in its place. Raises `HarnessError` where that can't be done."""

    def close(self) -> None:
        """End it if it is ours. Idempotent."""


class OwnProxy:
    """A proxy process of our own. It is up when the constructor returns."""

    stays: Final = False

    def __init__(self, engine: Engine, *, name: str, log_path: Path) -> None:
        self._engine = engine
        self._name = name
        self._log_path = log_path
        self._process, self.api = self._start()

    @property
    def engine(self) -> str:
        """What the report calls it."""
        return self._engine.version

    @property
    def pid(self) -> int:
        """Of the process that serves now."""
        return self._process.pid

    def check_alive(self) -> None:
        """Nothing planned ends a proxy process: what went through it met a fault that no report would name."""
        status = self._process.poll()
        if status is not None:
            raise TrialError(f"{self._name} ended by itself with status {status}: {self._process.log_tail(8)}")

    def respawn(self) -> None:
        """SIGKILL the process and start another."""
        self._process.kill()
        self._process, self.api = self._start()

    def close(self) -> None:
        """Stop the process."""
        self._process.stop()

    def _start(self) -> tuple[ManagedProcess, ControlApi]:
        for _ in range(_START_TRIES):
            port = free_port()
            command = [*self._engine.command, "-host", HOST, "-port", str(port)]
            process = ManagedProcess.start(command, name=self._name, log_path=self._log_path, env={"LOG_LEVEL": "warn"})
            try:
                if _is_up(process, port):
                    return process, ControlApi(HOST, port)
            except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
                process.kill()
                raise
            process.kill()
        raise EnvironmentUnavailable(
            f"{self._name}: {_START_TRIES} free ports in a row were taken by somebody else",
            fix="run again, with fewer programs that open ports",
        )


class VisitedProxy:
    """A proxy that the stack brings: used, and replaced only if the stack says how."""

    stays: Final = True

    def __init__(self, provided: ProvidedProxy) -> None:
        self._provided = provided
        self.api = ControlApi(provided.api_host, provided.api_port)
        self.engine = engine_name(self._version())

    def check_alive(self) -> None:
        """It is somebody else's process: that its clients lose it is all that can be seen."""

    def respawn(self) -> None:
        """Ask the stack to restart it."""
        if self._provided.respawn is None:
            raise EnvironmentUnavailable(
                f"the proxy at {self.api.address} is not ours to restart", fix="restart it, then run again"
            )
        self._provided.respawn()
        wait_until(self._answers, deadline_s=_START_DEADLINE_S, what=f"the proxy at {self.api.address} answers again")

    def close(self) -> None:
        """Nothing: it stays."""

    def _version(self) -> str:
        try:
            version = self.api.version()
        except TrialError as error:
            raise EnvironmentUnavailable(
                f"no Toxiproxy answers at {self.api.address}: {error.message}", fix="start it, or correct its address"
            ) from error
        reason = refusal(version)
        if reason is not None:
            raise EnvironmentUnavailable(
                f"the proxy at {self.api.address} can't be used: {reason}", fix="run Toxiproxy 2.12.0 there"
            )
        return version

    def _answers(self) -> bool:
        try:
            self.api.version()
        except TrialError:
            return False
        return True


def engine_name(version: str) -> str:
    """What the report calls a proxy that says it is of this version; the built-in one is never called Toxiproxy."""
    number, mark, _ = version.partition("+builtin")
    return f"builtin (Toxiproxy {number} API)" if mark else f"toxiproxy {version}"


def refusal(version: str) -> str | None:
    """Why a Toxiproxy of this version is not taken; ``None`` if it is. ``git`` is: behaviour decides about it."""
    parts = version.split(".")
    if version == "git" or parts[:2] == ["2", "12"]:
        return None
    numbers = [int(part) for part in parts[:2] if part.isdigit()]
    if len(numbers) == 2 and numbers >= [2, 13]:
        return f"in Toxiproxy {version} a bandwidth of 0 means no limit at all, so a hold would hold nothing"
    return f'its version is "{version}", and only 2.12 was measured'


def _is_up(process: ManagedProcess, port: int) -> bool:
    """Wait until the port is served; whether it is ``process`` that serves it."""
    wait_until(
        lambda: _accepts(port),
        deadline_s=_START_DEADLINE_S,
        what=f"{process.name} listens on {HOST}:{port}",
        process=process,
    )
    return _serves(process.pid, port)


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=_PEEK_DEADLINE_S) as peek:
        # A connect to a free port of one's own host can meet itself.
        return bool(peek.getsockname() != peek.getpeername())
    return False


def _serves(pid: int, port: int) -> bool:
    """Whether the process listens on ``port``; benefit of the doubt where the system does not tell."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)
