"""The contract file as values: what may stand in it, and the JSON Schema that editors check it with.

Numbers are numbers (``lost: "0"`` is an error) and an unknown key is one as well, since a demand that nobody reads is
a demand that is never checked. So is one that demands nothing: a key without a value, an empty list of guarantees, a
budget without a limit. The names of scenarios and arms are checked against `KnownNames`.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from harness.contract.names import KnownNames
from harness.model.errors import nearest
from harness.model.values import Frozen
from harness.model.words import Guarantee

MOST_TRIALS = 1_000
DEMANDS = ("required", "expected_not_to_hold", "free", "available", "budgets")
"""The keys of an arm that demand something; the others are terms."""
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
Guarantees = Annotated[tuple[Guarantee, ...], Field(min_length=1)]
Count = Annotated[int, Field(strict=True, ge=0)]
Milliseconds = Annotated[float, Field(strict=True, gt=0, le=3_600_000, allow_inf_nan=False)]


class Written(Frozen):
    """A mapping of the file: what stands in it has a value, and what has none is left out."""

    @field_validator("*", mode="before")
    @classmethod
    def _has_value(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            field = cls.model_fields[str(info.field_name)]
            way = "write one" if field.is_required() else "write one, or leave the key out"
            raise PydanticCustomError("no_value", "has no value: {way}", {"way": way})
        return value


class Limits(Written):
    """A mapping of limits, of which there is at least one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if not self.model_fields_set:
            first = keys_of(type(self))[0]
            raise PydanticCustomError("no_limit", "limits nothing: add a limit, e.g. on {first}", {"first": first})
        return self


class Terms(Written):
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


class RecoveryBudget(Limits):
    """How soon after the heal; milliseconds."""

    read: Milliseconds | None = None
    write: Milliseconds | None = None
    backlog: Milliseconds | None = None


class LatencyBudget(Limits):
    """The 99th percentile from intended send, by the phase in which a message was meant to be sent; milliseconds."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    whole: Milliseconds | None = None
    """The whole trial."""
    warm_up: Milliseconds | None = Field(default=None, alias="warm-up")
    steady: Milliseconds | None = None
    fault: Milliseconds | None = None
    recovery: Milliseconds | None = None


class Budgets(Limits):
    """What a trial may cost at most. Counts are per trial and arm, over all recipients."""

    lost: Count | None = None
    duplicated: Count | None = None
    duplicate_effects: Count | None = None
    missing_effects: Count | None = None
    recovery_ms: RecoveryBudget | None = None
    p99_ms: LatencyBudget | None = None


class ArmContract(Terms):
    """What is demanded of one arm in one scenario."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [key]} for key in DEMANDS]})

    required: Guarantees = ()
    """Must hold."""
    expected_not_to_hold: Guarantees = ()
    """Must be seen to break in every trial: if not, the fault probably did not work, and that is inconclusive."""
    free: Guarantees = ()
    """Shown, but gates nothing."""
    available: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    """The least share of the traffic's time that every producer must be outside of its unavailability windows."""
    budgets: Budgets | None = None


class Profile(Terms):
    """A part of the contract, with terms of its own that go before all others."""

    scenarios: tuple[ScenarioChoice, ...] = Field(min_length=1)
    """Names of scenarios, families, or ``all``: of those that the contract speaks of."""


class ContractFile(Written):
    """Reliability demands on Redis Pub/Sub and Redis Streams under faults, per scenario and arm."""

    version: Literal[1]
    defaults: Terms = Terms()
    profiles: dict[str, Profile] = Field(default_factory=dict)
    scenarios: dict[ScenarioName, Annotated[dict[ArmName, ArmContract], Field(min_length=1)]] = Field(min_length=1)


class _Shape(GenerateJsonSchema):
    """What may be written. What may only be left out is no value that may: nothing at all, an empty list."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema() -> str:
    """The JSON Schema of a contract file, as it is published."""
    schema = ContractFile.model_json_schema(schema_generator=_Shape)
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
    return keys_of(model) if model is not None else []


def keys_of(model: type[Frozen]) -> list[str]:
    """The keys of a mapping of the file, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]
