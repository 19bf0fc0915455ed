"""Whether two trials asked the same question: only then may their results be counted together, or compared."""

from __future__ import annotations

from harness.model.values import Scenario

_SAYS_NOTHING_OF_HOW_IT_WAS_PLAYED = {
    "arms",
    "claims",
    "expectations",
    "mechanism",
    "predictions",
    "question",
    "slow",
    "story",
}


def difference_of_play(one: Scenario, other: Scenario) -> str:
    """In what two plays of a scenario differ; empty when they are alike. Their arms may differ: each stands alone."""
    first = one.model_dump(mode="json", exclude=_SAYS_NOTHING_OF_HOW_IT_WAS_PLAYED)
    second = other.model_dump(mode="json", exclude=_SAYS_NOTHING_OF_HOW_IT_WAS_PLAYED)
    unlike = [f"{key} {first[key]} and {second[key]}" for key in first if first[key] != second.get(key)]
    return "; ".join(unlike)
