"""A master, its replicas and their Sentinels as the stack of one trial.

Each replica follows the first master through a link of its own, so that replication can be cut. What the rest of the
trial knows as *the server* is the master: after a failover that is another one, and the links of producers and
consumers lead to it, as a name or a virtual address would.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.faults.engine import acquire_engine
from harness.faults.failover import ReplicationLinks
from harness.model.errors import NotPossible, TrialError
from harness.model.values import Scenario, StackChoice
from harness.model.words import LinkRole, StackKind
from harness.stack.base import Capability, ProvidedProxy, SentinelGroup, ServerAddress
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.inspection import read_product, read_settings, refuse_without_streams
from harness.stack.replication import Layout, ReplicatedStack, open_replication
from harness.trial.reign import Reign, begin_reign, one_reign


@dataclass(slots=True)
class ReplicatedTrialStack:
    """Servers and Sentinels of one trial. ``server`` moves with `lead_to`."""

    servers: ReplicatedStack
    replication: ReplicationLinks
    reign: Reign
    product: str
    settings: Mapping[str, str]
    kind: StackKind = StackKind.LOCAL
    capabilities: frozenset[Capability] = frozenset(Capability)

    @property
    def server(self) -> ServerAddress:
        """The server that counts: the master to begin with, later whom clients were led to."""
        return self.reign.address

    @property
    def upstream(self) -> str:
        """Where a proxy process finds the master."""
        return f"{self.server.host}:{self.server.port}"

    @property
    def sentinels(self) -> SentinelGroup:
        """Whom clients can ask for the master."""
        return self.servers.sentinel_group

    def lead_to(self, master: ServerAddress) -> None:
        """From now on this is the server that counts. Raises `TrialError` where it is not the master."""
        self.reign = begin_reign(self.servers.sentinels, master)

    def one_reign(self) -> AbstractContextManager[None]:
        """While it is entered no other server may become the master. Raises `TrialError` at its end if one did."""
        return one_reign(self.servers.sentinels, self.reign)

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:  # noqa: ARG002  # the protocol's signature
        """None: proxies of our own are started."""
        return None

    def check_alive(self) -> None:
        """No fault strikes a Sentinel: one that ended by itself is a fault that no report would name."""
        for sentinel in self.servers.sentinels:
            if sentinel.process.poll() is not None:
                raise TrialError(f"a Sentinel ended by itself: {sentinel.process.log_tail(8)}")

    def close(self) -> None:
        """End every process. Idempotent."""
        self.servers.close()
        self.replication.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_replicated(choice: StackChoice, scenario: Scenario, *, folder: Path) -> ReplicatedTrialStack:
    """Start everything below ``folder``; both replicas are online on return.

    Raises:
        NotPossible: the servers are not ours to replicate, or their program cannot be a Sentinel.
        EnvironmentUnavailable: they do not come up.
    """
    if choice.kind is not StackKind.LOCAL:
        raise NotPossible(
            "it needs a master, replicas and Sentinels that are processes of our own", fix="play it with --stack local"
        )
    program = choose_program(choice.server_path)
    engine = acquire_engine(choice.proxy_engine, path=choice.proxy_path, say=lambda _: None)
    layout = Layout.choose(folder)
    replication = ReplicationLinks.open(engine, layout)
    try:
        servers = open_replication(
            program,
            layout,
            persistence=scenario.persistence,
            paths=replication.paths,
            settings=scenario.server_settings,
        )
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        replication.close()
        raise
    try:
        with admin_client(layout.master) as client:
            refuse_without_streams(client, fix="use Redis 6.2 or newer, or any Valkey")
            product, settings = read_product(client), read_settings(client)
        reign = begin_reign(servers.sentinels, layout.master)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        servers.close()
        replication.close()
        raise
    return ReplicatedTrialStack(servers, replication, reign, product, settings)
