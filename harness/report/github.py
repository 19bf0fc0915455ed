"""The result of a contract where GitHub shows it: the step's summary page and annotations at the contract's lines.

The summary is Markdown of at most `MOST_BYTES` (GitHub drops a whole summary above 1 MiB). What does not fit is left
out from the back, where the clauses that held are, and the page says what was left out; a violated clause goes last.
GitHub shows at most ten annotations of a kind per step: those ten are the worst.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract.result import ClauseOutcome, ContractResult
from harness.model.words import Verdict
from harness.report.contract_wording import one_line, outcome_mark, outcome_name, outcome_numbers, total_line
from harness.report.wording import plural

MOST_BYTES = 200_000
MOST_ANNOTATIONS = 10
_LONGEST_REASON = 300
_ROOM_FOR_ENDING = 300


def step_summary(result: ContractResult, *, most_bytes: int = MOST_BYTES) -> str:
    """``result`` as Markdown, worst first; details are dropped until it fits."""
    head = _head(result)
    for longest in (_LONGEST_REASON, 80, 0):
        page = head + "".join(_row(one, longest) for one in result.clauses)
        if _size(page) <= most_bytes:
            return page
    return _as_many_as_fit(result, head, most_bytes - _ROOM_FOR_ENDING)


def _head(result: ContractResult) -> str:
    notes = "".join(f"> {_escaped(note)}\n>\n" for note in result.notes[:20])
    title = f"### Reliability contract: {result.verdict}\n\n{_escaped(total_line(result))}\n\n"
    return f"{title}{notes}\n| verdict | line | demand | measured |\n|---|---|---|---|\n"


def _row(outcome: ClauseOutcome, longest: int) -> str:
    word = outcome_mark(outcome).word
    bold = f"**{word}**" if outcome.gates and outcome.verdict is not Verdict.HELD else word
    reason = one_line(outcome.reason)
    if len(reason) > longest:
        reason = reason[: longest - 1] + "…" if longest else ""
    measured = outcome_numbers(outcome) + (f"; {reason}" if reason else "")
    return f"| {bold} | {outcome.clause.line} | {_escaped(outcome_name(outcome))} | {_escaped(measured)} |\n"


def _as_many_as_fit(result: ContractResult, head: str, most_bytes: int) -> str:
    page, room, shown = head, most_bytes - _size(head), 0
    for outcome in result.clauses:
        row = _row(outcome, 0)
        room -= _size(row)
        if room < 0:
            break
        page += row
        shown += 1
    left = result.clauses[shown:]
    return f"{page}\n{plural(len(left), 'clause')} left out ({_counted(left)}): see the log or the JUnit file.\n"


def _counted(outcomes: Sequence[ClauseOutcome]) -> str:
    words = [outcome_mark(one).word for one in outcomes]
    return ", ".join(f"{words.count(word):,} {word}" for word in dict.fromkeys(words))


def annotation_lines(result: ContractResult) -> list[str]:
    """Workflow commands that mark the worst clauses in the contract: errors for violated, warnings for unproven."""
    found = [one for one in result.clauses if one.gates and one.verdict is not Verdict.HELD]
    return [_annotation(result, one) for one in found[:MOST_ANNOTATIONS]]


def _annotation(result: ContractResult, outcome: ClauseOutcome) -> str:
    kind = "warning" if outcome.verdict is Verdict.INCONCLUSIVE else "error"
    title = _property(f"{outcome.verdict}: {outcome_name(outcome)}")
    message = _data(f"{outcome_numbers(outcome)}; {one_line(outcome.reason)}"[:2_000])
    return f"::{kind} file={_property(result.contract)},line={outcome.clause.line},title={title}::{message}"


def _data(text: str) -> str:
    """Escaped as GitHub's toolkit does it for messages."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escaped as GitHub's toolkit does it for properties."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    """``text`` so that Markdown shows it as it is, in one cell of a table."""
    flat = one_line(text).replace("\\", "\\\\")
    for mark in "|*_`<>[]":
        flat = flat.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return flat


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
