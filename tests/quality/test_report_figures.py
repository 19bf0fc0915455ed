"""Figures show what was judged, whatever a trial looks like."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from report_fixture import make_summary, write_run

from harness.model.errors import InvalidFileError
from harness.model.results import TrialResult
from harness.model.values import Timeline
from harness.model.words import Primitive
from harness.report.figure_comparison import draw_comparison, outage_shares
from harness.report.figure_latency import draw_latency
from harness.report.figure_timeline import draw_timeline, rate_per_bin
from harness.report.figures import draw_figures
from harness.report.grouping import families
from harness.report.ledger_view import LedgerView, load_ledger
from harness.report.palette import arm_styles
from harness.report.timeline_span import choose_bin_width

SUMMARY, LEDGERS = make_summary()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic run on disk."""
    return write_run(tmp_path_factory.mktemp("run"), SUMMARY, LEDGERS)


def ledger_of(folder: Path, result: TrialResult) -> LedgerView:
    """The stored ledger of ``result``."""
    view = load_ledger(folder / "trials" / result.trial.folder_name, arms=len(result.arms))
    assert view is not None
    return view


def texts(svg: str) -> list[str]:
    """All words written on a figure."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_timeline_writes_the_judged_counts(folder: Path) -> None:
    """What stands on the figure is the checker's number, as text that can be found and copied."""
    result = SUMMARY.trials[1]
    picture = draw_timeline(result, ledger_of(folder, result))

    lost = result.arms[0].fates["lost"]
    assert lost > 0
    assert any(f"lost {lost:,} of {result.arms[0].owed:,} owed" in words for words in texts(picture.svg))
    assert picture.png.startswith(b"\x89PNG")
    assert f"pubsub lost {lost:,}" in picture.description


def test_latency_shows_the_undelivered_as_never(folder: Path) -> None:
    """Messages that never arrived stand on the figure with their count."""
    result = SUMMARY.trials[1]
    words = texts(draw_latency(result, ledger_of(folder, result)).svg)
    during = next(known for known in result.arms[0].latency if known.phase == "fault").from_intended

    assert "never" in words
    assert f"{during.undelivered:,} of {during.samples:,}" in words


def test_a_long_run_does_not_make_a_heavy_figure(tmp_path: Path) -> None:
    """Twenty times the messages, hardly more bytes: dense marks are pixels."""
    summary, ledgers = make_summary(scenarios=2, rate=2_000.0)
    run = write_run(tmp_path, summary, ledgers)
    result = summary.trials[1]

    assert len(draw_timeline(result, ledger_of(run, result)).svg) < 120_000
    assert len(draw_latency(result, ledger_of(run, result)).svg) < 200_000


def test_a_trial_that_was_cut_short_is_still_drawn(folder: Path) -> None:
    """No phases, a fault that was neither healed nor observed, nothing delivered."""
    result = SUMMARY.trials[1]
    window = result.faults[0].model_copy(
        update={"heal_before_ns": None, "heal_after_ns": None, "observed_from_ns": None, "observed_to_ns": None}
    )
    cut = result.model_copy(update={"phases": (), "faults": (window,), "status": "interrupted"})
    view = ledger_of(folder, result)

    assert draw_timeline(cut, view).png
    assert draw_latency(cut, view).png


def test_many_arms_and_scopes_are_drawn(folder: Path) -> None:
    """Nine arms with twelve recipients each: names stand upright, and hidden recipients are told."""
    result = SUMMARY.trials[1]
    view = ledger_of(folder, result)
    arms = tuple(
        arm.model_copy(update={"arm": f"{arm.arm}-hardened-{n}", "scopes": 12}) for n in range(3) for arm in result.arms
    )
    planned = tuple(arm for _ in range(3) for arm in result.trial.scenario.arms)
    scenario = result.trial.scenario.model_copy(update={"arms": planned})
    many = result.model_copy(update={"arms": arms, "trial": result.trial.model_copy(update={"scenario": scenario})})
    wide = LedgerView(view.arms * 3)

    assert "subscriber 4 (+8 more)" in texts(draw_timeline(many, wide).svg)
    assert draw_latency(many, wide).png


def test_comparison_shows_losses_in_terms_of_the_outage() -> None:
    """The share counts lost messages against those owed during the outage, not against the whole run."""
    shares = outage_shares(SUMMARY)
    row = next(row for row in SUMMARY.rows if row.scenario == "partition-consumers-drop" and row.arm == "pubsub")
    arm = SUMMARY.trials[1].arms[0]

    expected = row.lost / (arm.acknowledged_in_fault * arm.scopes)
    assert expected == shares["partition-consumers-drop", "pubsub"]
    assert shares["partition-control", "pubsub"] is None
    assert f"{row.lost:,} (" in " ".join(texts(draw_comparison(SUMMARY, families(SUMMARY)[0]).svg))


def test_comparison_survives_a_run_in_which_nothing_arrived() -> None:
    """No delivery, no share: still a figure."""
    rows = tuple(row.model_copy(update={"max_ms": None, "lost": 7}) for row in SUMMARY.rows[:3])
    summary = SUMMARY.model_copy(update={"rows": rows, "trials": ()})

    assert draw_comparison(summary, families(summary)[0]).png


def test_a_trial_without_ledger_has_no_figures(tmp_path: Path) -> None:
    """Only the comparison is drawn."""
    found = [picture.name for picture in draw_figures(tmp_path, SUMMARY, SUMMARY.trials)]

    assert ["comparison"] == found


def test_a_damaged_ledger_is_an_invalid_file(tmp_path: Path) -> None:
    """A cut-off Parquet file is told with the fix."""
    (tmp_path / "ledger.parquet").write_bytes(b"PAR1 and then nothing")

    with pytest.raises(InvalidFileError, match="ledger"):
        load_ledger(tmp_path, arms=1)


@pytest.mark.parametrize(
    ("length_s", "rate", "expected"),
    [
        (9.0, 100.0, 0.2),
        (9.0, 1_000.0, 0.1),
        (300.0, 100.0, 5.0),
        (9.0, 1.0, 0.5),
        (9.0, 0.1, 0.5),
        (20_000.0, 100.0, 20_000 / 110),
    ],
)
def test_bins_are_round_few_and_filled(length_s: float, rate: float, expected: float) -> None:
    """Narrow enough to see an outage, wide enough to be more than noise."""
    assert expected == choose_bin_width(length_s, rate)


def test_rates_count_every_event_once() -> None:
    """Rates times widths add up to the events."""
    times = np.array([0, 100_000_000, 999_999_999, 1_000_000_000, 1_900_000_000], dtype=np.int64)

    assert [3.0, 2.0] == rate_per_bin(times, np.array([0.0, 1.0, 2.0])).tolist()


def test_arms_differ_in_more_than_colour() -> None:
    """In greyscale, arms of a figure are told apart by marker, line and hatch."""
    styles = arm_styles([Primitive.PUBSUB, Primitive.STREAMS, Primitive.STREAMS, Primitive.PUBSUB])

    assert 4 == len({style.marker for style in styles})
    assert 4 == len({style.color for style in styles})


def test_a_short_and_a_long_timeline_have_labels(tmp_path: Path) -> None:
    """Phases of a tenth of a second beside some of a minute: the figure is drawn, long phases keep their names."""
    timeline = Timeline(warm_up_s=0.1, steady_s=60.0, outage_s=0.2, recovery_s=30.0)
    summary, ledgers = make_summary(scenarios=2, timeline=timeline, rate=20.0)
    run = write_run(tmp_path, summary, ledgers)

    words = texts(draw_timeline(summary.trials[1], ledger_of(run, summary.trials[1])).svg)

    assert "steady" in words
    assert "warm-up" not in words
