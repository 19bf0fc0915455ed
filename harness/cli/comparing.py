"""``harness compare`` and ``harness baseline``: two stored runs, two arms of one, and a small run to keep."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.cli.stored import load_run
from harness.model.errors import ExitCode, UsageError
from harness.model.results import RunSummary, TrialResult


def compare(first: Path, second: Path | None, *, arms: tuple[str, ...], as_json: bool) -> ExitCode:
    """Two runs, or with ``arms`` two arms of the one run that is named."""
    from harness.check.compare import compare_arms, compare_runs
    from harness.report.compare_terminal import print_comparison
    from harness.report.json_export import to_json

    if arms:
        if second is not None or len(arms) != 2:
            raise UsageError(
                "--arm compares two arms of one run", fix="harness compare RUN --arm pubsub --arm stream-group"
            )
        found = compare_arms(load_run(first), *arms)
    elif second is None:
        raise UsageError("one run named", fix="name a second run, e.g. results/baseline, or two arms with --arm")
    else:
        found = compare_runs(load_run(first), load_run(second), names=(str(first), str(second)))
    if as_json:
        sys.stdout.write(to_json(found))
    else:
        print_comparison(found)
    return ExitCode(found.exit_code)


def keep_baseline(run: Path, folder: Path) -> None:
    """Write the summary of ``run`` to ``folder``, without the texts that nothing is compared by."""
    from harness.report.atomic import write_text
    from harness.report.json_export import to_json

    kept = _slim(load_run(run))
    text = json.dumps(json.loads(to_json(kept)), ensure_ascii=False, separators=(",", ":"))
    write_text(folder / "summary.json", text.replace('{"trial":', '\n{"trial":') + "\n")
    print(f"{folder / 'summary.json'}: {len(kept.trials)} trials kept; compare: harness compare {folder} RUN")


def _slim(run: RunSummary) -> RunSummary:
    return run.model_copy(update={"trials": tuple(_slim_trial(trial) for trial in run.trials), "claims": ()})


def _slim_trial(trial: TrialResult) -> TrialResult:
    scenario = trial.trial.scenario.model_copy(update={"story": "", "predictions": (), "claims": ()})
    return trial.model_copy(
        update={
            "trial": trial.trial.model_copy(update={"scenario": scenario}),
            "environment": trial.environment.model_copy(update={"client_settings": {}}),
        }
    )
