"""Latency, from the intended send time (no coordinated omission) and from the actual one.

The sample is everything that was owed: acknowledged and entitled messages, once per scope, plus whatever else was
delivered. What was not delivered has infinite latency, so losing messages never makes a percentile look better.

The q-quantile is an order statistic: the smallest value of the sample that at least q of the sample do not exceed
(the ``ceil(q * n)``-th smallest). A sample of fewer than ``1 / (1 - q)`` cannot support it, and then it is ``None``.

    >>> quantiles(np.array([3_000_000, 1_000_000, NEVER])).p50_ms
    3.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER
from harness.check.ledger import FATE_CODE, Messages, ScopeLedger
from harness.check.timeline import PHASES
from harness.model.results import ArmLatency, LatencyQuantiles
from harness.model.words import Fate, Phase

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]

P50, P99, P999 = (50, 100), (99, 100), (999, 1000)
LATE_FACTOR = 10
LATE_FLOOR_NS = 100_000_000


def order_statistic_rank(count: int, quantile: tuple[int, int]) -> int | None:
    """Which of ``count`` ascending values (from 0) is the quantile; ``None`` where they cannot support it."""
    part, whole = quantile
    if count * (whole - part) < whole:
        return None
    return -(-count * part // whole) - 1


def quantiles(latency_ns: Array) -> LatencyQuantiles:
    """The quantiles of a sample, of which `NEVER` means undelivered. Reorders the array."""
    count = len(latency_ns)
    undelivered = int(np.count_nonzero(latency_ns == NEVER))
    delivered = count - undelivered
    ranks = [order_statistic_rank(count, quantile) for quantile in (P50, P99, P999)]
    highest = delivered - 1 if delivered else None
    wanted = sorted({rank for rank in (*ranks, highest) if rank is not None})
    if wanted:
        latency_ns.partition(wanted)
    p50, p99, p999, top = (_milliseconds(latency_ns, rank) for rank in (*ranks, highest))
    return LatencyQuantiles(samples=count, undelivered=undelivered, p50_ms=p50, p99_ms=p99, p999_ms=p999, max_ms=top)


def _milliseconds(latency_ns: Array, rank: int | None) -> float | None:
    if rank is None:
        return None
    value = int(latency_ns[rank])
    return math.inf if value == NEVER else value / 1e6


def sample_of(messages: Messages, scopes: Sequence[ScopeLedger], begin_ns: Array) -> tuple[Array, Array]:
    """The latencies of everything owed, counted from ``begin_ns``, and the phase of each."""
    latencies, phases = [], []
    for scope in scopes:
        latency = np.subtract(scope.first_receive_ns, begin_ns)
        received = scope.received
        phase = messages.phase
        if not received.all():
            latency[~received] = NEVER
            owed = received | (messages.acknowledged & ~scope.with_fate(Fate.NOT_ENTITLED))
            if messages.index.attempted is not None:
                owed &= messages.index.attempted
            latency, phase = latency[owed], phase[owed]
        latencies.append(latency)
        phases.append(phase)
    if len(latencies) == 1:
        return latencies[0], phases[0]
    return np.concatenate(latencies), np.concatenate(phases)


def arm_latencies(messages: Messages, scopes: Sequence[ScopeLedger]) -> tuple[ArmLatency, ...]:
    """Latency over the whole trial and for each phase in which messages were meant to be sent."""
    intended = _by_phase(*sample_of(messages, scopes, messages.intended_ns))
    sent = _by_phase(*sample_of(messages, scopes, messages.send_ns))
    return tuple(
        ArmLatency(phase=phase, from_intended=found, from_send=sent[phase]) for phase, found in intended.items()
    )


def _by_phase(latency: Array, phase_codes: Array) -> dict[Phase | None, LatencyQuantiles]:
    phases: dict[Phase | None, LatencyQuantiles] = {}
    for code, phase in enumerate(PHASES):
        chosen = latency[phase_codes == code]
        if len(chosen):
            phases[phase] = quantiles(chosen)
    return {None: quantiles(latency)} | phases


def steady_p99_ns(messages: Messages, scopes: Sequence[ScopeLedger]) -> int | None:
    """The 99th percentile from intended send in the steady phase; ``None`` where there is none to be had."""
    steady = messages.phase == PHASES.index(Phase.STEADY)
    parts = []
    for scope in scopes:
        owed = steady & (scope.received | (messages.acknowledged & (scope.fate != FATE_CODE[Fate.NOT_ENTITLED])))
        received = scope.first_receive_ns[owed]
        parts.append(np.where(received == NEVER, NEVER, received - messages.intended_ns[owed]))
    sample = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
    rank = order_statistic_rank(len(sample), P99)
    if rank is None:
        return None
    sample.partition(rank)
    value = int(sample[rank])
    return None if value == NEVER else value


def late_after_ns(steady_p99: int | None) -> int:
    """From which latency on a delivery is late: ten times the steady p99, and at least a tenth of a second."""
    return max(LATE_FLOOR_NS, LATE_FACTOR * (steady_p99 or 0))


def mark_late(messages: Messages, first_receive_ns: Array, *, received: Bools, late_ns: int) -> Bools:
    """Which messages arrived later than ``late_ns`` after they were meant to be sent."""
    late = np.subtract(first_receive_ns, messages.intended_ns) > late_ns
    marked: Bools = late & received
    return marked
