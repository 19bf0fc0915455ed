"""Checker and naive recount find every planted violation, exactly as planted, and what it refutes is refuted."""

from __future__ import annotations

import random

import pytest
from checking import checked, checked_rows, judged, naive_rows
from comparing import added, differences, recounted, recounted_whole

from harness.check.judge import JudgedTrial
from harness.model.words import Guarantee, Verdict
from harness.selftest.cases import PLANTS
from harness.selftest.clean import build
from harness.selftest.plant import Place, Plant
from harness.selftest.plants_pubsub import PUBSUB_PLANTS
from harness.selftest.plants_streams import FAN_OUT_PLANTS, QUEUE_PLANTS

CLEAN = recounted(build())
ARMS = ("pubsub", "stream-fan-out", "stream-queue")


def refuted(judgement: JudgedTrial) -> dict[str, set[Guarantee]]:
    """Per arm, what was measured as violated."""
    found: dict[str, set[Guarantee]] = {name: set() for name in ARMS}
    for clause in judgement.result.clauses:
        if clause.measured is Verdict.VIOLATED:
            found[clause.arm].add(clause.guarantee)
    return found


def expected_refutations(*plants: Plant) -> dict[str, set[Guarantee]]:
    """The sum of what the plants refute."""
    found: dict[str, set[Guarantee]] = {name: set() for name in ARMS}
    for plant in plants:
        found[ARMS[plant.arm]] |= plant.refutes
    return found


def test_a_perfect_trial_is_held() -> None:
    """Nothing planted, nothing found, nothing doubted."""
    judgement = judged(build())
    assert checked(judgement) == CLEAN
    assert judgement.result.verdict is Verdict.HELD
    assert judgement.result.weaknesses == ()
    assert {clause.measured for clause in judgement.result.clauses} == {Verdict.HELD}


def test_a_perfect_control_is_held() -> None:
    """Without a fault there is no fault window to be doubted."""
    result = judged(build(control=True)).result
    assert (result.verdict, result.weaknesses) == (Verdict.HELD, ())


def placed(plant: Plant, middle: int) -> int:
    """The sequence that a plant is for: the first, the last of the 40, or one in the middle."""
    return {Place.FIRST: 0, Place.MIDDLE: middle, Place.LAST: 39}[plant.place]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{ARMS[plant.arm]}, {plant.name}")
def test_one_violation(plant: Plant) -> None:
    """Counts and verdicts of the plant's arm change as the plant says; those of the other arms stay as they were.

    The naive recount is held to the same hand-made numbers as the checker.
    """
    book = build()
    plant.plant(book, producer=1, sequence=placed(plant, 20))
    planted = [added(plant.finds) if arm == plant.arm else {} for arm in range(len(CLEAN))]
    judgement = judged(book)
    for found in (recounted(book), checked(judgement)):
        assert planted == [differences(before, after) for before, after in zip(CLEAN, found, strict=True)]
    assert refuted(judgement) == expected_refutations(plant)
    assert judgement.result.verdict is (Verdict.VIOLATED if plant.refutes else Verdict.HELD)


@pytest.mark.parametrize("seed", range(8))
def test_violations_together(seed: int) -> None:
    """Up to five plants per arm, each on a message of its own: the findings add up, row by row as well."""
    draw = random.Random(seed)
    book = build(seed=seed)
    plants: list[Plant] = []
    for family in (PUBSUB_PLANTS, FAN_OUT_PLANTS, QUEUE_PLANTS):
        chosen = draw.sample(family, min(5, len(family)))
        # Some plants also move the producer's next message of the lane: stay eight apart.
        places = [(number % 2, 4 + 8 * (number // 2)) for number in range(len(chosen))]
        for plant, (producer, sequence) in zip(chosen, places, strict=True):
            plant.plant(book, producer=producer, sequence=placed(plant, sequence))
        plants += chosen
    judgement = judged(book)
    found = [
        differences(before, after)
        for before, after in zip(recounted(build(seed=seed)), checked(judgement), strict=True)
    ]
    assert found == [added(*(plant.finds for plant in plants if plant.arm == arm)) for arm in range(len(CLEAN))]
    assert refuted(judgement) == expected_refutations(*plants)
    assert checked_rows(judgement) == naive_rows(recounted_whole(book, with_rows=True))
