"""The contract file as values: what may stand in it, and the JSON Schema that editors check it with.

Numbers are numbers (``lost: "0"`` is an error) and an unknown key is one as well, since a demand that nobody reads is
a demand that is never checked. The names of scenarios and arms are checked against `KnownNames`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from harness.contract.names import KnownNames
from harness.model.errors import nearest
from harness.model.values import Frozen
from harness.model.words import Guarantee

MOST_TRIALS = 1_000
SCHEMA_ID = "guarantees.schema.json"


def _known_scenario(word: str, info: ValidationInfo) -> str:
    known = _known(info)
    if known is not None and word not in known.families:
        raise _unknown("scenario", word, list(known.families))
    return word


def _known_choice(word: str, info: ValidationInfo) -> str:
    known = _known(info)
    if known is not None and not known.chosen(word):
        raise _unknown("scenario or family", word, known.scenario_words())
    return word


def _known_arm(word: str, info: ValidationInfo) -> str:
    known = _known(info)
    if known is not None and known.primitive_of(word) is None:
        raise _unknown("arm", word, list(known.arms))
    return word


def _known(info: ValidationInfo) -> KnownNames | None:
    return info.context if isinstance(info.context, KnownNames) else None


def _unknown(kind: str, word: str, known: list[str]) -> PydanticCustomError:
    return PydanticCustomError(
        "unknown_name",
        "unknown {kind} {word} ({hint})",
        {"kind": kind, "word": quoted(word), "hint": nearest(word, known)},
    )


def quoted(value: object) -> str:
    """A value as the user wrote it, short enough for a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


ScenarioName = Annotated[str, AfterValidator(_known_scenario)]
ScenarioChoice = Annotated[str, AfterValidator(_known_choice)]
ArmName = Annotated[str, AfterValidator(_known_arm)]
Count = Annotated[int, Field(strict=True, ge=0)]
Milliseconds = Annotated[float, Field(strict=True, gt=0, le=3_600_000, allow_inf_nan=False)]


class Terms(Frozen):
    """What it takes to believe that a demand is kept."""

    trials: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS)] | None = None
    """How many conclusive trials there must be."""
    confidence: Annotated[float, Field(strict=True, ge=0.5, lt=1)] | None = None
    """Of the bounds."""
    max_violation_rate: Annotated[float, Field(strict=True, gt=0, lt=1)] | None = None
    """The highest rate of violated trials; kept only where the bound at this confidence is as low. Without it no
    trial may be violated, and nothing is claimed about the rate."""
    min_samples: Annotated[int, Field(strict=True, ge=1)] | None = None
    """How many samples (messages, deliveries) must back a demand in each trial."""


class RecoveryBudget(Frozen):
    """How soon after the heal; milliseconds."""

    read: Milliseconds | None = None
    write: Milliseconds | None = None
    backlog: Milliseconds | None = None


class LatencyBudget(Frozen):
    """The 99th percentile from intended send, by the phase in which a message was meant to be sent; milliseconds."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    whole: Milliseconds | None = None
    """The whole trial."""
    warm_up: Milliseconds | None = Field(default=None, alias="warm-up")
    steady: Milliseconds | None = None
    fault: Milliseconds | None = None
    recovery: Milliseconds | None = None


class Budgets(Frozen):
    """What a trial may cost at most. Counts are per trial and arm, over all recipients."""

    lost: Count | None = None
    duplicated: Count | None = None
    duplicate_effects: Count | None = None
    missing_effects: Count | None = None
    recovery_ms: RecoveryBudget | None = None
    p99_ms: LatencyBudget | None = None


class ArmContract(Terms):
    """What is demanded of one arm in one scenario."""

    required: tuple[Guarantee, ...] = ()
    """Must hold."""
    expected_not_to_hold: tuple[Guarantee, ...] = ()
    """Must be seen to break in every trial: if not, the fault probably did not work, and that is inconclusive."""
    free: tuple[Guarantee, ...] = ()
    """Shown, but gates nothing."""
    available: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    """The least share of the traffic's time that every producer must be outside of its unavailability windows."""
    budgets: Budgets | None = None


class Profile(Terms):
    """A part of the contract, with terms of its own that go before all others."""

    scenarios: tuple[ScenarioChoice, ...] = Field(min_length=1)
    """Names of scenarios, families, or ``all``: of those that the contract speaks of."""


class ContractFile(Frozen):
    """Reliability demands on Redis Pub/Sub and Redis Streams under faults, per scenario and arm."""

    version: Literal[1]
    defaults: Terms = Terms()
    profiles: dict[str, Profile] = Field(default_factory=dict)
    scenarios: dict[ScenarioName, dict[ArmName, ArmContract]] = Field(min_length=1)


def json_schema() -> str:
    """The JSON Schema of a contract file, as it is published."""
    schema = ContractFile.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that the file may have at ``path``."""
    model: type[Frozen] | None
    match path:
        case ():
            model = ContractFile
        case ("defaults",):
            model = Terms
        case ("profiles", _):
            model = Profile
        case ("scenarios", _, _):
            model = ArmContract
        case ("scenarios", _, _, "budgets"):
            model = Budgets
        case ("scenarios", _, _, "budgets", "recovery_ms"):
            model = RecoveryBudget
        case ("scenarios", _, _, "budgets", "p99_ms"):
            model = LatencyBudget
        case _:
            model = None
    return [field.alias or name for name, field in model.model_fields.items()] if model is not None else []
