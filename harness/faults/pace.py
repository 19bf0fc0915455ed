"""What pings prove about a link that is slow: latency and bandwidth, from measured round trips.

A slow link answers; so what counts is how long its answers took while the fault was on, against before and after.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from harness.faults.base import Evidence, Probe
from harness.faults.evidence import Window, duration, not_well_before
from harness.model.values import FaultPlan

PING_BYTES = 40
"""A ping without padding takes at least so many bytes each way."""
_PING_MS = 30
"""Longer than the time between two pings, so that they queue up and even a busy machine is quick against it."""
_MOST_PADDING_BYTES = 64_000
_MS = 1_000_000


def judge_latency(plan: FaultPlan) -> Callable[[Window], Evidence]:
    """Every answer took at least the delay less its jitter, and half of them half the delay more than before."""
    least_ns = max(0, plan.delay_ms - plan.jitter_ms) * _MS
    return lambda seen: _judge_pace(seen, least_ns=least_ns, more_ns=plan.delay_ms * _MS // 2)


def judge_bandwidth(plan: FaultPlan) -> Callable[[Window], Evidence]:
    """Every answer took as long as its bytes need at that rate, and so much more than before that both ways count."""
    needed_ns = _needed_ns(plan)
    return lambda seen: _judge_pace(seen, least_ns=needed_ns, more_ns=needed_ns * 3 // 2)


def ping_padding(plan: FaultPlan) -> int:
    """How much a ping has to carry so that the rate of ``plan`` can be seen in its time: about 30 ms each way."""
    return min(max(0, plan.rate_kb_per_s * _PING_MS - PING_BYTES), _MOST_PADDING_BYTES)


def _needed_ns(plan: FaultPlan) -> int:
    """What the bytes of a ping need, one way. A KB is 1,000 bytes here, so a KB a second is a byte a millisecond."""
    return (PING_BYTES + ping_padding(plan)) * _MS // plan.rate_kb_per_s


def _judge_pace(seen: Window, *, least_ns: int, more_ns: int) -> Evidence:
    """Each answer took ``least_ns``, and half of them ``more_ns`` more than is usual here; afterwards they do not."""
    during = [p for p in seen.probes if p.sent_ns >= seen.inject.after_ns and _answered_before(p, seen.heal.before_ns)]
    before = _times(seen.before)
    trouble = _no_pace(seen, during, least_ns=least_ns) or not_well_before(seen)
    if trouble:
        return Evidence(None, None, f"not shown: {trouble}")
    took, used_to_take = _median(_times(during)), _median(before)
    if took - used_to_take < more_ns:
        return Evidence(
            None, None, f"not shown: answers took {duration(took)} and had taken {duration(used_to_take)} before"
        )
    sentence = (
        f"{len(during)} answers took {duration(took)} (median, {duration(min(_times(during)))} to "
        f"{duration(max(_times(during)))}), and {duration(used_to_take)} before the injection"
    )
    limit_ns = used_to_take + more_ns
    quick = [p for p in seen.probes if p.sent_ns >= seen.heal.before_ns and _took(p) is not None]
    first = next((p for p in quick if (_took(p) or 0) < limit_ns), None)
    if first is None or first.answered_ns is None:
        return Evidence(during[0].sent_ns, None, f"{sentence}; but after the heal none was as quick as before")
    after = duration(first.answered_ns - seen.heal.before_ns)
    return Evidence(during[0].sent_ns, first.answered_ns, f"{sentence}; as quick again {after} after the heal began")


def _no_pace(seen: Window, during: Sequence[Probe], *, least_ns: int) -> str:
    """Why the probes don't show a slow link; empty if they do."""
    if seen.closings:
        return "the connection ended while the link should only have been slow"
    if not during:
        return "no ping was answered while the fault was on"
    early = [time for time in _times(during) if time < least_ns]
    if early:
        return f"{len(early)} of {len(during)} answers took less than {duration(least_ns)}"
    return ""


def _answered_before(probe: Probe, moment_ns: int) -> bool:
    return probe.answered_ns is not None and probe.answered_ns < moment_ns


def _took(probe: Probe) -> int | None:
    return None if probe.answered_ns is None else probe.answered_ns - probe.sent_ns


def _times(probes: Sequence[Probe]) -> list[int]:
    return [took for probe in probes if (took := _took(probe)) is not None]


def _median(times: Sequence[int]) -> int:
    return int(statistics.median(times))
