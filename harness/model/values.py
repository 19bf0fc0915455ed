"""What is planned: arms, scenarios and trials, as frozen values that survive a trip through JSON.

A `Trial` holds everything that its execution needs; a stored ``trial.json`` is one of these.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.model.words import (
    FAILOVERS,
    LINK_FAULTS,
    PACKET_FAULTS,
    PROCESS_FAULTS,
    SERVER_FAULTS,
    AckPolicy,
    Checkpoint,
    ClientPreset,
    CrashPoint,
    Dedup,
    Direction,
    FaultModel,
    Guarantee,
    LinkRole,
    Mechanism,
    Members,
    Persistence,
    Primitive,
    Recovery,
    ReplicationCut,
    StackKind,
    Stance,
    StartAt,
    Topology,
    Verdict,
    WorkerRole,
)

NANOSECONDS = 1_000_000_000

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Base of all stored values: immutable, and an unknown field is an error, not a surprise later."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamSettings(Frozen):
    """How a stream is read: COUNT and BLOCK, what is acknowledged when, and how what was left behind is recovered.

    ``start`` is where the group is created (by its first member, where it is ``$``: as applications do), or where a
    reader without a checkpoint begins. ``dead_letter_after``: after so many deliveries an entry is moved to a
    dead-letter stream and acknowledged.
    """

    count: int = Field(default=10, ge=1, le=10_000)
    block_ms: int = Field(default=200, ge=1, le=2_000)
    claim_min_idle_ms: int = Field(default=1_000, ge=1, le=600_000)
    claim_interval_ms: int = Field(default=500, ge=1, le=600_000)
    ack: AckPolicy = AckPolicy.AFTER_EFFECT
    recovery: Recovery = Recovery.FULL
    start: StartAt = StartAt.BEGINNING
    checkpoint: Checkpoint = Checkpoint.AFTER_EFFECT
    dead_letter_after: int | None = Field(default=None, ge=1, le=1_000)


class Retention(Frozen):
    """How a stream is trimmed by its producers' XADD; ``None``: not by this. MINID is given as an age."""

    max_length: int | None = Field(default=None, ge=1)
    max_age_ms: int | None = Field(default=None, ge=1)
    exact: bool = False
    """``=`` instead of ``~``."""

    @model_validator(mode="after")
    def _trims_by_one_thing(self) -> Retention:
        if (self.max_length is None) == (self.max_age_ms is None):
            raise ValueError("retention is either max_length (MAXLEN) or max_age_ms (MINID)")
        return self


class OwnConsumer(Frozen):
    """A consumer that is somebody's own code: where it is imported from, and what has to be on the path for it."""

    module: str
    name: str
    """Its qualified name within the module: a function, or a class whose objects have ``run``."""
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


class Arm(Frozen):
    """One configured way to send and receive. ``consumers_per_scope`` > 1 means that they share the scope's work."""

    name: str
    primitive: Primitive
    driver: Literal["pubsub", "sharded_pubsub", "stream_read", "stream_group"]
    topology: Topology
    client: ClientPreset = ClientPreset.AS_SHIPPED
    producers: int = Field(default=1, ge=1, le=64)
    scopes: int = Field(default=2, ge=1, le=64)
    consumers_per_scope: int = Field(default=1, ge=1, le=64)
    stream: StreamSettings = StreamSettings()
    retention: Retention | None = None
    dedup: Dedup = Dedup.NONE
    dedup_window_ms: int = Field(default=1_000, ge=1, le=86_400_000)
    pattern_overlap: bool = False
    """Pub/Sub: subscribe to the channel and to a pattern that matches it."""
    idempotent_add: bool = False
    """XADD with IDMP, where the server has it; else the trial is skipped with the reason."""
    wait_replicas: int = Field(default=0, ge=0, le=16)
    """WAIT follows each XADD on its connection: acknowledged is what so many replicas confirmed."""
    wait_fsync: bool = False
    """WAITAOF 1 0 follows each XADD: acknowledged is what the server has synced."""
    wait_ms: int = Field(default=500, ge=1, le=60_000)
    """How long it waits; what is not confirmed by then is indeterminate."""
    asks_sentinel: bool = False
    """Its clients find the master by asking Sentinels and connect to it straight, past every link."""
    client_release: str | None = Field(default=None, pattern=r"^\d+\.\d+\.\d+$")
    """A redis-py release other than the installed one, e.g. ``5.3.1``: its workers get an environment of their own."""
    own_consumer: OwnConsumer | None = None
    """Consumers of the group are this code instead of ours; producers, server and faults stay what they are."""


class Workload(Frozen):
    """Messages per second and arm, spread over the arm's producers; Poisson arrivals drawn from the seed."""

    rate_per_s: Rate = 100.0
    padding_bytes: int = Field(default=0, ge=0, le=1_000_000)
    """Added to each message's data."""


class Timeline(Frozen):
    """How long each phase lasts. Messages are sent from the first second of warm-up to the last of recovery."""

    warm_up_s: Seconds = 1.0
    steady_s: Seconds = 2.0
    outage_s: Seconds = 3.0
    recovery_s: Seconds = 3.0
    drain_deadline_s: Seconds = 20.0

    @property
    def traffic_s(self) -> float:
        """Seconds during which messages are scheduled."""
        return self.warm_up_s + self.steady_s + self.outage_s + self.recovery_s


class FaultPlan(Frozen):
    """Which fault strikes what, for the length of the fault phase.

    A fault of a link, or of its packets, names the ``link``; a fault of processes, and ``slow``, names the ``worker``
    and how many of them; a fault of the server names neither. With ``cycles`` > 1 the fault comes and goes that often
    within the phase, on and off for equal times: the link flaps.
    """

    model: FaultModel
    link: LinkRole | None = None
    direction: Direction = Direction.BOTH
    cycles: int = Field(default=1, ge=1, le=100)
    delay_ms: int = Field(default=100, ge=1, le=60_000)
    """latency: the mean delay of replies. slow-fsync: how much longer each fsync takes."""
    jitter_ms: int = Field(default=0, ge=0, le=60_000)
    """latency: the delay varies by up to this, either way."""
    rate_kb_per_s: int = Field(default=1, ge=1, le=1_000_000)
    """bandwidth: what still passes each way."""
    worker: WorkerRole | None = None
    members: Members = Members.ALL
    point: CrashPoint | None = None
    """crash: where."""
    vacant_ms: int = Field(default=400, ge=0, le=60_000)
    """restart: how long a place is empty between the end of the old process and the start of the new one. Ours are
    forked within milliseconds; a service that has to boot is not there for longer."""
    handling_ms: int = Field(default=50, ge=1, le=60_000)
    """slow: how long each message takes."""
    every: int = Field(default=20, ge=1)
    """poison: every so many-th message of the fault phase."""
    replication: ReplicationCut = ReplicationCut.NONE
    """failover, hung-master: what is done to both replication links ``cut_ms`` before the master is struck."""
    cut_ms: int = Field(default=700, ge=1, le=60_000)
    """At least: the strike waits for what proves the cut, up to two seconds and half of what is left of the phase."""
    old_returns: bool = False
    """failover: the old master comes back at the heal, with its files, to be made a replica."""

    @property
    def struck_link(self) -> LinkRole:
        """The link of a fault of a link."""
        assert self.link is not None, f"{self.model} strikes no link"
        return self.link

    @model_validator(mode="after")
    def _strikes_something(self) -> FaultPlan:
        if self.model in LINK_FAULTS | PACKET_FAULTS and self.link is None:
            raise ValueError(f"{self.model} strikes a link: name it, e.g. link=LinkRole.CONSUMERS")
        if self.model in PROCESS_FAULTS | {FaultModel.SLOW} and self.worker is None:
            raise ValueError(f"{self.model} strikes processes: name them, e.g. worker=WorkerRole.CONSUMER")
        if (self.model is FaultModel.CRASH) != (self.point is not None):
            raise ValueError("a crash, and only a crash, has a point: e.g. point=CrashPoint.BEFORE_EFFECT")
        if self.worker is WorkerRole.PRODUCER and self.model in {FaultModel.CRASH, FaultModel.SLOW}:
            raise ValueError(f"{self.model} strikes consumers only")
        if self.model in SERVER_FAULTS and (self.link is not None or self.worker is not None):
            raise ValueError(f"{self.model} strikes the server: it names neither a link nor a worker")
        if self.replication is not ReplicationCut.NONE and self.model not in FAILOVERS:
            raise ValueError(f"{self.model} fails over to nobody: only a failover has a replication link to cut")
        if self.model in SERVER_FAULTS | PACKET_FAULTS and self.cycles > 1:
            raise ValueError(f"{self.model} is on once for the whole phase: only faults of links come and go")
        return self


class Expectation(Frozen):
    """What the scenario says about one guarantee of one arm (an arm's base name: presets of it are included)."""

    arm: str
    guarantee: Guarantee
    stance: Stance


class Prediction(Frozen):
    """What we believe will be measured, written down before the run, with the reason."""

    arm: str
    guarantee: Guarantee
    verdict: Literal[Verdict.HELD, Verdict.VIOLATED]
    reason: str
    mechanism: Mechanism | None = None
    """Of a violation: why most of what was lost, stuck or without effect is said to be so."""


class SourceClaim(Frozen):
    """A claim of the tutorial that the project began with, which this scenario puts to the test.

    ``row`` is where it stands there: a row of its comparison table (``persistence``, ``latency`` ...), an incident, or
    a solution. ``claimed_loss`` is the number of messages it says were lost.
    """

    row: str
    text: str
    arm: str | None = None
    """The arm that shows it; ``None``: all."""
    guarantee: Guarantee | None = None
    holds_when: Literal[Verdict.HELD, Verdict.VIOLATED] | None = None
    """The claim is true when the guarantee of that arm measures like this; ``None``: the numbers are only shown."""
    claimed_loss: int | None = Field(default=None, ge=0)


class Limits(Frozen):
    """When a trial is too weak to be believed."""

    lateness_p99_ms: float = Field(default=50.0, gt=0, le=60_000)
    """The harness's own lateness: from when a message could have been sent to when the client call began."""
    stuck_after_ms: int = Field(default=3_000, ge=1, le=600_000)


class Scenario(Frozen):
    """Workload + fault timeline + arms + what is expected. ``faults`` is empty for a no-fault control."""

    name: str
    family: str
    question: str
    mechanism: str
    story: str = ""
    arms: tuple[Arm, ...] = Field(min_length=1)
    workload: Workload = Workload()
    timeline: Timeline = Timeline()
    faults: tuple[FaultPlan, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    limits: Limits = Limits()
    persistence: Persistence = Persistence.OFF
    replicated: bool = False
    """One master, two replicas, three Sentinels instead of a single server."""
    wired: bool = False
    """No proxies: clients reach the server from network namespaces of their own, so that packets can be dropped."""
    beside: str = ""
    """The scenario that this one is the counterpart of: the same arms, workload and timeline under another model of
    the same fault. The report sets them side by side."""
    server_settings: dict[str, str] = Field(default_factory=dict)
    """Settings beyond the profile, e.g. an output-buffer limit: only on servers of our own."""
    claims: tuple[SourceClaim, ...] = ()
    slow: bool = False
    """Too long for a run of everything: only with ``--slow``, or when it is named."""
    real_time: tuple[Seconds, Rate] | None = None
    """Of a compressed incident: seconds of outage and messages per second as they were; for ``--real-time``."""

    @property
    def is_control(self) -> bool:
        """Whether this scenario injects nothing and must be perfect."""
        return not self.faults

    @property
    def control_key(self) -> tuple[str, bool, bool]:
        """What a fault scenario and its no-fault control share: the family, whether there are replicas, and wires."""
        return self.family, self.replicated, self.wired

    @model_validator(mode="after")
    def _fails_over_to_somebody(self) -> Scenario:
        struck = next((plan.model for plan in self.faults if plan.model in FAILOVERS), None)
        if struck is not None and not self.replicated:
            raise ValueError(f"{struck} needs replicas to fail over to: replicated=True")
        return self

    @model_validator(mode="after")
    def _finds_its_master(self) -> Scenario:
        objection = sentinel_objection(self)
        if objection is not None:
            raise ValueError(": ".join(objection))
        return self

    @model_validator(mode="after")
    def _drops_packets_on_wires(self) -> Scenario:
        models = {plan.model for plan in self.faults}
        packets, others = models & PACKET_FAULTS, models & (LINK_FAULTS | SERVER_FAULTS)
        if packets and not self.wired:
            raise ValueError(f"{min(packets)} needs clients whose packets can be dropped: wired=True")
        if self.wired and (others or self.replicated):
            what = min(others) if others else "replicated"
            raise ValueError(f"wired has one server and no proxies, so {what} has nothing to strike")
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"two arms have one name: {names}")
        return self


class StackChoice(Frozen):
    """Where the trial's servers come from. An external address is never stored: it stays in the environment."""

    kind: StackKind = StackKind.LOCAL
    server_path: str | None = None
    proxy_engine: Literal["auto", "toxiproxy", "builtin"] = "auto"
    proxy_path: str | None = None


class Trial(Frozen):
    """One seeded execution of a scenario on a fresh stack: all that `harness.trial` needs besides a folder."""

    run_id: str
    token: str = Field(pattern=r"^[0-9a-f]{8}$")
    """Random per trial; part of every message's identity and of every key on the server."""
    scenario: Scenario
    seed: int = Field(ge=0, lt=2**63)
    index: int = Field(ge=0)
    stack: StackChoice = StackChoice()

    @property
    def folder_name(self) -> str:
        """``<scenario>-<seed>``: where the trial lives inside its run."""
        return f"{self.scenario.name}-{self.seed}"


class RunPlan(Frozen):
    """A run before it is judged: the content of ``run.json``. A run is the merge of its trials' folders."""

    run_id: str
    name: str
    created_utc: str
    harness_version: str
    repeat_command: str
    trials: tuple[Trial, ...] = Field(min_length=1)


def link_roles(scenario: Scenario) -> tuple[LinkRole, ...]:
    """The links that a scenario needs: producers' and consumers' always, others where a fault names them."""
    named = {plan.link for plan in scenario.faults}
    always = (LinkRole.PRODUCERS, LinkRole.CONSUMERS)
    return always + tuple(role for role in LinkRole if role in named and role not in always)


def sentinel_objection(scenario: Scenario) -> tuple[str, str] | None:
    """Why an arm that asks Sentinels has no place in a scenario, and what to do; ``None`` where none has to object."""
    arm = next((arm for arm in scenario.arms if arm.asks_sentinel), None)
    if arm is None:
        return None
    if not scenario.replicated:
        return (
            f"{arm.name} asks Sentinels for the master, and {scenario.name} has none",
            "play it in a scenario with replicated=True, e.g. one of the failover family",
        )
    past = next((plan for plan in scenario.faults if plan.link is not None), None)
    if past is None:
        return None
    return (
        f"{arm.name} connects straight to whom Sentinels name, so in {scenario.name} {past.model} of a link would not "
        "strike it",
        "leave out the arm, or the fault of a link",
    )
