"""The trials of several stored runs as one body of evidence: each trial counts once, and only like with like."""

from __future__ import annotations

from collections.abc import Sequence

from harness.check.alike import difference_of_play
from harness.contract.evaluate import Evidence
from harness.model.errors import UsageError
from harness.model.results import RunSummary, TrialResult


def gather(runs: Sequence[tuple[str, RunSummary]]) -> Evidence:
    """All trials of ``runs`` (each with its name). A trial that several of them hold counts once.

    Raises:
        UsageError: a scenario was played in two ways, so that its trials cannot be counted together.
    """
    trials: dict[str, TrialResult] = {}
    first: dict[str, tuple[str, TrialResult]] = {}
    for name, summary in runs:
        for trial in summary.trials:
            trials.setdefault(trial.trial.token, trial)
            other_name, other = first.setdefault(trial.trial.scenario.name, (name, trial))
            unlike = difference_of_play(other.trial.scenario, trial.trial.scenario)
            if unlike:
                raise UsageError(
                    f"{trial.trial.scenario.name} was not played alike in {other_name} and {name}: {unlike}",
                    fix="check runs of one setting together, others by themselves",
                )
    skipped = {one.scenario: f"skipped: {one.reason}" for _, summary in runs for one in summary.skipped}
    return Evidence(tuple(trials.values()), skipped)


def notes_of(runs: Sequence[tuple[str, RunSummary]]) -> list[str]:
    """What a reader should know of the runs."""
    notes = []
    seen: set[str] = set()
    for name, summary in runs:
        if summary.partial:
            notes.append(
                f"{name} is partial: {len(summary.trials)} of {summary.planned_trials} planned trials are here"
            )
        again = sum(trial.trial.token in seen for trial in summary.trials)
        seen |= {trial.trial.token for trial in summary.trials}
        if again:
            notes.append(f"{name} holds {again} trials that another run holds as well: they count once")
    servers = dict.fromkeys(trial.environment.server for _, summary in runs for trial in summary.trials)
    if len(servers) > 1:
        notes.append(f"the trials ran on different servers: {', '.join(servers)}")
    return notes
