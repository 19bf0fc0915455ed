"""Streams with a consumer group: XREADGROUP, effect, XACK; and the ways in which applications do less than that.

By default the consumer does what the documentation asks of one that must not lose anything: it acknowledges after the
effect, reads its own pending entries again whenever its connection was replaced (a reply that got lost on the way
leaves entries that ``>`` never returns), and claims with XAUTOCLAIM what anybody, itself included, has left pending
for longer than ``claim_min_idle_ms``. `StreamSettings` take parts of it away:

``ack``
    before the effect: each entry is acknowledged right before its own effect. NOACK: the server keeps nothing
    pending, so there is nothing to come back to.
``recovery``
    only the own pending entries, only claiming, XREADGROUP with CLAIM (Redis 8.4), or none.
``start``
    at ``$`` the first consumer that opens creates the group, and is the one that tells where it began.
    Either way a group that is gone when a consumer opens anew (a server that lost its data, an evicted stream) is made
    again, at the beginning or at ``$``, as applications do that are to survive it.
``dead_letter_after``
    `dead_letter` adds the entry to another stream and acknowledges it, both in one transaction.

An entry's delivery count is the server's. A new entry's is one; one that came again is asked for with XPENDING, since
XAUTOCLAIM raises the count and does not tell it. That is one request for a batch of entries that came again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import redis

from harness.drivers.base import ConnectionObserver, Delivery, EntryId, Names, Tombstone
from harness.drivers.client import RequestCounter, make_client
from harness.drivers.entries import format_id, parse_id
from harness.drivers.replies import Fields, claim_reply_of, deliveries_of, entries_of, keep_raw
from harness.model.values import Arm
from harness.model.words import AckPolicy, ReceiveTag, Recovery, StartAt
from harness.stack.base import ServerAddress

CLAIM_COUNT = 100
_ROUND_IS_OVER = "0-0"
_BEGINNING = "0"
_NO_GROUP = ("NOGROUP", "requires the key to exist")
"""How a server says that there is no such group, and that there is not even the stream."""
_REREADS = frozenset({Recovery.FULL, Recovery.OWN_PENDING})
_CLAIMS = frozenset({Recovery.FULL, Recovery.CLAIM})


class StreamConsumer:
    """One member of a consumer group; ``name`` is what the group knows it by, also after a restart."""

    def __init__(
        self, arm: Arm, address: ServerAddress, names: Names, *, scope: int, name: str, observer: ConnectionObserver
    ) -> None:
        self._address = address
        self._preset = arm.client
        self._names = names
        self._key = names.destination
        self._group = names.group(scope)
        self._name = name
        self._settings = arm.stream
        self._keeps_nothing = arm.stream.ack is AckPolicy.NOACK
        self._recovery = Recovery.NONE if self._keeps_nothing else arm.stream.recovery
        self._observer = observer
        self._counter = RequestCounter(observer)
        self._client: redis.Redis | None = None
        self._pending_read_on = 0
        self._next_claim_ns = 0
        self._claim_cursor = _ROUND_IS_OVER
        self._own_pending_after: EntryId | None = None

    @property
    def acknowledges_first(self) -> bool:
        """Whether XACK comes before the effect."""
        return self._settings.ack is AckPolicy.BEFORE_EFFECT

    def open(self) -> None:
        """Connect and be known to the group."""
        client = self._client = make_client(self._address, self._preset, self._counter)
        if self._recovery is Recovery.READ_CLAIM:
            client.set_response_callback("XREADGROUP", keep_raw)
        if self._settings.start is StartAt.END:
            self._create_group_at_end(client)
        self._join_group(client)
        self._observer.subscribed(self._counter.connections)
        self._end_claim_round()

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """Own pending entries after a reconnect, else what can be claimed when it is time, else new entries."""
        client = self.store()
        if self._recovery in _REREADS and self._counter.connections != self._pending_read_on:
            self._pending_read_on = self._counter.connections
            self._own_pending_after = (0, 0)
        if self._own_pending_after is not None:
            return self._read_own_pending(client, self._own_pending_after)
        if self._recovery in _CLAIMS and self._is_time_to_claim() and (claimed := self._claim(client)):
            return claimed
        if self._recovery is Recovery.READ_CLAIM:
            return self._read_claiming(client)
        return self._read_new(client)

    def acknowledge(self, delivery: Delivery) -> int | None:
        """XACK; 0 means that the entry was no longer pending (somebody else acknowledged it)."""
        if self._keeps_nothing:
            return None
        return int(self.store().xack(self._key, self._group, format_id(delivery.entry)))

    def dead_letter(self, delivery: Delivery) -> bool:
        """XADD to the dead-letter stream and XACK, both or neither."""
        content: Any = {
            **delivery.fields,
            "entry": format_id(delivery.entry),
            "group": self._group,
            "deliveries": str(delivery.delivery_count),
        }
        with self.store().pipeline(transaction=True) as both:
            both.xadd(self._names.dead_letters, content)
            both.xack(self._key, self._group, format_id(delivery.entry))
            both.execute()
        return True

    def store(self) -> redis.Redis:
        """The open client."""
        if self._client is None:
            raise redis.ConnectionError("not connected")
        return self._client

    def close(self) -> None:
        """Give up the connections; the consumer stays known to its group, with what it left pending."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def _join_group(self, client: redis.Redis) -> None:
        """Be known to the group; one that went with its stream is made again, so that all of the new stream is owed.

        An application whose start-up only reads would crash in a loop after a restart without persistence. ``MKSTREAM``
        and "is there already" are what the documentation asks for.
        """
        try:
            client.xgroup_createconsumer(self._key, self._group, self._name)
            return
        except redis.ResponseError as error:
            if not any(words in str(error) for words in _NO_GROUP):
                raise
        try:
            client.xgroup_create(self._key, self._group, id=_BEGINNING, mkstream=True)
            self._observer.started((0, 0))
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        client.xgroup_createconsumer(self._key, self._group, self._name)

    def _create_group_at_end(self, client: redis.Redis) -> None:
        """Create the group at ``$``; where it is ours, tell its start, asked for before anybody can read from it."""
        with client.pipeline(transaction=True) as both:
            both.xgroup_create(self._key, self._group, id="$", mkstream=True)
            both.xinfo_groups(self._key)
            created, groups = both.execute(raise_on_error=False)
        if isinstance(created, redis.ResponseError) and "BUSYGROUP" in str(created):
            return
        for answer in (created, groups):
            if isinstance(answer, Exception):
                raise answer
        (ours,) = [group for group in groups if group["name"] == self._group]
        self._observer.started(parse_id(str(ours["last-delivered-id"])))

    def _read_new(self, client: redis.Redis) -> list[Delivery | Tombstone]:
        reply = client.xreadgroup(
            self._group,
            self._name,
            {self._key: ">"},
            count=self._settings.count,
            block=self._settings.block_ms,
            noack=self._keeps_nothing,
        )
        return self._opened(entries_of(reply), ReceiveTag.FRESH, 0 if self._keeps_nothing else 1)

    def _read_claiming(self, client: redis.Redis) -> list[Delivery | Tombstone]:
        """XREADGROUP with CLAIM: what was left pending long enough comes first, then new entries."""
        words = ["GROUP", self._group, self._name, "COUNT", self._settings.count, "BLOCK", self._settings.block_ms]
        words += ["CLAIM", self._settings.claim_min_idle_ms, "STREAMS", self._key, ">"]
        reply = claim_reply_of(client.execute_command("XREADGROUP", *words))  # type: ignore[no-untyped-call]  # redis-py
        claimed = self._came_again(client, reply.claimed, ReceiveTag.CLAIMED)
        return claimed + self._opened(reply.fresh, ReceiveTag.FRESH, 1)

    def _read_own_pending(self, client: redis.Redis, after: EntryId) -> list[Delivery | Tombstone]:
        """One page of what was delivered to this consumer and never acknowledged; the last page ends the round."""
        reply = client.xreadgroup(self._group, self._name, {self._key: format_id(after)}, count=self._settings.count)
        entries = entries_of(reply)
        self._own_pending_after = parse_id(entries[-1][0]) if entries else None
        return self._came_again(client, entries, ReceiveTag.OWN_PENDING)

    def _claim(self, client: redis.Redis) -> list[Delivery | Tombstone]:
        """One page of a round of XAUTOCLAIM, whose cursor goes from 0-0 to 0-0. What it brought is handled at once:

        an error on the next page must not take back what the server has handed out, or reported as trimmed away.
        """
        reply: Any = client.xautoclaim(
            self._key, self._group, self._name, self._settings.claim_min_idle_ms, self._claim_cursor, count=CLAIM_COUNT
        )
        self._claim_cursor = str(reply[0])
        if self._claim_cursor == _ROUND_IS_OVER:
            self._end_claim_round()
        gone = [Tombstone(parse_id(str(entry))) for entry in (reply[2] if len(reply) > 2 else [])]
        return self._came_again(client, [(entry, fields) for entry, fields in reply[1]], ReceiveTag.CLAIMED) + gone

    def _is_time_to_claim(self) -> bool:
        return self._claim_cursor != _ROUND_IS_OVER or time.monotonic_ns() >= self._next_claim_ns

    def _end_claim_round(self) -> None:
        self._claim_cursor = _ROUND_IS_OVER
        self._next_claim_ns = time.monotonic_ns() + self._settings.claim_interval_ms * 1_000_000

    def _came_again(
        self, client: redis.Redis, entries: Sequence[tuple[str, Fields]], tag: ReceiveTag
    ) -> list[Delivery | Tombstone]:
        """Open entries that were delivered before, with how often: they are ours now, so our pending list tells."""
        if not entries:
            return []
        counts = self._delivery_counts(client, [entry for entry, _ in entries])
        return deliveries_of(entries, tag, names=self._names, connection=self._counter.connections, counts=counts)

    def _delivery_counts(self, client: redis.Redis, entries: Sequence[str]) -> dict[EntryId, int]:
        """How often each was delivered; none where the server cannot be asked: that must not cost the entries."""
        try:
            rows: Any = client.xpending_range(
                self._key,
                self._group,
                min=min(entries, key=parse_id),
                max=max(entries, key=parse_id),
                count=10 * (CLAIM_COUNT + len(entries)),
                consumername=self._name,
            )
        except (redis.RedisError, OSError):
            return {}
        return {parse_id(str(row["message_id"])): int(row["times_delivered"]) for row in rows}

    def _opened(self, entries: Sequence[tuple[str, Fields]], tag: ReceiveTag, count: int) -> list[Delivery | Tombstone]:
        return deliveries_of(entries, tag, names=self._names, connection=self._counter.connections, counts=count)
