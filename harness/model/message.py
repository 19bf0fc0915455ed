"""One message: an order event with a unique identity and a checksum of its content.

Identity is (trial token, arm, producer, sequence) and travels inside the message, so that whoever reads it, from a
subscriber, from a group or from the stream itself, can say which message it is, whether it was damaged, and whether
it belongs to this trial at all.

    >>> event = make_event(token="a1b2c3d4", arm=0, producer=1, sequence=7, seed=42, timestamp="2026-01-01T00:00:00Z")
    >>> read_event(event.fields(), token="a1b2c3d4").check
    <ContentCheck.INTACT: 0>
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.words import ContentCheck

SENTINEL_BASE = 1 << 31
"""Sequences from here on are drain sentinels: they prove that a path works again and are counted nowhere."""

EVENT_TYPES = ("ORDER_CREATED", "PAYMENT_PROCESSED", "ORDER_SHIPPED")
_UNKNOWN = 0xFFFF
_POISON = '"poison":true}'


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """What an application sends: one step in the life of an order."""

    identity: str
    order_id: str
    event_type: str
    data: str
    timestamp: str

    def checksum(self) -> str:
        """CRC-32 over all other fields, as eight hexadecimal digits."""
        content = "|".join((self.identity, self.order_id, self.event_type, self.data, self.timestamp))
        return f"{zlib.crc32(content.encode()):08x}"

    def fields(self) -> dict[str, str]:
        """The event as a flat mapping: the field names of a stream entry, the keys of a Pub/Sub JSON payload."""
        return {
            "id": self.identity,
            "orderId": self.order_id,
            "eventType": self.event_type,
            "data": self.data,
            "timestamp": self.timestamp,
            "checksum": self.checksum(),
        }

    def to_json(self) -> str:
        """The event as one JSON object (a Pub/Sub payload)."""
        return json.dumps(self.fields(), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """What a reader can say about something it received. ``producer``/``sequence`` are 65535/0 where unreadable."""

    check: ContentCheck
    arm: int
    producer: int
    sequence: int
    poison: bool = False
    """Its handling fails every time."""

    @property
    def is_sentinel(self) -> bool:
        """Whether this is a drain sentinel rather than a message."""
        return self.sequence >= SENTINEL_BASE


def make_event(
    *,
    token: str,
    arm: int,
    producer: int,
    sequence: int,
    seed: int,
    timestamp: str,
    poison: bool = False,
    padding_bytes: int = 0,
) -> OrderEvent:
    """The event that ``producer`` of ``arm`` sends as its ``sequence``-th: the same for the same seed."""
    draw = random.Random((seed << 20) ^ (arm << 56) ^ (producer << 48) ^ sequence)
    step = sequence % len(EVENT_TYPES)
    order = sequence // len(EVENT_TYPES)
    data: dict[str, object] = {
        "amount_cents": draw.randrange(100, 100_000),
        "items": draw.randrange(1, 9),
        "step": step + 1,
    }
    if padding_bytes:
        data["padding"] = "x" * padding_bytes
    if poison:
        data["poison"] = True
    return OrderEvent(
        identity=f"{token}/{arm}/{producer}/{sequence}",
        order_id=f"ORD-{arm}-{producer}-{order:06d}",
        event_type=EVENT_TYPES[step],
        data=json.dumps(data, separators=(",", ":")),
        timestamp=timestamp,
    )


def read_event(fields: Mapping[str, str], *, token: str) -> ReadEvent:
    """Say which message ``fields`` hold and whether it is intact. Never raises: what can't be read is damaged."""
    try:
        event = OrderEvent(fields["id"], fields["orderId"], fields["eventType"], fields["data"], fields["timestamp"])
        found, arm, producer, sequence = event.identity.split("/")
        poison = event.data.endswith(_POISON)
        read = ReadEvent(ContentCheck.INTACT, int(arm), int(producer), int(sequence), poison)
        intact = event.checksum() == fields["checksum"]
    except (KeyError, ValueError, AttributeError, TypeError):
        return ReadEvent(ContentCheck.DAMAGED, 0, _UNKNOWN, 0)
    if found != token:
        return ReadEvent(ContentCheck.FOREIGN, read.arm, read.producer, read.sequence)
    if not intact:
        return ReadEvent(ContentCheck.DAMAGED, read.arm, read.producer, read.sequence)
    return read


def read_json(payload: str, *, token: str) -> ReadEvent:
    """`read_event` for a Pub/Sub payload."""
    try:
        fields = json.loads(payload)
    except ValueError:
        return ReadEvent(ContentCheck.DAMAGED, 0, _UNKNOWN, 0)
    if not isinstance(fields, dict):
        return ReadEvent(ContentCheck.DAMAGED, 0, _UNKNOWN, 0)
    return read_event(fields, token=token)
