"""Ports: one that was reserved is given to nobody else, and a server can listen on it all the same."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.stack import ports
from harness.stack.ports import HOST, quiet_port, reserve_port

ASKING = "from harness.stack import ports; ports._PORTS = range({0}, {0} + 1); print(ports.reserve_port())"
"""Another process that looks for a port where there is only one."""


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    """What a test reserves, it gives back."""
    yield
    while ports._reserved:
        ports._reserved.pop().close()


def listening(port: int) -> socket.socket:
    """As servers do: with ``SO_REUSEADDR``."""
    return socket.create_server((HOST, port))


def refuses(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((HOST, port)) != 0


def asked_elsewhere(port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ASKING.format(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no second socket may bind the same port")


@needs_linux
def test_two_that_look_at_the_same_moment_get_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both would choose the same first: the second takes its next choice."""
    monkeypatch.setattr(random, "sample", lambda among, k: list(among)[:k])
    first, second = reserve_port(), reserve_port()
    assert first < second < quiet_port()


@needs_linux
def test_another_process_is_not_given_a_reserved_port() -> None:
    """Not while nobody listens yet, and not between two lives of the server; once it is released, it is."""
    port = reserve_port()
    assert "are all taken" in asked_elsewhere(port).stderr
    listening(port).close()
    assert "are all taken" in asked_elsewhere(port).stderr
    ports._reserved.pop().close()
    assert f"{port}\n" == asked_elsewhere(port).stdout


def test_a_server_listens_on_a_reserved_port_as_often_as_it_likes() -> None:
    """Clients are refused before, between and after, as where nothing is bound."""
    port = reserve_port()
    assert refuses(port)
    for _ in range(3):
        with listening(port) as server, socket.create_connection((HOST, port), timeout=5) as client:
            accepted, _ = server.accept()
            client.sendall(b"x")
            with accepted:
                assert b"x" == accepted.recv(1)
        assert refuses(port)


def test_so_many_are_kept_and_no_more() -> None:
    for _ in range(2 * ports._MOST_RESERVED):
        reserve_port()
    assert len(ports._reserved) <= ports._MOST_RESERVED


def test_where_a_bound_port_cannot_be_shared_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_can_be_shared", lambda _: False)
    with listening(reserve_port()):
        assert not ports._reserved


def test_no_free_port_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        only = int(taken.getsockname()[1])
        monkeypatch.setattr(ports, "_PORTS", range(only, only + 1))
        for choose in (quiet_port, reserve_port):
            with pytest.raises(EnvironmentUnavailable, match="are all taken"):
                choose()
