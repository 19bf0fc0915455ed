"""What was found: the results that the checker computes and every exporter shows.

Numbers in the terminal, in ``summary.json``, in the report and in the notebook all come from a `RunSummary`; nothing
to the right of the checker counts anything again. Durations are nanoseconds on the trial's monotonic clock, with
zero at the trial's origin; a missing value is ``None`` and means "did not happen or could not be observed".
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.model.accounts import ArmResult
from harness.model.values import FaultPlan, Frozen, SourceClaim, Trial
from harness.model.words import (
    FaultModel,
    Guarantee,
    LinkRole,
    Mechanism,
    Persistence,
    Phase,
    PredictionResult,
    Primitive,
    StackKind,
    Stance,
    Verdict,
)

SUMMARY_SCHEMA = 3
"""2: until 1, the median of a sample of some thousand messages could be another value of the sample. 3: until 2, one
success counted as recovered, and a backlog as gone with the last arrival; a hole in a log was blamed on the fault."""


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
    doubted: bool = False
    """Whether something speaks against the trial or its control; the drain barrier and the count are no such doubt."""
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
