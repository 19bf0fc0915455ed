"""The local stack: a server of our own, with the settings it was asked for, gone without a trace but its log."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.model.values import StackChoice
from harness.model.words import LinkRole, Persistence, StackKind
from harness.stack import local
from harness.stack.base import Capability
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.keys import remove_keys
from harness.stack.opening import open_stack
from harness.stack.profiles import profile_settings

pytestmark = pytest.mark.servers
READ_BACK = ("save", "appendonly", "appendfsync", "auto-aof-rewrite-percentage", "maxmemory", "maxmemory-policy")


@pytest.mark.parametrize("persistence", list(Persistence))
def test_the_server_has_the_settings_of_its_profile(tmp_path: Path, persistence: Persistence) -> None:
    """What the profile says is what the running server says."""
    with open_stack(StackChoice(), persistence=persistence, folder=tmp_path, roles=()) as stack:
        profile = profile_settings(persistence)
        expected = {name: value for name, value in profile.items() if name in READ_BACK}
        assert expected == {name: stack.settings[name] for name in expected}
        assert "pubsub 33554432 8388608 60" in stack.settings["client-output-buffer-limit"]


def test_the_stack_says_what_it_is(tmp_path: Path) -> None:
    """Kind, product, address on loopback; everything is allowed, and no links are brought."""
    program = choose_program(None)
    with open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path, roles=tuple(LinkRole)) as stack:
        assert StackKind.LOCAL is stack.kind
        assert f"{program.product} {program.version}" == stack.product
        assert f"127.0.0.1:{stack.server.port}" == stack.upstream
        assert frozenset(Capability) == stack.capabilities
        assert {None} == {stack.provided_proxy(role) for role in LinkRole}


def test_only_the_log_stays_after_the_end(tmp_path: Path) -> None:
    """Closing twice is harmless; process, port and files of the server are gone."""
    folder = tmp_path / "a trial's folder"
    stack = open_stack(StackChoice(), persistence=Persistence.AOF_ALWAYS, folder=folder, roles=())
    assert isinstance(stack, local.LocalStack)
    with admin_client(stack.server) as client:
        client.xadd("stream", {"field": "value"})
    assert (folder / "server").is_dir()
    stack.close()
    stack.close()
    assert not psutil.pid_exists(stack.process.pid)
    assert ["server.log"] == sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert not (folder / "server").exists()
    with socket.socket() as server:
        server.bind(("127.0.0.1", stack.server.port))


def test_a_port_lost_in_a_race_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Redis that took the port first is not mistaken for ours: a fresh port is tried."""
    with open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path / "first", roles=()) as first:
        free = local.free_port()
        ports = iter([first.server.port, free])
        monkeypatch.setattr(local, "free_port", lambda: next(ports))
        with open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path / "second", roles=()) as second:
            assert free == second.server.port


def test_losing_every_port_is_an_error_with_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded number of attempts, then the reason; nothing is left running."""
    with open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path / "first", roles=()) as first:
        monkeypatch.setattr(local, "free_port", lambda: first.server.port)
        before = len(psutil.Process().children())
        with pytest.raises(EnvironmentUnavailable, match="already in use"):
            open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path / "second", roles=())
        assert before == len(psutil.Process().children())


def test_a_server_whose_streams_were_taken_away_is_refused(tmp_path: Path) -> None:
    """A version says little: what counts is the command table."""
    real = choose_program(None)
    wrapper = tmp_path / "crippled-server"
    wrapper.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then exec {real.path} --version; fi\n'
        f'exec {real.path} "$@" --rename-command XADD ""\n'
    )
    wrapper.chmod(0o755)
    choice = StackChoice(server_path=str(wrapper))
    with pytest.raises(EnvironmentUnavailable, match="it has no XADD"):
        open_stack(choice, persistence=Persistence.OFF, folder=tmp_path / "trial", roles=())


def test_only_keys_under_the_prefix_are_removed(tmp_path: Path) -> None:
    """Keys of others stay, also those that a glob would have matched, and other databases are not looked at."""
    with (
        open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path, roles=()) as stack,
        admin_client(stack.server) as client,
    ):
        for key in ("pvs:00[0]0:a", "pvs:00[0]0:b", "pvs:0000:c", "xpvs:00[0]0:d", "other"):
            client.set(key, "1")
        for number in range(2500):
            client.set(f"theirs:{number}", "1")
        assert 2 == remove_keys(stack.server, "pvs:00[0]0:")
        assert 0 == remove_keys(stack.server, "pvs:00[0]0:")
        assert 2503 == client.dbsize()


@pytest.mark.parametrize("prefix", ["", "*", "pvs:", "pvs:12345678"])
def test_a_prefix_that_may_not_be_ours_alone_is_refused(tmp_path: Path, prefix: str) -> None:
    """An empty or careless prefix must never empty somebody's server."""
    with (
        open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path, roles=()) as stack,
        admin_client(stack.server) as client,
    ):
        client.set("pvs:12345678", "1")
        with pytest.raises(ValueError, match="prefix"):
            remove_keys(stack.server, prefix)
        assert 1 == client.dbsize()


def test_keys_that_could_not_be_removed_are_named(tmp_path: Path) -> None:
    """A server that went away: the error carries the prefix and a command to clean up with."""
    stack = open_stack(StackChoice(), persistence=Persistence.OFF, folder=tmp_path, roles=())
    stack.close()
    with pytest.raises(EnvironmentUnavailable, match="pvs:12345678:") as caught:
        remove_keys(stack.server, "pvs:12345678:")
    assert "UNLINK" in caught.value.fix
