"""What ``harness explore`` says in the end, to people and to machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.check.bound import upper_bound
from harness.explore.drawing import Dealer
from harness.explore.outcome import Exploration, Found, Outcome
from harness.explore.smaller import expected_messages
from harness.model.naming import fault_name, faults_name
from harness.model.values import Scenario
from harness.model.words import Verdict

_COLUMNS = (Verdict.VIOLATED, Verdict.HELD, Verdict.INCONCLUSIVE, Verdict.ERROR)


def print_exploration(
    exploration: Exploration, dealer: Dealer, *, script: str, run: Path | None, saved: Path | None
) -> None:
    """What was tried, what was found, the script, and the answer in one sentence."""
    console = Console(highlight=False)
    if exploration.tried:
        console.print(_tried_table(exploration.tried))
    for outcome in _unclear(exploration.tried):
        console.print(f"proves nothing: {faults_name(outcome.scenario.faults)}: {brief(outcome)}", markup=False)
    if exploration.found is not None:
        _print_found(console, exploration.found)
    if script:
        console.print()
        # Not through the console, which would break its lines.
        print(script, end="")
        console.print()
    console.print(answer(exploration, dealer), markup=False, style="bold")
    if saved is not None and script:
        console.print(f"script  {saved}   (run it: python {saved})", markup=False, soft_wrap=True)
    if run is not None:
        console.print(f"report  {run / 'report.html'}", markup=False, soft_wrap=True)


def _tried_table(tried: Sequence[Outcome]) -> Table:
    """Per fault, alone or with others, how its schedules ended."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("fault, alone or among others", overflow="fold")
    for word in ("drawn", *_COLUMNS):
        table.add_column(str(word), justify="right", no_wrap=True)
    for name, counts in _by_fault(tried).items():
        table.add_row(name, str(counts.total()), *(str(counts[verdict] or "–") for verdict in _COLUMNS))
    return table


def _by_fault(tried: Iterable[Outcome]) -> dict[str, Counter[Verdict]]:
    found: dict[str, Counter[Verdict]] = {}
    for outcome in tried:
        for name in dict.fromkeys(map(fault_name, outcome.scenario.faults)):
            found.setdefault(name, Counter())[outcome.verdict] += 1
    return dict(sorted(found.items()))


def brief(outcome: Outcome) -> str:
    """The reason without what was counted in spite of it."""
    return outcome.reason.partition("; counted all the same")[0]


def _unclear(tried: Iterable[Outcome]) -> list[Outcome]:
    return [outcome for outcome in tried if not outcome.is_valid]


def _print_found(console: Console, found: Found) -> None:
    console.print(f"\nfirst     {_described(found.first.scenario)}", markup=False)
    console.print(f"          {found.first.told}", markup=False)
    console.print(f"smallest  {_described(found.smallest)}", markup=False)
    console.print(f"          {found.witness.told}", markup=False)
    repeats = found.confirmed
    again = f"violated in {repeats.violated} of {repeats.valid} repeats" if repeats.valid else "not repeated"
    unclear = f", {repeats.unclear} more proved nothing" if repeats.unclear else ""
    console.print(f"          {again}{unclear}; {found.smaller_tried} smaller tried: {found.shrunk}", markup=False)


def _described(scenario: Scenario) -> str:
    arm, timeline = scenario.arms[0], scenario.timeline
    consumers = arm.scopes * arm.consumers_per_scope
    return (
        f"{faults_name(scenario.faults)} for {timeline.outage_s:g} s; {consumers} consumer{'s' * (consumers > 1)}, "
        f"about {expected_messages(scenario)} messages in {timeline.traffic_s:g} s"
    )


def answer(exploration: Exploration, dealer: Dealer) -> str:
    """The answer in one sentence, with what it is worth."""
    arm, guarantee = dealer.arm.name, dealer.guarantee
    if exploration.found is not None:
        return f"VIOLATED  {arm} does not keep {guarantee}: {faults_name(exploration.found.smallest.faults)}"
    valid = sum(outcome.is_valid for outcome in exploration.tried)
    unclear = len(exploration.tried) - valid
    rest = f"; {unclear} more proved nothing" if unclear else ""
    if not valid:
        return f"INCONCLUSIVE  nothing was tried in earnest: {exploration.ended}{rest}"
    return (
        f"HELD  no schedule of {valid} broke {guarantee} for {arm}{rest} ({exploration.ended}); of schedules drawn "
        f"like these up to {upper_bound(0, valid):.1%} may still break it (95 % confidence)"
    )


def as_json(exploration: Exploration, dealer: Dealer, *, script: str, run: Path) -> str:
    """The same for machines."""
    found = exploration.found
    smallest = None
    if found is not None:
        smallest = {
            "scenario": found.smallest.model_dump(mode="json"),
            "reason": found.witness.reason,
            "mechanism": found.witness.mechanism,
            "violated": found.confirmed.violated,
            "repeats": found.confirmed.valid,
            "unclear": found.confirmed.unclear,
            "shrunk": found.shrunk.value,
            "smaller_tried": found.smaller_tried,
            "script": script,
        }
    tried = [
        {
            "trial": one.trial,
            "faults": faults_name(one.scenario.faults),
            "verdict": one.verdict.value,
            "reason": one.reason,
        }
        for one in exploration.tried
    ]
    record = {
        "arm": dealer.arm.name,
        "guarantee": dealer.guarantee.value,
        "seed": dealer.seed,
        "verdict": exploration.verdict.value,
        "answer": answer(exploration, dealer),
        "ended": exploration.ended,
        "played": exploration.played,
        "tried": tried,
        "smallest": smallest,
        "run": run.name.removesuffix(".partial"),
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
