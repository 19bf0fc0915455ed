"""What a dead server took, by how it persists and how it died: one line per scenario, for both primitives.

A line exists only where the server died. Where the row's trials were not sound it says so instead of a number that
nobody may quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.model.results import RunSummary, ScenarioRow
from harness.model.words import FaultModel, Persistence, Primitive, Verdict
from harness.report.wording import count

DEATHS: Final = (FaultModel.SERVER_KILL, FaultModel.POWER_LOSS)
"""Faults that end the server's process."""
FAMILY: Final = "server"
"""Whose arms have no remedy: only these show what a way of persisting takes."""
_UNSOUND: Final = frozenset({Verdict.INCONCLUSIVE, Verdict.ERROR})
_PROFILES: Final = list(Persistence)

TITLE: Final = "What a dead server took, by how it persists"
NOTE: Final = (
    "Lost: acknowledged ('of': how many were), and never received. Gone: acknowledged, and not in the log any more, "
    "processed or not; seconds: from the first of them to the fault, worst trial. A kill says nothing about fsync: the "
    "page cache survives the process, and only a power loss takes what was not on the disk. Pub/Sub keeps nothing: "
    "what it loses was published before its subscriber was back."
)


@dataclass(frozen=True, slots=True)
class ServerLoss:
    """One line. Words, ready to be shown."""

    persistence: str
    fault: str
    trials: int
    pubsub_lost: str
    pubsub_of: str
    """Acknowledged messages of its arms."""
    stream_lost: str
    gone: str
    stream_of: str
    seconds: str


@dataclass(frozen=True, slots=True)
class DeathCounts:
    """The numbers of one line; ``None`` where nobody may quote one."""

    persistence: Persistence
    fault: FaultModel
    pubsub_lost: int | None
    gone: int | None
    """From the streams' logs."""
    seconds: float | None
    """Of the streams' acknowledged log, worst trial."""


def server_losses(summary: RunSummary) -> list[ServerLoss]:
    """Every way of persisting under every way of dying that the run tried."""
    return [_line(rows) for rows in _deaths(summary.rows)]


def death_counts(rows: Sequence[ScenarioRow]) -> list[DeathCounts]:
    """The same as numbers, of these ``rows``; several scenarios of one death and one profile are one."""
    groups: dict[tuple[FaultModel, Persistence], list[ScenarioRow]] = {}
    for found in _deaths(rows):
        groups.setdefault((found[0].model, found[0].persistence), []).extend(found)
    return [_counts(group) for group in groups.values()]


def _deaths(rows: Sequence[ScenarioRow]) -> list[list[ScenarioRow]]:
    """The rows of each scenario in which the server died, in the order of the table."""
    dead = [row for row in rows if row.model in DEATHS and row.family == FAMILY]
    dead.sort(key=lambda row: (DEATHS.index(row.model), _PROFILES.index(row.persistence)))
    scenarios = dict.fromkeys(row.scenario for row in dead)
    return [[row for row in dead if row.scenario == name] for name in scenarios]


def _counts(rows: list[ScenarioRow]) -> DeathCounts:
    pubsub, streams = _of(rows, Primitive.PUBSUB), _of(rows, Primitive.STREAMS)
    return DeathCounts(
        persistence=rows[0].persistence,
        fault=rows[0].model,
        pubsub_lost=_total(pubsub, [row.lost for row in pubsub]),
        gone=_total(streams, [row.gone for row in streams]),
        seconds=_worst_seconds(streams),
    )


def _of(rows: list[ScenarioRow], primitive: Primitive) -> list[ScenarioRow]:
    return [row for row in rows if row.primitive is primitive]


def _line(rows: list[ScenarioRow]) -> ServerLoss:
    pubsub, streams = _of(rows, Primitive.PUBSUB), _of(rows, Primitive.STREAMS)
    return ServerLoss(
        persistence=rows[0].persistence.value,
        fault=rows[0].model.value,
        trials=rows[0].trials,
        pubsub_lost=_sum(pubsub, [row.lost for row in pubsub]),
        pubsub_of=_acknowledged(pubsub),
        stream_lost=_sum(streams, [row.lost for row in streams]),
        gone=_sum(streams, [row.gone for row in streams]),
        stream_of=_acknowledged(streams),
        seconds=_seconds(streams),
    )


def _acknowledged(rows: list[ScenarioRow]) -> str:
    return count(sum(row.acknowledged for row in rows)) if rows else "–"


def _sum(rows: list[ScenarioRow], numbers: list[int | None]) -> str:
    if not rows:
        return "–"
    total = _total(rows, numbers)
    return "unproven" if total is None else count(total)


def _total(rows: list[ScenarioRow], numbers: list[int | None]) -> int | None:
    """The sum, where there are rows, all of them sound and all numbers known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if rows and len(known) == len(rows) and _are_sound(rows) else None


def _seconds(rows: list[ScenarioRow]) -> str:
    worst = _worst_seconds(rows)
    return "–" if worst is None else f"{worst:.2f}"


def _worst_seconds(rows: list[ScenarioRow]) -> float | None:
    """Zero where nothing is gone; none where something is, and no fault of the server was seen that explains it."""
    known = [0.0 if row.gone == 0 else row.lost_log_s for row in rows]
    times = [time for time in known if time is not None]
    return max(times) if rows and len(times) == len(known) and _are_sound(rows) else None


def _are_sound(rows: list[ScenarioRow]) -> bool:
    return all(row.verdict not in _UNSOUND for row in rows)


def heading(line: ServerLoss) -> str:
    """``aof-no ×3``, after three trials."""
    return line.persistence if line.trials == 1 else f"{line.persistence} ×{line.trials}"
