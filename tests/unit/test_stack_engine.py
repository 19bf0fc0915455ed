"""Docker that is missing, half there, or silent: one clear error within seconds."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.stack import engine
from harness.stack.engine import find_engine
from harness.stack.project import compose_file


def docker_that(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a docker command on PATH that does as ``script`` says."""
    path = folder / "docker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def error_of_finding() -> EnvironmentUnavailable:
    with pytest.raises(EnvironmentUnavailable) as caught:
        find_engine()
    assert caught.value.fix
    return caught.value


def test_without_the_command_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it, and the stack that needs no Docker."""
    monkeypatch.setenv("PATH", str(tmp_path))
    error = error_of_finding()
    assert "docker is not on PATH" in error.message
    assert "`local`" in error.fix


@pytest.mark.parametrize("endpoint", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "nonsense"])
def test_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """The command is there, but nothing answers it, or the endpoint is no address at all."""
    docker_that(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setenv("DOCKER_HOST", endpoint)
    assert "no Docker engine answers" in error_of_finding().message


def test_the_endpoint_is_that_of_the_command_lines_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker Desktop and others put it elsewhere than at the usual socket."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    docker_that(tmp_path, monkeypatch, "echo unix:///of/a/context.sock")
    monkeypatch.setattr(engine.docker, "DockerClient", _FailingClient)
    assert "unix:///of/a/context.sock" in error_of_finding().message


class _FailingClient:
    def __init__(self, *, base_url: str, timeout: int) -> None:
        raise engine.docker.errors.DockerException(f"nothing at {base_url} within {timeout} s")


def test_an_engine_that_stays_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts the connection and never answers: that ends at the deadline."""
    docker_that(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(engine, "ASK_DEADLINE_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        assert "no Docker engine answers" in error_of_finding().message


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo \"docker: 'compose' is not a docker command.\" >&2; exit 1", "is not a docker command"), ("sleep 30", "")],
)
def test_without_the_compose_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    """The engine answers, its command line cannot do Compose, or hangs."""
    monkeypatch.setattr(engine, "ASK_DEADLINE_S", 1)
    monkeypatch.setattr(engine, "_connect", lambda _: _WorkingClient())
    monkeypatch.setenv("DOCKER_HOST", "unix:///wherever")
    docker_that(tmp_path, monkeypatch, script)
    error = error_of_finding()
    assert "docker has no Compose plugin" in error.message
    assert said in error.message


class _WorkingClient:
    def version(self) -> dict[str, str]:
        return {"Version": "29.0.0"}

    def close(self) -> None:
        """Nothing to close."""


def test_the_compose_file_is_found_and_pins_what_was_measured() -> None:
    """Toxiproxy 2.12.0, since 2.13 turns a hold into no limit, and one Redis of the 8.0 series."""
    text = compose_file().read_text()
    assert "ghcr.io/shopify/toxiproxy:2.12.0" in text
    assert ":-redis:8.0." in text
