"""The default stack: one server process of our own on 127.0.0.1, in a directory of its own.

Links are not provided: `harness.faults` starts a proxy process per link in front of `LocalStack.upstream`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.model.values import StackChoice
from harness.model.words import LinkRole, Persistence, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.binaries import ServerProgram, choose_program
from harness.stack.connect import admin_client
from harness.stack.inspection import read_product, read_settings, refuse_without_streams
from harness.stack.process import ManagedProcess, free_port, wait_until
from harness.stack.profiles import as_arguments, profile_settings

HOST = "127.0.0.1"
READY_DEADLINE_S = 20.0
PORTS_TO_TRY = 5
_PORT_TAKEN = "already in use"
_ASK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A server process that is ours from start to end."""

    process: ManagedProcess
    directory: Path
    server: ServerAddress
    product: str
    settings: Mapping[str, str]
    kind: StackKind = StackKind.LOCAL
    capabilities: frozenset[Capability] = frozenset(Capability)

    @property
    def upstream(self) -> str:
        """Where a proxy process finds the server."""
        return f"{self.server.host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:  # noqa: ARG002  # the protocol's signature
        """None: proxies of our own are started."""
        return None

    def check_alive(self) -> None:
        """No fault strikes this server: a trial whose server died had one that no report would name."""
        status = self.process.poll()
        if status is not None:
            raise TrialError(f"the server ended by itself with status {status}: {self.process.log_tail(8)}")

    def close(self) -> None:
        """Stop the server and remove its directory; its log stays."""
        self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_local(
    choice: StackChoice, *, persistence: Persistence, settings: Mapping[str, str] | None = None, folder: Path
) -> LocalStack:
    """Start a server with the profile and ``settings`` besides below ``folder`` and return once it answers.

    A port that somebody took between our looking and the server's binding is replaced by a fresh one, a few times.
    """
    program = choose_program(choice.server_path)
    profile = {**profile_settings(persistence), **(settings or {})}
    directory = folder.resolve() / "server"
    directory.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, PORTS_TO_TRY + 1):
        port = free_port()
        process = _start(program, port, settings=profile, directory=directory)
        try:
            return _ready_stack(process, port, directory)
        except BaseException as error:
            process.kill()
            lost_port = isinstance(error, EnvironmentUnavailable) and _PORT_TAKEN in process.log_tail()
            if not lost_port or attempt == PORTS_TO_TRY:
                shutil.rmtree(directory, ignore_errors=True)
                raise
    raise AssertionError("the last attempt returns or raises")


def _start(program: ServerProgram, port: int, *, settings: Mapping[str, str], directory: Path) -> ManagedProcess:
    """Start ``program``. Its log begins afresh with every attempt, so that the tail is about this one."""
    log_path = directory.parent / "logs" / "server.log"
    log_path.unlink(missing_ok=True)
    own = {"port": str(port), "bind": HOST, "dir": str(directory), "daemonize": "no", "protected-mode": "yes"}
    arguments = [word for name, value in own.items() for word in (f"--{name}", value)]
    return ManagedProcess.start(
        [str(program.path), *arguments, *as_arguments(settings)],
        name=f"{program.product} {program.version}",
        log_path=log_path,
        cwd=directory,
    )


def _ready_stack(process: ManagedProcess, port: int, directory: Path) -> LocalStack:
    """Wait until the server answers, and ask it who it is."""
    address = ServerAddress(HOST, port)
    with admin_client(address, timeout_s=_ASK_TIMEOUT_S) as client:
        wait_until(
            lambda: _is_ours(client, directory),
            deadline_s=READY_DEADLINE_S,
            what=f"the server answers PING on port {port}",
            process=process,
        )
        refuse_without_streams(client, fix="use Redis 6.2 or newer, or any Valkey")
        return LocalStack(process, directory, address, read_product(client), read_settings(client))


def _is_ours(client: redis.Redis, directory: Path) -> bool:
    """Whether our server answers, and not a stranger who took the port before it."""
    try:
        client.ping()
        stated = client.config_get("dir").get("dir")
    except redis.RedisError:
        return False
    return stated is not None and Path(str(stated)).resolve() == directory.resolve()
