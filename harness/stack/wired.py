"""A local server that clients reach through wires, one for each role: no proxy stands between, and packets can be lost.

For the trial it is the same local stack; its clients live in network namespaces (`harness.stack.namespaces`), and so
does what watches their way. The harness itself reaches the server on 127.0.0.1, where nothing is ever dropped.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.model.errors import NotPossible, TrialError
from harness.model.values import StackChoice
from harness.model.words import LinkRole, Persistence, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.inspection import read_product, read_settings, refuse_without_streams
from harness.stack.namespaces import Wire
from harness.stack.ports import reserve_port
from harness.stack.profiles import profile_settings
from harness.stack.restartable import HOST, Place, RestartableServer


@dataclass(frozen=True, slots=True)
class WiredStack:
    """A server process that is ours, and the wires to it."""

    machine: RestartableServer
    wires: Mapping[LinkRole, Wire]
    product: str
    settings: Mapping[str, str]
    kind: StackKind = StackKind.LOCAL
    capabilities: frozenset[Capability] = frozenset(Capability)

    @property
    def server(self) -> ServerAddress:
        """Where the harness reaches it, through no wire."""
        return self.machine.address

    @property
    def upstream(self) -> str:
        """Where a proxy process would find the server."""
        return f"{self.server.host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:  # noqa: ARG002  # the protocol's signature
        """None: there is no proxy."""
        return None

    def check_alive(self) -> None:
        """No fault strikes this server, nor what holds its wires."""
        status = self.machine.process.poll()
        if status is not None:
            raise TrialError(f"the server ended by itself with status {status}: {self.machine.process.log_tail(8)}")
        for wire in self.wires.values():
            wire.check_alive()

    def close(self) -> None:
        """Stop the server, and remove its directory and the wires; its log stays."""
        self.machine.stop()
        shutil.rmtree(self.machine.place.directory, ignore_errors=True)
        _close(self.wires)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_wired(
    choice: StackChoice,
    *,
    persistence: Persistence,
    settings: Mapping[str, str] | None = None,
    folder: Path,
    roles: Sequence[LinkRole],
) -> WiredStack:
    """Wires for ``roles``, and a server with the profile and ``settings`` besides that listens on them.

    Raises:
        NotPossible: the server is not ours to place, or this machine lets us make no wire.
        EnvironmentUnavailable: the server does not come up, or is too old for Streams.
    """
    if choice.kind is not StackKind.LOCAL:
        raise NotPossible(
            "its clients reach the server through network namespaces of this machine, so the server has to be a "
            "process of our own",
            fix="play it with --stack local",
        )
    program = choose_program(choice.server_path)
    root = folder.resolve()
    wires = _open_wires(root, roles)
    hosts = (HOST, *(wire.server_host for wire in wires.values()))
    place = Place(reserve_port(), root / "server", root / "logs" / "server.log", hosts=hosts)
    # Its wires carry nobody but our clients; a server without a password would turn away whoever is not on 127.0.0.1.
    profile = {**profile_settings(persistence), **(settings or {}), "protected-mode": "no"}
    machine = RestartableServer(program, place, settings=profile)
    try:
        machine.start()
        with admin_client(machine.address) as client:
            refuse_without_streams(client, fix="use Redis 6.2 or newer, or any Valkey")
            return WiredStack(machine, wires, read_product(client), read_settings(client))
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        machine.stop()
        shutil.rmtree(place.directory, ignore_errors=True)
        _close(wires)
        raise


def _open_wires(folder: Path, roles: Sequence[LinkRole]) -> dict[LinkRole, Wire]:
    wires: dict[LinkRole, Wire] = {}
    try:
        for role in roles:
            wires[role] = Wire.open(folder, name=role.value)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        _close(wires)
        raise
    return wires


def _close(wires: Mapping[LinkRole, Wire]) -> None:
    for wire in wires.values():
        wire.close()
