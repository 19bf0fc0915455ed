"""What every stack offers, wherever its servers come from.

A stack is opened for one trial and closed at its end. From then on the trial runs the same code on every kind::

    with open_stack(choice, persistence=Persistence.OFF, folder=folder, roles=(LinkRole.CONSUMERS,)) as stack:
        print(stack.product, stack.server)

Admin and oracle connections go to ``stack.server`` directly; clients go through the links that `harness.faults`
puts in front of ``stack.upstream``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from harness.model.words import LinkRole, StackKind


class Capability(StrEnum):
    """What a stack allows beyond data commands. A guest's house (an address given from outside) allows none."""

    CONFIGURE = "configure"
    FLUSH = "flush"
    KILL_SERVER = "kill the server"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to speak TLS to the server."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    server_name: str | None = None
    """The name that the certificate is checked against, since a link is reached under another one."""


@dataclass(frozen=True, slots=True)
class SentinelGroup:
    """The Sentinels that know where a master is."""

    service: str
    """The name under which they watch it."""
    members: tuple[tuple[str, int], ...]
    """Host and port of each."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where to connect and as whom. Secrets are never part of the ``repr`` and never written to a file."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: TlsSettings | None = None
    sentinels: SentinelGroup | None = None
    """Whom a client asks for the master before each connection; ``host`` and ``port`` then say only where it was."""

    def through(self, host: str, port: int) -> ServerAddress:
        """The same server, reached through a link that listens on ``host``:``port``."""
        tls = self.tls
        if tls is not None and tls.server_name is None:
            tls = replace(tls, server_name=self.host)
        return replace(self, host=host, port=port, tls=tls, sentinels=None)

    def found_by(self, sentinels: SentinelGroup) -> ServerAddress:
        """Whoever ``sentinels`` name as the master, reached straight."""
        return replace(self, sentinels=sentinels)


@dataclass(frozen=True, slots=True)
class ProvidedProxy:
    """A Toxiproxy process that the stack itself brings for one link (Docker, or an address given from outside)."""

    api_host: str
    api_port: int
    listen: str
    """The address that the proxy is told to listen on, as it sees it."""
    client_host: str
    client_port: int
    """Where clients reach that listener."""
    upstream: str
    """The server's ``host:port`` as the proxy sees it."""
    respawn: Callable[[], None] | None
    """Kill and restart the proxy after a wedge; ``None`` where it is not ours to kill."""


@runtime_checkable
class Watched(Protocol):
    """A stack that knows when its server has ended although nothing planned it."""

    def check_alive(self) -> None:
        """Raise `TrialError` where the server has ended by itself."""


class RunningStack(Protocol):
    """A stack that is up and probed."""

    @property
    def kind(self) -> StackKind:
        """Which kind of stack this is."""

    @property
    def server(self) -> ServerAddress:
        """The server itself, never through a proxy."""

    @property
    def upstream(self) -> str:
        """The server's ``host:port`` for a proxy process on this machine."""

    @property
    def product(self) -> str:
        """Server product and version, e.g. ``valkey 9.1.2``."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The server settings that matter for the result (persistence, limits), as read from the server."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What may be done to the server beyond using it."""

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:
        """The proxy that the stack brings for ``role``; ``None``: start one of our own."""

    def close(self) -> None:
        """End everything that this stack started. Idempotent."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
