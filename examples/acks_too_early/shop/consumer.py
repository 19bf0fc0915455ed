"""Two consumers of one stream of orders. They know redis-py and nothing of the harness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import redis

Handle = Callable[[Mapping[str, str]], None]
CLAIM_AFTER_MS = 1_000


class EarlyConsumer:
    """Acknowledges what it has read, then handles it. A crash in between, and nobody ever handles that order."""

    def __init__(self, client: redis.Redis, stream: str, group: str, name: str, handle: Handle) -> None:
        self.client, self.stream, self.group, self.name, self.handle = client, stream, group, name, handle

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            for entry, order in self.read():
                self.client.xack(self.stream, self.group, entry)
                self.handle(order)

    def read(self) -> list[tuple[str, Mapping[str, str]]]:
        """New orders, or none after half a second."""
        reply: Any = self.client.xreadgroup(self.group, self.name, {self.stream: ">"}, count=10, block=500)
        return entries_of(reply)


class CarefulConsumer(EarlyConsumer):
    """Acknowledges after the work, and takes over what was left pending for a second, by itself or by the dead."""

    def run(self) -> None:
        """Work until the process ends."""
        while True:
            for entry, order in self.left_behind() + self.read():
                self.handle(order)
                self.client.xack(self.stream, self.group, entry)

    def left_behind(self) -> list[tuple[str, Mapping[str, str]]]:
        """What nobody has acknowledged for a second."""
        reply: Any = self.client.xautoclaim(self.stream, self.group, self.name, CLAIM_AFTER_MS, count=100)
        return list(reply[1])


def entries_of(reply: Any) -> list[tuple[str, Mapping[str, str]]]:
    """The entries in an answer of XREADGROUP on one stream, in RESP2 and RESP3."""
    if not reply:
        return []
    if isinstance(reply, dict):
        (entries,) = next(iter(reply.values()))
        return list(entries)
    return list(reply[0][1])
