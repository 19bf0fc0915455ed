"""The stack in Docker: Redis and one Toxiproxy per link, as ``docker-compose.yml`` pins them.

Each trial is a Compose project of its own, removed at the end on every path: by `ComposeStack.close`, and by a
`Caretaker` when this process is killed. Everything is published on 127.0.0.1 only.

How clients get there matters for the result. Docker's own port forwarder accepts every connection and only then tries
to reach the container: a link that is down does not refuse, and a reset arrives as an orderly end. Where the engine's
network is on this machine (Linux), containers are therefore reached at their own addresses; elsewhere through the
published ports, and `ComposeStack.route` says which it was.
"""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from harness.model.errors import EnvironmentUnavailable
from harness.model.words import LinkRole, Persistence, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.connect import admin_client
from harness.stack.engine import find_engine
from harness.stack.inspection import read_product, read_settings, refuse_without_streams
from harness.stack.ports import quiet_port
from harness.stack.process import wait_until
from harness.stack.profiles import as_arguments, profile_settings
from harness.stack.project import PortTaken, Project, Route

REDIS = "redis"
REDIS_PORT = 6379
API_PORT = 8474
LINK_PORT = 6380
READY_DEADLINE_S = 30.0
PORT_TRIES = 5
_ASK_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class ComposeStack:
    """Containers of our own, from ``up`` to ``down``."""

    project: Project
    server: ServerAddress
    product: str
    settings: Mapping[str, str]
    proxies: Mapping[LinkRole, ProvidedProxy]
    route: str
    """How clients reach the containers, in words."""
    kind: StackKind = StackKind.COMPOSE
    capabilities: frozenset[Capability] = field(default=frozenset(Capability))

    @property
    def upstream(self) -> str:
        """Where a proxy process on this machine finds the server."""
        return f"{self.server.host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:
        """The Toxiproxy container of ``role``."""
        return self.proxies.get(role)

    def close(self) -> None:
        """Save the containers' logs and remove the project. Idempotent."""
        self.project.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_compose(
    *,
    persistence: Persistence,
    settings: Mapping[str, str] | None = None,
    folder: Path,
    roles: Sequence[LinkRole],
) -> ComposeStack:
    """Bring a project up and return once its server and its proxies answer.

    Raises `EnvironmentUnavailable` when Docker, Compose or an image is not to be had, with the fix.
    """
    profile = {**profile_settings(persistence), **(settings or {})}
    with ExitStack() as on_failure:
        project = _bring_up(profile, folder, roles, on_failure)
        stack = _probed(project, roles)
        on_failure.pop_all()
        return stack


def service_of(role: LinkRole) -> str:
    """The name of a link's service in ``docker-compose.yml``."""
    return f"toxiproxy-{role.value}"


def _bring_up(settings: Mapping[str, str], folder: Path, roles: Sequence[LinkRole], on_failure: ExitStack) -> Project:
    """Start the containers; with other ports when somebody took one in between, a few times."""
    for attempt in range(1, PORT_TRIES + 1):
        project = Project(find_engine(), name=f"pvs-{secrets.token_hex(4)}", folder=folder, env=_environment(settings))
        on_failure.callback(project.close)
        try:
            project.have_images()
            project.up([REDIS, *(service_of(role) for role in roles)])
            return project
        except PortTaken:
            project.close()
            if attempt == PORT_TRIES:
                raise
    raise AssertionError("the last attempt returns or raises")


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``docker-compose.yml``: the settings profile, and ports that a restart does not change."""
    ports = {f"{role.name}_{use}_PORT": str(quiet_port()) for role in LinkRole for use in ("API", "LINK")}
    return {
        **os.environ,
        **ports,
        "REDIS_PORT": str(quiet_port()),
        "REDIS_ARGUMENTS": shlex.join(as_arguments(settings)),
    }


def _probed(project: Project, roles: Sequence[LinkRole]) -> ComposeStack:
    """Wait until everything answers, and ask the server who it is."""
    route = project.route()
    address = ServerAddress(*project.reach(REDIS, REDIS_PORT, route))
    proxies = {role: _provided(project, role, route) for role in roles}
    with admin_client(address, timeout_s=_ASK_TIMEOUT_S) as client:
        _wait(lambda: _answers(client), f"redis answers PING at {address.host}:{address.port}", project)
        refuse_without_streams(client, fix="set REDIS_IMAGE to an image of Redis 6.2 or newer")
        product, settings = read_product(client), read_settings(client)
    for role, proxy in proxies.items():
        _wait(lambda: project.listens(proxy.api_host, proxy.api_port), f"{service_of(role)} answers", project)  # noqa: B023  # called at once
    return ComposeStack(project, address, product, settings, proxies, route.value)


def _provided(project: Project, role: LinkRole, route: Route) -> ProvidedProxy:
    service = service_of(role)
    api_host, api_port = project.reach(service, API_PORT, route)
    client_host, client_port = project.reach(service, LINK_PORT, route)
    return ProvidedProxy(
        api_host=api_host,
        api_port=api_port,
        listen=f"0.0.0.0:{LINK_PORT}",
        client_host=client_host,
        client_port=client_port,
        upstream=f"{REDIS}:{REDIS_PORT}",
        respawn=lambda: project.respawn(service, route),
    )


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _wait(condition: Callable[[], bool], what: str, project: Project) -> None:
    try:
        wait_until(condition, deadline_s=READY_DEADLINE_S, what=what)
    except EnvironmentUnavailable as error:
        raise EnvironmentUnavailable(
            f"{error.message}\n{project.container_tails()}",
            fix="where the engine runs on another machine, its 127.0.0.1 is not ours: use an engine on this one",
        ) from error
