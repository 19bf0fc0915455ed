"""The table of what a dead server took: numbers where the trials were sound, and words where they were not."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.model.results import RunSummary, ScenarioRow
from harness.model.words import FaultModel, Persistence, Primitive, Verdict
from harness.report.figure_persistence import draw_persistence
from harness.report.server_losses import DeathCounts, ServerLoss, death_counts, server_losses
from harness.report.terminal_server import print_server_losses


def row(arm: str, **changes: object) -> ScenarioRow:
    zeros = ("rejected", "indeterminate", "duplicated", "duplicate_effects", "late", "reordered", "unexplained")
    unknown = ("p50_ms", "p99_ms", "max_ms", "recover_read_ms", "recover_write_ms")
    fields: dict[str, object] = {
        "scenario": "server_power_aof_no",
        "family": "server",
        "link": None,
        "model": FaultModel.POWER_LOSS,
        "arm": arm,
        "primitive": Primitive.PUBSUB if arm == "pubsub" else Primitive.STREAMS,
        "trials": 1,
        "outage_s": 2.0,
        "attempted": 1_000,
        "acknowledged": 900,
        "owed": 1_000,
        "delivered": 890,
        "lost": 10,
        "requests_per_message": None,
        "server_bytes_per_message": None,
        "persistence": Persistence.AOF_NO,
        "verdict": Verdict.HELD,
        **dict.fromkeys(zeros, 0),
        **dict.fromkeys(unknown),
    }
    return ScenarioRow.model_validate(fields | changes)


def summary(*rows: ScenarioRow) -> RunSummary:
    return RunSummary.model_construct(rows=rows, trials=())


def test_a_line_for_both_primitives() -> None:
    """Of the acknowledged messages: lost, gone, and the worst seconds."""
    found = server_losses(summary(row("pubsub"), row("stream-group", lost=0, gone=326, lost_log_s=3.477)))
    assert [ServerLoss("aof-no", "power-loss", 1, "10", "900", "0", "326", "900", "3.48")] == found


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_what_is_not_sound_has_no_number(verdict: Verdict) -> None:
    """Nor has a log that was not read to its end."""
    stream = row("stream-group", gone=None, lost_log_s=0.0)
    (line,) = server_losses(summary(row("pubsub", verdict=verdict), stream))
    assert ("unproven", "10", "unproven") == (line.pubsub_lost, line.stream_lost, line.gone)
    (line,) = server_losses(summary(row("stream-group", gone=0, lost_log_s=0.0, verdict=verdict)))
    assert ("–", "unproven", "unproven", "–") == (line.pubsub_lost, line.stream_lost, line.gone, line.seconds)


def test_what_nothing_explains_has_no_seconds() -> None:
    """Nothing gone is no second; something gone that no fault explains is not zero seconds."""
    lines = [server_losses(summary(row("stream-group", gone=gone)))[0] for gone in (0, 3)]
    assert [("0", "0.00"), ("3", "–")] == [(line.gone, line.seconds) for line in lines]


def test_only_deaths_are_in_it() -> None:
    """Kills first, each in the order of the profiles; a run without a death has no table."""
    other = row("stream-group", scenario="server_pause", model=FaultModel.SERVER_PAUSE)
    kill = row("stream-group", scenario="k", model=FaultModel.SERVER_KILL, persistence=Persistence.AOF_ALWAYS, gone=0)
    power = row("stream-group", gone=1)
    off = row("stream-group", scenario="o", persistence=Persistence.OFF, gone=2)
    found = server_losses(summary(other, power, off, kill))
    assert ["server-kill", "power-loss", "power-loss"] == [line.fault for line in found]
    assert ["aof-always", "off", "aof-no"] == [line.persistence for line in found]
    assert [] == server_losses(summary(other))


def test_the_figure_has_the_numbers_of_the_table() -> None:
    """Both primitives, messages and seconds; what is not sound is a question mark, never a bar of nothing."""
    kill = {"model": FaultModel.SERVER_KILL, "scenario": "k", "persistence": Persistence.AOF_ALWAYS}
    rows = (
        row("pubsub", lost=10),
        row("stream-group", lost=0, gone=326, lost_log_s=3.477),
        row("pubsub", verdict=Verdict.INCONCLUSIVE, lost=77, **kill),
        row("stream-group", gone=0, lost_log_s=0.0, **kill),
    )
    expected = [
        DeathCounts(Persistence.AOF_ALWAYS, FaultModel.SERVER_KILL, None, 0, 0.0),
        DeathCounts(Persistence.AOF_NO, FaultModel.POWER_LOSS, 10, 326, 3.477),
    ]
    assert expected == death_counts(rows)
    picture = draw_persistence(rows, name="server-comparison")
    words = [">?<", ">10<", ">326<", ">3.48<", "crash (SIGKILL)", "power loss"]
    assert [] == [word for word in words if word not in picture.svg]
    assert ">77<" not in picture.svg
    assert "aof-no under power-loss: Pub/Sub lost 10, Streams 326 from the log, 3.48 s of it" in picture.description


def test_scenarios_of_one_death_and_profile_are_one_bar() -> None:
    """Their counts add up, the seconds are the worst."""
    rows = (
        row("stream-group", gone=3, lost_log_s=0.3),
        row("stream-group", scenario="other", gone=4, lost_log_s=0.1),
    )
    assert [DeathCounts(Persistence.AOF_NO, FaultModel.POWER_LOSS, None, 7, 0.3)] == death_counts(rows)


def test_it_fits_80_columns() -> None:
    """With many trials and large numbers, too."""
    out = io.StringIO()
    wide = {"trials": 30, "acknowledged": 123_456, "lost": 123_456, "persistence": Persistence.AOF_EVERYSEC}
    rows = (row("pubsub", **wide), row("stream-group", gone=123_456, lost_log_s=12.345, **wide))
    print_server_losses(Console(file=out, width=80, highlight=False), summary(*rows))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert any("aof-everysec ×30" in line and line.count("123,456") == 5 for line in lines)
