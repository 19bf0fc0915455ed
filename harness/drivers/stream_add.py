"""Sending to a stream: XADD, with the trimming and the idempotence that the arm asks for.

Trimming rides on the producer's XADD, as applications do it: ``MAXLEN`` keeps so many entries, ``MINID`` those that
are younger than so long. With ``~`` the server trims whole nodes only (a hundred entries by default), so more stays.
Either forgets what a slow group has not read, and what it has pending, without an error to anybody.

``XADD key IDMP producer-id message-id`` (Redis 8.6): the server remembers the last ids of each producer, a hundred of
them for a hundred seconds unless told otherwise, and answers a repeated one with the entry that it made the first time.
Source: https://redis.io/docs/latest/commands/xadd/
"""

from __future__ import annotations

import time
from typing import Any

from harness.drivers.base import ConnectionObserver, Names, SendResult
from harness.drivers.client import RequestCounter, make_client
from harness.drivers.confirming import add_and_wait, waits, wanted
from harness.drivers.entries import parse_id
from harness.drivers.sending import send_once
from harness.model.message import OrderEvent
from harness.model.values import Arm, Retention
from harness.model.words import ErrorKind, OutcomeCode
from harness.stack.base import ServerAddress


class StreamProducer:
    """Appends each message as one entry with the event's fields."""

    def __init__(self, arm: Arm, address: ServerAddress, names: Names, *, observer: ConnectionObserver) -> None:
        self._counter = RequestCounter(observer)
        self._client = make_client(address, arm.client, self._counter)
        self._key = names.destination
        self._retention = arm.retention
        self._idempotent = arm.idempotent_add
        self._arm = arm

    def open(self) -> None:
        """Connect, by a PING."""
        self._client.ping()

    def send(self, event: OrderEvent) -> SendResult:
        """XADD once; redis-py may write it more often, and then the log may hold it more often."""
        pieces = [*self._idempotence(event), *trimming(self._retention, now_ms=time.time_ns() // 1_000_000), "*"]
        for name, value in event.fields().items():
            pieces += [name, value]
        add = self._add_and_wait if waits(self._arm) else self._add
        return send_once(self._counter, lambda: add(pieces))

    def _idempotence(self, event: OrderEvent) -> list[str]:
        if not self._idempotent:
            return []
        producer, _, sequence = event.identity.rpartition("/")
        return ["IDMP", producer, sequence]

    def _add(self, pieces: list[str]) -> SendResult:
        entry: Any = self._client.execute_command("XADD", self._key, *pieces)  # type: ignore[no-untyped-call]  # redis-py
        return SendResult(OutcomeCode.ACKNOWLEDGED, self._counter.writes, entry=parse_id(str(entry)))

    def _add_and_wait(self, pieces: list[str]) -> SendResult:
        """Acknowledged is what was confirmed in time; what was written and not confirmed is indeterminate."""
        entry, confirmed = add_and_wait(self._client, self._arm, (self._key, *pieces))
        enough = confirmed >= wanted(self._arm)
        return SendResult(
            OutcomeCode.ACKNOWLEDGED if enough else OutcomeCode.INDETERMINATE,
            self._counter.writes,
            entry=parse_id(entry),
            answer=confirmed,
            error=ErrorKind.NONE if enough else ErrorKind.UNCONFIRMED,
        )

    def close(self) -> None:
        """Give up the connections."""
        self._client.close()


def trimming(retention: Retention | None, *, now_ms: int) -> list[str]:
    """The words of XADD that trim. An age is counted from ``now_ms``, on the clock that entry ids are made from."""
    if retention is None:
        return []
    how = "=" if retention.exact else "~"
    if retention.max_length is not None:
        return ["MAXLEN", how, str(retention.max_length)]
    assert retention.max_age_ms is not None
    return ["MINID", how, f"{now_ms - retention.max_age_ms}-0"]
