"""How the clauses of a contract are worded: one spelling for the terminal, JUnit and GitHub."""

from __future__ import annotations

from harness.contract.result import ClauseOutcome, ContractResult
from harness.model.words import Stance, Verdict
from harness.report.wording import Mark, Tone, percent, plural, verdict_mark


def outcome_mark(outcome: ClauseOutcome) -> Mark:
    """The verdict; in parentheses where it gates nothing."""
    mark = verdict_mark(outcome.verdict)
    return mark if outcome.gates else Mark(f"({mark.word})", Tone.NEUTRAL)


def outcome_name(outcome: ClauseOutcome) -> str:
    """Which demand on what: ``partition_consumers_drop · stream-group · lost <= 0``."""
    expected = " (expected not to hold)" if outcome.clause.stance is Stance.EXPECTED_NOT_TO_HOLD else ""
    return f"{outcome.clause.scenario} · {outcome.clause.arm} · {outcome.text}{expected}"


def outcome_numbers(outcome: ClauseOutcome) -> str:
    """k of n with what it still allows: ``broken in 0 of 30 trials, true rate <= 9.5 % (confidence 95 %)``."""
    if outcome.upper_bound is None or outcome.lower_bound is None:
        return "broken in 0 of 0 trials, nothing is known of the rate"
    tried = f"broken in {outcome.broken:,} of {plural(outcome.trials, 'trial')}"
    sure = f"(confidence {percent(outcome.clause.confidence)})"
    if outcome.broken == outcome.trials:
        return f"{tried}, true rate >= {percent(outcome.lower_bound)} {sure}"
    if outcome.broken == 0:
        return f"{tried}, true rate <= {percent(outcome.upper_bound)} {sure}"
    return f"{tried}, true rate {percent(outcome.lower_bound)} to {percent(outcome.upper_bound)} (each side {sure[1:]}"


def outcome_line(outcome: ClauseOutcome) -> str:
    """Everything about one clause in one line, without its mark."""
    return f"{outcome_name(outcome)}: {outcome_numbers(outcome)}; {one_line(outcome.reason)}"


def total_line(result: ContractResult) -> str:
    """The verdict and how many clauses came to which."""
    counted = [f"{result.count(verdict):,} {verdict}" for verdict in Verdict if result.count(verdict)]
    free = sum(not one.gates for one in result.clauses)
    shown = f", {free:,} more only shown" if free else ""
    profile = f", profile {result.profile}" if result.profile else ""
    return f"{result.verdict}: {result.contract}{profile}: {', '.join(reversed(counted)) or 'no clause'}{shown}"


def one_line(text: str) -> str:
    """``text`` without line breaks."""
    return " ".join(text.split())
