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

from harness.check.dense import NEVER, chunks
from harness.check.ledger import FATE_CODE, Messages, ScopeLedger
from harness.check.timeline import PHASES
from harness.model.accounts import ArmLatency, LatencyQuantiles
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
    p50, p99, p999, top = order_statistics(
        latency_ns,
        [
            *(order_statistic_rank(count, quantile) for quantile in (P50, P99, P999)),
            delivered - 1 if delivered else None,
        ],
    )
    return LatencyQuantiles(samples=count, undelivered=undelivered, p50_ms=p50, p99_ms=p99, p999_ms=p999, max_ms=top)


def order_statistics(latency_ns: Array, ranks: Sequence[int | None]) -> list[float | None]:
    """The values at these ranks (from 0, in ascending order), in milliseconds. Reorders the array.

    One rank after the other, each within what is above the one before, is several times faster than all at once.
    """
    below = 0
    for rank in sorted({rank for rank in ranks if rank is not None}):
        latency_ns[below:].partition(rank - below)
        below = rank + 1  # what stands at a rank stays there: a partition may move all that it is given
    return [_milliseconds(latency_ns, rank) for rank in ranks]


def _milliseconds(latency_ns: Array, rank: int | None) -> float | None:
    if rank is None:
        return None
    value = int(latency_ns[rank])
    return math.inf if value == NEVER else value / 1e6


def arm_latencies(messages: Messages, scopes: Sequence[ScopeLedger]) -> tuple[ArmLatency, ...]:
    """Latency over the whole trial and for each phase in which messages were meant to be sent."""
    owed = [_owed(messages, scope) for scope in scopes]
    phases = _joined([_chosen(messages.phase, chosen) for chosen in owed])
    room = np.empty(len(phases), dtype=np.int64)
    intended = _by_phase(_fill(room, messages.intended_ns, scopes, owed), phases)
    sent = _by_phase(_fill(room, messages.send_ns, scopes, owed), phases)
    return tuple(
        ArmLatency(phase=phase, from_intended=found, from_send=sent[phase]) for phase, found in intended.items()
    )


def _owed(messages: Messages, scope: ScopeLedger) -> Bools | None:
    """Which messages are in the sample; ``None``: all of them."""
    received = scope.received
    if received.all():
        return None
    owed: Bools = received | (messages.acknowledged & ~scope.with_fate(Fate.NOT_ENTITLED))
    return owed if messages.index.attempted is None else owed & messages.index.attempted


def _chosen(column: Array, chosen: Bools | None) -> Array:
    return column if chosen is None else column[chosen]


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _fill(room: Array, begin_ns: Array, scopes: Sequence[ScopeLedger], owed: Sequence[Bools | None]) -> Array:
    """Put the latencies of all scopes, counted from ``begin_ns``, one after the other into ``room``."""
    filled = 0
    for scope, chosen in zip(scopes, owed, strict=True):
        arrived = _chosen(scope.first_receive_ns, chosen)
        part = room[filled : filled + len(arrived)]
        np.subtract(arrived, _chosen(begin_ns, chosen), out=part)
        if chosen is not None:
            part[arrived == NEVER] = NEVER
        filled += len(arrived)
    return room


def _by_phase(latency: Array, codes: Array) -> dict[Phase | None, LatencyQuantiles]:
    """Quantiles of the whole and of each phase. Where the phases follow one another, nothing is copied."""
    in_turn = bool((codes[1:] >= codes[:-1]).all())
    edges = np.searchsorted(codes, np.arange(len(PHASES) + 1, dtype=codes.dtype)) if in_turn else None
    phases: dict[Phase | None, LatencyQuantiles] = {}
    for code, phase in enumerate(PHASES):
        chosen = latency[codes == code] if edges is None else latency[edges[code] : edges[code + 1]]
        if len(chosen):
            phases[phase] = quantiles(chosen)
    return {None: quantiles(latency)} | phases


def steady_p99_ns(messages: Messages, scopes: Sequence[ScopeLedger], *, before_ns: int = NEVER) -> int | None:
    """The 99th percentile from intended send in the steady phase; ``None`` where there is none to be had.

    What had not arrived by ``before_ns`` (the injection) is left out: a message that was caught by the fault says
    nothing of how things were without it.
    """
    steady = messages.phase == PHASES.index(Phase.STEADY)
    parts = []
    for scope in scopes:
        owed = steady & (scope.received | (messages.acknowledged & (scope.fate != FATE_CODE[Fate.NOT_ENTITLED])))
        owed &= (scope.first_receive_ns < before_ns) | (before_ns == NEVER)
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
    late = np.empty(len(first_receive_ns), dtype=bool)
    for begin, end in chunks(len(late)):
        part = slice(begin, end)
        np.greater(first_receive_ns[part] - messages.intended_ns[part], late_ns, out=late[part])
    late &= received
    return late
