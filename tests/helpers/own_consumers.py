"""Consumers as other people write them, to be put to the test."""

from __future__ import annotations

from typing import Any

import redis

from harness import Seat

CLAIM_AFTER_MS = 1_000


def with_bytes_and_pipelines(seat: Seat) -> None:
    """Careful, with a client of its own settings: bytes in the replies, XACKs of a batch in one pipeline."""
    client = seat.connect(socket_timeout=5.0)
    while True:
        claimed: Any = client.xautoclaim(seat.stream, seat.group, seat.name, CLAIM_AFTER_MS, count=100)
        reply: Any = client.xreadgroup(seat.group, seat.name, {seat.stream: ">"}, count=10, block=300)
        fresh = [] if not reply else _entries(reply)
        with client.pipeline(transaction=False) as batch:
            for entry, fields in list(claimed[1]) + fresh:
                seat.effect(fields)
                batch.xack(seat.stream, seat.group, entry)
            batch.execute()


def behind_our_back(seat: Seat) -> None:
    """Reads over a connection that nobody listens to: what it received could not be counted."""
    settings = seat.connection.connection_pool.connection_kwargs
    client = redis.Redis(host=settings["host"], port=settings["port"], decode_responses=True)
    while True:
        reply: Any = client.xreadgroup(seat.group, seat.name, {seat.stream: ">"}, count=10, block=300)
        for entry, fields in [] if not reply else _entries(reply):
            seat.effect(fields)
            client.xack(seat.stream, seat.group, entry)


def that_returns_at_once(_seat: Seat) -> None:
    """No consumer at all."""


def that_forgets_some(seat: Seat) -> None:
    """Acknowledges every seventh message without having done anything: wrong without any fault."""
    client = seat.connection
    handled = 0
    while True:
        reply: Any = client.xreadgroup(seat.group, seat.name, {seat.stream: ">"}, count=10, block=300)
        for entry, fields in [] if not reply else _entries(reply):
            handled += 1
            if handled % 7:
                seat.effect(fields)
            client.xack(seat.stream, seat.group, entry)


def _entries(reply: Any) -> list[Any]:
    rows = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    return list(rows[0]) if rows and isinstance(rows[0], list) else list(rows)
