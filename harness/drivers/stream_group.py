"""Streams with a consumer group: XADD; XREADGROUP, effect, XACK.

The consumer does what the documentation asks of one that must not lose anything: it acknowledges after the effect,
reads its own pending entries again whenever its connection was replaced (a reply that got lost on the way leaves
entries that ``>`` never returns), and claims with XAUTOCLAIM what anybody, itself included, has left pending for
longer than ``claim_min_idle_ms``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import redis

from harness.drivers.base import ConnectionObserver, Delivery, EntryId, Names, SendResult, Tombstone
from harness.drivers.client import RequestCounter, make_client
from harness.drivers.entries import format_id, parse_id
from harness.drivers.sending import send_once
from harness.model.message import OrderEvent, read_event
from harness.model.values import StreamSettings
from harness.model.words import ClientPreset, OutcomeCode, ReceiveTag
from harness.stack.base import ServerAddress

CLAIM_COUNT = 100
MAX_CLAIM_PAGES = 100


class StreamProducer:
    """Appends each message as one entry with the event's fields."""

    def __init__(
        self, address: ServerAddress, names: Names, *, preset: ClientPreset, observer: ConnectionObserver
    ) -> None:
        self._counter = RequestCounter(observer)
        self._client = make_client(address, preset, self._counter)
        self._key = names.destination

    def open(self) -> None:
        """Connect, by a PING."""
        self._client.ping()

    def send(self, event: OrderEvent) -> SendResult:
        """XADD once; redis-py may write it more often, and then the log may hold it more often."""
        fields: Any = event.fields()
        return send_once(self._counter, lambda: self._add(fields))

    def _add(self, fields: Any) -> SendResult:
        entry = self._client.xadd(self._key, fields)
        return SendResult(OutcomeCode.ACKNOWLEDGED, self._counter.writes, entry=parse_id(str(entry)))

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()


class StreamConsumer:
    """One member of a consumer group."""

    def __init__(
        self,
        address: ServerAddress,
        names: Names,
        *,
        scope: int,
        name: str,
        preset: ClientPreset,
        settings: StreamSettings,
        observer: ConnectionObserver,
    ) -> None:
        self._address = address
        self._preset = preset
        self._token = names.token
        self._key = names.destination
        self._group = names.group(scope)
        self._name = name
        self._settings = settings
        self._observer = observer
        self._counter = RequestCounter(observer)
        self._client: redis.Redis | None = None
        self._pending_read_on = 0
        self._next_claim_ns = 0
        self._own_pending_after: EntryId | None = (0, 0)

    def open(self) -> None:
        """Connect and be known to the group, by a read that does not wait."""
        self._client = make_client(self._address, self._preset, self._counter)
        self._client.xgroup_createconsumer(self._key, self._group, self._name)
        self._observer.subscribed(self._counter.connections)
        self._next_claim_ns = time.monotonic_ns() + self._settings.claim_interval_ms * 1_000_000

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """Own pending entries after a reconnect, else what can be claimed when it is time, else new entries."""
        client = self._require_client()
        if self._counter.connections != self._pending_read_on:
            self._pending_read_on = self._counter.connections
            self._own_pending_after = (0, 0)
        if self._own_pending_after is not None:
            return self._read_own_pending(client, self._own_pending_after)
        if time.monotonic_ns() >= self._next_claim_ns:
            claimed = self._claim(client)
            self._next_claim_ns = time.monotonic_ns() + self._settings.claim_interval_ms * 1_000_000
            if claimed:
                return claimed
        return self._read_new(client)

    def acknowledge(self, delivery: Delivery) -> int:
        """XACK; 0 means that the entry was no longer pending (somebody else acknowledged it)."""
        client = self._require_client()
        return int(client.xack(self._key, self._group, format_id(delivery.entry)))

    def close(self) -> None:
        """Give up the connections; the consumer stays known to its group, with what it left pending."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _require_client(self) -> redis.Redis:
        if self._client is None:
            raise redis.ConnectionError("not connected")
        return self._client

    def _read_new(self, client: redis.Redis) -> list[Delivery | Tombstone]:
        reply = client.xreadgroup(
            self._group, self._name, {self._key: ">"}, count=self._settings.count, block=self._settings.block_ms
        )
        return self._open_entries(entries_of(reply), ReceiveTag.FRESH)

    def _read_own_pending(self, client: redis.Redis, after: EntryId) -> list[Delivery | Tombstone]:
        """One page of what was delivered to this consumer and never acknowledged; the last page ends the round."""
        reply = client.xreadgroup(self._group, self._name, {self._key: format_id(after)}, count=self._settings.count)
        entries = entries_of(reply)
        self._own_pending_after = parse_id(entries[-1][0]) if entries else None
        return self._open_entries(entries, ReceiveTag.OWN_PENDING)

    def _claim(self, client: redis.Redis) -> list[Delivery | Tombstone]:
        """A whole round of XAUTOCLAIM, cursor from 0-0 to 0-0."""
        found: list[Delivery | Tombstone] = []
        cursor = "0-0"
        for _ in range(MAX_CLAIM_PAGES):
            reply: Any = client.xautoclaim(
                self._key, self._group, self._name, self._settings.claim_min_idle_ms, cursor, count=CLAIM_COUNT
            )
            cursor = str(reply[0])
            found += self._open_entries([(entry, fields) for entry, fields in reply[1]], ReceiveTag.CLAIMED)
            found += [Tombstone(parse_id(str(entry))) for entry in (reply[2] if len(reply) > 2 else [])]
            if cursor == "0-0":
                break
        return found

    def _open_entries(
        self, entries: Sequence[tuple[str, Mapping[str, str] | None]], tag: ReceiveTag
    ) -> list[Delivery | Tombstone]:
        opened: list[Delivery | Tombstone] = []
        for entry, fields in entries:
            entry_id = parse_id(entry)
            if not fields:
                opened.append(Tombstone(entry_id))
                continue
            read = read_event(fields, token=self._token)
            opened.append(Delivery(read, tag, connection=self._counter.connections, entry=entry_id))
        return opened


def entries_of(reply: Any) -> list[tuple[str, Mapping[str, str] | None]]:
    """The entries of an XREADGROUP reply on one key, whichever shape the protocol version gave it.

    RESP2: ``[[key, [(id, fields), ...]]]``. RESP3: ``{key: [[(id, fields), ...]]}`` or ``{key: [(id, fields), ...]}``.
    """
    if not reply:
        return []
    lists = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    if lists and isinstance(lists[0], list) and (not lists[0] or isinstance(lists[0][0], list | tuple)):
        lists = lists[0]
    return [(str(entry), fields) for entry, fields in lists]
