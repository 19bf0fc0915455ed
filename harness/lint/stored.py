"""A stored run as the lint sees it: its arms with their settings, the servers' settings, and what was counted.

A run knows more than a server: what an arm does is written in its ``trial.json``. Counts come from ``summary.json``,
which `harness check RUN` writes again; without it the settings alone are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.model.accounts import ArmResult
from harness.model.errors import InvalidFileError
from harness.model.results import RunSummary, TrialFacts
from harness.model.values import Arm, Trial
from harness.model.words import Fate, Mechanism

Stored = TypeVar("Stored", bound=BaseModel)
FIX = "name a folder that `harness run` made, such as results/latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCounts:
    """What was counted for one arm, over all trials of the run."""

    trials: int = 0
    stuck: int = 0
    not_entitled: int = 0
    duplicate_effects: int = 0
    false_dedup: int = 0
    dead_lettered: int = 0
    failed_handlings: int = 0
    lost: int = 0
    by_mechanism: dict[Mechanism, int] = field(default_factory=dict)
    """Why messages were lost, stuck or without effect."""

    def because_of(self, *mechanisms: Mechanism) -> int:
        """How many messages were lost, stuck or without effect for one of these reasons."""
        return sum(self.by_mechanism.get(mechanism, 0) for mechanism in mechanisms)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArm:
    """One arm with what its trials sent, and what was counted; ``None``: it was not judged."""

    arm: Arm
    rate_per_s: float
    """The highest of its trials."""
    counts: ArmCounts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredServer:
    """A server that the run's trials had; most runs know one."""

    name: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """All that is judged of a run."""

    name: str
    arms: tuple[StoredArm, ...]
    servers: tuple[StoredServer, ...]


def read_run(folder: Path) -> StoredRun:
    """The run in ``folder``.

    Raises:
        InvalidFileError: it holds no run, or a file in it is not what it should be.
    """
    paths = sorted((folder / "trials").glob("*/trial.json"))
    if not paths:
        raise InvalidFileError(f"{folder}: not a run (no trials/*/trial.json in it)", fix=FIX)
    trials = [_read(path, Trial) for path in paths]
    facts = [_read(path, TrialFacts) for path in sorted((folder / "trials").glob("*/facts.json"))]
    summary_path = folder / "summary.json"
    summary = _read(summary_path, RunSummary) if summary_path.exists() else None
    return StoredRun(name=trials[0].run_id, arms=tuple(_arms(trials, summary)), servers=tuple(_servers(facts)))


def _read(path: Path, kind: type[Stored]) -> Stored:
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        said = " ".join(str(error).splitlines()[:3])
        raise InvalidFileError(f"{path}: not readable as it should be: {said}", fix=FIX) from error


def _arms(trials: list[Trial], summary: RunSummary | None) -> Iterator[StoredArm]:
    """Arms of one name with different settings are different arms: both are judged."""
    rates: dict[str, tuple[Arm, float]] = {}
    for trial in trials:
        for arm in trial.scenario.arms:
            key = arm.model_dump_json()
            known = rates.get(key, (arm, 0.0))[1]
            rates[key] = (arm, max(known, trial.scenario.workload.rate_per_s))
    for arm, rate in rates.values():
        yield StoredArm(arm=arm, rate_per_s=rate, counts=_counts(arm, summary) if summary else None)


def _counts(arm: Arm, summary: RunSummary) -> ArmCounts | None:
    """Over all trials in which exactly this arm was judged; ``None``: there is none."""
    found = [
        result
        for trial in summary.trials
        for planned, result in zip(trial.trial.scenario.arms, trial.arms, strict=False)
        if planned == arm and result.arm == arm.name
    ]
    if not found:
        return None
    return ArmCounts(
        trials=len(found),
        stuck=sum(result.fates.get(Fate.STUCK, 0) for result in found),
        not_entitled=sum(result.fates.get(Fate.NOT_ENTITLED, 0) for result in found),
        duplicate_effects=sum(result.duplicate_effects for result in found),
        false_dedup=sum(result.false_dedup for result in found),
        dead_lettered=sum(result.dead_lettered for result in found),
        failed_handlings=sum(result.failed_handlings for result in found),
        lost=sum(result.fates.get(Fate.LOST, 0) for result in found),
        by_mechanism=_mechanisms(found),
    )


def _mechanisms(found: list[ArmResult]) -> dict[Mechanism, int]:
    total: dict[Mechanism, int] = {}
    for result in found:
        for counted in (result.lost_by_mechanism, result.unsettled_by_mechanism):
            for mechanism, number in counted.items():
                total[mechanism] = total.get(mechanism, 0) + number
    return total


def _servers(facts: list[TrialFacts]) -> Iterator[StoredServer]:
    seen: list[dict[str, str]] = []
    for fact in facts:
        if fact.status != "skipped" and fact.environment.server_settings not in seen:
            seen.append(fact.environment.server_settings)
            yield StoredServer(name=fact.environment.server, settings=fact.environment.server_settings)
