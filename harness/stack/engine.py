"""The Docker engine and its command line, found within seconds or explained.

The engine is asked through the Docker SDK, containers are brought up with the Compose plugin of the command line. Both
must mean the same engine: the SDK knows nothing of the command line's contexts, so the endpoint is asked of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

import docker
import docker.errors
import requests

from harness.model.errors import EnvironmentUnavailable

ASK_DEADLINE_S = 10
"""For one question to the engine or to the command line."""
CALL_DEADLINE_S = 60
"""For one request that makes the engine do something."""
START_FIX = "install Docker with the Compose plugin and start it, or use the stack `local`, which needs neither"


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """An engine that answered, and the command line that belongs to it."""

    program: str
    client: docker.DockerClient
    version: str
    compose_version: str


def find_engine() -> DockerEngine:
    """The engine of this machine. Raises `EnvironmentUnavailable` with what is missing."""
    program = shutil.which("docker")
    if program is None:
        raise EnvironmentUnavailable("the command docker is not on PATH", fix=START_FIX)
    client = _connect(_endpoint(program))
    try:
        version = str(client.version()["Version"])
        compose_version = ask(program, "compose", "version", "--short")
    except (docker.errors.DockerException, requests.RequestException, KeyError) as error:
        client.close()
        raise EnvironmentUnavailable(f"the Docker engine does not answer: {error}", fix=START_FIX) from error
    except EnvironmentUnavailable as error:
        client.close()
        raise EnvironmentUnavailable(
            f"docker has no Compose plugin: {error.message}", fix="install the package docker-compose-plugin"
        ) from error
    return DockerEngine(program, client, version, compose_version)


def ask(program: str, *arguments: str) -> str:
    """What ``program`` prints; `EnvironmentUnavailable` with its complaint when it fails or stays silent."""
    command = " ".join(["docker", *arguments[:2]])
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=ASK_DEADLINE_S,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentUnavailable(f"`{command}` does not work: {error}", fix=START_FIX) from error
    if done.returncode != 0:
        complaint = (done.stderr or done.stdout).strip().splitlines()
        raise EnvironmentUnavailable(f"`{command}` failed: {complaint[-1] if complaint else 'it does not say why'}")
    return done.stdout.strip()


def _endpoint(program: str) -> str | None:
    """Where the command line's current context finds the engine; ``None`` where the environment says it."""
    if "DOCKER_HOST" in os.environ:
        return None
    try:
        return ask(program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}") or None
    except EnvironmentUnavailable:
        return None


def _connect(endpoint: str | None) -> docker.DockerClient:
    """A client whose first answer came in time."""
    try:
        if endpoint is None:
            client = docker.from_env(timeout=ASK_DEADLINE_S)
        else:
            client = docker.DockerClient(base_url=endpoint, timeout=ASK_DEADLINE_S)
        client.ping()
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EnvironmentUnavailable(f"no Docker engine answers: {error}", fix=START_FIX) from error
    client.api.timeout = CALL_DEADLINE_S
    return client
