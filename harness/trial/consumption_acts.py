"""Slow consumers and poisoned messages on their way through a trial; what they prove is read from journals."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.consumption import CONSUMPTION_STYLES, Handling, ScopeEvent, judge_poison, judge_slow
from harness.faults.process_evidence import Target
from harness.history.journal import FIELDS, EventKind, read_journal
from harness.model.message import SENTINEL_BASE
from harness.model.values import FaultPlan
from harness.trial.acts import NOTHING_DONE, CallBook
from harness.trial.casting import Casting


class PassiveAct:
    """What acts have in common that neither withhold anybody nor do anything in between."""

    def withheld(self) -> Sequence[Target]:
        """Nobody."""
        return ()

    def open(self) -> None:
        """Nothing: it begins with the fault phase."""

    def step(self, now_ns: int) -> None:
        """Nothing: the consumers do the rest."""

    def release(self) -> None:
        """Nothing: the consumers end with the trial."""

    def settled(self) -> bool:
        """Always: the recovery phase has shown it."""
        return True


@dataclass
class SlowAct(PassiveAct):
    """Consumers are told to take so long over each message, and at the heal to take as long as it takes."""

    plan: FaultPlan
    casting: Casting
    book: CallBook
    _targets: tuple[Target, ...] = ()

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return CONSUMPTION_STYLES[self.plan.model]

    def begin(self, begin_ns: int, end_ns: int) -> None:  # noqa: ARG002  # it is on at once and until healed
        """Tell them."""
        assert self.plan.worker is not None, "a slow fault without a worker does not validate"
        self._targets = self.casting.targets(self.plan.worker, self.plan.members)
        self.book.inject(self._order(self.plan.handling_ms))

    def heal(self) -> None:
        """Tell them that it is over."""
        if self.book.is_on:
            self.book.heal(self._order(0))

    def evidence(self) -> Evidence:
        """What the consumers measured."""
        if not self.book.injects or self.book.is_on:
            return NOTHING_DONE
        return judge_slow(
            self._targets,
            [handling for target in self._targets for handling in self._handlings(target)],
            least_ns=self.plan.handling_ms * 1_000_000,
            inject=self.book.injects[0],
            heal=self.book.heals[-1],
        )

    def _order(self, handling_ms: int) -> CallTimes:
        before_ns = time.monotonic_ns()
        for target in self._targets:
            self.casting.order(target, f"slow {handling_ms}")
        return CallTimes(before_ns, time.monotonic_ns())

    def _handlings(self, target: Target) -> Iterator[Handling]:
        for path in self.casting.journals(target):
            for row in _records(path, EventKind.HANDLED):
                yield Handling(int(row["t_ns"]), target, int(row["value"]), bool(row["code"]))


@dataclass
class PoisonAct(PassiveAct):
    """Producers send poisoned messages during the fault phase: they were told which when they were started."""

    plan: FaultPlan
    casting: Casting
    book: CallBook

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return CONSUMPTION_STYLES[self.plan.model]

    def begin(self, begin_ns: int, end_ns: int) -> None:  # noqa: ARG002  # the schedule knows
        """From now on some messages are poisoned."""
        self.book.inject(_now())

    def heal(self) -> None:
        """From now on none is."""
        if self.book.is_on:
            self.book.heal(_now())

    def evidence(self) -> Evidence:
        """What failed, and what was done afterwards."""
        if not self.book.injects or self.book.is_on:
            return NOTHING_DONE
        consumers = [place for place in self.casting.places() if place.scope >= 0]
        failures = [
            ScopeEvent(int(row["t_ns"]), place.arm, place.scope)
            for place in consumers
            for path in self.casting.journals(place)
            for row in _records(path, EventKind.FAILED)
        ]
        return judge_poison(
            list(dict.fromkeys((place.arm, place.scope) for place in consumers)),
            failures,
            list(self._handled()),
            inject=self.book.injects[0],
            heal=self.book.heals[-1],
        )

    def _handled(self) -> Iterator[ScopeEvent]:
        """The effects of messages after the heal; where they are made on the server, their acknowledgements tell."""
        since_ns = self.book.heals[-1].before_ns
        for place in self.casting.places():
            if place.scope < 0:
                continue
            for path in (*self.casting.journals(place), self.casting.effects_journal(place.arm)):
                for kind in (EventKind.EFFECT, EventKind.ACK):
                    for row in _records(path, kind, since_ns=since_ns):
                        if row["scope"] == place.scope:
                            yield ScopeEvent(int(row["t_ns"]), place.arm, place.scope)


def _records(path: Path, kind: EventKind, *, since_ns: int = 0) -> npt.NDArray[np.void]:
    """The records of one kind in one journal about messages; none while there is no such file."""
    if not path.exists():
        return np.empty(0, dtype=np.dtype(list(FIELDS)))
    found = read_journal(path).records
    wanted: npt.NDArray[np.bool_] = (
        (found["kind"] == kind) & (found["t_ns"] >= since_ns) & (found["sequence"] < SENTINEL_BASE)
    )
    return found[wanted]


def _now() -> CallTimes:
    now_ns = time.monotonic_ns()
    return CallTimes(now_ns, now_ns)
