"""What is planned: arms, scenarios and trials, as frozen values that survive a trip through JSON.

A `Trial` holds everything that its execution needs; a stored ``trial.json`` is one of these.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.model.words import (
    ClientPreset,
    Guarantee,
    LinkRole,
    PartitionModel,
    Persistence,
    Primitive,
    StackKind,
    Stance,
    Topology,
    Verdict,
)

NANOSECONDS = 1_000_000_000

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Base of all stored values: immutable, and an unknown field is an error, not a surprise later."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StreamSettings(Frozen):
    """How a consumer group reads: XREADGROUP's COUNT and BLOCK, and the XAUTOCLAIM loop."""

    count: int = Field(default=10, ge=1, le=10_000)
    block_ms: int = Field(default=200, ge=1, le=2_000)
    claim_min_idle_ms: int = Field(default=1_000, ge=1, le=600_000)
    claim_interval_ms: int = Field(default=500, ge=1, le=600_000)


class Arm(Frozen):
    """One configured way to send and receive. ``consumers_per_scope`` > 1 means that they share the scope's work."""

    name: str
    primitive: Primitive
    driver: Literal["pubsub", "stream_group"]
    topology: Topology
    client: ClientPreset = ClientPreset.AS_SHIPPED
    producers: int = Field(default=1, ge=1, le=64)
    scopes: int = Field(default=2, ge=1, le=64)
    consumers_per_scope: int = Field(default=1, ge=1, le=64)
    stream: StreamSettings = StreamSettings()


class Workload(Frozen):
    """Messages per second and arm, spread over the arm's producers; Poisson arrivals drawn from the seed."""

    rate_per_s: float = Field(default=100.0, gt=0, le=100_000, allow_inf_nan=False)


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
    """Which fault strikes which link, in both directions, for the length of the fault phase."""

    model: PartitionModel
    link: LinkRole


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

    @property
    def is_control(self) -> bool:
        """Whether this scenario injects nothing and must be perfect."""
        return not self.faults

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
