"""Removing what a trial left on a server that is not ours: the keys under its own random prefix, and no other.

remove_keys(stack.server, "pvs:1a2b3c4d:")
"""

from __future__ import annotations

import time

import redis

from harness.model.errors import EnvironmentUnavailable
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client

DEADLINE_S = 60.0
_SHORTEST_PREFIX = 8
_SCAN_COUNT = 1000


def remove_keys(server: ServerAddress, prefix: str) -> int:
    """Remove every key of ``server``'s database that begins with ``prefix``; how many there were.

    Raises `EnvironmentUnavailable`, naming the prefix, when some may have been left behind.
    """
    if len(prefix) < _SHORTEST_PREFIX or not prefix.endswith(":"):
        raise ValueError(f"{prefix!r} is too short a prefix to be ours alone, or does not end with a colon")
    client = admin_client(server)
    try:
        return _remove(client, prefix)
    except redis.RedisError as error:
        raise EnvironmentUnavailable(
            f"keys beginning with {prefix} may have been left on the server: {error}",
            fix=f"remove them: redis-cli --scan --pattern '{prefix}*' | xargs redis-cli UNLINK",
        ) from error
    finally:
        client.close()


def _remove(client: redis.Redis, prefix: str) -> int:
    """Walk the keyspace. Keys of others are compared and left alone; nothing of theirs is read or written."""
    deadline = time.monotonic() + DEADLINE_S
    removed = 0
    cursor: int = 0
    while True:
        cursor, keys = client.scan(cursor=cursor, match=_escaped(prefix) + "*", count=_SCAN_COUNT)
        ours = [key for key in map(str, keys) if key.startswith(prefix)]
        if ours:
            removed += int(client.unlink(*ours))
        if cursor == 0:
            return removed
        if time.monotonic() > deadline:
            raise redis.TimeoutError(f"the keyspace could not be walked within {DEADLINE_S:g} s")


def _escaped(prefix: str) -> str:
    """``prefix`` as a glob pattern that matches itself only."""
    return "".join("\\" + character if character in "*?[]\\" else character for character in prefix)
