"""One Compose project: brought up, asked where its containers are, and removed whatever happens."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import docker.errors
import psutil
import requests
from docker.models.containers import Container

from harness.model.errors import EnvironmentUnavailable
from harness.stack.caretaker import Caretaker
from harness.stack.engine import DockerEngine
from harness.stack.process import ManagedProcess, tail

UP_DEADLINE_S = 120.0
PULL_DEADLINE_S = 600.0
DOWN_DEADLINE_S = 90.0
_PEEK_DEADLINE_S = 0.5
_LOG_LINES = 10_000
_TAIL_LINES = 20
_PORT_TAKEN = ("already allocated", "already in use")
_ENGINE_TROUBLE = (docker.errors.DockerException, requests.RequestException)


class Route(StrEnum):
    """How clients reach a container."""

    OWN_ADDRESS = "at the containers' own addresses"
    PUBLISHED_PORT = "through Docker's port forwarder, which hides a refused or reset connection behind an accepted one"


class PortTaken(EnvironmentUnavailable):
    """Somebody took a port between our looking and the engine's binding."""


class Project:
    """A Compose project under a name of its own, with its logs below ``folder``."""

    def __init__(self, engine: DockerEngine, *, name: str, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._engine = engine
        self._env = env
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._compose_log = self._logs / "compose.log"
        self._caretaker: Caretaker | None = None

    def have_images(self) -> None:
        """Pull the images that the engine does not have. Raises `EnvironmentUnavailable` when one is not to be had."""
        missing = [image for image in self._images() if not self._has_image(image)]
        if missing and self._compose("pull", deadline_s=PULL_DEADLINE_S) != 0:
            raise EnvironmentUnavailable(
                f"the engine does not have {' and '.join(missing)} and cannot pull it:\n{self._complaint()}",
                fix="`docker pull` it where that works, or name a mirror's image: REDIS_IMAGE, TOXIPROXY_IMAGE",
            )

    def up(self, services: Sequence[str]) -> None:
        """Start ``services``; from here on a caretaker watches over them."""
        self._caretaker = Caretaker(remove=self._down_command, remaining=self._list_command, env=self._env)
        if self._compose("up", "--detach", "--no-build", *services, deadline_s=UP_DEADLINE_S) == 0:
            return
        complaint = self._complaint()
        kind = PortTaken if any(words in complaint for words in _PORT_TAKEN) else EnvironmentUnavailable
        raise kind(f"docker compose could not start the stack:\n{complaint}", fix=f"read {self._compose_log}")

    def route(self) -> Route:
        """Own addresses where this machine is the gateway of the project's network."""
        networks = next(iter(self._containers.values())).attrs["NetworkSettings"]["Networks"]
        gateways = {network["Gateway"] for network in networks.values()}
        local = {address.address for addresses in psutil.net_if_addrs().values() for address in addresses}
        return Route.OWN_ADDRESS if gateways and gateways <= local else Route.PUBLISHED_PORT

    def reach(self, service: str, port: int, route: Route) -> tuple[str, int]:
        """Host and port at which ``port`` of ``service`` is reached. Raises `EnvironmentUnavailable` if it died."""
        settings = self._container(service).attrs["NetworkSettings"]
        try:
            if route is Route.OWN_ADDRESS:
                address = next(iter(settings["Networks"].values()))["IPAddress"]
                return _not_empty(address), port
            published = settings["Ports"][f"{port}/tcp"][0]
            return str(published["HostIp"]), int(published["HostPort"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EnvironmentUnavailable(
                f"the container of {service} is not up:\n{self.container_tails()}", fix=f"read the logs in {self._logs}"
            ) from error

    def listens(self, host: str, port: int) -> bool:
        """Whether somebody answers an HTTP request for the proxy's version there."""
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=_PEEK_DEADLINE_S) as peek:
            peek.settimeout(_PEEK_DEADLINE_S)
            peek.sendall(b"GET /version HTTP/1.0\r\nHost: toxiproxy\r\n\r\n")
            return peek.recv(12).startswith(b"HTTP/")
        return False

    def respawn(self, service: str, route: Route) -> None:
        """Kill the container's process and start it again; it must come back where it was."""
        before = self._container(service).attrs["NetworkSettings"]["Networks"]
        container = self._container(service)
        try:
            with contextlib.suppress(docker.errors.APIError):  # it may have died by itself
                container.kill()
            container.wait(timeout=30)
            container.start()
            container.reload()
        except _ENGINE_TROUBLE as error:
            raise EnvironmentUnavailable(f"{service} could not be restarted: {error}") from error
        after = container.attrs["NetworkSettings"]["Networks"]
        if route is Route.OWN_ADDRESS and _addresses(before) != _addresses(after):
            raise EnvironmentUnavailable(f"{service} came back at another address", fix="run the trial again")

    def container_tails(self) -> str:
        """The last lines of every container, for an error."""
        parts = []
        for service, container in self._containers.items():
            lines = _read_log(container, _TAIL_LINES).decode(errors="replace").strip()
            parts.append(f"end of the log of {service}:\n{lines}" if lines else f"{service} has logged nothing")
        return "\n".join(parts)

    def close(self) -> None:
        """Save the logs and remove everything. Idempotent. Raises when something may have been left behind."""
        caretaker, self._caretaker = self._caretaker, None
        if caretaker is not None:
            self._remove(caretaker)
        self._engine.client.close()

    def _remove(self, caretaker: Caretaker) -> None:
        try:
            self._save_logs()
            status = self._run(self._down_command, deadline_s=DOWN_DEADLINE_S)
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            caretaker.leave_to_it()
            raise
        if status != 0:
            caretaker.leave_to_it()
            raise EnvironmentUnavailable(
                f"the Compose project {self.name} could not be removed:\n{self._complaint()}",
                fix=f"docker compose -p {self.name} down --volumes",
            )
        caretaker.dismiss()

    @cached_property
    def _containers(self) -> dict[str, Container]:
        """The project's containers by service, as the engine has them."""
        try:
            found = self._engine.client.containers.list(all=True, ignore_removed=True, filters={"label": self._label})
        except _ENGINE_TROUBLE as error:
            raise EnvironmentUnavailable(f"the Docker engine does not list its containers: {error}") from error
        return {container.labels["com.docker.compose.service"]: container for container in found}

    def _container(self, service: str) -> Container:
        if service not in self._containers:
            raise EnvironmentUnavailable(
                f"docker compose started no container for {service}", fix=f"read {self._compose_log}"
            )
        return self._containers[service]

    def _save_logs(self) -> None:
        """Whatever can be had: a log that is missing must not keep containers alive."""
        with contextlib.suppress(EnvironmentUnavailable, OSError):
            for service, container in self._containers.items():
                (self._logs / f"{service}.log").write_bytes(_read_log(container, _LOG_LINES))

    def _images(self) -> list[str]:
        command = [*self._command, "config", "--images"]
        with ManagedProcess.start(
            command, name="docker compose", log_path=self._compose_log, env=self._env, stdout_pipe=True
        ) as process:
            printed = process.stdout.read().decode()
            if process.wait(DOWN_DEADLINE_S) != 0:
                raise EnvironmentUnavailable(f"docker compose cannot read {compose_file()}:\n{self._complaint()}")
        return sorted(set(printed.split()))

    def _has_image(self, image: str) -> bool:
        try:
            self._engine.client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
        except _ENGINE_TROUBLE as error:
            raise EnvironmentUnavailable(f"the Docker engine does not say whether it has {image}: {error}") from error
        return True

    def _compose(self, *arguments: str, deadline_s: float) -> int:
        return self._run([*self._command, *arguments], deadline_s=deadline_s)

    def _run(self, command: Sequence[str], *, deadline_s: float) -> int:
        """Run to the end; its output goes to the log. A command that outlasts its deadline is stopped: status 124."""
        with ManagedProcess.start(command, name="docker compose", log_path=self._compose_log, env=self._env) as process:
            status = process.wait(deadline_s)
        return 124 if status is None else status

    def _complaint(self) -> str:
        return tail(self._compose_log, _TAIL_LINES) or "it does not say why"

    @property
    def _command(self) -> list[str]:
        return [self._engine.program, "compose", "--ansi=never", "-p", self.name, "-f", str(compose_file())]

    @property
    def _down_command(self) -> list[str]:
        return [*self._command, "down", "--volumes", "--remove-orphans", "--timeout", "0"]

    @property
    def _list_command(self) -> list[str]:
        return [self._engine.program, "ps", "--all", "--quiet", "--filter", f"label={self._label}"]

    @property
    def _label(self) -> str:
        return f"com.docker.compose.project={self.name}"


def compose_file() -> Path:
    """``docker-compose.yml``: beside this module in an installed package, else at the top of the repository."""
    here = Path(__file__).resolve()
    for path in (here.with_name("docker-compose.yml"), here.parents[2] / "docker-compose.yml"):
        if path.is_file():
            return path
    raise EnvironmentUnavailable(
        "docker-compose.yml is neither in the package nor at the top of the repository",
        fix="install the package again",
    )


def _addresses(networks: Mapping[str, Mapping[str, object]]) -> list[object]:
    return [network["IPAddress"] for network in networks.values()]


def _not_empty(address: str) -> str:
    if not address:
        raise ValueError("a stopped container has no address")
    return address


def _read_log(container: Container, lines: int) -> bytes:
    try:
        return container.logs(tail=lines)
    except _ENGINE_TROUBLE as error:
        return f"(the engine does not hand out this log: {error})\n".encode()
