"""One outage under several models, side by side: packets really dropped, and what a proxy makes of the same.

A scenario that names another one it stands ``beside`` has the same arms, workload, timeline and outage. Each arm gets a
line per model, and what the counterpart tells otherwise is said in words. Where the trials of a line were not sound it
says so, instead of a difference that nobody may quote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.model.naming import struck_name
from harness.model.results import RunSummary, ScenarioRow
from harness.model.words import Direction, FaultModel, Verdict
from harness.report.wording import count, milliseconds, recover_ms

TITLE: Final = "The same outage, with packets dropped and as proxies make it"
NOTE: Final = (
    "Write, read: from the heal until producers get acknowledgements, and recipients receive, steadily again. "
    "Where packets are dropped the heal is felt when TCP sends again, up to as long after it as the outage was, or "
    "when the client gives up and connects anew. Sooner, later: well again, where one time is at least twice the "
    "other and they are a quarter of a second apart."
)
_UNSOUND: Final = frozenset({Verdict.INCONCLUSIVE, Verdict.ERROR})
_MODELS: Final = list(FaultModel)
_LEAST_MS: Final = 250.0
_LEAST_RATIO: Final = 2.0


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One arm under one model. Words, ready to be shown."""

    arm: str
    model: str
    scenario: str
    lost: str
    duplicated: str
    write_again: str
    read_again: str
    p99: str
    differs: str
    """What this model tells otherwise than the first one of its arm; empty for the first, and where nothing is."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """One outage: its lines arm by arm, each arm's first line the one that the others stand beside."""

    title: str
    lines: tuple[ModelLine, ...]


def model_sets(summary: RunSummary) -> list[ModelSet]:
    """Every outage of the run that was told by more than one model."""
    scenarios = {result.trial.scenario.name: result.trial.scenario for result in summary.trials}
    rows: dict[str, dict[str, ScenarioRow]] = {}
    for row in summary.rows:
        rows.setdefault(row.scenario, {})[row.arm] = row
    found = []
    for name in rows:
        beside = [rows[other] for other in rows if other in scenarios and scenarios[other].beside == name]
        if beside:
            found.append(_model_set(rows[name], sorted(beside, key=_place)))
    return found


def _place(rows: dict[str, ScenarioRow]) -> int:
    """Models in the order of their definition: what holds comes before what takes."""
    return _MODELS.index(next(iter(rows.values())).model)


def _model_set(base: dict[str, ScenarioRow], others: Sequence[dict[str, ScenarioRow]]) -> ModelSet:
    lines = []
    for arm, row in base.items():
        lines.append(_line(row, ""))
        lines += [_line(other[arm], _difference(row, other[arm])) for other in others if arm in other]
    return ModelSet(_title(next(iter(base.values()))), tuple(lines))


def _title(row: ScenarioRow) -> str:
    """``consumers' link, replies only, 4 s``."""
    words = []
    if row.fault is not None:
        words.append(struck_name(row.fault))
        if row.fault.direction is not Direction.BOTH:
            words.append(f"{row.fault.direction.value} only")
    return ", ".join([*words, f"{row.outage_s:g} s"])


def _line(row: ScenarioRow, differs: str) -> ModelLine:
    return ModelLine(
        arm=row.arm,
        model=row.model.value,
        scenario=row.scenario,
        lost=count(row.lost),
        duplicated=count(row.duplicated),
        write_again=milliseconds(row.recover_write_ms),
        read_again=milliseconds(row.recover_read_ms),
        p99=milliseconds(row.p99_ms),
        differs=differs,
    )


def _difference(base: ScenarioRow, other: ScenarioRow) -> str:
    """``loses 423, not 0; 2.58 s sooner``."""
    if {base.verdict, other.verdict} & _UNSOUND:
        return "not comparable: a trial was not sound"
    parts = []
    if other.lost != base.lost:
        parts.append(f"loses {count(other.lost)}, not {count(base.lost)}")
    if other.duplicated != base.duplicated:
        parts.append(f"doubles {count(other.duplicated)}, not {count(base.duplicated)}")
    parts += _in_time(recover_ms(base), recover_ms(other))
    return "; ".join(parts)


def _in_time(base_ms: float | None, other_ms: float | None) -> list[str]:
    """When both were well again; nothing where it makes no difference to speak of."""
    if base_ms is None or other_ms is None:
        return []
    low, high = sorted((base_ms, other_ms))
    if math.isinf(high):
        return [] if math.isinf(low) else ["never well again" if math.isinf(other_ms) else "well again, not never"]
    if high - low < _LEAST_MS or high < _LEAST_RATIO * low:
        return []
    return [f"{milliseconds(high - low)} {'sooner' if other_ms < base_ms else 'later'}"]
