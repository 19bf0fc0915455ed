"""What GitHub is told: worst first, never too much of it, and nothing that breaks its markup."""

from __future__ import annotations

import pytest
from contract_trials import HELD, INCONCLUSIVE, VIOLATED

from harness.contract.clauses import Clause
from harness.contract.result import ClauseOutcome, ContractResult
from harness.model.words import Guarantee, Stance, Verdict
from harness.report.github import MOST_ANNOTATIONS, MOST_BYTES, annotation_lines, step_summary


def outcome(verdict: Verdict, *, line: int = 7, reason: str = "because", gates: bool = True) -> ClauseOutcome:
    clause = Clause(
        scenario="cut",
        arm="group",
        guarantee=Guarantee.AT_LEAST_ONCE,
        stance=Stance.REQUIRED,
        trials=1,
        confidence=0.95,
        max_violation_rate=None,
        min_samples=1,
        line=line,
    )
    return ClauseOutcome(
        clause=clause,
        text=clause.text,
        gates=gates,
        verdict=verdict,
        trials=1,
        broken=int(verdict is VIOLATED),
        inconclusive=0,
        lower_bound=0.0,
        upper_bound=0.95,
        needed_trials=None,
        worst=None,
        violations=3,
        samples=9,
        reason=reason,
    )


def result(*outcomes: ClauseOutcome) -> ContractResult:
    return ContractResult(
        contract="c.yaml", profile=None, runs=("r",), verdict=VIOLATED, exit_code=1, clauses=tuple(outcomes)
    )


def test_the_page_has_a_row_for_each_clause() -> None:
    """With what is wrong in bold."""
    page = step_summary(result(outcome(VIOLATED), outcome(HELD), outcome(VIOLATED, gates=False)))
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert ["| **violated** | 7 |", "| held | 7 |", "| (violated) | 7 |"] == [
        row[: row.find("cut") - 1] for row in rows
    ]


@pytest.mark.parametrize("clauses", [10, 700, 5_000])
def test_the_page_never_is_too_large(clauses: int) -> None:
    """Reasons go first, then clauses from the back; the page says how many, and violated ones stay."""
    outcomes = [outcome(VIOLATED, reason="x" * 1_000)] + [outcome(HELD, reason="é" * 1_000) for _ in range(clauses)]
    page = step_summary(result(*outcomes))
    assert len(page.encode("utf-8")) <= MOST_BYTES
    assert "**violated**" in page
    shown = page.count("| held |")
    left = 0 if shown == clauses else clauses - shown
    assert (left == 0) or (f"{left:,} clauses left out ({left:,} held)" in page)


def test_markup_in_a_reason_is_shown_as_it_is() -> None:
    """Neither a table's bar nor a tag gets through."""
    page = step_summary(result(outcome(VIOLATED, reason="a|b <script> `c`\n| d |")))
    row = page.splitlines()[-1]
    assert 5 == row.replace("\\|", "").count("|")
    assert "<" not in row


def test_at_most_ten_annotations_and_only_for_what_gates() -> None:
    """Violated is an error, unproven a warning, and a held or free clause none."""
    many = [outcome(VIOLATED, line=number) for number in range(1, 9)] + [outcome(INCONCLUSIVE)] * 5
    lines = annotation_lines(result(*many, outcome(HELD), outcome(VIOLATED, gates=False)))
    assert MOST_ANNOTATIONS == len(lines)
    assert ["error"] * 8 + ["warning"] * 2 == [line[2 : line.find(" ")] for line in lines]
    assert "::error file=c.yaml,line=1,title=" in lines[0]
    assert [] == annotation_lines(result(outcome(HELD), outcome(VIOLATED, gates=False)))


def test_an_annotation_is_one_line_whatever_the_reason() -> None:
    """Otherwise a server's error text could give commands to the runner."""
    (line,) = annotation_lines(result(outcome(VIOLATED, reason="50 %\n::set-output name=x::y\r\nz")))
    assert "\n" not in line
    assert "\r" not in line
    assert "50 %25" in line
