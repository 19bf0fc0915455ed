"""What a played schedule came to, and what a whole search did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from harness.model.values import Scenario
from harness.model.words import Verdict

_VALID = frozenset({Verdict.HELD, Verdict.VIOLATED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One trial of one schedule: was the guarantee refuted? Only `held` and `violated` say anything about it."""

    scenario: Scenario
    verdict: Verdict
    reason: str
    """What was counted, or why it proves nothing."""
    trial: str
    """The trial's folder, by name."""
    mechanism: str = ""
    """Of a violation: why most of it is so."""

    @property
    def told(self) -> str:
        """The reason, with the mechanism where it does not name it itself."""
        unnamed = self.mechanism and f"({self.mechanism})" not in self.reason
        return f"{self.reason} ({self.mechanism})" if unnamed else self.reason

    @property
    def is_valid(self) -> bool:
        """Whether it says something about the guarantee."""
        return self.verdict in _VALID

    @property
    def is_violation(self) -> bool:
        """Whether the guarantee was refuted."""
        return self.verdict is Verdict.VIOLATED


class Play(Protocol):
    """Whoever plays: one trial of each schedule, several at a time."""

    def __call__(self, scenarios: Sequence[Scenario]) -> list[Outcome]:
        """The outcomes, in the order of ``scenarios``. Raises `Spent` when no more may be played."""


class Spent(Exception):
    """No more trials may be played; the text says why."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often one schedule violated the guarantee. Trials that prove nothing are counted apart."""

    violated: int = 0
    held: int = 0
    unclear: int = 0

    @property
    def valid(self) -> int:
        """Trials that say something."""
        return self.violated + self.held

    def and_of(self, outcomes: Sequence[Outcome]) -> Repeats:
        """With these trials, too."""
        violated = sum(one.is_violation for one in outcomes)
        valid = sum(one.is_valid for one in outcomes)
        return Repeats(self.violated + violated, self.held + valid - violated, self.unclear + len(outcomes) - valid)


class Shrunk(StrEnum):
    """How far shrinking came."""

    WHOLE = "no step makes it smaller and still violates it"
    ENDED_EARLY = "ended before every smaller one was tried"
    NOT_REPEATED = "it did not violate it again often enough to be shrunk"


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule that violates the guarantee, and the smallest that still does."""

    first: Outcome
    smallest: Scenario
    witness: Outcome
    """A violating trial of the smallest."""
    confirmed: Repeats
    """How the smallest did when it was played again, after it had been found."""
    shrunk: Shrunk
    smaller_tried: int
    """Smaller schedules that were played."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """A search from its control to its end."""

    control: Outcome | None
    tried: tuple[Outcome, ...]
    """Drawn schedules, in the order in which they were drawn."""
    found: Found | None
    ended: str
    """Why the search ended."""
    played: int
    """Trials in all, the control, shrinking and repeats among them."""

    @property
    def verdict(self) -> Verdict:
        """Violated when something was found; held when something was tried in earnest; else inconclusive."""
        if self.found is not None:
            return Verdict.VIOLATED
        return Verdict.HELD if any(one.is_valid for one in self.tried) else Verdict.INCONCLUSIVE
