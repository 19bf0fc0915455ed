"""The closed sets of words: every other room spells them by importing them from here.

The words and their meaning are explained for readers in ``docs/definitions.md``. Values are what files and screens
show, so they are stable: a stored run of an older release must still read.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Primitive(StrEnum):
    """What Redis offers to carry a message."""

    PUBSUB = "pubsub"
    STREAMS = "streams"


class Topology(StrEnum):
    """Who is owed a message: every scope (fan-out), or one scope whose consumers share the work (work queue)."""

    FAN_OUT = "fan-out"
    WORK_QUEUE = "work-queue"


class ClientPreset(StrEnum):
    """How the client library is set up: part of an arm, because it changes the result more than the primitive."""

    AS_SHIPPED = "as-shipped"
    NO_RETRY = "no-retry"
    HARDENED = "hardened"


class LinkRole(StrEnum):
    """Which proxied path to the server: faults are injected on a link, never on the server's own port."""

    PRODUCERS = "producers"
    CONSUMERS = "consumers"


class PartitionModel(StrEnum):
    """A fault named by what it physically does to a link and how it heals.

    ``hold``: bytes stop, connections stay, everything arrives late after the heal.
    ``drop``: bytes are discarded, connections stay silent and are closed by the heal.
    ``down``: connections are closed at once and new ones are refused until the heal.
    ``reset``: connections are closed, new ones are reset (RST) until the heal.
    ``none``: the no-fault control.
    """

    NONE = "none"
    HOLD = "hold"
    DROP = "drop"
    DOWN = "down"
    RESET = "reset"


class Phase(StrEnum):
    """The stretches of a trial, in this order."""

    WARM_UP = "warm-up"
    STEADY = "steady"
    FAULT = "fault"
    RECOVERY = "recovery"
    DRAIN = "drain"


class Outcome(StrEnum):
    """What the producer knows about one message in the end."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    INDETERMINATE = "indeterminate"


class Fate(StrEnum):
    """What became of one (message, scope). Exclusive; the first that matches, in this order, wins."""

    PHANTOM = "phantom"
    REJECTED_BUT_DELIVERED = "rejected-but-delivered"
    STUCK = "stuck"
    DELIVERED = "delivered"
    NEVER_READ = "never-read"
    UNREAD = "unread"
    LOST = "lost"
    NOT_ENTITLED = "not-entitled"
    ABSENT = "absent"


class Mechanism(StrEnum):
    """Why a message was lost. ``unexplained`` is a finding in itself."""

    NOT_CONNECTED = "not connected"
    OUTPUT_BUFFER_KILL = "output-buffer kill"
    SERVER_RESTART = "server restart"
    UNFSYNCED = "un-fsynced at power loss"
    UNREPLICATED = "un-replicated at failover"
    TRIMMED_UNREAD = "trimmed unread"
    TRIMMED_PENDING = "trimmed while pending"
    EVICTED = "evicted"
    GROUP_AT_DOLLAR = "group created at $"
    NOACK = "NOACK"
    CRASH_BEFORE_EFFECT = "crash before effect"
    CRASH_BEFORE_ACK = "crash between effect and XACK"
    NO_CLAIMER = "no claimer"
    UNEXPLAINED = "unexplained"


class DuplicateCause(StrEnum):
    """Why a scope received a message more than once."""

    PRODUCER_RETRY = "producer retry"
    REDELIVERY = "redelivery"
    AFTER_ACK = "after XACK"


class LossPosition(StrEnum):
    """Where in a producer's sequence the losses of one scope lie."""

    PREFIX = "prefix"
    MIDDLE = "middle"
    POSTFIX = "postfix"


class Guarantee(StrEnum):
    """What a user may ask of an arm."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    EFFECTIVELY_ONCE = "effectively-once"
    DURABLE = "durable"
    ORDERED = "ordered"


class Stance(StrEnum):
    """What a scenario says about a guarantee: it must hold, it is expected not to, or it is only reported."""

    REQUIRED = "required"
    EXPECTED_NOT_TO_HOLD = "expected-not-to-hold"
    FREE = "free"


class Verdict(StrEnum):
    """The answer to one clause, and, merged by the worst, to a trial and a run."""

    HELD = "held"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    VIOLATED = "violated"


class PredictionResult(StrEnum):
    """What a run says about a scenario's prediction; a refuted one is reported, never bent."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_TESTED = "not tested"


_SEVERITY = {Verdict.HELD: 0, Verdict.INCONCLUSIVE: 1, Verdict.ERROR: 2, Verdict.VIOLATED: 3}


def merge_verdicts(verdicts: list[Verdict]) -> Verdict:
    """The worst of ``verdicts``: violated > error > inconclusive > held; nothing at all is inconclusive."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)


class ReceiveTag(IntEnum):
    """How a scope came by a message. Stored as one byte."""

    FRESH = 1
    CLAIMED = 2
    OWN_PENDING = 3
    PUSH = 4


class OutcomeCode(IntEnum):
    """`Outcome` of one attempt as stored in a journal. Stored as one byte."""

    ACKNOWLEDGED = 1
    REJECTED = 2
    INDETERMINATE = 3


class ContentCheck(IntEnum):
    """What the consumer found when it opened a message. Stored as one byte."""

    INTACT = 0
    DAMAGED = 1
    FOREIGN = 2


class StackKind(StrEnum):
    """Where the servers come from."""

    LOCAL = "local"
    COMPOSE = "compose"
    EXTERNAL = "external"


class Persistence(StrEnum):
    """A server settings profile."""

    OFF = "off"
    RDB = "rdb"
    AOF_NO = "aof-no"
    AOF_EVERYSEC = "aof-everysec"
    AOF_ALWAYS = "aof-always"


class ProbeResult(IntEnum):
    """How one sentinel ping ended."""

    ANSWERED = 1
    SILENT = 2
    CLOSED = 3
    REFUSED = 4
    RESET = 5


class ErrorKind(IntEnum):
    """An error as the client saw it."""

    NONE = 0
    REFUSED = 1
    RESET = 2
    EOF = 3
    TIMEOUT = 4
    OOM = 5
    READONLY = 6
    NOREPLICAS = 7
    MISCONF = 8
    LOADING = 9
    AUTH = 10
    NOGROUP = 11
    OTHER_REPLY = 12
    OTHER = 13
