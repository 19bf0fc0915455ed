"""Streams without a group: XREAD from an id that the reader itself remembers.

Each scope is one reader, owed everything after the id at which it began. What it has come to is saved under one key
(SET, one request for each message): after the effect, or before it; or it is only remembered while the process lives.

Saving is *per message*, not per batch, as XACK is: so a crash between an effect and its checkpoint repeats exactly one
effect, and a crash between a checkpoint saved first and its effect leaves out exactly one. Saved once for a batch of
COUNT entries, it would be up to COUNT of them.

A reader that begins without a checkpoint starts at ``0-0`` or at the stream's end. The end is asked for once, as an
id: XREAD with ``$`` in each call would pass over whatever is added between two calls.

A message whose handling fails is left behind, as there is nothing that would bring it again: a reader that stays
at it until it succeeds never reads on, and that is another arm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import redis

from harness.drivers.base import ConnectionObserver, Delivery, EntryId, GroupState, Names, PendingEntry, Tombstone
from harness.drivers.client import RequestCounter, make_client
from harness.drivers.entries import StreamLog, format_id, last_generated, parse_id
from harness.drivers.replies import deliveries_of, entries_of
from harness.model.values import Arm
from harness.model.words import Checkpoint, ReceiveTag, StartAt
from harness.stack.base import ServerAddress


class StreamReader:
    """The one reader of a scope."""

    def __init__(
        self, arm: Arm, address: ServerAddress, names: Names, *, scope: int, observer: ConnectionObserver
    ) -> None:
        self._address = address
        self._preset = arm.client
        self._names = names
        self._key = names.destination
        self._checkpoint_key = names.checkpoint(scope)
        self._settings = arm.stream
        self._observer = observer
        self._counter = RequestCounter(observer)
        self._client: redis.Redis | None = None
        self._settled: EntryId | None = None
        self._read_to: EntryId = (0, 0)

    @property
    def acknowledges_first(self) -> bool:
        """Whether the checkpoint is saved before the effect."""
        return self._settings.checkpoint is Checkpoint.BEFORE_EFFECT

    def open(self) -> None:
        """Connect and find out where to read on."""
        client = self._client = make_client(self._address, self._preset, self._counter)
        if self._settings.checkpoint is not Checkpoint.NONE:
            saved: Any = client.get(self._checkpoint_key)
            self._settled = parse_id(saved) if saved else self._settled
        if self._settled is None:
            at_end = self._settings.start is StartAt.END
            self._settled = last_generated(client, self._key) if at_end else (0, 0)
            self._observer.started(self._settled)
        self._read_to = self._settled
        self._observer.subscribed(self._counter.connections)

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """The next entries; empty-handed after BLOCK."""
        reply = self.store().xread(
            {self._key: format_id(self._read_to)}, count=self._settings.count, block=self._settings.block_ms
        )
        entries = entries_of(reply)
        if entries:
            self._read_to = parse_id(entries[-1][0])
        return deliveries_of(entries, ReceiveTag.FRESH, names=self._names, connection=self._counter.connections)

    def acknowledge(self, delivery: Delivery) -> None:
        """Save, or only remember, that this entry is settled."""
        if self._settings.checkpoint is not Checkpoint.NONE:
            self.store().set(self._checkpoint_key, format_id(delivery.entry))
            self._observer.checkpointed(delivery.entry)
        self._settled = delivery.entry

    def dead_letter(self, delivery: Delivery) -> bool:  # noqa: ARG002  # nothing counts a reader's deliveries
        """Nowhere: without a group nothing is delivered again."""
        return False

    def store(self) -> redis.Redis:
        """The open client."""
        if self._client is None:
            raise redis.ConnectionError("not connected")
        return self._client

    def close(self) -> None:
        """Give up the connections."""
        if self._client is not None:
            self._client.close()
        self._client = None


class ReaderLog(StreamLog):
    """The stream, and how far its readers have come as far as they save it."""

    def __init__(self, client: redis.Redis, names: Names, *, checkpoint: Checkpoint) -> None:
        super().__init__(client, names)
        self._saves = checkpoint is not Checkpoint.NONE

    def group(self, scope: int) -> GroupState | None:
        """The saved checkpoint; ``None`` where the reader saves none. Nothing is ever pending."""
        if not self._saves:
            return None
        saved = self._client.get(self._names.checkpoint(scope))
        return GroupState(parse_id(saved) if saved else (0, 0), pending=0)

    def pending(self, scope: int) -> Iterator[PendingEntry]:  # noqa: ARG002  # a reader leaves nothing pending
        """Nothing."""
        return iter(())
