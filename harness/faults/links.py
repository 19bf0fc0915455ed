"""The links of a trial: for each role a proxy process of its own between the clients and the server.

One process per link, so that a proxy that wedges takes no other link with it::

    with open_links(stack, engine, roles=(LinkRole.CONSUMERS,), folder=folder) as links:
        link = links.link(LinkRole.CONSUMERS)
        clients_connect_to(link.host, link.port)

When a control call ends in the unknown, the link's proxy process is killed and a new one takes its place on the same
port, without toxics; the error propagates all the same, since no count of that trial can be trusted.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from harness.faults.adapter import ControlApi, ControlOutcomeUnknown, Toxic
from harness.faults.base import CallTimes, Engine, Link, Route
from harness.faults.packets import WireRoute
from harness.faults.proxies import HOST, OwnProxy, ProxyServer, VisitedProxy
from harness.model.errors import EnvironmentUnavailable, HarnessError, TrialError, UsageError
from harness.model.words import LinkRole
from harness.stack.base import ProvidedProxy, RunningStack
from harness.stack.ports import reserve_port
from harness.stack.wired import WiredStack

_CREATE_TRIES: Final = 3

T = TypeVar("T")


class ProxiedLink:
    """A `harness.faults.base.Link`: one proxy on one proxy server."""

    def __init__(
        self,
        server: ProxyServer,
        *,
        role: LinkRole,
        upstream: str,
        listen: str,
        client: tuple[str, int] | None = None,
    ) -> None:
        """Make the proxy. ``client`` is where clients reach it, where that is not ``listen``."""
        self._server = server
        self._name = f"harness-{role.value}-{secrets.token_hex(4)}"
        self._upstream = upstream
        self._listen = server.api.create(self._name, listen=listen, upstream=upstream)
        host, _, port = self._listen.rpartition(":")
        self.host, self.port = (host, int(port)) if client is None else client
        self.role = role
        self.engine = server.engine

    def add_toxic(self, *, name: str, kind: str, stream: str, attributes: dict[str, int]) -> CallTimes:
        """Add a toxic to existing and new connections."""
        toxic = Toxic(name=name, kind=kind, stream=stream, attributes=attributes)
        return self._guarded(lambda api: api.add_toxic(self._name, toxic))

    def remove_toxic(self, name: str) -> CallTimes:
        """Remove a toxic. Raises `harness.faults.adapter.ControlNotFound` where there is none of that name."""
        return self._guarded(lambda api: api.remove_toxic(self._name, name))

    def disable(self) -> CallTimes:
        """Close the listener and every connection."""
        return self._guarded(lambda api: api.set_enabled(self._name, False))

    def enable(self) -> CallTimes:
        """Listen again."""
        return self._guarded(lambda api: api.set_enabled(self._name, True))

    def recreate(self) -> CallTimes:
        """Delete the proxy and create it again on the same port."""

        def call(api: ControlApi) -> CallTimes:
            times = api.delete(self._name)
            self._create(api)
            return CallTimes(times.before_ns, time.monotonic_ns())

        return self._guarded(call)

    def redirect(self, upstream: str) -> CallTimes:
        """Lead to another server (``host:port``) from now on: every connection is closed, new ones go there."""
        self._upstream = upstream
        return self.recreate()

    def check_alive(self) -> None:
        """Raise `TrialError` where its proxy server has ended by itself."""
        self._server.check_alive()

    def close(self) -> None:
        """End the proxy server, or remove our proxy from one that stays. Idempotent, and never an error."""
        if self._server.stays:
            with contextlib.suppress(TrialError):
                self._server.api.delete(self._name)
        self._server.close()

    def _guarded(self, call: Callable[[ControlApi], T]) -> T:
        """Run ``call``; a proxy that left us in the unknown is replaced before the error goes on."""
        try:
            return call(self._server.api)
        except ControlOutcomeUnknown as error:
            try:
                self._server.respawn()
                self._create(self._server.api)
            except HarnessError as failure:
                error.add_note(f"its proxy could not be replaced: {failure.message}")
            else:
                error.add_note("its proxy was killed and replaced")
            raise

    def _create(self, api: ControlApi) -> None:
        api.create(self._name, listen=self._listen, upstream=self._upstream)


class Links:
    """The links of one trial. Made by `open_links`; a context manager that closes them."""

    def __init__(
        self, links: Mapping[LinkRole, ProxiedLink], wires: Mapping[LinkRole, WireRoute] | None = None
    ) -> None:
        self._links = dict(links)
        self._wires = dict(wires or {})

    @property
    def engine(self) -> str:
        """Which proxy serves the links, with its version; all of them where they differ."""
        if self._wires:
            return "no proxy, network namespaces"
        return ", ".join(sorted({link.engine for link in self._links.values()})) or "no proxy"

    def route(self, role: LinkRole) -> Route:
        """How ``role`` reaches the server: its wire where it has one, else its link."""
        return self._wires[role] if role in self._wires else self.link(role)

    def network(self, role: LinkRole) -> Path | None:
        """The network that ``role`` has to join for it (`harness.stack.private.join_network`); ``None``: this one."""
        return self._wires[role].network if role in self._wires else None

    def wire(self, role: LinkRole) -> WireRoute:
        """The wire of ``role``. Raises `UsageError` where there is none."""
        if role not in self._wires:
            raise UsageError(f"the {role.value} have no wire", fix="packets are dropped where a scenario is wired=True")
        return self._wires[role]

    def link(self, role: LinkRole) -> Link:
        """The link of ``role``. Raises `UsageError` where none was opened for it."""
        if role not in self._links:
            raise UsageError(f"no link was opened for the {role.value}", fix=f"open it: roles=({role!s}, …)")
        return self._links[role]

    def redirect(self, upstream: str) -> None:
        """Let every link lead to another server, as a name or a virtual address does after a failover."""
        for link in self._links.values():
            link.redirect(upstream)

    def check_alive(self) -> None:
        """Raise `TrialError` where a proxy server has ended by itself: the trial had a fault that nobody planned."""
        for link in self._links.values():
            link.check_alive()

    def close(self) -> None:
        """Close every link. Idempotent."""
        for link in self._links.values():
            link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_links(stack: RunningStack, engine: Engine | None, *, roles: Sequence[LinkRole], folder: Path) -> Links:
    """A link to ``stack`` for each of ``roles``; logs go to ``folder/logs``.

    ``engine`` may be ``None`` where the stack brings every proxy itself, or has wires instead of them. Raises
    `EnvironmentUnavailable`.
    """
    if isinstance(stack, WiredStack):
        return Links({}, {role: WireRoute(stack.wires[role], stack.server.port, role) for role in roles})
    links: dict[LinkRole, ProxiedLink] = {}
    try:
        for role in roles:
            provided = stack.provided_proxy(role)
            if provided is not None:
                links[role] = _visit(provided, role)
            elif engine is not None:
                links[role] = start_link(engine, upstream=stack.upstream, role=role, folder=folder)
            else:
                raise UsageError(f"the stack brings no proxy for the {role.value}", fix="name a proxy engine")
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        Links(links).close()
        raise
    return Links(links)


def start_link(engine: Engine, *, upstream: str, role: LinkRole, folder: Path) -> ProxiedLink:
    """A proxy process of our own in front of ``upstream`` (``host:port``). Raises `EnvironmentUnavailable`."""
    name = f"proxy-{role.value}"
    server = OwnProxy(engine, name=name, log_path=folder / "logs" / f"{name}.log")
    reasons = []
    try:
        for _ in range(_CREATE_TRIES):
            try:
                # While a link is down its port is free. Were it an ephemeral one, a client that keeps reconnecting
                # could be given it as its own port and meet itself, and enabling the proxy again would fail.
                return ProxiedLink(server, role=role, upstream=upstream, listen=f"{HOST}:{reserve_port()}")
            except TrialError as error:
                reasons.append(error.message)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        server.close()
        raise
    server.close()
    raise EnvironmentUnavailable(
        f"{engine.version} made no proxy in front of {upstream}: {reasons[-1]}", fix=f"read its log, {name}.log"
    )


def _visit(provided: ProvidedProxy, role: LinkRole) -> ProxiedLink:
    server = VisitedProxy(provided)
    client = (provided.client_host, provided.client_port)
    try:
        return ProxiedLink(server, role=role, upstream=provided.upstream, listen=provided.listen, client=client)
    except TrialError as error:
        raise EnvironmentUnavailable(
            f"the proxy at {server.api.address} made no link for the {role.value} on {provided.listen}: "
            f"{error.message}",
            fix="free that address on it, for instance by removing the proxies that an earlier run left there",
        ) from error
