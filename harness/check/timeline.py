"""What the conductor wrote down: phases, faults with their evidence, the drain barrier, the groups' beginnings.

All of it is a few dozen records, so it is read into plain values once and passed around.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.history.journal import BarrierPart, EventKind
from harness.history.table import History
from harness.model.results import FaultWindow, PhaseSpan
from harness.model.values import Trial
from harness.model.words import Phase, Primitive

PHASES = tuple(Phase)
EntryId = tuple[int, int]
Ints = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Barrier:
    """What the drain reached of one arm; a part that nobody noted was not reached."""

    missing: tuple[str, ...]
    """In words, each part that was not reached."""
    log_read: bool
    """Whether the whole log was read, so that absence from it counts."""

    @property
    def reached(self) -> bool:
        """Whether absence is proven."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class Timeline:
    """The trial as the conductor saw it. Times are nanoseconds from the trial's origin."""

    phases: tuple[PhaseSpan, ...]
    end_ns: int
    """The deadline of everything: when the trial ended, or the last thing that was written down."""
    ended: bool
    """Whether the conductor came to the end of its timeline."""
    faults: tuple[FaultWindow, ...]
    barriers: tuple[Barrier, ...]
    """One per arm."""
    group_starts: dict[tuple[int, int], EntryId] = field(default_factory=dict)
    """(arm, scope) → the id after which the group was entitled: where it, or the scope's first reader, began first."""
    later_starts: dict[tuple[int, int], EntryId] = field(default_factory=dict)
    """(arm, scope) → the highest id at which the scope began anew, without a checkpoint; only where it did."""
    last_delivered: dict[tuple[int, int], EntryId] = field(default_factory=dict)
    """(arm, scope) → the last id that the group had handed out at the end."""
    memory_bytes: dict[int, int] = field(default_factory=dict)
    log_sizes: dict[int, int] = field(default_factory=dict)
    """Per arm, how many entries the reading of the whole log came to."""

    def phase_begins(self) -> Ints:
        """When each phase of `PHASES` began; phases that never began lie beyond the end."""
        begins = np.full(len(PHASES), np.iinfo(np.int64).max, dtype=np.int64)
        for span in self.phases:
            begins[PHASES.index(span.phase)] = span.begin_ns
        return begins

    @property
    def injected_ns(self) -> int | None:
        """When the first fault began to be injected."""
        return min((fault.inject_before_ns for fault in self.faults), default=None)

    @property
    def healed_ns(self) -> int | None:
        """When the last fault began to be healed; ``None`` while one of them never was."""
        heals = [fault.heal_before_ns for fault in self.faults]
        known = [heal for heal in heals if heal is not None]
        return max(known) if known and len(known) == len(heals) else None

    def observed_windows(self) -> list[tuple[int, int] | None]:
        """When each fault was seen to be on, ``None`` if never; one that was not seen to end lasts until the end."""
        return [
            None
            if fault.observed_from_ns is None
            else (fault.observed_from_ns, self.end_ns if fault.observed_to_ns is None else fault.observed_to_ns)
            for fault in self.faults
        ]


def read_timeline(history: History) -> Timeline:
    """Read the conductor's part of a history."""
    phases, end_ns, ended = _read_phases(history)
    starts = _read_starts(history)
    return Timeline(
        phases=phases,
        end_ns=end_ns,
        ended=ended,
        faults=_read_faults(history),
        barriers=_read_barriers(history),
        group_starts={scope: ids[0] for scope, ids in starts.items()},
        later_starts={scope: max(ids[1:]) for scope, ids in starts.items() if len(ids) > 1},
        last_delivered={
            (row["arm"], row["scope"]): (row["id_ms"], row["id_seq"])
            for row in _rows(history, EventKind.GROUP, ("arm", "scope", "id_ms", "id_seq"))
        },
        memory_bytes={
            row["arm"]: row["aux_ns"] for row in _rows(history, EventKind.LOG_READ, ("arm", "aux_ns")) if row["aux_ns"]
        },
        log_sizes={row["arm"]: row["value"] for row in _rows(history, EventKind.LOG_READ, ("arm", "value"))},
    )


def _read_starts(history: History) -> dict[tuple[int, int], list[EntryId]]:
    """Per (arm, scope), the start ids of its group, or of its readers, in order of time."""
    starts: dict[tuple[int, int], list[EntryId]] = {}
    rows = _rows(history, EventKind.GROUP_START, ("arm", "scope", "id_ms", "id_seq", "t_ns"))
    for row in sorted(rows, key=lambda row: row["t_ns"]):
        starts.setdefault((row["arm"], row["scope"]), []).append((row["id_ms"], row["id_seq"]))
    return starts


def _rows(history: History, kind: EventKind, columns: Sequence[str]) -> Iterable[dict[str, int]]:
    """The records of a rare kind, one by one."""
    found = history.records(kind, columns=columns)
    values = zip(*(found[name].tolist() for name in columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def _read_phases(history: History) -> tuple[tuple[PhaseSpan, ...], int, bool]:
    last_ns = max((actor.last_ns for actor in history.actors), default=0)
    begun = sorted((row["t_ns"], row["code"]) for row in _rows(history, EventKind.PHASE, ("t_ns", "code")))
    ends = [moment for moment, code in begun if code == len(PHASES)]
    end_ns = ends[0] if ends else last_ns
    begins = [(moment, code) for moment, code in begun if code < len(PHASES)]
    following = [moment for moment, _ in begins[1:]] + [end_ns] * bool(begins)
    spans = [
        PhaseSpan(phase=PHASES[code], begin_ns=moment, end_ns=max(moment, end))
        for (moment, code), end in zip(begins, following, strict=True)
    ]
    return tuple(spans), end_ns, bool(ends)


def _read_faults(history: History) -> tuple[FaultWindow, ...]:
    """The faults that were injected, in the order of the scenario.

    A fault that comes and goes (``cycles``) lasts from its first injection to the heal of its last. Of other repeated
    records the first counts.
    """
    calls = {kind: _by_detail(history, kind) for kind in (EventKind.INJECT, EventKind.HEAL)}
    seen = {kind: _by_detail(history, kind) for kind in (EventKind.EFFECT_OBSERVED, EventKind.HEAL_OBSERVED)}
    evidence = history.facts.evidence if history.facts is not None else ()
    windows = []
    for number, plan in enumerate(history.trial.scenario.faults):
        injects = calls[EventKind.INJECT].get(number, [])
        if not injects:
            continue
        since = injects[-1][0] if plan.cycles > 1 else -NEVER
        heal_before, heal_after = _first_since(calls[EventKind.HEAL].get(number, []), since)
        windows.append(
            FaultWindow(
                plan=plan,
                inject_before_ns=injects[0][0],
                inject_after_ns=injects[0][1],
                heal_before_ns=heal_before,
                heal_after_ns=heal_after,
                observed_from_ns=_first_since(seen[EventKind.EFFECT_OBSERVED].get(number, []), -NEVER)[0],
                observed_to_ns=_first_since(seen[EventKind.HEAL_OBSERVED].get(number, []), since)[0],
                evidence=evidence[number] if number < len(evidence) else "its evidence was not collected",
            )
        )
    return tuple(windows)


def _by_detail(history: History, kind: EventKind) -> dict[int, list[tuple[int, int]]]:
    """Per number of the fault: (t_ns, aux_ns) of its records, in the order of writing."""
    found: dict[int, list[tuple[int, int]]] = {}
    for row in _rows(history, kind, ("detail", "t_ns", "aux_ns")):
        found.setdefault(row["detail"], []).append((row["t_ns"], row["aux_ns"]))
    return found


def _first_since(moments: list[tuple[int, int]], since_ns: int) -> tuple[int, int] | tuple[None, None]:
    return next((moment for moment in moments if moment[0] >= since_ns), (None, None))


def _read_barriers(history: History) -> tuple[Barrier, ...]:
    """Per arm, which parts of the drain barrier were noted as reached; of repeated records the last counts."""
    noted = {
        (row["code"], row["arm"], row["scope"]): bool(row["value"])
        for row in _rows(history, EventKind.BARRIER, ("code", "arm", "scope", "value"))
    }
    return tuple(_barrier_of(history.trial, arm, noted) for arm in range(len(history.trial.scenario.arms)))


def _barrier_of(trial: Trial, arm: int, noted: dict[tuple[int, int, int], bool]) -> Barrier:
    described = trial.scenario.arms[arm]
    missing = [] if _producers_done(arm, noted) else ["producers did not get through their schedule"]
    streams = described.primitive is Primitive.STREAMS
    # An XREAD reader has no group: what it saw of the sentinels tells that it caught up, and it keeps nothing pending.
    unsaid = described.driver == "stream_read" or not streams
    for scope in range(described.scopes):
        if not noted.get((BarrierPart.SENTINELS_SEEN, arm, scope)):
            missing.append(f"scope {scope} did not see every producer's sentinel")
        if not noted.get((BarrierPart.CAUGHT_UP, arm, scope), unsaid):
            missing.append(f"group {scope} did not catch up")
        if not noted.get((BarrierPart.PENDING_SETTLED, arm, scope), unsaid):
            missing.append(f"group {scope} still had entries on their way")
    log_read = streams and any(
        reached for (part, of, _), reached in noted.items() if part == BarrierPart.LOG_READ and of == arm
    )
    if streams and not log_read:
        missing.append("the log was not read to its end")
    return Barrier(tuple(missing), log_read)


def _producers_done(arm: int, noted: dict[tuple[int, int, int], bool]) -> bool:
    """The conductor notes this once for all arms, or once per arm; an arm's own note comes first."""
    notes = {of: reached for (part, of, _), reached in noted.items() if part == BarrierPart.PRODUCERS_DONE}
    return notes.get(arm, any(notes.values()))
