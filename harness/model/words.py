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
    """Which proxied path to the server: faults are injected on a link, never on the server's own port.

    ``one-consumer`` carries only the first member of every scope; it is opened where a fault names it, and that
    member uses the consumers' link otherwise. ``replication`` carries what a replica is fed by its master.
    ``straight`` is no proxied path: the harness's own connection to a server, which a fault of that server is seen on.
    """

    PRODUCERS = "producers"
    CONSUMERS = "consumers"
    ONE_CONSUMER = "one-consumer"
    REPLICATION = "replication"
    STRAIGHT = "straight"


CLIENT_LINKS = (LinkRole.PRODUCERS, LinkRole.CONSUMERS, LinkRole.ONE_CONSUMER)
"""The links that clients use: any stack with proxies of its own brings these."""


class FaultModel(StrEnum):
    """A fault named by what it physically does and how it heals.

    Of a link:

    ``hold``: bytes stop, connections stay, everything arrives late after the heal.
    ``drop``: bytes are discarded, connections stay silent and are closed by the heal.
    ``down``: connections are closed at once and new ones are refused until the heal.
    ``reset``: connections are closed, new ones are reset (RST) until the heal.
    ``latency``: every reply is delayed, by an amount that varies.
    ``bandwidth``: bytes pass, but only so many a second; the heal closes the connections.
    ``reply-lost``: requests arrive and are executed; their replies are swallowed and the connection is closed.
    ``half-open``: nothing passes and the clients' closing is not passed on: the server keeps counting dead clients.

    Of processes:

    ``crash``: consumers kill themselves (SIGKILL) at an exact point of their work and are started anew at the heal.
    ``kill``: processes get a SIGKILL at a moment that nobody chose and are started anew at the heal.
    ``pause``: processes are stopped (SIGSTOP) and continued (SIGCONT) at the heal.
    ``restart``: a deploy: one after the other ends in order and is started anew.
    ``late-start``: processes are not started before the heal.

    Of consumption:

    ``slow``: consumers take so long over each message that they fall behind.
    ``poison``: messages whose handling fails every time.

    Of a server:

    ``server-kill``: the server gets a SIGKILL and is started anew at the heal, on the same directory and port.
    ``power-loss``: the same, and only what had reached its block device is there afterwards.
    ``server-pause``: the server is stopped (SIGSTOP) and continued (SIGCONT) at the heal.
    ``out-of-memory``: the server's memory limit is below its use; writes are refused until the heal.
    ``eviction``: the same with a policy that evicts keys instead.
    ``disk-full``: there is no room for the append-only file until the heal.
    ``slow-fsync``: every fsync of the server takes long until the heal.
    ``failover``: the master gets a SIGKILL, a replica is promoted, and the old master may come back at the heal.
    ``hung-master``: the master is stopped (SIGSTOP), a replica is promoted, and the old master goes on at the heal.

    Of packets:

    ``packet-drop``: packets are discarded, nobody is told, and TCP sends again until the heal and after it.

    ``none``: the no-fault control.
    """

    NONE = "none"
    HOLD = "hold"
    DROP = "drop"
    DOWN = "down"
    RESET = "reset"
    LATENCY = "latency"
    BANDWIDTH = "bandwidth"
    REPLY_LOST = "reply-lost"
    HALF_OPEN = "half-open"
    CRASH = "crash"
    KILL = "kill"
    PAUSE = "pause"
    RESTART = "restart"
    LATE_START = "late-start"
    SLOW = "slow"
    POISON = "poison"
    SERVER_KILL = "server-kill"
    POWER_LOSS = "power-loss"
    SERVER_PAUSE = "server-pause"
    OUT_OF_MEMORY = "out-of-memory"
    EVICTION = "eviction"
    DISK_FULL = "disk-full"
    SLOW_FSYNC = "slow-fsync"
    FAILOVER = "failover"
    HUNG_MASTER = "hung-master"
    PACKET_DROP = "packet-drop"


LINK_FAULTS = frozenset(
    {
        FaultModel.HOLD,
        FaultModel.DROP,
        FaultModel.DOWN,
        FaultModel.RESET,
        FaultModel.LATENCY,
        FaultModel.BANDWIDTH,
        FaultModel.REPLY_LOST,
        FaultModel.HALF_OPEN,
    }
)
"""Faults that act on a link, and are seen by its sentinel."""

PROCESS_FAULTS = frozenset(
    {FaultModel.CRASH, FaultModel.KILL, FaultModel.PAUSE, FaultModel.RESTART, FaultModel.LATE_START}
)
"""Faults that act on worker processes, and are seen in the process table."""


class ReplicationCut(StrEnum):
    """What is done to the links to the replicas shortly before a master fails: the lag that a failover loses."""

    NONE = "none"
    HOLD = "hold"
    DROP = "drop"


SERVER_FAULTS = frozenset(
    {
        FaultModel.SERVER_KILL,
        FaultModel.POWER_LOSS,
        FaultModel.SERVER_PAUSE,
        FaultModel.OUT_OF_MEMORY,
        FaultModel.EVICTION,
        FaultModel.DISK_FULL,
        FaultModel.SLOW_FSYNC,
        FaultModel.FAILOVER,
        FaultModel.HUNG_MASTER,
    }
)
"""Faults that act on a server, and are seen on straight connections to it."""

FAILOVERS = frozenset({FaultModel.FAILOVER, FaultModel.HUNG_MASTER})
"""Faults that end with another server being the master."""

PACKET_FAULTS = frozenset({FaultModel.PACKET_DROP})
"""Faults that act on the packets of a link's wire, where no proxy stands between."""


class Direction(StrEnum):
    """Which way a hold, a drop or a packet-drop strikes: what clients send, what they receive, or both."""

    BOTH = "both"
    REQUESTS = "requests"
    REPLIES = "replies"


class WorkerRole(StrEnum):
    """Whose processes a fault strikes."""

    PRODUCER = "producer"
    CONSUMER = "consumer"


class Members(StrEnum):
    """How many of them: the first of every scope (of producers: the first of the arm), or all."""

    FIRST = "first"
    ALL = "all"


class CrashPoint(StrEnum):
    """Where exactly in its work a consumer kills itself. With a dedup mark, the first lies between mark and effect."""

    BEFORE_EFFECT = "before effect"
    AFTER_EFFECT = "after effect, before XACK"
    AFTER_ACK = "after XACK"


class AckPolicy(StrEnum):
    """When a member of a group acknowledges; ``noack`` reads with NOACK: the server keeps nothing pending."""

    AFTER_EFFECT = "after-effect"
    BEFORE_EFFECT = "before-effect"
    NOACK = "noack"


class Recovery(StrEnum):
    """How a group's members come back to what was delivered and not acknowledged."""

    FULL = "own-pending and claim"
    OWN_PENDING = "own-pending"
    CLAIM = "claim"
    READ_CLAIM = "xreadgroup-claim"
    NONE = "none"


class StartAt(StrEnum):
    """Where a group, or a reader without a checkpoint, starts: the stream's beginning, or what comes next."""

    BEGINNING = "0"
    END = "$"


class Checkpoint(StrEnum):
    """When an XREAD reader saves the id that it has come to; ``none``: it only remembers it while it lives."""

    NONE = "none"
    BEFORE_EFFECT = "before-effect"
    AFTER_EFFECT = "after-effect"


class Dedup(StrEnum):
    """How a consumer keeps from doing an effect twice.

    ``set-nx``: SET key NX, then the effect. ``lua``: mark and effect in one script, so in one step.
    ``window``: SET key NX PX: the mark is forgotten after a while.
    """

    NONE = "none"
    SET_NX = "set-nx"
    LUA = "lua"
    WINDOW = "window"


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
    """Why a message was lost, is stuck or had no effect. ``unexplained`` is a finding in itself."""

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
    # Ledgers store the place in this list, so what is new comes last.
    HANDLER_FAILED = "handler failed"
    FALSE_DEDUP = "false dedup"


class DuplicateCause(StrEnum):
    """Why a scope received a message more than once."""

    PRODUCER_RETRY = "producer retry"
    REDELIVERY = "redelivery"
    AFTER_ACK = "after XACK"
    OVERLAP = "overlapping subscription"


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
    PATTERN = 5
    """Pub/Sub, by a pattern that matches the channel."""


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
    UNCONFIRMED = 14
    """The write was answered, and fewer replicas, or no fsync, confirmed it in time than the arm waits for."""
    NO_MASTER = 15
    """No Sentinel named a master that it takes for up."""


class CrashPointCode(IntEnum):
    """`CrashPoint` as stored in a journal."""

    BEFORE_EFFECT = 1
    AFTER_EFFECT = 2
    AFTER_ACK = 3


class ProcessEvent(IntEnum):
    """What the conductor saw a worker process do."""

    STARTED = 1
    """It exists; whether it is ready its own journal says."""
    ENDED = 2
    """It ended in order."""
    DIED = 3
    """It was ended by a signal, or by an error."""
    STOPPED = 4
    """The system says that it is stopped (SIGSTOP took effect)."""
    CONTINUED = 5
    """The system says that it runs again."""
    READY = 6
    """It said that it is set up and works from now on."""


class ServerStat(IntEnum):
    """A counter of the server's INFO that explains losses."""

    OUTPUT_BUFFER_KILLS = 1
    EVICTED_KEYS = 2
