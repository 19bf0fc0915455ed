"""A local server that a fault may strike down: after each of its lives it comes back on the same port and directory.

`harness.stack.local` starts a server that lives once. Where a scenario has a fault of the server itself, the trial
gets one of these instead; for the trial it is the same local stack. A fault that needs the block device gets a server
on a disk of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.model.errors import NotPossible
from harness.model.values import FaultPlan, StackChoice
from harness.model.words import SERVER_FAULTS, FaultModel, LinkRole, Persistence, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.fsync import FsyncDelay, why_no_delay
from harness.stack.inspection import read_product, read_settings, refuse_without_streams
from harness.stack.ports import reserve_port
from harness.stack.power import PowerSupply, why_not
from harness.stack.profiles import profile_settings
from harness.stack.restartable import Place, RestartableServer


class Breaks(IntEnum):
    """What a trial's faults will do to the server, and so what it has to be able to live through."""

    NOTHING = 0
    PROCESS = 1
    """It is killed, stopped, or set up anew."""
    DISK = 2
    """What lies on its block device matters: it needs a disk of its own."""


_ON_A_DISK = frozenset({FaultModel.POWER_LOSS, FaultModel.DISK_FULL})


def what_breaks(plans: Sequence[FaultPlan]) -> Breaks:
    """The hardest of what ``plans`` do to the server."""
    models = {plan.model for plan in plans}
    if models & _ON_A_DISK:
        return Breaks.DISK
    return Breaks.PROCESS if models & SERVER_FAULTS else Breaks.NOTHING


@dataclass(frozen=True, slots=True)
class BreakableStack:
    """A server process that is ours, and may die and come back."""

    machine: RestartableServer
    supply: PowerSupply | None
    """Its disk and power, where it has its own."""
    product: str
    settings: Mapping[str, str]
    delay: FsyncDelay | None = None
    """What its fsyncs can be slowed by, where a fault does."""
    kind: StackKind = StackKind.LOCAL
    capabilities: frozenset[Capability] = frozenset(Capability)

    @property
    def server(self) -> ServerAddress:
        """The same in all its lives."""
        return self.machine.address

    @property
    def upstream(self) -> str:
        """Where a proxy process finds the server."""
        return f"{self.server.host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:  # noqa: ARG002  # the protocol's signature
        """None: proxies of our own are started."""
        return None

    def close(self) -> None:
        """Stop the server, and remove its directory and its disk; its log stays."""
        _end(self.machine, self.supply, self.delay)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_breakable(
    choice: StackChoice,
    *,
    persistence: Persistence,
    settings: Mapping[str, str] | None = None,
    folder: Path,
    breaks: Breaks,
    slows_fsync: bool = False,
) -> BreakableStack:
    """Start such a server with the profile and ``settings`` besides below ``folder``; it answers on return.

    Raises:
        NotPossible: it needs a disk of its own, and this machine lets us make none, or its fsyncs can't be slowed.
    """
    if breaks is Breaks.DISK and (reason := why_not()):
        raise NotPossible(f"the server's power can't be cut, nor its disk filled, on this machine: {reason}")
    if slows_fsync and (reason := why_no_delay()):
        raise NotPossible(f"the server's fsyncs can't be slowed on this machine: {reason}")
    program = choose_program(choice.server_path)
    root = folder.resolve()
    place = Place(reserve_port(), root / "server", root / "logs" / "server.log")
    place.log_path.parent.mkdir(parents=True, exist_ok=True)
    delay = FsyncDelay.build(root / "server-fsync") if slows_fsync else None
    env = delay.env if delay is not None else None
    supply = None
    if breaks is Breaks.DISK:
        place.directory.mkdir(parents=True, exist_ok=True)
        supply = PowerSupply.open(program, place, persistence=persistence, settings=settings, env=env)
        machine = supply.server
    else:
        machine = RestartableServer(
            program, place, settings={**profile_settings(persistence), **(settings or {})}, env=env, name="server"
        )
    try:
        machine.start()
        with admin_client(machine.address) as client:
            refuse_without_streams(client, fix="use Redis 6.2 or newer, or any Valkey")
            return BreakableStack(machine, supply, read_product(client), read_settings(client), delay)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        _end(machine, supply, delay)
        raise


def _end(machine: RestartableServer, supply: PowerSupply | None, delay: FsyncDelay | None) -> None:
    machine.resume()
    machine.stop()
    if supply is not None:
        supply.close()
    if delay is not None:
        delay.close()
        shutil.rmtree(delay.folder, ignore_errors=True)
    shutil.rmtree(machine.place.directory, ignore_errors=True)
