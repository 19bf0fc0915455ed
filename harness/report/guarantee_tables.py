"""The guarantees as tables of the report: what was asked for, and what was only reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.model.results import GuaranteeSummary, RunSummary
from harness.model.words import Stance
from harness.report.grouping import in_scenario_order

_MOST_ASKED, _MOST_FREE = 800, 300


@dataclass(frozen=True, slots=True)
class GuaranteeTable:
    """Some guarantees under a title; ``left_out``: how many more are only in ``summary.json``."""

    title: str
    intro: str
    chosen: list[GuaranteeSummary]
    left_out: int


def guarantee_tables(summary: RunSummary) -> list[GuaranteeTable]:
    """What is required or expected, and what is only reported."""
    ordered = in_scenario_order(summary, summary.guarantees)
    asked = [known for known in ordered if known.stance is not Stance.FREE]
    free = [known for known in ordered if known.stance is Stance.FREE]
    found = [known for known in free if known.violated or known.inconclusive or known.predicted]
    return [
        GuaranteeTable(
            "Required, or expected not to hold",
            "These decide the verdict. A required guarantee that is violated makes the run fail; one that is expected"
            " not to hold, and did hold, makes it inconclusive: did the fault work?",
            asked[:_MOST_ASKED],
            len(asked[_MOST_ASKED:]),
        ),
        GuaranteeTable(
            "Reported only",
            "Nobody asked for these; their results are in parentheses and decide nothing. What was not violated and"
            " not predicted either is left out.",
            found[:_MOST_FREE],
            len(free) - len(found[:_MOST_FREE]),
        ),
    ]


def by_scenario(results: Sequence[GuaranteeSummary]) -> list[tuple[str, list[GuaranteeSummary]]]:
    """Guarantees scenario by scenario, in the order of the run."""
    return [(name, list(rows)) for name, rows in groupby(results, key=lambda known: known.scenario)]
