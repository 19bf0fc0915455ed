"""What a scout saw of a link besides answers: which way something passes, and whom the server still counts.

A ping that is not answered does not tell whether the request or the reply was lost, and a hold looks the same whether
or not the server has noticed that clients are gone. So faults that differ in this are looked at from both ends of the
link (`harness.faults.scout`), and judged here: pure functions over what was seen, as strict as those over pings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from harness.faults.base import CallTimes, Evidence, Headcount, Passage, Scouting
from harness.faults.evidence import Window, duration, judge_drop, not_well_before
from harness.model.words import Direction, ProbeResult

_ON_ITS_WAY_NS = 100_000_000
"""What was sent so shortly before the heal need not have arrived before it."""
_MOST_BLIND_NS: Final = 1_000_000_000
"""Before the heal; a scout looks fifty times a second, and one that has failed looks no more."""
_NOBODY_LOOKED = "not shown: nobody looked which way anything passed"


def judge_one_way(
    judge: Callable[[Window], Evidence], stopped: Direction
) -> Callable[[Window, Scouting | None], Evidence]:
    """``judge``, and nothing went the ``stopped`` way while what went the other way arrived."""
    open_way = Direction.REPLIES if stopped is Direction.REQUESTS else Direction.REQUESTS

    def judged(seen: Window, scouting: Scouting | None) -> Evidence:
        found = judge(seen)
        if found.observed_from_ns is None:
            return found
        if scouting is None:
            return Evidence(None, None, _NOBODY_LOOKED)
        trouble = (
            _stopped_trouble(scouting, stopped, seen)
            or _open_trouble(scouting, open_way, seen)
            or _blind([p.sent_ns for p in scouting.passages], seen)
        )
        if trouble:
            return Evidence(None, None, f"not shown: {trouble}")
        passed = len(_inside(scouting.passages, open_way, seen))
        sentence = f"{found.sentence}; meanwhile no {stopped.value} passed, and {passed} {open_way.value} did"
        return Evidence(found.observed_from_ns, found.observed_to_ns, sentence)

    return judged


def judge_reply_lost(seen: Window, scouting: Scouting | None) -> Evidence:
    """Requests were executed, no reply came, every connection that asked was closed, and after the heal one answers."""
    ends = (ProbeResult.CLOSED, ProbeResult.RESET)
    wrong = [probe for probe in seen.attempts if probe.result not in ends]
    trouble = not_well_before(seen) or (
        f"{len(seen.leaks)} pings were answered while no reply should have come"
        if seen.leaks
        else "the open connection was not closed before the heal"
        if not seen.closings
        else f"a new connection was {wrong[0].result.name.lower()}, not closed at its first reply"
        if wrong
        else ""
    )
    if trouble:
        return Evidence(None, None, f"not shown: {trouble}")
    if scouting is None:
        return Evidence(None, None, _NOBODY_LOOKED)
    trouble = (
        _open_trouble(scouting, Direction.REQUESTS, seen)
        or _stopped_trouble(scouting, Direction.REPLIES, seen)
        or _blind([p.sent_ns for p in scouting.passages], seen)
    )
    if trouble:
        return Evidence(None, None, f"not shown: {trouble}")
    begin = min(probe.ended_ns for probe in seen.closings)
    executed = len(_inside(scouting.passages, Direction.REQUESTS, seen))
    sentence = (
        f"{executed} requests were executed and none was answered; {len(seen.closings) + len(seen.attempts)} pings "
        "ended with their connection"
    )
    first = seen.first_answer(same_connection=False)
    if first is None:
        return Evidence(begin, None, f"{sentence}; but after the heal no new connection answered")
    after = duration(first - seen.heal.before_ns)
    return Evidence(begin, first, f"{sentence}; a new one answered {after} after the heal began")


def judge_half_open(seen: Window, scouting: Scouting | None) -> Evidence:
    """Silence, during which the server counted a subscriber that had hung up, until the heal closed everything."""
    found = judge_drop(seen)
    if found.observed_from_ns is None:
        return found
    if scouting is None:
        return Evidence(None, None, "not shown: nobody looked whom the server counts")
    lefts = [left for left in scouting.lefts_ns if seen.inject.before_ns <= left <= seen.heal.before_ns]
    if not lefts:
        return Evidence(None, None, "not shown: no subscriber hung up while the fault was on")
    meanwhile = [count for count in scouting.headcounts if lefts[0] < count.t_ns and count.t_ns < seen.heal.before_ns]
    if not meanwhile or any(count.receivers < 1 for count in meanwhile):
        what = "stopped counting" if meanwhile else "was not asked whether it counts"
        return Evidence(None, None, f"not shown: the server {what} a subscriber that had hung up")
    if trouble := _blind([count.t_ns for count in meanwhile], seen):
        return Evidence(None, None, f"not shown: {trouble}")
    sentence = f"{found.sentence}; {len(meanwhile)} times the server counted a subscriber that had hung up"
    noticed = _noticed(scouting.headcounts, seen.heal)
    if found.observed_to_ns is None or noticed is None:
        missing = "" if found.observed_to_ns is None else "; but it never noticed after the heal"
        return Evidence(found.observed_from_ns, None, sentence + missing)
    after = duration(noticed - seen.heal.before_ns)
    return Evidence(
        found.observed_from_ns,
        max(found.observed_to_ns, noticed),
        f"{sentence}, and noticed {after} after the heal began",
    )


def _noticed(headcounts: Sequence[Headcount], heal: CallTimes) -> int | None:
    return next((count.t_ns for count in headcounts if count.t_ns >= heal.before_ns and count.receivers == 0), None)


def _blind(looks_ns: Sequence[int], seen: Window) -> str:
    """How long before the heal nobody looked any more, where that is too long; empty if not."""
    until_ns, length_ns = seen.heal.before_ns, seen.heal.before_ns - seen.inject.after_ns
    blind_ns = until_ns - max((look for look in looks_ns if look < until_ns), default=seen.inject.after_ns)
    return f"nobody looked for the last {duration(blind_ns)}" if blind_ns > min(_MOST_BLIND_NS, length_ns // 2) else ""


def _inside(passages: Sequence[Passage], way: Direction, seen: Window) -> list[Passage]:
    """What was sent that way while the fault was on, in time to arrive before the heal."""
    until = seen.heal.before_ns - _ON_ITS_WAY_NS
    return [p for p in passages if p.way is way and seen.inject.after_ns <= p.sent_ns <= until]


def _stopped_trouble(scouting: Scouting, way: Direction, seen: Window) -> str:
    """Why it is not shown that nothing passed that way; empty if it is."""
    passed = [
        p
        for p in scouting.passages
        if p.way is way
        and p.sent_ns >= seen.inject.after_ns
        and p.arrived_ns is not None
        and p.arrived_ns < seen.heal.before_ns
    ]
    if passed:
        return f"{len(passed)} {way.value} passed while none should have"
    return "" if _inside(scouting.passages, way, seen) else f"no {way.value} were sent while the fault was on"


def _open_trouble(scouting: Scouting, way: Direction, seen: Window) -> str:
    """Why it is not shown that things passed that way; empty if it is."""
    inside = _inside(scouting.passages, way, seen)
    arrived = [p for p in inside if p.arrived_ns is not None and p.arrived_ns < seen.heal.before_ns]
    if inside and 2 * len(arrived) >= len(inside):
        return ""
    return f"only {len(arrived)} of {len(inside)} {way.value} passed while all should have"
