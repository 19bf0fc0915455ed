"""What a timeline's axis covers, and into how wide bins and distinguishable ticks it is cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.model.results import TrialResult
from harness.report.ledger_view import LedgerView

SECOND = 1e9
_BIN_WIDTHS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_FEWEST_BINS, _MOST_BINS = 24, 110
_MESSAGES_PER_BIN = 12
_TICKS_ACROSS = 900

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """What the x axis covers, in seconds, and into how wide bins it is cut."""

    begin: float
    end: float
    bin_width: float

    @property
    def edges(self) -> Numbers:
        """The borders of the bins; the last bin reaches beyond the end rather than being cut short."""
        number = int(np.ceil((self.end - self.begin) / self.bin_width - 1e-9))
        return np.asarray(self.begin + self.bin_width * np.arange(max(1, number) + 1), dtype=np.float64)


def span_of(result: TrialResult, ledger: LedgerView) -> Span:
    """From the first phase to the last; where the trial has none, from zero to the last thing that happened."""
    ends = [phase.end_ns for phase in result.phases]
    ends += [int(arm.first_receive_ns.max(initial=0)) for arm in ledger.arms]
    ends += [int(arm.send_ns.max(initial=0)) for arm in ledger.arms]
    begin = min((phase.begin_ns for phase in result.phases), default=0) / SECOND
    end = max(max(ends, default=0) / SECOND, begin + 0.1)
    return Span(begin, end, choose_bin_width(end - begin, result.trial.scenario.workload.rate_per_s))


def choose_bin_width(length_s: float, rate_per_s: float) -> float:
    """The narrowest round width with enough messages in a bin to be more than noise, between 24 and 110 bins in all."""
    filled = _MESSAGES_PER_BIN / max(rate_per_s, 1e-9)
    wanted = max(length_s / _MOST_BINS, min(filled, length_s / _FEWEST_BINS))
    return next((width for width in _BIN_WIDTHS if width >= wanted), wanted)


def thin(times_ns: npt.NDArray[np.int64], span: Span) -> Numbers:
    """One tick per distinguishable place: more would only be drawn over each other."""
    step = (span.end - span.begin) / _TICKS_ACROSS
    return np.asarray(np.unique(np.round(times_ns / SECOND / step)) * step, dtype=np.float64)
