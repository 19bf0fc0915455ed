"""What a driver is: one way for messages to travel, behind a small producer and a small consumer protocol.

A driver knows the Redis commands and nothing of faults, schedules or verdicts. It tells what it did through a
`ConnectionObserver` and through its return values; the worker process around it writes the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import redis

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

    def checkpoint(self, scope: int) -> str:
        """Where the XREAD reader that is scope ``scope`` saves the id that it has come to."""
        return f"{self.prefix}{self.arm}:checkpoint:{scope}"

    @property
    def dead_letters(self) -> str:
        """The stream that entries are moved to when they were delivered too often."""
        return f"{self.prefix}{self.arm}:dead-letters"

    @property
    def marks(self) -> str:
        """What every dedup mark of the arm begins with."""
        return f"{self.prefix}{self.arm}:mark:"

    def mark(self, scope: int, producer: int, sequence: int) -> str:
        """The key that says that a scope has done, or begun, the effect of a message."""
        return f"{self.marks}{scope}:{producer}:{sequence}"

    @property
    def effects(self) -> str:
        """The list of effects that a script made on the server."""
        return f"{self.prefix}{self.arm}:effects"

    @property
    def scratch(self) -> str:
        """A key to try out what the server can do; removed right after."""
        return f"{self.prefix}probe"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What one send call came to. ``writes`` counts how often the request was written to a socket."""

    outcome: OutcomeCode
    writes: int
    entry: EntryId = (0, 0)
    answer: int = -1
    """PUBLISH's answer, or how many replicas (WAIT) or fsyncs (WAITAOF) confirmed the XADD; -1: nobody was asked."""
    error: ErrorKind = ErrorKind.NONE


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it reached a consumer."""

    read: ReadEvent
    tag: ReceiveTag
    connection: int
    entry: EntryId = (0, 0)
    delivery_count: int = 0
    """How often the group was handed this entry, this time included; 0: the server keeps no count."""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The entry's content, for whoever passes it on."""


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

    def started(self, entry: EntryId) -> None:
        """This consumer created its group, or began without a checkpoint: what comes after ``entry`` is owed."""

    def checkpointed(self, entry: EntryId) -> None:
        """This reader saved that it has come to ``entry``."""


class Producer(Protocol):
    """Sends messages, one call each, and says what it knows about each."""

    def open(self) -> None:
        """Connect. Raises what the client raises."""

    def send(self, event: OrderEvent) -> SendResult:
        """Send one message. Never raises for what a network or a server can do: that is an outcome."""

    def close(self) -> None:
        """Give up all connections."""


class Consumer(Protocol):
    """Receives messages of one scope. All but ``close`` raise what the client raises: the worker reopens."""

    @property
    def acknowledges_first(self) -> bool:
        """Whether `acknowledge` is to be called before the effect instead of after it."""

    def open(self) -> None:
        """Connect and subscribe (or join the group); returns when the server confirmed it."""

    def poll(self) -> Sequence[Delivery | Tombstone]:
        """Whatever has arrived; returns empty-handed after a bounded wait."""

    def acknowledge(self, delivery: Delivery) -> int | None:
        """Tell the server that this message is settled; XACK's answer, or ``None`` where there is no XACK."""

    def dead_letter(self, delivery: Delivery) -> bool:
        """Move an entry that was delivered too often out of the way; false where there is nowhere to move it."""

    def store(self) -> redis.Redis:
        """The client that is open, for what the application keeps on the same server."""

    def close(self) -> None:
        """Give up all connections."""


class Log(Protocol):
    """The server's own account of a Streams arm, read on a direct connection."""

    def entries(self) -> Iterator[LogEntry]:
        """Every entry, oldest first."""

    def group(self, scope: int) -> GroupState | None:
        """How far a scope has come; ``None`` where only the consumer itself knows (an XREAD reader without
        checkpoint): then what it received has to tell."""

    def pending(self, scope: int) -> Iterator[PendingEntry]:
        """Every pending entry of a scope's group."""

    def last_generated(self) -> EntryId:
        """The id of the newest entry that the stream ever had."""

    def memory_bytes(self) -> int | None:
        """MEMORY USAGE of the stream; ``None`` where the server does not tell."""
