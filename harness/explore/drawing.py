"""Draws schedules: the same seed, arm and faults give the same schedules in the same order.

Each schedule has a leading fault, dealt from a shuffled deck, so that every way to fail has its turn before any comes
again; up to two more are drawn at random, as are the outage and the rate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.explore.vocabulary import fit_together
from harness.model.values import Arm, Expectation, FaultPlan, Scenario, Timeline, Workload
from harness.model.words import Guarantee, Stance

FAMILY = "explore"
MORE_FAULTS = ((0, 1, 2), (0.5, 0.35, 0.15))
"""How many faults come with the leading one, and how often."""
RATES_PER_S = (40.0, 80.0, 120.0)
OUTAGE_S = (0.8, 2.5)
CALM = Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=1.0, recovery_s=2.0)


@dataclass(frozen=True, slots=True)
class Dealer:
    """Deals schedules for one arm, with one guarantee required of it."""

    arm: Arm
    base: str
    """The arm's name as expectations know it."""
    guarantee: Guarantee
    deck: Sequence[FaultPlan]
    seed: int

    def control(self) -> Scenario:
        """No fault at all."""
        return self._scenario("explore_control", (), CALM, RATES_PER_S[1])

    def draw(self, number: int) -> Scenario:
        """Schedule ``number``, from 0."""
        whole, place = divmod(number, len(self.deck))
        shuffled = random.Random(f"deck {self.seed} {whole}").sample(self.deck, len(self.deck))
        chance = random.Random(f"schedule {self.seed} {number}")
        faults = [shuffled[place]]
        for _ in range(chance.choices(*MORE_FAULTS)[0]):
            fitting = [plan for plan in self.deck if all(fit_together(plan, chosen) for chosen in faults)]
            faults += [chance.choice(fitting)] if fitting else []
        timeline = CALM.model_copy(update={"outage_s": round(chance.uniform(*OUTAGE_S), 1)})
        return self._scenario(f"explore_{number:04d}", tuple(faults), timeline, chance.choice(RATES_PER_S))

    def _scenario(self, name: str, faults: tuple[FaultPlan, ...], timeline: Timeline, rate_per_s: float) -> Scenario:
        return Scenario(
            name=name,
            family=FAMILY,
            question=f"Does {self.arm.name} keep {self.guarantee}?",
            mechanism="drawn from the seed" if faults else "nothing is injected",
            arms=(self.arm,),
            workload=Workload(rate_per_s=rate_per_s),
            timeline=timeline,
            faults=faults,
            expectations=(Expectation(arm=self.base, guarantee=self.guarantee, stance=Stance.REQUIRED),),
        )
