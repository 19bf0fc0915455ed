"""From one stream on a live server to `StreamFacts`: its counters, its groups, their consumers and what is pending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.lint.asking import Guest, or_none
from harness.lint.facts import ConsumerFacts, EntryId, GroupFacts, Limits, PendingFacts, StreamFacts, parse_id

PENDING_SAMPLE = 100
NEWEST = 50
"""Entries that the rate is read from. A server sends their contents along, so they are few."""
LARGE_ENTRY = 64_000
"""Bytes; of a stream with larger entries the newest are not fetched, and the rate is read from its ends."""
LONGEST_NAME = 80


def read_stream(guest: Guest, key: str, *, limits: Limits) -> StreamFacts:
    """Everything about one stream. Raises `Denied` where not even XINFO STREAM answers."""
    info = guest.stream(key)
    length = int(info["length"])
    memory = or_none(lambda: guest.memory(key))
    is_large = memory is not None and length > 0 and memory / length > LARGE_ENTRY
    deleted = info.get("max-deleted-entry-id")
    newest = None if is_large else or_none(lambda: guest.newest_ids(key, count=NEWEST))
    return StreamFacts(
        name=shown(key),
        length=length,
        first=_end(info.get("first-entry")),
        last=_end(info.get("last-entry")),
        entries_added=info.get("entries-added"),
        deletions=None if deleted is None else deleted != "0-0",
        newest=None if newest is None else tuple(map(parse_id, newest)),
        memory_bytes=memory,
        groups=_groups(guest, key, limits),
    )


def _groups(guest: Guest, key: str, limits: Limits) -> tuple[GroupFacts, ...] | None:
    rows = or_none(lambda: guest.groups(key))
    return None if rows is None else tuple(_group(guest, key, row, limits) for row in rows)


def _group(guest: Guest, key: str, row: Mapping[str, Any], limits: Limits) -> GroupFacts:
    name = str(row["name"])
    has_pending = int(row["pending"]) > 0
    return GroupFacts(
        name=shown(name),
        pending=int(row["pending"]),
        last_delivered=parse_id(str(row["last-delivered-id"])),
        entries_read=row.get("entries-read"),
        lag=row.get("lag"),
        consumer_count=int(row["consumers"]),
        consumers=or_none(lambda: tuple(map(_consumer, guest.consumers(key, name)))),
        oldest=_pending(guest, key, name) if has_pending else (),
        idle=_pending(guest, key, name, idle_ms=limits.idle_ms) if has_pending else (),
    )


def _consumer(row: Mapping[str, Any]) -> ConsumerFacts:
    return ConsumerFacts(name=shown(str(row["name"])), pending=int(row["pending"]), idle_ms=int(row["idle"]))


def _pending(guest: Guest, key: str, group: str, *, idle_ms: int | None = None) -> tuple[PendingFacts, ...] | None:
    rows = or_none(lambda: guest.pending(key, group, count=PENDING_SAMPLE, idle_ms=idle_ms))
    if rows is None:
        return None
    return tuple(
        PendingFacts(
            entry=parse_id(str(row["message_id"])),
            idle_ms=int(row["time_since_delivered"]),
            deliveries=int(row["times_delivered"]),
        )
        for row in rows
    )


def _end(entry: Any) -> EntryId | None:  # redis-py gives (id, fields) or None
    return parse_id(str(entry[0])) if entry else None


def shown(name: str) -> str:
    """A name of somebody else as it can be printed: what is not printable is escaped, what is long is cut."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
