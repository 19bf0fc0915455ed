"""What a running server says about itself: product, settings that matter, and whether it can do Streams.

A guest may be forbidden to ask. What cannot be read is said to be "not permitted", never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import redis

from harness.model.errors import EnvironmentUnavailable

NOT_PERMITTED = "not permitted"
SETTINGS_THAT_MATTER = (
    "save",
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "auto-aof-rewrite-percentage",
    "client-output-buffer-limit",
    "maxmemory",
    "maxmemory-policy",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "tcp-keepalive",
    "timeout",
    "hz",
    "io-threads",
)
NEEDED_COMMANDS = ("XADD", "XREADGROUP", "XAUTOCLAIM")
"""The youngest of them came with Redis 6.2."""


def read_product(client: redis.Redis) -> str:
    """Product and version, such as ``valkey 9.1.2``."""
    try:
        info: Mapping[str, object] = client.info("server")
    except redis.ResponseError:
        return f"unknown server (INFO is {NOT_PERMITTED})"
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info.get('redis_version', '(no version given)')}"


def read_settings(client: redis.Redis) -> dict[str, str]:
    """The settings that matter and that this server knows, by name. One by one: ``*`` would fetch passwords too."""
    settings: dict[str, str] = {}
    try:
        for name in SETTINGS_THAT_MATTER:
            settings |= {str(key): str(value) for key, value in client.config_get(name).items()}
    except redis.ResponseError:
        return {"CONFIG GET": NOT_PERMITTED}
    return settings


def missing_commands(client: redis.Redis) -> list[str] | None:
    """Which of the needed commands the server does not have; ``None`` when it does not let us ask."""
    try:
        known = _command_info(client)
    except redis.ResponseError:
        return None
    return [command for command, entry in zip(NEEDED_COMMANDS, known, strict=True) if not entry]


def refuse_without_streams(client: redis.Redis, *, fix: str) -> None:
    """Raise `EnvironmentUnavailable` when the server lacks a command that the harness needs."""
    missing = missing_commands(client)
    if missing:
        raise no_streams(read_product(client), missing, fix=fix)


def no_streams(product: str, missing: list[str], *, fix: str) -> EnvironmentUnavailable:
    """The error for a server that is too old, or has had its commands taken away."""
    return EnvironmentUnavailable(
        f"{product} cannot do Streams as they are used here: it has no {', '.join(missing)}", fix=fix
    )


def _command_info(client: redis.Redis) -> list[object]:
    """One entry per needed command, empty for one that the server does not know.

    Named in one word: for ``COMMAND`` redis-py has a parser of its own, which stumbles over an unknown command.
    """
    execute: Callable[..., list[object]] = client.execute_command
    return execute("COMMAND INFO", *NEEDED_COMMANDS)
