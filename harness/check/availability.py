"""When producers could not get anything acknowledged.

A window of one producer opens at the *intended* start of the first message that was not acknowledged, and closes with
the first acknowledgement that is followed by `SUSTAINED` more without exception. A window that is still open at the
end is kept, as censored. Beside it stands the largest gap between two acknowledgements of the arm, which also shows
an outage that merely delayed (a hold): there every message is acknowledged in the end.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.ledger import Messages
from harness.model.accounts import UnavailabilityWindow

Array = npt.NDArray[Any]
SUSTAINED = 5
"""How many acknowledgements must follow one for the producer to be well again."""


def unavailability(messages: Messages) -> tuple[UnavailabilityWindow, ...]:
    """All windows of all producers of an arm."""
    windows: list[UnavailabilityWindow] = []
    acknowledged = messages.acknowledged
    for entry in messages.index.ranges:
        if acknowledged[entry.span].all():
            continue
        attempted = np.arange(entry.offset, entry.offset + entry.length)
        if messages.index.attempted is not None:
            attempted = attempted[messages.index.attempted[entry.span]]
        for first, well in _stretches(acknowledged[attempted]):
            windows.append(
                UnavailabilityWindow(
                    producer=entry.producer,
                    begin_ns=int(messages.intended_ns[attempted[first]]),
                    end_ns=None if well is None else int(messages.outcome_ns[attempted[well]]),
                )
            )
    return tuple(windows)


def _stretches(acknowledged: npt.NDArray[np.bool_]) -> list[tuple[int, int | None]]:
    """For outcomes in order: from which message to which acknowledged one each window lasts; ``None``: to the end."""
    failed = np.flatnonzero(~acknowledged)
    if not len(failed):
        return []
    well_until = np.append(failed[1:], len(acknowledged))
    closing = np.flatnonzero(well_until - failed - 1 > SUSTAINED)
    ends = (failed[closing] + 1).tolist()
    opening = np.append(0, closing + 1)
    begins = failed[opening[opening < len(failed)]].tolist()
    return list(zip_longest(begins, ends))


def largest_gap_ns(messages: Messages) -> int | None:
    """The longest time between two consecutive acknowledgements of the arm; ``None`` with fewer than two."""
    acknowledged = messages.acknowledged
    times = in_order(messages.outcome_ns if bool(acknowledged.all()) else messages.outcome_ns[acknowledged])
    return int((times[1:] - times[:-1]).max()) if len(times) > 1 else None


def in_order(times: Array) -> Array:
    """``times`` ascending; free of charge where they are so already."""
    return times if bool((times[1:] >= times[:-1]).all()) else np.sort(times, kind="stable")
