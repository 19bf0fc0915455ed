"""The naive recount finds every planted violation, by exactly what was planted."""

from __future__ import annotations

import pytest
from comparing import added, differences, recounted
from planting import PLANTS, Plant, label
from synthetic_trial import build

CLEAN = recounted(build())


@pytest.mark.parametrize("plant", PLANTS, ids=label)
def test_one_plant(plant: Plant) -> None:
    """Its arm's counts change by what the plant says, the other arms' not at all."""
    book = build()
    plant.plant(book, producer=1, sequence=20)
    found = [differences(before, after) for before, after in zip(CLEAN, recounted(book), strict=True)]
    assert found == [added(plant.finds) if arm == plant.arm else {} for arm in range(len(CLEAN))]
