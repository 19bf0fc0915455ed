"""What was read from a live server: plain facts, nothing judged. ``None`` = the server did not say.

Why it did not is in `ServerFacts.denied`: the command, and the reason in a few words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EntryId = tuple[int, int]
"""Milliseconds and sequence of a stream entry's id."""

NEVER = (0, 0)
"""Before every entry: where a group stands that was created at 0 and has read nothing."""


def parse_id(text: str) -> EntryId:
    """``"1700-3"`` → ``(1700, 3)``."""
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """The server as a whole. Sizes in bytes, times in milliseconds on the server's clock."""

    name: str = "server"
    """Product and address, e.g. ``valkey 9.1.2 at db:6379``."""
    role: str | None = None
    """``master`` or ``slave``, as INFO has it."""
    append_only: bool | None = None
    append_fsync: str | None = None
    save: str | None = None
    append_only_ok: bool | None = None
    snapshot_ok: bool | None = None
    """The last write of the append-only file, and the last snapshot, went well."""
    max_memory: int | None = None
    eviction_policy: str | None = None
    used_memory: int | None = None
    system_memory: int | None = None
    evicted_keys: int | None = None
    output_buffer_limits: str | None = None
    """``client-output-buffer-limit``, all classes."""
    limit_disconnections: int | None = None
    """Clients of any class that were cut off because of such a limit, since the server's start."""
    subscriptions: int | None = None
    """Channels and patterns that somebody is subscribed to, sharded ones included."""
    publishes: int | None = None
    group_reads: int | None = None
    acknowledgements: int | None = None
    """Calls of (S)PUBLISH, XREADGROUP, XACK and XACKDEL since the server's start or CONFIG RESETSTAT."""
    replicas: int | None = None
    min_replicas: int | None = None
    min_replicas_max_lag: int | None = None
    waits_for_replicas: bool | None = None
    """INFO counts good replicas, which it does only where min-replicas-to-write and its lag are set."""
    now_ms: int | None = None
    started_ms: int | None = None
    denied: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, command: str) -> str:
        """Why ``command`` gave nothing, for an ``unknown``."""
        return self.denied.get(command, f"{command} does not say")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingFacts:
    """One pending entry."""

    entry: EntryId
    idle_ms: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerFacts:
    """One member of a group; ``idle_ms`` is since it last tried to read, claim or acknowledge."""

    name: str
    pending: int
    idle_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFacts:
    """One consumer group."""

    name: str
    pending: int
    last_delivered: EntryId
    entries_read: int | None = None
    lag: int | None = None
    consumer_count: int = 0
    consumers: tuple[ConsumerFacts, ...] | None = None
    oldest: tuple[PendingFacts, ...] | None = None
    """The pending entries with the lowest ids, a bounded number of them."""
    idle: tuple[PendingFacts, ...] | None = None
    """Pending entries that were left alone for longer than the limit, a bounded number of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """One stream."""

    name: str
    length: int
    first: EntryId | None = None
    last: EntryId | None = None
    """The oldest and the newest entry that it holds; ``None``: empty."""
    entries_added: int | None = None
    """Ever; servers before 7.0 do not count."""
    deletions: bool | None = None
    """Whether an entry was ever removed by XDEL, which counters cannot tell from trimming."""
    newest: tuple[EntryId, ...] | None = None
    """The ids of its newest entries, newest first."""
    memory_bytes: int | None = None
    groups: tuple[GroupFacts, ...] | None = ()

    @property
    def removed(self) -> int | None:
        """How many entries it no longer holds."""
        return None if self.entries_added is None else max(0, self.entries_added - self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that was read."""

    server: ServerFacts
    pattern: str = "*"
    streams: tuple[StreamFacts, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    """Streams that could not be read, each with the reason."""
    incomplete: str = ""
    """Why there may be more streams than were looked at; empty = there are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is a failure."""

    max_outage_s: float = 720.0
    """How long consumers may be away; the source document's incident took 12 minutes."""
    pending: int = 1_000
    """Pending entries of one group."""
    idle_ms: int = 60_000
    """How long an entry may be pending, and a consumer with pending entries be silent."""
    deliveries: int = 5
    """How often one entry may be delivered."""
    memory_days: float = 7.0
    """How soon a stream that nothing trims may fill the memory."""
