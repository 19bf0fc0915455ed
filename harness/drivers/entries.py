"""Stream entry ids as pairs of integers, and the server's own account of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from harness.drivers.base import EntryId, GroupState, LogEntry, Names, PendingEntry
from harness.model.message import read_event

PAGE = 1_000
MAX_PAGES = 1_000_000


def parse_id(text: str) -> EntryId:
    """``"1700-3"`` → ``(1700, 3)``."""
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence or 0)


def format_id(entry: EntryId) -> str:
    """``(1700, 3)`` → ``"1700-3"``."""
    return f"{entry[0]}-{entry[1]}"


def last_generated(client: redis.Redis, key: str) -> EntryId:
    """The id of the newest entry that the stream ``key`` ever had; ``0-0`` where there is no such stream yet."""
    try:
        about: Any = client.xinfo_stream(key)
    except redis.ResponseError as error:
        if "no such key" in str(error):
            return (0, 0)
        raise
    return parse_id(str(about["last-generated-id"]))


class StreamLog:
    """Reads one stream and its groups on a direct connection: the log ledger."""

    def __init__(self, client: redis.Redis, names: Names) -> None:
        self._client: Any = client
        self._names = names
        self._key = names.destination

    def entries(self) -> Iterator[LogEntry]:
        """Every entry, oldest first, in pages."""
        start = "-"
        for _ in range(MAX_PAGES):
            page = self._client.xrange(self._key, min=start, max="+", count=PAGE)
            for entry, fields in page:
                yield LogEntry(parse_id(entry), read_event(fields or {}, token=self._names.token))
            if len(page) < PAGE:
                return
            start = f"({page[-1][0]}"

    def group(self, scope: int) -> GroupState | None:
        """The state of a scope's group. One that nobody has created yet was handed nothing."""
        wanted = self._names.group(scope)
        for group in self._groups():
            if group["name"] == wanted:
                return GroupState(parse_id(group["last-delivered-id"]), int(group["pending"]))
        return GroupState((0, 0), 0)

    def _groups(self) -> Any:
        return self._client.xinfo_groups(self._key) if self._client.exists(self._key) else []

    def pending(self, scope: int) -> Iterator[PendingEntry]:
        """Every pending entry of a scope's group, in pages."""
        if all(group["name"] != self._names.group(scope) for group in self._groups()):
            return
        start = "-"
        for _ in range(MAX_PAGES):
            page = self._client.xpending_range(self._key, self._names.group(scope), min=start, max="+", count=PAGE)
            for row in page:
                yield PendingEntry(
                    parse_id(row["message_id"]), int(row["time_since_delivered"]), int(row["times_delivered"])
                )
            if len(page) < PAGE:
                return
            start = f"({page[-1]['message_id']}"

    def last_generated(self) -> EntryId:
        """The id of the newest entry that the stream ever had."""
        return last_generated(self._client, self._key)

    def memory_bytes(self) -> int | None:
        """MEMORY USAGE with every sample counted; ``None`` where the server forbids it."""
        try:
            answer = self._client.memory_usage(self._key, samples=0)
        except redis.ResponseError:
            return None
        return None if answer is None else int(answer)
