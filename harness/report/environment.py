"""``environment.json``: what ran, so that numbers can be compared with numbers of the same kind.

Trials that ran in the same environment are listed together; two entries mean that the run is not of one piece.
"""

from __future__ import annotations

from pathlib import Path

from harness.model.results import RunSummary, TrialEnvironment
from harness.model.values import Frozen
from harness.report.atomic import write_text
from harness.report.json_export import to_json


class EnvironmentUse(Frozen):
    """One environment and the trial folders that ran in it."""

    environment: TrialEnvironment
    trials: tuple[str, ...]


class RunEnvironment(Frozen):
    """The content of ``environment.json``."""

    run_id: str
    name: str
    created_utc: str
    harness_version: str
    repeat_command: str
    environments: tuple[EnvironmentUse, ...]


def group_environments(summary: RunSummary) -> tuple[EnvironmentUse, ...]:
    """The distinct environments of the run's trials, in order of first use."""
    found: list[tuple[TrialEnvironment, list[str]]] = []
    for result in summary.trials:
        names = next((names for known, names in found if known == result.environment), None)
        if names is None:
            names = []
            found.append((result.environment, names))
        names.append(result.trial.folder_name)
    return tuple(EnvironmentUse(environment=known, trials=tuple(names)) for known, names in found)


def write_environment(path: Path, summary: RunSummary) -> None:
    """Write ``environment.json``, completely or not at all."""
    content = RunEnvironment(
        run_id=summary.run_id,
        name=summary.name,
        created_utc=summary.created_utc,
        harness_version=summary.harness_version,
        repeat_command=summary.repeat_command,
        environments=group_environments(summary),
    )
    write_text(path, to_json(content))
