"""The search: the control, drawn schedules until one violates the guarantee, then shrinking.

One trial that violates is a fact, and how often a schedule does is an estimate. So a smaller schedule takes the place
of a larger one only when it violated the guarantee at least twice and more often than not, and what is found in the
end is played again from the beginning, `CONFIRMATIONS` times. Trials that prove nothing count neither way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.explore.outcome import Exploration, Found, Outcome, Play, Repeats, Shrunk, Spent
from harness.explore.smaller import STEPS, Step, size
from harness.model.naming import faults_name
from harness.model.values import Scenario

CONFIRMATIONS = 5
TRUSTED = 2
"""A schedule is believed to violate after so many violations, if they outnumber the trials that held."""
MOST_REPEATS = 5
MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much a search may cost; what is ``None`` is not limited. Shrinking may cost as much again."""

    trials: int | None = None
    seconds: float | None = None


@dataclass(slots=True)
class _Meter:
    """Plays, and counts what it costs."""

    play: Play
    allowance: Allowance
    clock: Callable[[], float]
    played: int = 0
    _spent: int = 0
    _began: float = 0.0

    def start(self) -> None:
        """From now on everything counts anew."""
        self._spent, self._began = 0, self.clock()

    def __call__(self, scenarios: list[Scenario]) -> list[Outcome]:
        if self.allowance.trials is not None:
            scenarios = scenarios[: self.allowance.trials - self._spent]
        if not scenarios:
            raise Spent(f"the budget of {self.allowance.trials} trials is spent")
        if self.allowance.seconds is not None and self.clock() - self._began >= self.allowance.seconds:
            raise Spent(f"the budget of {self.allowance.seconds:g} seconds is spent")
        outcomes = self.play(scenarios)
        self._spent += len(outcomes)
        self.played += len(outcomes)
        return outcomes


@dataclass(slots=True)
class Explorer:
    """One search. ``say`` hears what is going on."""

    play: Play
    allowance: Allowance
    clock: Callable[[], float]
    batch: int = 2
    say: Callable[[str], None] = lambda _: None
    _rejected: set[str] = field(default_factory=set)
    _smaller_tried: int = 0

    def explore(self, control: Scenario, draw: Callable[[int], Scenario]) -> Exploration:
        """Search until something is found or the allowance is spent."""
        meter = _Meter(self.play, self.allowance, self.clock)
        tried: list[Outcome] = []
        calm: Outcome | None = None
        try:
            calm = self._play_control(meter, control)
            if calm.is_violation:
                return Exploration(calm, (), self._without_fault(meter, calm), "found without any fault", meter.played)
            if not calm.is_valid:
                return Exploration(calm, (), None, f"the no-fault control proves nothing: {calm.reason}", meter.played)
            first = self._search(meter, draw, tried)
        except Spent as end:
            return Exploration(calm, tuple(tried), None, str(end), meter.played)
        found = self._shrink(meter, first)
        return Exploration(calm, tuple(tried), found, "found", meter.played)

    def _play_control(self, meter: _Meter, control: Scenario) -> Outcome:
        """Without a fault the guarantee must hold; a control that proves nothing gets a second chance."""
        self.say("the no-fault control")
        outcome = self.play([control])[0]
        meter.played += 1
        if not outcome.is_valid:
            self.say(f"the control proved nothing ({outcome.reason}): once more")
            outcome = self.play([control])[0]
            meter.played += 1
        meter.start()
        return outcome

    def _search(self, meter: _Meter, draw: Callable[[int], Scenario], tried: list[Outcome]) -> Outcome:
        while True:
            numbers = range(len(tried), len(tried) + self.batch)
            outcomes = meter([draw(number) for number in numbers])
            tried += outcomes
            for outcome in outcomes:
                self.say(f"schedule {len(tried) - len(outcomes) + outcomes.index(outcome) + 1}: {_told(outcome)}")
            violating = next((outcome for outcome in outcomes if outcome.is_violation), None)
            if violating is not None:
                return violating

    def _without_fault(self, meter: _Meter, calm: Outcome) -> Found:
        try:
            repeats = Repeats().and_of(meter([calm.scenario] * CONFIRMATIONS))
        except Spent:
            repeats = Repeats()
        return Found(calm, calm.scenario, calm, repeats, Shrunk.WHOLE, 0)

    def _shrink(self, meter: _Meter, first: Outcome) -> Found:
        """Smaller and smaller, then the smallest once more; back a step where it turns out to have been luck."""
        meter.start()
        self._smaller_tried = 0
        self._rejected.clear()
        witnesses, shrunk = [first], Shrunk.WHOLE
        try:
            if self._witness(meter, first.scenario) is None:
                shrunk = Shrunk.NOT_REPEATED
            else:
                self._descend(meter, witnesses)
        except Spent:
            shrunk = Shrunk.ENDED_EARLY
        while True:
            witness = witnesses.pop()
            repeats = self._confirm(witness.scenario)
            meter.played += repeats.valid + repeats.unclear
            if 2 * repeats.violated >= repeats.valid or not witnesses:
                return Found(first, witness.scenario, witness, repeats, shrunk, self._smaller_tried)
            self.say(f"only {repeats.violated} of {repeats.valid} when played again: back to the one before")
            shrunk = Shrunk.ENDED_EARLY

    def _confirm(self, scenario: Scenario) -> Repeats:
        """Played again from the beginning; the allowance does not forbid it, since an answer is due."""
        self.say(f"the smallest, {CONFIRMATIONS} times more")
        try:
            return Repeats().and_of(self.play([scenario] * CONFIRMATIONS))
        except Spent:
            return Repeats()

    def _descend(self, meter: _Meter, witnesses: list[Outcome]) -> None:
        """Try every step until none makes it smaller. Adds what was accepted to ``witnesses``, smallest last."""
        for _ in range(MOST_STEPS):
            before = len(witnesses)
            for step in STEPS:
                self._take(meter, step, witnesses)
            if len(witnesses) == before:
                return

    def _take(self, meter: _Meter, step: Step, witnesses: list[Outcome]) -> None:
        """Take one kind of step as often as it makes the schedule smaller."""
        for _ in range(MOST_STEPS):
            smaller = next(
                (found for one in step(witnesses[-1].scenario) if (found := self._try(meter, one)) is not None), None
            )
            if smaller is None:
                return
            witnesses.append(smaller)

    def _try(self, meter: _Meter, scenario: Scenario) -> Outcome | None:
        key = scenario.model_dump_json()
        if key in self._rejected:
            return None
        self._smaller_tried += 1
        witness = self._witness(meter, scenario)
        faults, _, consumers, outage, seconds, rate = size(scenario)
        self.say(
            f"{faults} fault(s) for {outage:g} s of {seconds:g} s, {consumers} consumer(s), {rate:g}/s: "
            f"{'still violated' if witness else 'not violated'}"
        )
        if witness is None:
            self._rejected.add(key)
        return witness

    def _witness(self, meter: _Meter, scenario: Scenario) -> Outcome | None:
        """A violating trial of ``scenario``, when it violates often enough to be believed."""
        repeats, witness = Repeats(), None
        outcomes = meter([scenario] * TRUSTED)
        while True:
            repeats = repeats.and_of(outcomes)
            witness = next((one for one in outcomes if one.is_violation), witness)
            decided = repeats.valid >= TRUSTED and repeats.violated != repeats.held
            if decided or repeats.valid + repeats.unclear >= MOST_REPEATS:
                return witness if repeats.violated >= TRUSTED and repeats.violated > repeats.held else None
            outcomes = meter([scenario])


def _told(outcome: Outcome) -> str:
    faults = faults_name(outcome.scenario.faults)
    return f"{faults}: {outcome.verdict}" + (f" ({outcome.reason})" if outcome.is_violation else "")
