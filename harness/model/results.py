"""What was found: the results that the checker computes and every exporter shows.

Numbers in the terminal, in ``summary.json``, in the report and in the notebook all come from a `RunSummary`; nothing
to the right of the checker counts anything again. Durations are nanoseconds on the trial's monotonic clock, with
zero at the trial's origin; a missing value is ``None`` and means "did not happen or could not be observed".
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from harness.model.values import FaultPlan, Frozen, SourceClaim, Trial
from harness.model.words import (
    DuplicateCause,
    Fate,
    FaultModel,
    Guarantee,
    LinkRole,
    LossPosition,
    Mechanism,
    Outcome,
    Persistence,
    Phase,
    PredictionResult,
    Primitive,
    StackKind,
    Stance,
    Verdict,
)

SUMMARY_SCHEMA = 2
"""2: until 1, the median of a sample of some thousand messages could be another value of the sample."""


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

    deposed_acknowledged: int
    """Messages that the old master acknowledged after another one was known to be the master."""
    deposed_gone: int | None = None
    """Of these, not in the new master's log; ``None``: the arm keeps no log."""
    connected_ns: int | None = None
    """How long after the strike a consumer held on to a connection to the old master, the longest; ``None``: nobody
    had one."""
    never_noticed: int = 0
    """Consumers that held on to theirs until they ended."""
    redelivered: int | None = None
    """Entries that a scope was given before the strike and again after it."""
    taken_back: int | None = None
    """Of these, entries whose XACK had succeeded before the strike."""
    skipped: int | None = None
    """In the log, behind the group's last delivered id, and never given to anybody."""


class ReplicaLog(Frozen):
    """What a replica holds of an arm's log at the end, beside the master's. ``None``: it did not follow in time."""

    number: int
    """Of the server; 0 was the master to begin with."""
    entries: int | None = None
    """Sentinels not counted."""
    gone: int | None = None
    """Acknowledged messages that it does not hold."""
    missing: int | None = None
    """Entries that the master holds and it does not."""
    surplus: int | None = None
    """Entries that it holds and the master does not."""


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
    acknowledged_before_fault: int = 0
    """Messages acknowledged before the first injection: what a fault of the server can take."""
    latency: tuple[ArmLatency, ...]
    unavailability: tuple[UnavailabilityWindow, ...]
    largest_gap_ns: int | None
    """Largest gap between two acknowledgements."""
    recovery: RecoveryTimes
    own_lateness_p99_ms: float
    """The schedule's lateness that the harness itself caused."""
    cost: Cost


class FaultWindow(Frozen):
    """One fault: what was commanded and what the sentinel saw. Times in ns from the trial's origin."""

    plan: FaultPlan
    inject_before_ns: int
    inject_after_ns: int
    heal_before_ns: int | None
    heal_after_ns: int | None
    observed_from_ns: int | None
    observed_to_ns: int | None
    evidence: str
    """One sentence: what the sentinel saw."""

    @property
    def proven(self) -> bool:
        """Whether the fault was seen to take effect and to end."""
        return self.observed_from_ns is not None and self.observed_to_ns is not None


class PhaseSpan(Frozen):
    """When a phase began and ended, ns from the trial's origin."""

    phase: Phase
    begin_ns: int
    end_ns: int


class ClauseResult(Frozen):
    """One guarantee of one arm in one trial."""

    arm: str
    guarantee: Guarantee
    stance: Stance
    measured: Verdict
    """Was the guarantee itself refuted? ``held`` = not refuted."""
    verdict: Verdict
    """``measured`` seen through the stance: an expected violation is ``held``, one that did not happen inconclusive."""
    violations: int
    samples: int
    reason: str
    prediction: PredictionResult = PredictionResult.NOT_TESTED
    predicted: Verdict | None = None
    prediction_reason: str = ""


class TrialEnvironment(Frozen):
    """What ran: the report names these for every trial."""

    stack: StackKind
    server: str
    """Product and version, e.g. ``valkey 9.1.2``."""
    server_settings: dict[str, str] = Field(default_factory=dict)
    proxy_engine: str
    """e.g. ``toxiproxy 2.12.0`` or ``builtin (Toxiproxy 2.12.0 API)``."""
    client: str
    """e.g. ``redis-py 8.1.0``."""
    client_settings: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Per preset, release and way to find the server: retry policy, timeouts, keepalive, RESP version."""
    python: str
    platform: str
    cpu_count: int


class TrialFacts(Frozen):
    """What the conductor knows besides the journals: the content of a trial's ``facts.json``."""

    environment: TrialEnvironment
    status: Literal["complete", "interrupted", "error", "skipped"]
    status_reason: str = ""
    evidence: tuple[str, ...] = ()
    """Per fault of the scenario, in order: what the sentinel saw, in one sentence."""


class TrialResult(Frozen):
    """One trial, judged."""

    trial: Trial
    environment: TrialEnvironment
    status: Literal["complete", "interrupted", "error", "skipped"]
    status_reason: str = ""
    verdict: Verdict
    weaknesses: tuple[str, ...] = ()
    """Why the trial, or a clause of it, is not to be believed. Empty = sound."""
    phases: tuple[PhaseSpan, ...]
    faults: tuple[FaultWindow, ...]
    barrier_reached: bool
    arms: tuple[ArmResult, ...]
    clauses: tuple[ClauseResult, ...]
    history_rows: int
    torn_records: int = 0
    """Journal bytes at the end of a killed process's file that are not a whole record."""


class GuaranteeSummary(Frozen):
    """One guarantee of one arm over all trials of one scenario: k of n fault trials violated."""

    scenario: str
    arm: str
    guarantee: Guarantee
    stance: Stance
    trials: int
    """Conclusive ones."""
    violated: int
    inconclusive: int
    upper_bound: float | None
    """At 95 %: the highest violation rate that ``violated`` of ``trials`` still allows; ``None`` without trials."""
    verdict: Verdict
    violations: int
    samples: int
    reason: str
    prediction: PredictionResult
    predicted: Verdict | None
    prediction_reason: str = ""


class ScenarioRow(Frozen):
    """One arm over all trials of one scenario: a row of the comparison table."""

    scenario: str
    family: str = "partition"
    link: LinkRole | None
    model: FaultModel
    fault: FaultPlan | None = None
    """The first fault of the scenario, whole."""
    arm: str
    primitive: Primitive
    trials: int
    outage_s: float
    attempted: int
    acknowledged: int
    rejected: int
    indeterminate: int
    owed: int
    delivered: int
    lost: int
    duplicated: int
    duplicate_effects: int
    missing_effects: int = 0
    stuck: int = 0
    not_entitled: int = 0
    suppressed_effects: int = 0
    false_dedup: int = 0
    dead_lettered: int = 0
    late: int
    reordered: int
    unexplained: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    """Worst over trials, from intended send, whole trial."""
    recover_read_ms: float | None
    recover_write_ms: float | None
    """From heal, worst over trials; infinite: not back by the end of one. ``None``: never interrupted."""
    requests_per_message: float | None
    server_bytes_per_message: float | None
    dedup_requests_per_message: float | None = None
    dedup_bytes_per_message: float | None = None
    handling_p50_us: float | None = None
    main_mechanism: Mechanism | None = None
    """Why most of what was lost, stuck or without effect is so; where nothing is, why most of what is gone is."""
    persistence: Persistence = Persistence.OFF
    gone: int | None = None
    """Acknowledged messages that the log holds no more, not counting what the retention trimmed; ``None``: no log was
    read to its end."""
    lost_log_s: float | None = None
    """Seconds of acknowledged log that are gone, worst over trials."""
    verdict: Verdict


class SkippedTrial(Frozen):
    """A trial that this machine or server cannot play, with the reason. It is no pass and no failure."""

    scenario: str
    seed: int
    reason: str


class ClaimResult(Frozen):
    """A claim of the source document, set against what was measured.

    ``true`` / ``false``: as its guarantee measured in every conclusive trial; ``shown``: it names no guarantee, the
    numbers speak; ``open``: no trial of it was conclusive.
    """

    claim: SourceClaim
    scenario: str
    arm: str
    finding: Literal["true", "false", "shown", "open"]
    measured: str
    """One sentence with the numbers."""
    evidence: str
    """The folder of the trial that shows it."""


class RunSummary(Frozen):
    """One run, judged: the content of ``summary.json``."""

    schema_version: int = SUMMARY_SCHEMA
    run_id: str
    name: str
    created_utc: str
    harness_version: str
    repeat_command: str
    partial: bool
    """Some planned trials are missing or interrupted."""
    planned_trials: int
    verdict: Verdict
    exit_code: int
    answer: str
    """The one-sentence answer."""
    rows: tuple[ScenarioRow, ...]
    guarantees: tuple[GuaranteeSummary, ...]
    skipped: tuple[SkippedTrial, ...] = ()
    claims: tuple[ClaimResult, ...] = ()
    trials: tuple[TrialResult, ...]
