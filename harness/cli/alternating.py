"""``harness abab``: two set-ups in turn on one machine, A B A B ..., so that what drifts strikes both alike.

A latency of last week, or of another machine, tells little about today's. Here trial i of both set-ups has the same
seed and runs minutes apart; the pairs are compared, and only with ``--gate`` is a significant slow-down a failure.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.check.bound import CONFIDENCE
from harness.cli.stored import load_run
from harness.model.errors import ExitCode, TrialError, UsageError
from harness.model.results import RunSummary
from harness.plan.planning import DEFAULT_SEED, MAX_TRIALS

PLAYED = frozenset({ExitCode.HELD, ExitCode.VIOLATED, ExitCode.INCONCLUSIVE})
LONGEST_RUN_S = 3 * 3600
LONGEST_END_S = 120
_OURS = ("--seed", "--trials", "--jobs", "--results", "--json", "--resume")


@dataclass(frozen=True, slots=True)
class AbabRequest:
    """What the user asked for on the command line."""

    names: tuple[str, ...]
    first: str
    second: str
    trials: int
    seed: int | None
    results: Path
    gate: bool
    as_json: bool


def alternate(request: AbabRequest) -> ExitCode:
    """Play both set-ups in turn, compare them, and show it."""
    from harness.check.compare import compare_runs
    from harness.report.compare_terminal import print_comparison
    from harness.report.json_export import to_json

    if not 1 <= request.trials <= MAX_TRIALS:
        raise UsageError(f"--trials {request.trials}: out of range", fix=f"give 1 to {MAX_TRIALS}")
    sides = (_options("--a", request.first), _options("--b", request.second))
    seed = DEFAULT_SEED if request.seed is None else request.seed
    runs: tuple[list[RunSummary], list[RunSummary]] = ([], [])
    for number in range(request.trials):
        for options, played in zip(sides, runs, strict=True):
            name = "A" if played is runs[0] else "B"
            print(f"harness: trial {number + 1} of {request.trials}: {name}", file=sys.stderr)
            played.append(_play(request, options, seed=seed + number))
    names = (f"A ({request.first or 'as it is'})", f"B ({request.second or 'as it is'})")
    one, two = _merged(runs[0]), _merged(runs[1])
    found = compare_runs(one, two, names=names)
    if request.gate and found.times:
        # Of many times some differ by chance. A gate must not, so they share its doubt (Bonferroni).
        found = compare_runs(one, two, names=names, time_confidence=1 - (1 - CONFIDENCE) / len(found.times))
    slower = [time for time in found.times if time.significant and (time.low_ms or 0) > 0]
    if request.gate and slower and found.exit_code == ExitCode.HELD:
        found = found.model_copy(update={"exit_code": int(ExitCode.VIOLATED)})
    if request.as_json:
        sys.stdout.write(to_json(found))
    else:
        print_comparison(found)
        print(f"{len(slower)} times significantly longer{', and --gate is set' if request.gate else ' (informs only)'}")
    return ExitCode(found.exit_code)


def _options(side: str, text: str) -> list[str]:
    """The options of one side; what has to be the same on both cannot be among them."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"{side} {text}: {error}", fix='quote it as a shell would, e.g. --a "--arm stream-group"'
        ) from error
    ours = [word for word in words if word.split("=")[0] in _OURS]
    if ours:
        raise UsageError(
            f"{side} {text}: {ours[0]} is the same on both sides", fix="give it to abab itself, or leave it out"
        )
    return words


def _play(request: AbabRequest, options: Sequence[str], *, seed: int) -> RunSummary:
    """One trial of one side, as a run of its own."""
    command = [sys.executable, "-m", "harness", "run", *request.names, *options]
    command += ["--seed", str(seed), "--trials", "1", "--jobs", "1", "--results", str(request.results), "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        output, _ = child.communicate(timeout=LONGEST_RUN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        # It was told by the terminal as well, and needs time to heal what it broke.
        child.terminate()
        child.communicate(timeout=LONGEST_END_S)
        raise
    if child.returncode not in PLAYED:
        raise TrialError(f"{shlex.join(command[1:])} ended with {child.returncode}", fix="run it by itself and see why")
    return load_run(request.results / "runs" / str(json.loads(output)["run_id"]))


def _merged(runs: Sequence[RunSummary]) -> RunSummary:
    """Runs of one trial each as one run."""
    return runs[0].model_copy(
        update={
            "trials": tuple(trial for run in runs for trial in run.trials),
            "partial": any(run.partial for run in runs),
        }
    )
