"""One outage under several models: which lines there are, what differs, and what nobody may quote."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from harness.model.results import RunSummary, ScenarioRow, TrialResult
from harness.model.values import FaultPlan, Trial
from harness.model.words import Direction, FaultModel, LinkRole, Primitive, Verdict
from harness.plan.catalogue import find_scenarios
from harness.report.side_by_side import ModelLine, model_sets
from harness.report.terminal_models import print_models

PACKETS, HELD, SWALLOWED = "network_consumers_drop", "network_proxy_consumers_hold", "network_proxy_consumers_drop"
MODELS = {PACKETS: FaultModel.PACKET_DROP, HELD: FaultModel.HOLD, SWALLOWED: FaultModel.DROP}


def row(scenario: str, arm: str = "pubsub", **changes: object) -> ScenarioRow:
    zeros = ("rejected", "indeterminate", "lost", "duplicated", "duplicate_effects", "late", "reordered", "unexplained")
    unknown = ("p50_ms", "max_ms", "recover_write_ms", "requests_per_message", "server_bytes_per_message")
    model = MODELS[scenario]
    fields: dict[str, object] = {
        "scenario": scenario,
        "family": "network",
        "link": LinkRole.CONSUMERS,
        "model": model,
        "fault": FaultPlan(model=model, link=LinkRole.CONSUMERS),
        "arm": arm,
        "primitive": Primitive.PUBSUB if arm == "pubsub" else Primitive.STREAMS,
        "trials": 1,
        "outage_s": 4.0,
        "attempted": 1_000,
        "acknowledged": 1_000,
        "owed": 1_000,
        "delivered": 1_000,
        "p99_ms": 6_500.0,
        "recover_read_ms": 2_700.0,
        "verdict": Verdict.HELD,
        **dict.fromkeys(zeros, 0),
        **dict.fromkeys(unknown),
    }
    return ScenarioRow.model_validate(fields | changes)


def summary(*rows: ScenarioRow) -> RunSummary:
    """A run of those rows; which scenario stands beside which is known from its trials."""
    scenarios = find_scenarios(list(dict.fromkeys(row.scenario for row in rows)))
    trials = tuple(
        TrialResult.model_construct(
            trial=Trial(run_id="run", token="0123abcd", scenario=scenario, seed=1, index=0), verdict=Verdict.HELD
        )
        for scenario in scenarios
    )
    return RunSummary.model_construct(rows=rows, trials=trials)


def test_counterparts_stand_below_what_they_are_beside() -> None:
    """Arm by arm, what holds before what takes, whatever the order of the run; what differs is said once."""
    rows = (
        row(SWALLOWED, lost=423, p99_ms=math.inf, recover_read_ms=63.0),
        row(PACKETS),
        row(HELD, recover_read_ms=28.5),
        row(PACKETS, "stream-group"),
        row(HELD, "stream-group"),
    )
    (found,) = model_sets(summary(*rows))
    assert "consumers' link, 4 s" == found.title
    assert [
        ModelLine("pubsub", "packet-drop", PACKETS, "0", "0", "–", "2.70 s", "6.50 s", ""),
        ModelLine("pubsub", "hold", HELD, "0", "0", "–", "28.5 ms", "6.50 s", "2.67 s sooner"),
        ModelLine("pubsub", "drop", SWALLOWED, "423", "0", "–", "63.0 ms", "never", "loses 423, not 0; 2.64 s sooner"),
        ModelLine("stream-group", "packet-drop", PACKETS, "0", "0", "–", "2.70 s", "6.50 s", ""),
        ModelLine("stream-group", "hold", HELD, "0", "0", "–", "2.70 s", "6.50 s", ""),
    ] == list(found.lines)


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"duplicated": 3}, "doubles 3, not 0"),
        ({"recover_read_ms": 5_400.0}, "2.70 s later"),
        ({"recover_read_ms": 5_399.0}, ""),
        ({"recover_read_ms": None}, ""),
        ({"recover_read_ms": math.inf}, "never well again"),
        ({"recover_read_ms": None, "recover_write_ms": 30.0}, "2.67 s sooner"),
        ({"verdict": Verdict.INCONCLUSIVE, "lost": 7}, "not comparable: a trial was not sound"),
        ({"verdict": Verdict.ERROR}, "not comparable: a trial was not sound"),
        ({"verdict": Verdict.VIOLATED, "lost": 7}, "loses 7, not 0"),
    ],
)
def test_what_differs(changes: dict[str, object], differs: str) -> None:
    """Counts exactly, times where it is worth speaking of, and nothing where a trial was not sound."""
    (found,) = model_sets(summary(row(PACKETS), row(HELD, **changes)))
    assert ["", differs] == [line.differs for line in found.lines]


def test_a_direction_is_part_of_the_outage() -> None:
    """Only where it is one."""
    fault = FaultPlan(model=FaultModel.PACKET_DROP, link=LinkRole.PRODUCERS, direction=Direction.REPLIES)
    (found,) = model_sets(summary(row(PACKETS, fault=fault, outage_s=0.5), row(HELD)))
    assert "producers' link, replies only, 0.5 s" == found.title


def test_one_model_alone_is_no_comparison() -> None:
    """Where packets cannot be dropped, or nothing stands beside, there is no table."""
    out = io.StringIO()
    console = Console(file=out, width=80)
    for rows in ((row(PACKETS),), (row(HELD), row(SWALLOWED))):
        assert [] == model_sets(summary(*rows))
        print_models(console, summary(*rows))
    assert "" == out.getvalue()


def test_it_fits_80_columns() -> None:
    """With large numbers and long names, and no number is cut."""
    out = io.StringIO()
    large = {"lost": 1_234_567, "duplicated": 123_456, "recover_write_ms": 12_345.0}
    rows = (row(PACKETS, "stream-group-dead-letter"), row(HELD, "stream-group-dead-letter", **large))
    print_models(Console(file=out, width=80, highlight=False), summary(*rows))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert any("1,234,567" in line and "123,456" in line and "12.3 s" in line for line in lines)
