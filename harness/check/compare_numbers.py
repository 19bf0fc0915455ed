"""Counts and times of an arm on two sides. Counts are shown as they are; times with the median of their differences."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping

from harness.check.bound import CONFIDENCE
from harness.check.comparison import CountChange, TimeChange
from harness.check.recovery import back_ms
from harness.check.statistics import median_difference, pairs_needed
from harness.model.accounts import ArmResult
from harness.model.words import Fate, Phase

Results = Mapping[int, ArmResult]
_COUNTS: dict[str, Callable[[ArmResult], int]] = {
    "lost": lambda arm: arm.fates[Fate.LOST],
    "stuck": lambda arm: arm.fates[Fate.STUCK],
    "phantom": lambda arm: arm.fates[Fate.PHANTOM],
    "duplicated": lambda arm: arm.duplicated,
    "duplicate effects": lambda arm: arm.duplicate_effects,
    "missing effects": lambda arm: arm.missing_effects,
    "reordered": lambda arm: arm.reordered,
}


def count_changes(scenario: str, arm: str, first: Results, second: Results) -> Iterator[CountChange]:
    """What was counted on either side; what neither has is left out."""
    for what, count in _COUNTS.items():
        one, two = (sum(count(result) for result in side.values()) for side in (first, second))
        if one or two:
            yield CountChange(
                scenario=scenario,
                arm=arm,
                what=what,
                first=one,
                first_of=sum(result.owed for result in first.values()),
                second=two,
                second_of=sum(result.owed for result in second.values()),
                note=_count_note(one, two, count, first, second),
            )


def _count_note(one: int, two: int, count: Callable[[ArmResult], int], first: Results, second: Results) -> str:
    if not one:
        return "new: there was none"
    if not two:
        return "gone: there is none any more"
    if one == two:
        return "equal"
    shares = [_share(count, first[seed], second[seed]) for seed in sorted(set(first) & set(second))]
    shares = [pair for pair in shares if not math.isnan(pair[0] + pair[1])]
    found = median_difference(shares) if shares else None
    if found is None or found.interval is None:
        return _too_few(len(shares))
    low, high = found.interval.low * 100, found.interval.high * 100
    if not found.significant:
        return f"not significant: {low:+.2g} to {high:+.2g} points of what is owed"
    return f"{found.median * 100:+.2g} points of what is owed ({low:+.2g} to {high:+.2g})"


def _share(count: Callable[[ArmResult], int], one: ArmResult, two: ArmResult) -> tuple[float, float]:
    return (
        count(one) / one.owed if one.owed else math.nan,
        count(two) / two.owed if two.owed else math.nan,
    )


def time_changes(
    scenario: str, arm: str, first: Results, second: Results, *, confidence: float = CONFIDENCE
) -> Iterator[TimeChange]:
    """Latency and recovery, where both sides observed them."""
    for what, time in _times().items():
        one = {seed: value for seed, result in first.items() if (value := time(result)) is not None}
        two = {seed: value for seed, result in second.items() if (value := time(result)) is not None}
        if one and two:
            yield _time(scenario, arm, what, (one, two), confidence)


def _time(
    scenario: str, arm: str, what: str, sides: tuple[Mapping[int, float], Mapping[int, float]], confidence: float
) -> TimeChange:
    one, two = sides
    common = sorted(set(one) & set(two))
    found = median_difference([(one[seed], two[seed]) for seed in common], confidence=confidence) if common else None
    interval = found.interval if found is not None else None
    significant = found is not None and found.significant
    if interval is None:
        note = _too_few(len(common), confidence)
    elif significant:
        note = f"significant at {confidence * 100:.4g} %"
    else:
        note = "not significant: the interval of the difference holds zero"
    return TimeChange(
        scenario=scenario,
        arm=arm,
        what=what,
        first_ms=statistics.median(one.values()),
        second_ms=statistics.median(two.values()),
        difference_ms=found.median if found is not None else None,
        low_ms=interval.low if interval is not None else None,
        high_ms=interval.high if interval is not None else None,
        pairs=len(common),
        significant=significant,
        note=note,
    )


def _too_few(pairs: int, confidence: float = CONFIDENCE) -> str:
    found = f"{pairs} pair{'' if pairs == 1 else 's'} of trials with one seed"
    return f"not significant: {found}, and an interval takes {pairs_needed(confidence=confidence)}"


def _times() -> dict[str, Callable[[ArmResult], float | None]]:
    return {
        "p99": lambda arm: _p99(arm, None),
        "p99 in steady": lambda arm: _p99(arm, Phase.STEADY),
        "reads back": lambda arm: back_ms(arm, "read", arm.recovery.read_from_heal_ns),
        "writes back": lambda arm: back_ms(arm, "write", arm.recovery.write_from_heal_ns),
        "backlog gone": lambda arm: back_ms(arm, "backlog", arm.recovery.backlog_from_heal_ns),
    }


def _p99(arm: ArmResult, phase: Phase | None) -> float | None:
    return next((one.from_intended.p99_ms for one in arm.latency if one.phase is phase), None)
