"""The open-loop schedule: when each message is meant to be sent, fixed before anything runs.

Arrivals are Poisson (exponential gaps), drawn from the trial's seed, so that messages do not beat in step with the
fault's edges. A slow reply delays the sending but never the intention: latency counts from the intended time.
"""

from __future__ import annotations

import random

from harness.model.values import NANOSECONDS, Arm, Scenario
from harness.model.words import FaultModel

SENTINEL_INTERVAL_S = 0.05


def draw_offsets_ns(scenario: Scenario, *, arm_index: int, producer: int, seed: int) -> tuple[int, ...]:
    """Intended send times of one producer, ns from the start of traffic, strictly inside the traffic phases."""
    arm: Arm = scenario.arms[arm_index]
    rate_per_s = scenario.workload.rate_per_s / arm.producers
    draw = random.Random(f"{seed}/{arm_index}/{producer}")
    end_ns = int(scenario.timeline.traffic_s * NANOSECONDS)
    offsets: list[int] = []
    at_ns = 0.0
    bound = int(rate_per_s * scenario.timeline.traffic_s * 2) + 1_000
    for _ in range(bound):
        at_ns += draw.expovariate(rate_per_s) * NANOSECONDS
        if at_ns >= end_ns:
            break
        offsets.append(int(at_ns))
    return tuple(offsets)


def poison_sequences(scenario: Scenario, offsets_ns: tuple[int, ...]) -> tuple[int, ...]:
    """The sequences of one producer whose handling is to fail: every so many-th of those meant for the fault phase."""
    begin_ns, end_ns = fault_phase_ns(scenario)
    inside = [sequence for sequence, offset in enumerate(offsets_ns) if begin_ns <= offset < end_ns]
    poisoned: set[int] = set()
    for plan in scenario.faults:
        if plan.model is FaultModel.POISON:
            poisoned.update(inside[plan.every - 1 :: plan.every])
    return tuple(sorted(poisoned))


def fault_phase_ns(scenario: Scenario) -> tuple[int, int]:
    """When the fault phase begins and ends, ns from the start of traffic."""
    begin_s = scenario.timeline.warm_up_s + scenario.timeline.steady_s
    return int(begin_s * NANOSECONDS), int((begin_s + scenario.timeline.outage_s) * NANOSECONDS)
