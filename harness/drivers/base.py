"""What a driver is: one way for messages to travel, behind a small producer and a small consumer protocol.

A driver knows the Redis commands and nothing of faults, schedules or verdicts. It tells what it did through a
`ConnectionObserver` and through its return values; the worker process around it writes the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.model.message import OrderEvent, ReadEvent
from harness.model.words import ErrorKind, OutcomeCode, ReceiveTag

EntryId = tuple[int, int]
"""A stream entry id as (milliseconds, sequence); (0, 0) where there is none."""


@dataclass(frozen=True, slots=True)
class Names:
    """The keys that one arm of one trial uses: all under the trial's own random prefix."""

    token: str
    arm: int

    @property
    def prefix(self) -> str:
        """Every key of the trial begins with this; nothing else on the server does."""
        return f"pvs:{self.token}:"

    @property
    def destination(self) -> str:
        """The channel or stream that the arm's messages go to."""
        return f"{self.prefix}{self.arm}:orders"

    def group(self, scope: int) -> str:
        """The consumer group that is scope ``scope``."""
        return f"scope-{scope}"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What one send call came to. ``writes`` counts how often the request was written to a socket."""

    outcome: OutcomeCode
    writes: int
    entry: EntryId = (0, 0)
    answer: int = -1
    error: ErrorKind = ErrorKind.NONE


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it reached a consumer."""

    read: ReadEvent
    tag: ReceiveTag
    connection: int
    entry: EntryId = (0, 0)
    delivery_count: int = 0


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A pending entry whose content is gone from the stream."""

    entry: EntryId


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a stream, read back on a direct connection."""

    entry: EntryId
    read: ReadEvent


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """One entry of a group's pending list."""

    entry: EntryId
    idle_ms: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class GroupState:
    """A consumer group as the server sees it."""

    last_delivered: EntryId
    pending: int


class ConnectionObserver(Protocol):
    """Told of what happens on a client's connections, at the moment it happens."""

    def writing(self, nth: int) -> None:
        """The current request is about to be written for the ``nth`` time (from 1)."""

    def connected(self, number: int) -> None:
        """Connection ``number`` (from 1) of this process has finished its handshake."""

    def disconnected(self, number: int, error: ErrorKind) -> None:
        """The client gave up connection ``number``."""

    def subscribed(self, number: int) -> None:
        """The server confirmed a subscription, or membership in a group, on connection ``number``."""


class Producer(Protocol):
    """Sends messages, one call each, and says what it knows about each."""

    def open(self) -> None:
        """Connect. Raises what the client raises."""

    def send(self, event: OrderEvent) -> SendResult:
        """Send one message. Never raises for what a network or a server can do: that is an outcome."""

    def close(self) -> None:
        """Give up all connections."""


class Consumer(Protocol):
    """Receives messages of one scope. ``open`` and ``poll`` raise what the client raises: the worker reopens."""

    def open(self) -> None:
        """Connect and subscribe (or join the group); returns when the server confirmed it."""

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """Whatever has arrived; returns empty-handed after a bounded wait."""

    def acknowledge(self, delivery: Delivery) -> int | None:
        """Tell the server that the effect is done; its answer, or ``None`` where the primitive has no such thing."""

    def close(self) -> None:
        """Give up all connections."""


class Log(Protocol):
    """The server's own account of a Streams arm, read on a direct connection."""

    def entries(self) -> Iterator[LogEntry]:
        """Every entry, oldest first."""

    def group(self, scope: int) -> GroupState:
        """The state of a scope's group."""

    def pending(self, scope: int) -> Iterator[PendingEntry]:
        """Every pending entry of a scope's group."""

    def last_generated(self) -> EntryId:
        """The id of the newest entry that the stream ever had."""

    def memory_bytes(self) -> int | None:
        """MEMORY USAGE of the stream; ``None`` where the server does not tell."""
