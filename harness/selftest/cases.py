"""All histories of the self-test: each class alone, then several at once, drawn from the seed.

What a failover takes is also planted at once, beside what has nothing to do with a server.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from harness.selftest.case import MESSAGES, PRODUCERS, Case, Planted
from harness.selftest.deeds import swap_with_next
from harness.selftest.doubts import DOUBTS
from harness.selftest.moments import QUEUE
from harness.selftest.plant import Place, Plant
from harness.selftest.plants_pubsub import PUBSUB_PLANTS
from harness.selftest.plants_streams import FAN_OUT_PLANTS, QUEUE_PLANTS
from harness.selftest.server_doubts import SERVER_DOUBTS
from harness.selftest.server_setups import FAILOVER_TOGETHER, SERVER_SETUPS
from harness.selftest.setup import Setup
from harness.selftest.setups import SETUPS

PLANTS: tuple[Plant, ...] = (*PUBSUB_PLANTS, *FAN_OUT_PLANTS, *QUEUE_PLANTS)
ALONE: tuple[Plant | Setup, ...] = (*PLANTS, *SETUPS, *SERVER_SETUPS)
AT_ONCE = 5
"""How many plants of each arm a round has at most."""
_APART = 8
"""Some plants also move the producer's next message of the lane: they stay so far apart."""
_EDGE = 4


def all_cases(*, seed: int, rounds: int) -> Iterator[Case]:
    """Nothing planted, each class alone in each arm that has it, then ``rounds`` of several."""
    draw = random.Random(seed)
    yield Case("nothing", draw.getrandbits(16))
    yield Case("nothing, and no fault", draw.getrandbits(16), control=True)
    for plant in ALONE:
        where = draw.randrange(PRODUCERS), _sequence(plant, draw)
        yield Case(plant.name, draw.getrandbits(16), (plant.arm,), (Planted(plant, *where),))
    for kind in FAILOVER_TOGETHER:
        yield _failover(kind, draw)
    for doubt in (*DOUBTS, *SERVER_DOUBTS):
        yield Case(doubt.name, draw.getrandbits(16), doubt.arms, doubts=(doubt,))
    for number in range(rounds):
        yield _round(number, draw)


def _sequence(plant: Plant | Setup, draw: random.Random) -> int:
    if isinstance(plant, Setup):
        return draw.randrange(2, 7) if plant.early else draw.randrange(_EDGE, MESSAGES - _EDGE)
    match plant.place:
        case Place.FIRST:
            return 0
        case Place.LAST:
            return MESSAGES - 1
        case Place.MIDDLE:
            return draw.randrange(_EDGE, MESSAGES - _EDGE)


def _spread(plant: Plant, place: int) -> tuple[int, int]:
    """Producer and sequence of the plant that comes at ``place`` among those of its arm.

    In a work queue the next message of a lane may be far away: there who swaps two has a producer for itself.
    """
    if plant.arm == QUEUE:
        return (0, _EDGE) if plant.apply is swap_with_next else (1, _EDGE * (place + 1))
    producer, middle = place % PRODUCERS, _EDGE + _APART * (place // PRODUCERS)
    return producer, {Place.FIRST: 0, Place.MIDDLE: middle, Place.LAST: MESSAGES - 1}[plant.place]


def _failover(kind: str, draw: random.Random) -> Case:
    """All that such a failover takes in one trial; the Pub/Sub arm has violations that have other reasons."""
    planted = [Planted(setup, place % PRODUCERS, _EDGE) for place, setup in enumerate(FAILOVER_TOGETHER[kind])]
    chosen = draw.sample(PUBSUB_PLANTS, AT_ONCE)
    planted += [Planted(plant, *_spread(plant, place)) for place, plant in enumerate(chosen)]
    arms = tuple(sorted({one.what.arm for one in planted}))
    return Case(f"several at once, {kind}", draw.getrandbits(16), arms, tuple(planted))


def _round(number: int, draw: random.Random) -> Case:
    """Up to `AT_ONCE` plants per arm, each on a message of its own; every other round is also not to be believed."""
    planted: list[Planted] = []
    for family in (PUBSUB_PLANTS, FAN_OUT_PLANTS, QUEUE_PLANTS):
        chosen = draw.sample(family, draw.randint(2, min(AT_ONCE, len(family))))
        planted += [Planted(plant, *_spread(plant, place)) for place, plant in enumerate(chosen)]
    doubts = (draw.choice([doubt for doubt in DOUBTS if doubt.combines]),) if number % 2 else ()
    name = f"several at once, round {number + 1}" + "".join(f", and {doubt.name}" for doubt in doubts)
    arms = tuple(sorted({one.what.arm for one in planted}))
    return Case(name, draw.getrandbits(16), arms, tuple(planted), doubts)
