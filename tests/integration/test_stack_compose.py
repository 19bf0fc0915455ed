"""The stack in Docker: pinned images on loopback, one project per trial, removed on every path."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.model.errors import EnvironmentUnavailable, HarnessError
from harness.model.values import StackChoice
from harness.model.words import CLIENT_LINKS, LinkRole, Persistence, StackKind
from harness.stack import compose
from harness.stack.base import Capability, ProvidedProxy
from harness.stack.compose import ComposeStack, open_compose
from harness.stack.connect import admin_client
from harness.stack.engine import DockerEngine, find_engine
from harness.stack.opening import open_stack
from harness.stack.process import wait_until
from harness.stack.project import Project, compose_file

pytestmark = pytest.mark.engine
ROLES = CLIENT_LINKS
OPEN_AND_WAIT = """
import sys, time
from pathlib import Path
from harness.model.words import CLIENT_LINKS, Persistence
from harness.stack import project
from harness.stack.compose import open_compose

begin = project.Project.up
def up(self, services):
    print(self.name, flush=True)
    begin(self, services)
project.Project.up = up
stack = open_compose(persistence=Persistence.OFF, folder=Path(sys.argv[1]), roles=CLIENT_LINKS)
print("up", flush=True)
time.sleep(300)
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    """An engine that has the images; tests download nothing."""
    try:
        found = find_engine()
    except HarnessError as error:
        pytest.skip(error.message)
    images = subprocess.run(
        [found.program, "compose", "-f", str(compose_file()), "config", "--images"],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.split()  # fmt: skip
    for image in sorted(set(images)):
        if not found.client.images.list(name=image):
            pytest.skip(f"the engine does not have the image {image}")
    yield found
    found.client.close()


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """One stack for the tests that only look."""
    del engine
    choice = StackChoice(kind=StackKind.COMPOSE)
    folder = tmp_path_factory.mktemp("compose")
    with open_stack(choice, persistence=Persistence.AOF_ALWAYS, folder=folder, roles=ROLES) as opened:
        assert isinstance(opened, ComposeStack)
        yield opened


def test_the_stack_says_what_it_is(stack: ComposeStack) -> None:
    """A Redis 8, ours to do with as we like, with the settings of the profile."""
    assert StackKind.COMPOSE is stack.kind
    assert re.fullmatch(r"redis 8\.\d+\.\d+", stack.product)
    assert frozenset(Capability) == stack.capabilities
    read = {name: stack.settings[name] for name in ("appendonly", "appendfsync", "save")}
    assert {"appendonly": "yes", "appendfsync": "always", "save": ""} == read


def test_ports_are_published_on_loopback_only(stack: ComposeStack, engine: DockerEngine) -> None:
    """Nothing of a trial can be reached from another machine's network."""
    hosts = {
        binding["HostIp"]
        for container in containers(engine, stack.project.name)
        for bindings in container.attrs["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }
    assert {"127.0.0.1"} == hosts


def test_every_service_has_a_health_check_that_passes(stack: ComposeStack, engine: DockerEngine) -> None:
    """Also the image without a shell."""

    def states() -> list[str]:
        return [c.attrs["State"]["Health"]["Status"] for c in containers(engine, stack.project.name)]

    wait_until(lambda: "starting" not in states(), deadline_s=40, what="all checks have run", interval_s=0.2)
    assert ["healthy"] * (1 + len(ROLES)) == states()


@pytest.mark.parametrize("role", ROLES)
def test_a_link_through_the_provided_proxy_leads_to_the_server(stack: ComposeStack, role: LinkRole) -> None:
    """What is written through the link is found on the server."""
    place = provided(stack, role)
    with link_on(place):
        through = stack.server.through(place.client_host, place.client_port)
        with admin_client(through) as client, admin_client(stack.server) as direct:
            client.set(f"by {role}", "1")
            assert "1" == direct.get(f"by {role}")


def test_a_link_that_is_down_refuses(stack: ComposeStack) -> None:
    """Docker's port forwarder would accept and hang up, which is another fault; it must not stand in between."""
    if "own addresses" not in stack.route:
        pytest.skip(f"clients reach this engine's containers {stack.route}")
    place = provided(stack, LinkRole.CONSUMERS)
    with link_on(place):
        control(place, "POST", "/proxies/test", {"enabled": False})
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((place.client_host, place.client_port), timeout=5)


def test_a_respawned_proxy_comes_back_empty_where_it_was(stack: ComposeStack) -> None:
    """As after a wedge: killed, started, no proxies, same address."""
    place = provided(stack, LinkRole.PRODUCERS)
    control(place, "POST", "/proxies", {"name": "lost", "listen": place.listen, "upstream": place.upstream})
    assert place.respawn is not None
    place.respawn()
    wait_until(lambda: {} == control(place, "GET", "/proxies"), deadline_s=20, what="it is back, and empty")


def test_closing_removes_everything_but_the_logs(engine: DockerEngine, tmp_path: Path) -> None:
    """Containers, network and volumes; twice is harmless."""
    stack = open_compose(persistence=Persistence.OFF, folder=tmp_path, roles=(LinkRole.CONSUMERS,))
    assert 2 == len(containers(engine, stack.project.name))
    stack.close()
    stack.close()
    assert is_removed(engine, stack.project.name)
    logs = {path.name for path in (tmp_path / "logs").iterdir()}
    assert {"compose.log", "redis.log", "toxiproxy-consumers.log"} == logs
    assert "Ready to accept connections" in (tmp_path / "logs" / "redis.log").read_text()


def test_a_taken_port_is_replaced(engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt is cleared away and the second has other ports."""
    projects: list[Project] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], *(compose.quiet_port() for _ in range(30))])
        monkeypatch.setattr(compose, "quiet_port", lambda: next(ports))

        def recorded(engine: DockerEngine, *, name: str, folder: Path, env: Mapping[str, str]) -> Project:
            projects.append(Project(engine, name=name, folder=folder, env=env))
            return projects[-1]

        monkeypatch.setattr(compose, "Project", recorded)
        with open_compose(persistence=Persistence.OFF, folder=tmp_path, roles=ROLES) as stack:
            assert 2 == len(projects)
            assert stack.project is projects[1]
            assert is_removed(engine, projects[0].name)


@pytest.mark.parametrize("moment", ["while starting", "when up"])
def test_a_killed_harness_leaves_no_container(engine: DockerEngine, tmp_path: Path, moment: str) -> None:
    """SIGKILL runs no clean-up of ours: the caretaker does it, also for a project that was half up."""
    harness = subprocess.Popen([sys.executable, "-c", OPEN_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    with harness:
        name = harness.stdout.readline().strip()
        if moment == "when up":
            assert "up" == harness.stdout.readline().strip()
        else:
            wait_until(lambda: containers(engine, name) != [], deadline_s=60, what="the first container is there")
        harness.send_signal(signal.SIGKILL)
    wait_until(lambda: is_removed(engine, name), deadline_s=60, what="the project is removed", interval_s=0.1)


def test_an_image_that_cannot_be_had_is_named(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error with the image and the way out; nothing is left. The name is of a registry that nobody runs."""
    monkeypatch.setenv("REDIS_IMAGE", "127.0.0.1:1/nobody/redis:8.0.4")
    with pytest.raises(EnvironmentUnavailable, match=r"127\.0\.0\.1:1/nobody/redis:8\.0\.4") as caught:
        open_compose(persistence=Persistence.OFF, folder=tmp_path, roles=ROLES)
    assert "REDIS_IMAGE" in caught.value.fix
    assert [] == [c for c in engine.client.containers.list(all=True) if "nobody" in str(c.attrs["Config"]["Image"])]


def test_a_server_that_does_not_start_is_shown_with_its_log(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container died at once: its log tells why, and the project is removed."""
    del engine
    monkeypatch.setattr(compose, "profile_settings", lambda _: {"no-such-setting": "1"})
    with pytest.raises(EnvironmentUnavailable, match="no-such-setting"):
        open_compose(persistence=Persistence.OFF, folder=tmp_path, roles=ROLES)


def containers(engine: DockerEngine, project: str) -> list[object]:
    label = {"label": f"com.docker.compose.project={project}"}
    return list(engine.client.containers.list(all=True, ignore_removed=True, filters=label))


def is_removed(engine: DockerEngine, project: str) -> bool:
    label = {"label": f"com.docker.compose.project={project}"}
    return not (containers(engine, project) or engine.client.networks.list(filters=label))


def provided(stack: ComposeStack, role: LinkRole) -> ProvidedProxy:
    place = stack.provided_proxy(role)
    assert place is not None
    return place


@contextlib.contextmanager
def link_on(place: ProvidedProxy) -> Iterator[None]:
    control(place, "POST", "/proxies", {"name": "test", "listen": place.listen, "upstream": place.upstream})
    try:
        yield
    finally:
        control(place, "DELETE", "/proxies/test")


def control(place: ProvidedProxy, method: str, path: str, body: dict[str, object] | None = None) -> object:
    """What the control API answers; ``None`` when nobody answers."""
    url = f"http://{place.api_host}:{place.api_port}{path}"
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=data, method=method), timeout=5) as response:
            text = response.read()
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None
    return json.loads(text) if text else None
