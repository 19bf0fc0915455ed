"""The stack that runs already: a server given by ``REDIS_URL``, where we are guests.

We use keys and channels under random prefixes of our own and remove the keys (`harness.stack.keys.remove_keys`). We
change no setting, flush nothing, stop nothing: `ExternalStack.capabilities` is empty, and scenarios that need more are
skipped. `harness.stack.given` tells the variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from harness.model.words import LinkRole, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.connect import admin_client
from harness.stack.given import given_server, given_toxiproxy
from harness.stack.inspection import read_product, read_settings
from harness.stack.preflight import check_access
from harness.stack.visited import provided_place


@dataclass(frozen=True, slots=True)
class ExternalStack:
    """A server of somebody else, and perhaps a Toxiproxy of somebody else."""

    server: ServerAddress
    product: str
    settings: Mapping[str, str]
    proxies: Mapping[LinkRole, ProvidedProxy]
    kind: StackKind = StackKind.EXTERNAL
    capabilities: frozenset[Capability] = field(default_factory=frozenset)

    @property
    def upstream(self) -> str:
        """Where a proxy process on this machine finds the server."""
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return f"{host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:
        """A place on the Toxiproxy of ``TOXIPROXY_URL``; ``None`` where that is not set."""
        return self.proxies.get(role)

    def close(self) -> None:
        """Nothing: all of it stays as it was."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_external(*, roles: Sequence[LinkRole], environment: Mapping[str, str] | None = None) -> ExternalStack:
    """Check that the given server lets us work, and find places for the links on a given Toxiproxy.

    ``environment`` is this process's own unless given. Raises:
        UsageError: a variable that cannot be.
        EnvironmentUnavailable: unreachable, wrong password, forbidden, without Streams, a replica, …
    """
    variables = os.environ if environment is None else environment
    address = given_server(variables)
    toxiproxy = given_toxiproxy(variables)
    check_access(address)
    proxies = {} if toxiproxy is None else {role: provided_place(toxiproxy, address) for role in roles}
    with admin_client(address) as client:
        return ExternalStack(address, read_product(client), read_settings(client), proxies)
