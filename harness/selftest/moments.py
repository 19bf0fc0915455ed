"""When what happens in the synthetic trial, and which of its arms is which. Times are nanoseconds of its own clock."""

from __future__ import annotations

from harness.model.words import Phase

MICROSECOND = 1_000
MILLISECOND = 1_000_000
ORIGIN_NS = 7_000_000_000_000
PUBSUB, FAN_OUT, QUEUE = 0, 1, 2
"""Indexes of the arms."""
PHASES_MS = {Phase.WARM_UP: 100, Phase.STEADY: 400, Phase.FAULT: 1_000, Phase.RECOVERY: 1_600, Phase.DRAIN: 2_400}
END_MS = 3_200
FIRST_SEND_MS, LAST_SEND_MS = 110, 2_390
INJECT_NS = ORIGIN_NS + 1_001 * MILLISECOND
HEAL_NS = ORIGIN_NS + 1_601 * MILLISECOND
OBSERVED_FROM_NS = INJECT_NS + 5 * MILLISECOND
OBSERVED_TO_NS = HEAL_NS + 2 * MILLISECOND
ENTRY_BASE_MS = 1_700_000_000_000
TOKEN = "5eed5eed"


def moment(milliseconds: int) -> int:
    """A moment on the synthetic trial's clock."""
    return ORIGIN_NS + milliseconds * MILLISECOND
