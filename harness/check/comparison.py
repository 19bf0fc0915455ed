"""What two sides came to: the values of `harness.check.compare`."""

from __future__ import annotations

from enum import StrEnum

from harness.model.values import Frozen
from harness.model.words import Guarantee, Stance

COMPARISON_SCHEMA = 1


class Change(StrEnum):
    """How the second side is, seen from the first."""

    WORSE = "worse"
    UNKNOWN = "unknown"
    BETTER = "better"
    SAME = "same"
    """No difference that these trials could show."""


class GuaranteeChange(Frozen):
    """One guarantee on both sides: in how many of how many conclusive trials it was violated."""

    scenario: str
    arm: str
    guarantee: Guarantee
    stance: Stance
    """The stricter of both sides."""
    first_violated: int
    first_trials: int
    second_violated: int
    second_trials: int
    pairs: int
    """How many trials of both sides had the same seed; 0: the rates were compared without pairing."""
    low: float | None
    """The difference of the two rates (second minus first) lies between these, at 95 %; ``None``: no trials."""
    high: float | None
    change: Change
    gates: bool
    reason: str


class CountChange(Frozen):
    """Something counted on both sides, over all trials, with what it is counted of."""

    scenario: str
    arm: str
    what: str
    first: int
    first_of: int
    second: int
    second_of: int
    note: str


class TimeChange(Frozen):
    """A time on both sides: the median over the trials, and the median of the paired differences. It informs only."""

    scenario: str
    arm: str
    what: str
    first_ms: float
    second_ms: float
    difference_ms: float | None
    """Of the pairs; ``None``: there are none."""
    low_ms: float | None
    high_ms: float | None
    pairs: int
    significant: bool
    note: str


class Comparison(Frozen):
    """Two sides, compared."""

    schema_version: int = COMPARISON_SCHEMA
    first: str
    second: str
    exit_code: int
    notes: tuple[str, ...]
    unknown: tuple[str, ...]
    """What of the first side has nothing on the second that it could be compared with, and why."""
    guarantees: tuple[GuaranteeChange, ...]
    """Worse first."""
    counts: tuple[CountChange, ...]
    times: tuple[TimeChange, ...]
    """Significant ones first."""
