"""``harness run``: plan, play, judge, show. Each step is another room's; this is their order."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import harness
from harness.model.errors import ExitCode, Interrupted, UsageError
from harness.model.results import RunSummary
from harness.model.values import RunPlan, StackChoice
from harness.model.words import StackKind
from harness.plan.catalogue import control_of, find_scenarios, load_scenario
from harness.plan.planning import DEFAULT_SEED, Overrides, check_real_time, override, plan_run

PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for on the command line."""

    names: tuple[str, ...]
    overrides: Overrides
    trials: int
    seed: int | None
    stack: StackChoice
    jobs: int
    results: Path
    as_json: bool
    slow: bool = False
    """Of families: the scenarios that are marked slow, too."""
    script: Path | None = None


def start_run(request: RunRequest) -> ExitCode:
    """Plan and execute a new run."""
    plan = make_plan(request)
    folder = request.results / "runs" / (plan.run_id + PARTIAL)
    return execute(plan, folder, jobs=request.jobs, results=request.results, as_json=request.as_json)


def make_plan(request: RunRequest) -> RunPlan:
    """What the run will do; the family's no-fault control comes along where it was not named."""
    if request.script:
        named = [load_scenario(request.script)]
    else:
        named = find_scenarios(list(request.names), slow=request.slow)
    check_real_time(named, request.overrides)
    scenarios = [override(scenario, request.overrides) for scenario in [*named, *control_of(named)]]
    name = named[0].name if request.script else "-".join(request.names[:3])
    return plan_run(
        scenarios,
        name=name,
        trials=request.trials,
        seed=DEFAULT_SEED if request.seed is None else request.seed,
        stack=request.stack,
        harness_version=harness.__version__,
        repeat_command=_repeat_command(request),
    )


def resume_run(folder: Path, *, jobs: int, results: Path, as_json: bool) -> ExitCode:
    """Play what is missing of a run that was interrupted, and judge the whole."""
    from harness.trial.run import read_plan

    return execute(read_plan(folder), folder.resolve(), jobs=jobs, results=results, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Played:
    """A run that was played and judged, and where it lies."""

    summary: RunSummary
    folder: Path
    interrupted: bool


def execute(plan: RunPlan, folder: Path, *, jobs: int, results: Path, as_json: bool) -> ExitCode:
    """Play ``plan`` in ``folder``, judge it, write the report, show it."""
    played = play(plan, folder, jobs=jobs, results=results, quiet=as_json)
    show(played.summary, played.folder, as_json=as_json)
    return ExitCode.INTERRUPTED if played.interrupted else ExitCode(played.summary.exit_code)


def play(plan: RunPlan, folder: Path, *, jobs: int, results: Path, quiet: bool) -> Played:
    """Play ``plan`` in ``folder``, judge it, write the report; ``quiet`` shows no progress."""
    from harness.report.live import make_view
    from harness.trial.run import Run, catch_interrupts, write_plan

    interrupted = threading.Event()
    catch_interrupts(interrupted, signals=(signal.SIGINT, signal.SIGTERM))
    view = make_view(quiet=quiet)
    try:
        check_ground(plan, say=view.say)
        write_plan(folder, plan)
        outcome = Run(plan, folder, jobs=jobs, news=view.update, interrupted=interrupted).execute()
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        remove_if_empty(folder)
        raise
    finally:
        view.close()
    if outcome.interrupted and not any((folder / "trials").glob("*/trial.json")):
        remove_if_empty(folder)
        raise Interrupted("interrupted before any trial had begun", fix="run it again")
    final = put_in_place(folder, results)
    summary = judge_and_write(final)
    for failure in outcome.failures:
        print(f"harness: {failure}", file=sys.stderr)
    return Played(summary, final, interrupted=outcome.interrupted)


def check_ground(plan: RunPlan, *, say: Callable[[str], None]) -> None:
    """Before anything is written: is there a proxy engine, and does it do to connections what its faults claim?"""
    from harness.faults.engine import acquire_engine
    from harness.faults.selfprobe import probe_engine

    choice = plan.trials[0].stack
    if choice.kind is StackKind.COMPOSE:
        return
    engine = acquire_engine(choice.proxy_engine, path=choice.proxy_path, say=say)
    report = probe_engine(engine)
    for line in report.lines:
        say(f"{report.engine}: {line}")


def judge_and_write(folder: Path) -> RunSummary:
    """Judge a stored run and write everything that can be read from it."""
    from harness.check.judge import judge_run
    from harness.report.export import write_all

    summary = judge_run(folder)
    write_all(folder, summary)
    return summary


def show(summary: RunSummary, folder: Path, *, as_json: bool) -> None:
    """Print the summary, for a person or for a machine."""
    if as_json:
        sys.stdout.write((folder / "summary.json").read_text(encoding="utf-8") + "\n")
        return
    from harness.report.terminal import print_summary

    print_summary(summary, folder=folder)


def put_in_place(folder: Path, results: Path) -> Path:
    """Give the run its final name and let ``latest`` point to it."""
    from harness.trial.folder import storage_errors

    final = folder.with_name(folder.name.removesuffix(PARTIAL))
    with storage_errors(folder):
        if final != folder:
            folder.rename(final)
        if final.parent.resolve() == (results / "runs").resolve():
            pointer = results / f".latest-{final.name}"
            pointer.unlink(missing_ok=True)
            pointer.symlink_to(Path("runs") / final.name)
            pointer.replace(results / "latest")
    return final


def remove_if_empty(folder: Path) -> None:
    """A run of which no trial was played leaves nothing behind."""
    import shutil

    if folder.name.endswith(PARTIAL) and not any((folder / "trials").glob("*/history.parquet")):
        shutil.rmtree(folder, ignore_errors=True)


def _repeat_command(request: RunRequest) -> str:
    """The command that repeats this run; without anything that could be a credential."""
    words = ["python", str(request.script)] if request.script else ["harness", "run", *request.names]
    overrides = request.overrides
    for option, value in (
        ("--duration", overrides.duration_s),
        ("--rate", overrides.rate_per_s),
        ("--outage", overrides.outage_s),
    ):
        if value is not None:
            words += [option, f"{value:g}"]
    words += ["--real-time"] * overrides.real_time + ["--slow"] * request.slow
    for arm in overrides.arms:
        words += ["--arm", arm]
    words += ["--seed", str(DEFAULT_SEED if request.seed is None else request.seed), "--trials", str(request.trials)]
    if request.stack.kind is not StackKind.LOCAL:
        words += ["--stack", request.stack.kind]
    if request.stack.proxy_engine != "auto":
        words += ["--engine", request.stack.proxy_engine]
    if request.stack.server_path:
        words += ["--server", request.stack.server_path]
    if request.stack.proxy_path:
        words += ["--toxiproxy", request.stack.proxy_path]
    return shlex.join(words)


def require_names(names: list[str] | None) -> tuple[str, ...]:
    """The scenario names that were given.

    Raises:
        UsageError: there are none.
    """
    if not names:
        raise UsageError("no scenario named", fix="`harness run partition`, or `harness list` for what there is")
    return tuple(names)
