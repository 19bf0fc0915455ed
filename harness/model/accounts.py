"""What is counted of one arm in one trial: its account, part by part.

Durations are nanoseconds on the trial's monotonic clock, with zero at the trial's origin; a missing value is ``None``
and means "did not happen or could not be observed".
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from harness.model.values import Frozen
from harness.model.words import DuplicateCause, Fate, LossPosition, Mechanism, Outcome, Phase, Primitive

Service = Literal["write", "read", "backlog"]
SERVICES: Final[tuple[Service, ...]] = ("write", "read", "backlog")
"""What a fault may interrupt."""


class LatencyQuantiles(Frozen):
    """Latency over all owed messages of a group; an undelivered one is +∞.

    A quantile is ``None`` where the sample cannot support it (fewer than 1/(1-q) messages) and ``inf`` where it falls
    among the undelivered. Milliseconds.
    """

    samples: int
    undelivered: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    max_ms: float | None
    """The slowest *delivered* message; ``None`` when nothing was delivered."""


class ArmLatency(Frozen):
    """Latency of one arm, from intended send (no coordinated omission) and from actual send."""

    phase: Phase | None
    """The phase in which the message was meant to be sent; ``None``: the whole trial."""
    from_intended: LatencyQuantiles
    from_send: LatencyQuantiles


class UnavailabilityWindow(Frozen):
    """A stretch in which one producer got nothing acknowledged."""

    producer: int
    begin_ns: int
    end_ns: int | None
    """``None``: still open at the end (censored: "at least this long")."""


class RecoveryTimes(Frozen):
    """How soon things were well again. Each from injection and from heal; ``None`` = not observed."""

    detect_ns: int | None = None
    """From injection to the first error that a client saw."""
    resubscribe_from_heal_ns: int | None = None
    write_from_inject_ns: int | None = None
    write_from_heal_ns: int | None = None
    read_from_inject_ns: int | None = None
    read_from_heal_ns: int | None = None
    backlog_from_inject_ns: int | None = None
    backlog_from_heal_ns: int | None = None
    not_back: tuple[Service, ...] = ()
    """What the fault interrupted and what was not well again by the end of the trial."""


class DurabilityTable(Frozen):
    """Acknowledged messages of a Streams arm: {in log, gone} × {effect, none}, and what retention explains."""

    in_log_with_effect: int = 0
    in_log_without_effect: int = 0
    gone_with_effect: int = 0
    gone_without_effect: int = 0
    trimmed_by_configuration: int = 0


class ReplayAudit(Frozen):
    """What could be learnt from the log afterwards. Orders count when one of their steps was acknowledged."""

    orders: int
    rebuilt: int = 0
    """Orders all of whose acknowledged steps are in the log."""
    differing: int = 0
    """(order, scope) whose state rebuilt from the log is not the state of its effects."""
    owed_since_fault: int | None = None
    """Messages acknowledged from the first on that was sent after the injection; ``None`` without a fault or a log."""
    replayed_since_fault: int | None = None
    """Of those, how many a replay of the log from that entry on brings."""


class PublishAudit(Frozen):
    """PUBLISH's answers set against what arrived: "k" promises nothing, and this shows how far it was off."""

    answers_sum: int = 0
    """Sum of all k that PUBLISH answered."""
    received_sum: int = 0
    """First deliveries of the messages so answered."""
    no_receiver: int = 0
    """Messages acknowledged with k = 0."""
    overstated: int = 0
    """Messages for which k exceeded the number of scopes that received them."""


class FailoverAudit(Frozen):
    """What a change of masters did to an arm, beside what it lost (`harness.check.failover`)."""

    deposed_acknowledged: int | None
    """Messages that the old master acknowledged after another one was known to be the master; ``None``: the arm's log,
    which would tell, was not read."""
    deposed_gone: int | None = None
    """Of these, not in the new master's log; ``None``: the arm keeps no log, or it was not read."""
    connected_ns: int | None = None
    """How long after the strike a consumer held on to a connection to the old master, the longest; ``None``: nobody
    had one."""
    never_noticed: int = 0
    """Consumers that held on to theirs until they ended."""
    redelivered: int | None = None
    """Entries that a scope was given before the strike and again after it, since the new master did not know."""
    taken_back: int | None = None
    """Of these, entries whose XACK had succeeded before the strike."""
    skipped: int | None = None
    """In the log, behind the group's last delivered id, and never given to anybody; ``None``: absence is not proven."""


class ReplicaLog(Frozen):
    """What a replica holds of an arm's log at the end, beside the master's. ``None``: it did not follow in time."""

    number: int
    """Of the server; 0 was the master to begin with."""
    entries: int | None = None
    """Sentinels not counted."""
    gone: int | None = None
    """Acknowledged messages that it does not hold."""
    missing: int | None = None
    """Entries that the master holds and it does not; ``None``: the master's log was not read."""
    surplus: int | None = None
    """Entries that it holds and the master does not; ``None`` as well."""


class Cost(Frozen):
    """What the arm took: calls and bytes per message."""

    producer_requests: int
    """Times a message was written to a socket, retries included."""
    acknowledgement_calls: int
    """XACKs; zero for Pub/Sub."""
    server_memory_bytes: int | None
    """MEMORY USAGE of the stream at the end; ``None`` where nothing is kept."""
    worker_cpu_ms: float | None = None
    """User + system CPU of this arm's producers and consumers."""
    dedup_requests: int = 0
    """Requests that dedup took on top."""
    dedup_memory_bytes: int | None = None
    """What its marks take at the end."""
    handling_p50_us: float | None = None
    """From one message's turn to the next within one batch: effect, dedup and acknowledgement. 1e6 / this is the rate
    that one consumer could reach."""


class FaultMet(Frozen):
    """What of an arm's traffic met one fault, while it was seen to be on."""

    attempted: int = 0
    """Messages whose attempt overlapped it."""
    acknowledged_while_on: int = 0


class ArmResult(Frozen):
    """One arm of one trial: three ledgers, condensed."""

    arm: str
    primitive: Primitive
    scopes: int
    attempted: int
    outcomes: dict[Outcome, int]
    wire_attempts: int
    owed: int
    """attempted × scopes: what the fates add up to."""
    fates: dict[Fate, int]
    foreign_receives: int = 0
    """Receives of messages that this arm never attempted. They are counted among the phantoms on top of what is owed:
    the fates add up to ``owed + foreign_receives``."""
    stuck_effect_done: int = 0
    lost_by_mechanism: dict[Mechanism, int]
    lost_by_position: dict[LossPosition, int]
    lost_silently: int = 0
    """PUBLISH answered at least one receiver."""
    lost_detectably: int = 0
    """PUBLISH answered 0."""
    lost_contract_view: int = 0
    """Pub/Sub: lost although a confirmed SUBSCRIBE covered it: beyond the documented at-most-once."""
    duplicated: int
    """Receives beyond the first, over all (message, scope)."""
    duplicates_by_cause: dict[DuplicateCause, int]
    duplicate_effects: int
    """Effects beyond the first."""
    missing_effects: int
    """Acknowledged and entitled, yet no effect."""
    reordered: int
    late: int
    """Delivered later than 10 × the steady-state p99 and than 100 ms, from intended send."""
    recovered: int
    unsettled_by_mechanism: dict[Mechanism, int] = Field(default_factory=dict)
    """Why what is stuck is stuck, and why what was delivered had no effect: the sum of both."""
    unsettled_effects: int = 0
    """Acknowledged, entitled and received, yet without effect and not pending: nothing will ever bring it. Dead
    letters are not among them."""
    suppressed_effects: int = 0
    """Effects that dedup held back."""
    false_dedup: int = 0
    """(message, scope) whose effect was suppressed although it never happened."""
    dead_lettered: int = 0
    """(message, scope) that ended in the dead-letter stream."""
    failed_handlings: int = 0
    """How often a handler failed (poison)."""
    refused_acknowledgements: int = 0
    """XACKs answered by 0: it was acknowledged before, by somebody else (a zombie's only hint) or by the client's own
    first write, whose reply was lost."""
    load: dict[str, int] = Field(default_factory=dict)
    """Per member of a scope with several (by name): how many effects it made."""
    log_entries: int | None
    log_duplicates: int | None
    """Entries beyond the first of a message."""
    durability: DurabilityTable | None
    gone_by_mechanism: dict[Mechanism, int] = Field(default_factory=dict)
    """Why acknowledged messages are gone from the log, whether or not somebody had processed them. What the arm's own
    retention trimmed is not among them."""
    failover: FailoverAudit | None = None
    """``None`` where no failover was seen."""
    replicas: tuple[ReplicaLog, ...] = ()
    """Of a Streams arm whose server is replicated, one for each replica that runs at the end."""
    lost_log_s: float | None = None
    """Seconds of acknowledged log that a fault of the server took: from the first such message to the moment of the
    fault, or to the last of them where a deposed master went on to acknowledge. ``None`` where the server was not seen
    to be struck by a fault that could take any."""
    publish: PublishAudit | None
    replay: ReplayAudit | None = None
    acknowledged_in_fault: int
    """Messages whose attempt overlapped the observed fault window and that were acknowledged at any time."""
    attempted_in_fault: int
    """Messages whose attempt overlapped it; one without an outcome, as long as its process was known to live."""
    acknowledged_while_on: int = 0
    """Messages whose acknowledgement came within the observed fault window."""
    each_fault: tuple[FaultMet, ...] = ()
    """The same for each fault that was injected, in the scenario's order; for one that was not seen, nothing met it."""
    acknowledged_before_fault: int = 0
    """Messages acknowledged before the first injection: what a fault of the server can take."""
    latency: tuple[ArmLatency, ...]
    unavailability: tuple[UnavailabilityWindow, ...]
    largest_gap_ns: int | None
    """Largest gap between two acknowledgements."""
    recovery: RecoveryTimes
    barrier_reached: bool
    """Whether the arm's own drain barrier was reached, so that absence is proven."""
    deaf_until_ns: int | None = None
    """Until when a scope was certainly given nothing: when the last acknowledged one was sent of the drain's sentinels,
    of which it got none. ``None``: each scope got one, or none was acknowledged."""
    own_lateness_p99_ms: float
    """The schedule's lateness that the harness itself caused."""
    cost: Cost
