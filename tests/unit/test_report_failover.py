"""The table of what a failover did: sums, worst times, and words where a trial was not sound."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from literal_history import LiteralTrial, pubsub_arm, stream_arm
from rich.console import Console

from harness.history.journal import EventKind
from harness.model.results import RunSummary, TrialResult
from harness.model.values import FaultPlan
from harness.model.words import ErrorKind, FaultModel, Verdict
from harness.report.failover_lines import COLUMNS, UNPROVEN, failover_lines
from harness.report.terminal_failover import print_failovers
from harness.report.trial_tables import trial_tables

HUNG = FaultPlan(model=FaultModel.HUNG_MASTER)


def played(folder: Path, *, gone: int, held_on: float) -> TrialResult:
    """A trial in which a hung master is replaced: so many messages are gone, and everybody held on so long (ms)."""
    trial = LiteralTrial(folder, [pubsub_arm(), stream_arm()], faults=[HUNG])
    trial.sane()
    trial.fault(2_000, 5_000)
    for arm in (0, 1):
        trial.consumer(EventKind.CONNECTED, 1, arm=arm, count=1)
        trial.consumer(EventKind.DISCONNECTED, 2_000 + held_on, arm=arm, count=1, detail=ErrorKind.EOF)
    trial.without("conductor", kind=EventKind.LOG_ENTRY, arm=1, sequence=gone)
    for sequence in range(gone):
        trial.without("conductor", kind=EventKind.LOG_ENTRY, arm=1, sequence=sequence)
    trial.receive(19, 5_100, arm=1)
    trial.conductor(EventKind.REPLICA_READ, 9_700, arm=1, scope=2, value=-1)
    trial.finish()
    return trial.judge().result.model_copy(update={"verdict": Verdict.HELD})


def summary(*trials: TrialResult) -> RunSummary:
    return RunSummary.model_construct(trials=trials)


def test_counts_are_added_up_and_times_are_the_worst(tmp_path: Path) -> None:
    """Over the trials of a scenario, arm by arm."""
    first, second = played(tmp_path / "1", gone=2, held_on=500), played(tmp_path / "2", gone=0, held_on=1_500)
    pubsub, stream = failover_lines(summary(first, second))
    names = [name for name, _ in COLUMNS]
    assert ("pubsub", 2, "stream-group", 2) == (pubsub.arm, pubsub.trials, stream.arm, stream.trials)
    cells = dict(zip(names, stream.cells, strict=True))
    gone = sum(arm.durability.gone_with_effect for one in (first, second) for arm in one.arms if arm.durability)
    assert gone > 0
    assert (str(gone), "2", "1.50 s") == (cells["gone"], cells["again"], cells["noticed"])
    assert ("–", "–") == pubsub.cells[1:3]


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_of_what_is_not_sound_no_number_is_told(tmp_path: Path, verdict: Verdict) -> None:
    """Not even of the trials beside it."""
    good = played(tmp_path / "1", gone=1, held_on=500)
    lines = failover_lines(summary(good, good.model_copy(update={"verdict": verdict})))
    assert [UNPROVEN] * 2 == [line.cells[0] for line in lines]
    assert {""} == {cell for line in lines for cell in line.cells[1:]}


def test_the_terminal_shows_it_in_eighty_columns(tmp_path: Path) -> None:
    """And nothing where nobody failed over."""
    out = io.StringIO()
    console = Console(file=out, width=80)
    print_failovers(console, summary(played(tmp_path, gone=1, held_on=4_970)))
    assert all(len(text.rstrip()) <= 80 for text in out.getvalue().splitlines())
    assert {"stream-group", "4.97", "deposed"} <= set(out.getvalue().split())
    out.truncate(0)
    print_failovers(console, summary())
    assert out.getvalue().strip("\0") == ""


def test_a_trial_tells_of_its_replicas(tmp_path: Path) -> None:
    """One that did not follow has no numbers."""
    lines = dict(trial_tables(played(tmp_path, gone=1, held_on=500)).failovers)
    assert ("500 ms", "500 ms") == lines["held on to the old master's connection, longest"]
    assert ("–", "did not follow") == lines["server 2: entries"]
