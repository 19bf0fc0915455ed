"""The identities of DEFINITIONS: classes are exclusive and add up, whatever happened.

A count that does not add up is an internal error, and never a number that is shown.
"""

from __future__ import annotations

from harness.check.dense import must_equal
from harness.model.accounts import ArmResult
from harness.model.words import Fate, Outcome


def check_sums(result: ArmResult) -> None:
    """Check one arm.

    Raises:
        HarnessError: two ways to count the same thing disagree.
    """
    name = f"arm {result.arm}"
    lost = result.fates[Fate.LOST]
    must_equal(sum(result.fates.values()), result.owed + result.foreign_receives, f"fates of {name}")
    must_equal(sum(result.outcomes.values()), result.attempted, f"outcomes of {name}")
    must_equal(sum(result.lost_by_mechanism.values()), lost, f"mechanisms of {name}")
    unsettled = result.fates[Fate.STUCK] + result.unsettled_effects
    must_equal(sum(result.unsettled_by_mechanism.values()), unsettled, f"mechanisms of what {name} left unsettled")
    must_equal(sum(result.lost_by_position.values()), lost, f"positions of losses of {name}")
    must_equal(sum(result.duplicates_by_cause.values()), result.duplicated, f"causes of duplicates of {name}")
    if result.durability is not None:
        table = result.durability
        cells = (
            table.in_log_with_effect + table.in_log_without_effect + table.gone_with_effect + table.gone_without_effect
        )
        must_equal(cells, result.outcomes[Outcome.ACKNOWLEDGED], f"durability of {name}")
        gone = table.gone_with_effect + table.gone_without_effect - table.trimmed_by_configuration
        must_equal(sum(result.gone_by_mechanism.values()), gone, f"mechanisms of what is gone from the log of {name}")
