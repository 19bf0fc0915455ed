"""Server settings profiles: what a server of ours is told, so that its defaults never decide a result unnoticed.

Each profile is a full set of the settings that matter for loss; whatever the server's release has as its default,
these are given explicitly, and `harness.stack.inspection` reads them back from the running server for the report.

The append-only file is never rewritten automatically: a rewrite starts at 64 MB by default and stalls the server, which
would be measured as latency of whatever was going on then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from harness.model.words import Persistence

_COMMON = {
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "client-output-buffer-limit": "pubsub 32mb 8mb 60",
    "auto-aof-rewrite-percentage": "0",
    "timeout": "0",
    "tcp-keepalive": "300",
}


def profile_settings(persistence: Persistence) -> Mapping[str, str]:
    """The settings of ``persistence`` as configuration names and values."""
    return {**_COMMON, **_persistence_settings(persistence)}


def as_arguments(settings: Mapping[str, str]) -> list[str]:
    """``settings`` as arguments of ``redis-server``: a value of several words becomes several arguments."""
    return [word for name, value in settings.items() for word in (f"--{name}", *(value.split() or [""]))]


def _persistence_settings(persistence: Persistence) -> dict[str, str]:
    match persistence:
        case Persistence.OFF:
            return {"save": "", "appendonly": "no"}
        case Persistence.RDB:
            return {"save": "1 1", "appendonly": "no"}
        case Persistence.AOF_NO:
            return _append_only("no")
        case Persistence.AOF_EVERYSEC:
            return _append_only("everysec")
        case Persistence.AOF_ALWAYS:
            return _append_only("always")
        case _:
            assert_never(persistence)


def _append_only(fsync: str) -> dict[str, str]:
    return {"save": "", "appendonly": "yes", "appendfsync": fsync}
