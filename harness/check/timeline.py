"""What the conductor wrote down: phases, faults with their evidence, the drain barrier, the groups' beginnings.

All of it is a few dozen records, so it is read into plain values once and passed around.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """(arm, scope) → the id after which the group was entitled."""
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

    def observed_windows(self) -> list[tuple[int, int]]:
        """When a fault was seen to be on; one that was not seen to end lasts until the end."""
        return [
            (fault.observed_from_ns, self.end_ns if fault.observed_to_ns is None else fault.observed_to_ns)
            for fault in self.faults
            if fault.observed_from_ns is not None
        ]


def read_timeline(history: History) -> Timeline:
    """Read the conductor's part of a history."""
    phases, end_ns, ended = _read_phases(history)
    return Timeline(
        phases=phases,
        end_ns=end_ns,
        ended=ended,
        faults=_read_faults(history),
        barriers=_read_barriers(history),
        group_starts={
            (row["arm"], row["scope"]): (row["id_ms"], row["id_seq"])
            for row in _rows(history, EventKind.GROUP_START, ("arm", "scope", "id_ms", "id_seq"))
        },
        last_delivered={
            (row["arm"], row["scope"]): (row["id_ms"], row["id_seq"])
            for row in _rows(history, EventKind.GROUP, ("arm", "scope", "id_ms", "id_seq"))
        },
        memory_bytes={
            row["arm"]: row["aux_ns"] for row in _rows(history, EventKind.LOG_READ, ("arm", "aux_ns")) if row["aux_ns"]
        },
        log_sizes={row["arm"]: row["value"] for row in _rows(history, EventKind.LOG_READ, ("arm", "value"))},
    )


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
    """The faults that were injected, in the order of the scenario; of repeated records the first counts."""
    calls = {kind: _first_by_detail(history, kind) for kind in (EventKind.INJECT, EventKind.HEAL)}
    seen = {kind: _first_by_detail(history, kind) for kind in (EventKind.EFFECT_OBSERVED, EventKind.HEAL_OBSERVED)}
    evidence = history.facts.evidence if history.facts is not None else ()
    windows = []
    for number, plan in enumerate(history.trial.scenario.faults):
        if number not in calls[EventKind.INJECT]:
            continue
        inject_before, inject_after = calls[EventKind.INJECT][number]
        heal_before, heal_after = calls[EventKind.HEAL].get(number, (None, None))
        windows.append(
            FaultWindow(
                plan=plan,
                inject_before_ns=inject_before,
                inject_after_ns=inject_after,
                heal_before_ns=heal_before,
                heal_after_ns=heal_after,
                observed_from_ns=seen[EventKind.EFFECT_OBSERVED].get(number, (None,))[0],
                observed_to_ns=seen[EventKind.HEAL_OBSERVED].get(number, (None,))[0],
                evidence=evidence[number] if number < len(evidence) else "the sentinel's evidence was not collected",
            )
        )
    return tuple(windows)


def _first_by_detail(history: History, kind: EventKind) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for row in _rows(history, kind, ("detail", "t_ns", "aux_ns")):
        found.setdefault(row["detail"], (row["t_ns"], row["aux_ns"]))
    return found


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
    for scope in range(described.scopes):
        if not noted.get((BarrierPart.SENTINELS_SEEN, arm, scope)):
            missing.append(f"scope {scope} did not see every producer's sentinel")
        if streams and not noted.get((BarrierPart.CAUGHT_UP, arm, scope)):
            missing.append(f"group {scope} did not catch up")
        if streams and not noted.get((BarrierPart.PENDING_SETTLED, arm, scope)):
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
