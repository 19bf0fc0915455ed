"""What the process table proves about a fault of processes: pure functions over what was seen of each process.

They are as strict as those of links: every target has to have been struck, in the way that the fault's name says, and
to be seen at work again. One that was not makes the fault unproven, and the sentence says who and what was seen. So a
worker that ignores what it is told, or a signal that reaches nobody, can't pass.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.faults.base import CallTimes, Evidence
from harness.faults.evidence import duration
from harness.model.words import CrashPointCode, ProcessEvent, WorkerRole


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the cast: a member of a scope, or a producer. It outlasts the processes that work there."""

    role: WorkerRole
    arm: int
    scope: int
    """-1 for producers."""
    member: int
    """A consumer's number in its scope; a producer's in its arm."""

    def __str__(self) -> str:
        numbers = (self.arm, self.member) if self.role is WorkerRole.PRODUCER else (self.arm, self.scope, self.member)
        return f"{self.role}-{'-'.join(map(str, numbers))}"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that a process was seen to do, when it was seen."""

    t_ns: int
    target: Target
    event: ProcessEvent
    status: int = 0
    """Of an end: the exit status, negative for the signal that ended it."""
    point: int = 0
    """Of an end: the `CrashPointCode` with which its journal ends; 0: none."""


def judge_crash(
    point: CrashPointCode,
) -> Callable[[Sequence[Target], Sequence[Sighting], CallTimes, CallTimes], Evidence]:
    """Every consumer died of SIGKILL, right after it had written that it was at ``point``, and was replaced."""

    def judge(targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes) -> Evidence:
        where = point.name.lower().replace("_", " ")
        elsewhere = [s for s in _deaths(targets, sightings, inject, heal) if s.point != point]
        if elsewhere:
            return _nothing(f"{elsewhere[0].target} died, but not at the point {where}")
        return _judge_deaths(targets, sightings, inject, heal, how=f"killed itself {where}")

    return judge


def judge_kill(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes
) -> Evidence:
    """Every process died of SIGKILL and was replaced."""
    return _judge_deaths(targets, sightings, inject, heal, how="died of SIGKILL")


def judge_pause(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes
) -> Evidence:
    """Every process was stopped from the injection to the heal, and ran again after it."""
    stops, ends = [], []
    for target in targets:
        seen = _of(target, sightings)
        stop = _first(s for s in _within(seen, inject, heal) if s.event is ProcessEvent.STOPPED)
        if stop is None:
            return _nothing(f"{target} was not seen to be stopped before the heal")
        early = _first(s for s in seen if stop.t_ns < s.t_ns < heal.before_ns)
        if early is not None:
            return _nothing(f"{target} {_did(early)} {duration(heal.before_ns - early.t_ns)} before the heal")
        stops.append(stop)
        ends.append(_first(s for s in seen if s.t_ns >= heal.before_ns and s.event is ProcessEvent.CONTINUED))
    if not stops:
        return _nothing("there was nobody to be stopped")
    sentence = f"{_who(targets)} seen stopped (SIGSTOP), the first {_after(inject, stops)} after the injection began"
    return _ended(stops, ends, heal, f"{sentence}", again="ran again")


def judge_restart(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes
) -> Evidence:
    """Every process ended in order after the injection, and a new one became ready in its place."""
    ends, readies = [], []
    for target in targets:
        seen = _of(target, sightings)
        end = _first(
            s for s in seen if s.t_ns >= inject.before_ns and s.event in (ProcessEvent.ENDED, ProcessEvent.DIED)
        )
        if end is None:
            return _nothing(f"{target} was not seen to end")
        if end.event is not ProcessEvent.ENDED:
            return _nothing(f"{target} {_did(end)} instead of ending in order")
        ends.append(end)
        readies.append(_replacement(seen, end))
    if not ends or min(end.t_ns for end in ends) > heal.before_ns:
        return _nothing("nobody ended before the heal")
    sentence = f"{_who(targets)} seen to end in order, one of each arm after the other"
    return _ended(ends, readies, heal, sentence, again="was ready anew")


def judge_late_start(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes
) -> Evidence:
    """None of them was seen before the heal, and each became ready after it."""
    if not targets:
        return _nothing("there was nobody to come late")
    readies = []
    for target in targets:
        seen = _of(target, sightings)
        early = _first(s for s in seen if s.t_ns < heal.before_ns)
        if early is not None:
            return _nothing(f"{target} {_did(early)} {duration(heal.before_ns - early.t_ns)} before the heal")
        readies.append(_first(s for s in seen if s.event is ProcessEvent.READY))
    sentence = f"{_who(targets)} absent for {duration(heal.before_ns - inject.before_ns)}"
    return _ended([], readies, heal, sentence, again="was ready", since_ns=inject.before_ns)


def _judge_deaths(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes, *, how: str
) -> Evidence:
    deaths = _deaths(targets, sightings, inject, heal)
    missing = [target for target in targets if target not in {death.target for death in deaths}]
    if missing or not deaths:
        who = f"{missing[0]} and {len(missing) - 1} more" if len(missing) > 1 else str(missing[0]) if missing else ""
        return _nothing(f"{who or 'nobody'} had not died before the heal" if who else "nobody was there to die")
    other = [death for death in deaths if death.status != -signal.SIGKILL]
    if other:
        return _nothing(f"{other[0].target} {_did(other[0])} and not of SIGKILL")
    sentence = f"{len(deaths)} of {len(targets)} {how}, the first {_after(inject, deaths)} after the injection began"
    readies = [_replacement(_of(death.target, sightings), death) for death in deaths]
    return _ended(deaths, readies, heal, sentence, again="was ready anew")


def _deaths(
    targets: Sequence[Target], sightings: Sequence[Sighting], inject: CallTimes, heal: CallTimes
) -> list[Sighting]:
    """The first end of each target between injection and heal."""
    ends = (ProcessEvent.DIED, ProcessEvent.ENDED)
    found = (_first(s for s in _within(_of(target, sightings), inject, heal) if s.event in ends) for target in targets)
    return [death for death in found if death is not None]


def _ended(
    begins: Sequence[Sighting],
    ends: Sequence[Sighting | None],
    heal: CallTimes,
    sentence: str,
    *,
    again: str,
    since_ns: int | None = None,
) -> Evidence:
    """The evidence of a fault that took effect: when the last of them was well again, if all were."""
    begin_ns = min((sighting.t_ns for sighting in begins), default=since_ns)
    known = [end.t_ns for end in ends if end is not None]
    if len(known) < len(ends):
        return Evidence(begin_ns, None, f"{sentence}; but only {len(known)} of {len(ends)} {again}")
    last_ns = max(known)
    when = duration(abs(last_ns - heal.before_ns))
    word = "after" if last_ns >= heal.before_ns else "before"
    return Evidence(begin_ns, last_ns, f"{sentence}; the last {again} {when} {word} the heal began")


def _replacement(seen: Sequence[Sighting], end: Sighting) -> Sighting | None:
    return _first(s for s in seen if s.t_ns >= end.t_ns and s.event is ProcessEvent.READY)


def _of(target: Target, sightings: Sequence[Sighting]) -> list[Sighting]:
    return sorted((s for s in sightings if s.target == target), key=lambda s: s.t_ns)


def _within(seen: Iterable[Sighting], inject: CallTimes, heal: CallTimes) -> list[Sighting]:
    return [s for s in seen if inject.before_ns <= s.t_ns <= heal.before_ns]


def _first(sightings: Iterable[Sighting]) -> Sighting | None:
    return next(iter(sightings), None)


def _after(inject: CallTimes, sightings: Sequence[Sighting]) -> str:
    return duration(max(0, min(s.t_ns for s in sightings) - inject.before_ns))


def _who(targets: Sequence[Target]) -> str:
    return f"{targets[0]} was" if len(targets) == 1 else f"all {len(targets)} were"


def _did(sighting: Sighting) -> str:
    match sighting.event:
        case ProcessEvent.DIED:
            how = f"signal {-sighting.status}" if sighting.status < 0 else f"status {sighting.status}"
            return f"died ({how})"
        case ProcessEvent.ENDED:
            return "ended in order"
        case ProcessEvent.CONTINUED:
            return "ran again"
        case _:
            return f"was {sighting.event.name.lower()}"


def _nothing(what: str) -> Evidence:
    return Evidence(None, None, f"not shown: {what}")
