"""From a live server to `Facts`: few, bounded, reading questions; what is denied is ``None``, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.lint.asking import Denied, Gone, Guest, or_none
from harness.lint.facts import Facts, Limits, ServerFacts
from harness.lint.streams import read_stream, shown
from harness.lint.walking import find_streams
from harness.stack.base import ServerAddress

SUBSCRIPTIONS = ("pubsub_channels", "pubsub_patterns", "pubsubshard_channels")


def read_facts(address: ServerAddress, *, pattern: str, limits: Limits) -> Facts:
    """Ask ``address`` everything that the lint wants to know.

    Raises:
        EnvironmentUnavailable: it is not to be reached, does not let us in, or is no Redis.
        UsageError: it has no such database.
    """
    with Guest(address) as guest:
        server = read_server(guest, where=f"{address.host}:{address.port}")
        found = find_streams(guest, pattern)
        streams, unread = [], []
        for key in found.keys:
            try:
                streams.append(read_stream(guest, key, limits=limits))
            except Gone as gone:
                unread += [(shown(key), str(gone))] if found.by_name else []
            except Denied as denied:
                unread.append((shown(key), str(denied)))
            except (KeyError, TypeError, ValueError) as error:
                unread.append((shown(key), f"its replies are not understood ({type(error).__name__}: {error})"))
        return Facts(
            server=replace(server, denied=dict(guest.denied)),
            pattern=shown(pattern),
            streams=tuple(streams),
            unread=tuple(unread),
            incomplete=found.incomplete,
        )


def read_server(guest: Guest, *, where: str) -> ServerFacts:
    """What INFO and CONFIG GET say."""
    info = or_none(guest.info) or {}
    counts = or_none(lambda: guest.info("commandstats"))
    settings = {name: or_none(partial(guest.config, name)) for name in SETTINGS}
    return ServerFacts(
        name=f"{_product(info)} at {where}",
        role=_text(info, "role"),
        append_only=_append_only(info, settings["appendonly"]),
        append_fsync=settings["appendfsync"],
        save=settings["save"],
        append_only_ok=_is_ok(info, "aof_last_write_status"),
        snapshot_ok=_is_ok(info, "rdb_last_bgsave_status"),
        max_memory=_number(info, "maxmemory"),
        eviction_policy=_text(info, "maxmemory_policy"),
        used_memory=_number(info, "used_memory"),
        system_memory=_number(info, "total_system_memory"),
        evicted_keys=_number(info, "evicted_keys"),
        output_buffer_limits=settings["client-output-buffer-limit"],
        limit_disconnections=_number(info, "client_output_buffer_limit_disconnections"),
        subscriptions=sum(_number(info, name) or 0 for name in SUBSCRIPTIONS) if info else None,
        publishes=_calls(counts, "publish", "spublish"),
        group_reads=_calls(counts, "xreadgroup"),
        acknowledgements=_calls(counts, "xack", "xackdel"),
        replicas=_number(info, "connected_slaves"),
        min_replicas=_as_number(settings["min-replicas-to-write"]),
        min_replicas_max_lag=_as_number(settings["min-replicas-max-lag"]),
        waits_for_replicas=("min_slaves_good_slaves" in info) if info else None,
        now_ms=_now_ms(info),
        started_ms=_started_ms(info),
    )


SETTINGS = (
    "appendonly",
    "appendfsync",
    "save",
    "client-output-buffer-limit",
    "min-replicas-to-write",
    "min-replicas-max-lag",
)
"""Asked for one by one: ``*`` would fetch passwords too."""


def _product(info: Mapping[str, Any]) -> str:
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info['redis_version']}" if "redis_version" in info else "server"


def _append_only(info: Mapping[str, Any], setting: str | None) -> bool | None:
    enabled = _number(info, "aof_enabled")
    if enabled is not None:
        return bool(enabled)
    return None if setting is None else setting == "yes"


def _is_ok(info: Mapping[str, Any], name: str) -> bool | None:
    return info[name] == "ok" if name in info else None


def _text(info: Mapping[str, Any], name: str) -> str | None:
    return str(info[name]) if name in info else None


def _number(info: Mapping[str, Any], name: str) -> int | None:
    return _as_number(info.get(name))


def _as_number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _calls(counts: Mapping[str, Any] | None, *commands: str) -> int | None:
    """Calls of ``commands`` together; one that was never called is not listed."""
    if counts is None:
        return None
    return sum(int(counts.get(f"cmdstat_{command}", {}).get("calls", 0)) for command in commands)


def _now_ms(info: Mapping[str, Any]) -> int | None:
    microseconds = _number(info, "server_time_usec")
    return None if microseconds is None else microseconds // 1000


def _started_ms(info: Mapping[str, Any]) -> int | None:
    """When the server began to count, at the latest."""
    now, seconds = _now_ms(info), _number(info, "uptime_in_seconds")
    return None if now is None or seconds is None else now - seconds * 1000
