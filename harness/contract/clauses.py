"""The contract taken apart: one clause per demand, each with the terms on which it is believed and its line."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from harness.contract.read import STANCE_KEYS, Contract
from harness.contract.schema import ArmContract, Profile, Terms
from harness.model.errors import UsageError, nearest
from harness.model.values import Frozen
from harness.model.words import Guarantee, Phase, Stance

DEFAULT_CONFIDENCE = 0.95


class Quantity(StrEnum):
    """What a limit can be set on."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    DUPLICATE_EFFECTS = "duplicate effects"
    MISSING_EFFECTS = "missing effects"
    READ_RECOVERY = "reads back"
    WRITE_RECOVERY = "writes back"
    BACKLOG_RECOVERY = "backlog gone"
    P99 = "p99"
    AVAILABLE = "available"


class Clause(Frozen):
    """One demand on one arm in one scenario: a guarantee, or a limit on a quantity."""

    scenario: str
    arm: str
    guarantee: Guarantee | None = None
    quantity: Quantity | None = None
    phase: Phase | None = None
    """Of a p99; ``None``: the whole trial."""
    limit: float | None = None
    """The highest value of ``quantity`` (of ``available``: the lowest). Counts, milliseconds, or a share."""
    stance: Stance
    trials: int
    confidence: float
    max_violation_rate: float | None
    min_samples: int
    line: int

    @property
    def text(self) -> str:
        """The demand in words: ``at-least-once``, ``lost <= 0``, ``p99 in fault <= 5000 ms``, ``available >= 60 %``."""
        if self.guarantee is not None:
            return self.guarantee.value
        assert self.quantity is not None
        assert self.limit is not None
        if self.quantity is Quantity.AVAILABLE:
            return f"available >= {self.limit * 100:g} %"
        where = f" in {self.phase}" if self.phase is not None else ""
        unit = " ms" if self.quantity in _MILLISECONDS else ""
        return f"{self.quantity}{where} <= {self.limit:g}{unit}"


COUNTS = frozenset({Quantity.LOST, Quantity.DUPLICATED, Quantity.DUPLICATE_EFFECTS, Quantity.MISSING_EFFECTS})
RECOVERIES = frozenset({Quantity.READ_RECOVERY, Quantity.WRITE_RECOVERY, Quantity.BACKLOG_RECOVERY})
_MILLISECONDS = RECOVERIES | {Quantity.P99}
_P99_PHASES = {
    "whole": None,
    "warm_up": Phase.WARM_UP,
    "steady": Phase.STEADY,
    "fault": Phase.FAULT,
    "recovery": Phase.RECOVERY,
}


def find_profile(contract: Contract, name: str | None) -> Profile | None:
    """The profile called ``name``; ``None`` for no name: the whole contract.

    Raises:
        UsageError: there is none; the nearest name is told.
    """
    if name is None:
        return None
    profile = contract.file.profiles.get(name)
    if profile is None:
        there = list(contract.file.profiles)
        fix = nearest(name, there) if there else "the contract has no profiles: leave --profile out"
        raise UsageError(f'{contract.path}: no profile "{name}"', fix=fix)
    return profile


def clauses_of(
    contract: Contract, *, chosen: frozenset[str] | None, profile: Terms | None, trials: int | None
) -> tuple[Clause, ...]:
    """All clauses on the ``chosen`` scenarios (``None``: all), in the order of the file.

    Terms of the profile go before those of the arm, and these before the defaults; ``trials`` goes before all.
    """
    found: list[Clause] = []
    for scenario, arms in contract.file.scenarios.items():
        if chosen is not None and scenario not in chosen:
            continue
        for arm, said in arms.items():
            found += _ArmClauses(contract, scenario, arm, said, profile, trials).all()
    return tuple(found)


class _ArmClauses:
    """The clauses of one arm, which share their terms."""

    def __init__(
        self, contract: Contract, scenario: str, arm: str, said: ArmContract, profile: Terms | None, trials: int | None
    ) -> None:
        self._contract, self._scenario, self._arm, self._said = contract, scenario, arm, said
        order = [terms for terms in (profile, said, contract.file.defaults) if terms is not None]
        asked = next((terms.trials for terms in order if terms.trials is not None), 1)
        self._terms: dict[str, object] = {
            "scenario": scenario,
            "arm": arm,
            "trials": asked if trials is None else trials,
            "confidence": next((one.confidence for one in order if one.confidence is not None), DEFAULT_CONFIDENCE),
            "max_violation_rate": next((one.max_violation_rate for one in order if one.max_violation_rate), None),
            "min_samples": next((one.min_samples for one in order if one.min_samples is not None), 1),
        }

    def all(self) -> Iterator[Clause]:
        """In the order of the schema."""
        for key, stance in STANCE_KEYS.items():
            guarantees: tuple[Guarantee, ...] = getattr(self._said, key)
            for number, guarantee in enumerate(guarantees):
                yield self._clause(key, number, guarantee=guarantee, stance=stance)
        if self._said.available is not None:
            yield self._limit(Quantity.AVAILABLE, self._said.available, "available")
        yield from self._budgets()

    def _budgets(self) -> Iterator[Clause]:
        budgets = self._said.budgets
        if budgets is None:
            return
        for quantity, key in (
            (Quantity.LOST, "lost"),
            (Quantity.DUPLICATED, "duplicated"),
            (Quantity.DUPLICATE_EFFECTS, "duplicate_effects"),
            (Quantity.MISSING_EFFECTS, "missing_effects"),
        ):
            most: int | None = getattr(budgets, key)
            if most is not None:
                yield self._limit(quantity, most, "budgets", key)
        for quantity, key in (
            (Quantity.READ_RECOVERY, "read"),
            (Quantity.WRITE_RECOVERY, "write"),
            (Quantity.BACKLOG_RECOVERY, "backlog"),
        ):
            longest: float | None = getattr(budgets.recovery_ms, key, None)
            if longest is not None:
                yield self._limit(quantity, longest, "budgets", "recovery_ms", key)
        for key, phase in _P99_PHASES.items():
            slowest: float | None = getattr(budgets.p99_ms, key, None)
            if slowest is not None:
                yield self._limit(Quantity.P99, slowest, "budgets", "p99_ms", key.replace("_", "-"), phase=phase)

    def _limit(self, quantity: Quantity, limit: float, *place: str, phase: Phase | None = None) -> Clause:
        return self._clause(*place, quantity=quantity, limit=limit, phase=phase, stance=Stance.REQUIRED)

    def _clause(self, *place: str | int, **said: object) -> Clause:
        line = self._contract.line_of("scenarios", self._scenario, self._arm, *place)
        return Clause.model_validate({**self._terms, **said, "line": line})
