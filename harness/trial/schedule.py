"""The open-loop schedule: when each message is meant to be sent, fixed before anything runs.

Arrivals are Poisson (exponential gaps), drawn from the trial's seed, so that messages do not beat in step with the
fault's edges. A slow reply delays the sending but never the intention: latency counts from the intended time.
"""

from __future__ import annotations

import random

from harness.model.values import NANOSECONDS, Arm, Scenario

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
