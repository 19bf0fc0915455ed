"""One short trial on real servers, in which something is killed that nobody planned to kill.

Looks on from outside: it finds the processes by an environment variable that all of them inherit (a server overwrites
its own with its title, but works in the run's folder), the phases by reading the conductor's journal, and what a killed
process still owed by its journal's last word.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import psutil

from harness.history.journal import EventKind, ReadJournal, read_journal
from harness.model.errors import HarnessError
from harness.model.values import RunPlan, StackChoice
from harness.plan.catalogue import control_of, find_scenarios
from harness.plan.planning import Overrides, override, plan_run
from harness.trial.run import Run, write_plan

SHORT = Overrides(duration_s=2.6, outage_s=0.8, rate_per_s=40)
ARMS = ("pubsub", "stream-group", "stream-queue")
SCENARIOS = (
    "partition_control",
    "partition_consumers_drop",
    "partition_producers_hold",
    "link_flap",
    "server_kill_aof_always",
)
TOKEN = "HARNESS_UNDER_FIRE"
MOMENT_DEADLINE_S = 45.0
END_DEADLINE_S = 150.0
GONE_DEADLINE_S = 10.0
LOOK_S = 0.004


class Victim(StrEnum):
    """Who is killed."""

    NOBODY = "nobody"
    HARNESS = "harness"
    TRIAL = "trial"
    NURSERY = "nursery"
    WORKER = "worker"
    PROXY = "proxy"
    SERVER = "server"


class Moment(StrEnum):
    """When: as soon as this has begun, plus the drawn delay."""

    SET_UP = "set-up"
    WARM_UP = "warm-up"
    STEADY = "steady"
    FAULT = "fault"
    RECOVERY = "recovery"
    DRAIN = "drain"
    WRITING = "writing"


PHASES = list(Moment)[1:]
DELAYS_S = {Moment.SET_UP: 1.2, Moment.FAULT: 0.8, Moment.DRAIN: 0.6, Moment.WRITING: 0.12}
REPORTING_S = 4.0
"""How long a command goes on after its trials: it judges and draws."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What one seed comes to."""

    seed: int
    victim: Victim
    moment: Moment
    delay_s: float
    scenario: str

    @classmethod
    def of(cls, seed: int, *, victim: Victim | None = None, scenario: str | None = None) -> Draw:
        """Everything follows from the seed; ``victim`` and ``scenario`` fix those."""
        draw = random.Random(seed)
        drawn = draw.choice([*Victim, *(one for one in Victim if one is not Victim.NOBODY)])
        moment = draw.choice(list(Moment))
        at_the_end = moment is Moment.WRITING and (victim or drawn) is Victim.HARNESS
        delay_s = draw.uniform(0, REPORTING_S if at_the_end else DELAYS_S.get(moment, 0.5))
        return cls(seed, victim or drawn, moment, delay_s, scenario or draw.choice(SCENARIOS))


@dataclass(slots=True)
class Fired:
    """What was seen of one draw."""

    draw: Draw
    folder: Path
    killed_ns: int = 0
    """Monotonic; 0 where nobody was, because there was no such process any more."""
    alive_workers: frozenset[int] = frozenset()
    """Process ids of the workers that lived right before."""
    whole_before: bool = False
    """Whether every trial of the run had said how it went before."""
    left: list[str] = field(default_factory=list)
    """Processes that went on."""
    said: str = ""
    """Standard error of the command, or the error of the run."""
    status: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Mark:
    """By what the processes of one run are known."""

    token: str
    where: Path


def plan_of(draw: Draw, *, control: bool) -> RunPlan:
    """The scenario of ``draw`` with a very short timeline; with its ``control`` where the whole run is judged."""
    named = find_scenarios([draw.scenario])
    arms = ARMS if draw.scenario in SCENARIOS else ()
    short = replace(SHORT, arms=arms)
    scenarios = [override(scenario, short) for scenario in [*named, *(control_of(named) if control else ())]]
    choice = StackChoice.model_validate({"proxy_engine": "builtin"})
    return plan_run(
        scenarios, name="fire", trials=1, seed=draw.seed, stack=choice, harness_version="0", repeat_command="none"
    )


def fire(draw: Draw, where: Path) -> Fired:
    """Play, kill, wait for the end, and note what is left. The run lies in ``Fired.folder``."""
    mark = Mark(secrets.token_hex(8), where.resolve())
    os.environ[TOKEN] = mark.token
    began = time.monotonic()
    try:
        fired = _fire_command(draw, mark) if draw.victim is Victim.HARNESS else _fire_run(draw, mark)
        fired.left = [*wait_gone(mark), *mounted(mark)]
    finally:
        del os.environ[TOKEN]
    fired.seconds = time.monotonic() - began
    return fired


def _fire_run(draw: Draw, mark: Mark) -> Fired:
    """The run in a thread of ours, as `harness run` has it: the trial is a process."""
    plan = plan_of(draw, control=False)
    fired = Fired(draw, mark.where / "runs" / f"{plan.run_id}.partial")
    write_plan(fired.folder, plan)

    def play() -> None:
        try:
            run = Run(plan, fired.folder, jobs=1, news=lambda *_: None, interrupted=threading.Event())
            fired.said = "\n".join(run.execute().failures)
        except HarnessError as error:
            fired.said, fired.status = str(error), error.exit_code

    thread = threading.Thread(target=play)
    thread.start()
    trial = plan.trials[0].folder_name
    if draw.victim is not Victim.NOBODY and _wait_moment(fired, trial, thread.is_alive):
        _wait_and_kill(fired, mark, lambda: _victims(draw.victim, mark), thread.is_alive)
    thread.join(END_DEADLINE_S)
    if thread.is_alive():
        fired.said += "\nthe run did not end in time"
        thread.join()
    return fired


def _fire_command(draw: Draw, mark: Mark) -> Fired:
    """The command itself is the victim, anywhere from its start to its report."""
    where = mark.where
    arms = [word for arm in ARMS for word in ("--arm", arm)]
    command = [
        "run",
        draw.scenario,
        "--engine",
        "builtin",
        "--duration",
        "2.6",
        "--outage",
        "0.8",
        "--rate",
        "40",
        *arms,
    ]
    with (where / f"{draw.seed}.stderr").open("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", "from harness.cli import main; main()", *command, "--results", str(where)],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        fired = Fired(draw, where / "none")
        if _wait_folder(fired, where, process) and _wait_moment(fired, None, lambda: process.poll() is None):
            _kill(fired, mark, lambda: [psutil.Process(process.pid)])
        fired.status = process.wait(END_DEADLINE_S)
        errors.seek(0)
        fired.said = errors.read()
    runs = list((where / "runs").glob("*"))
    fired.folder = runs[0] if runs else fired.folder
    return fired


def _wait_folder(fired: Fired, where: Path, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + MOMENT_DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        if found := list((where / "runs").glob("*/run.json")):
            fired.folder = found[0].parent
            return True
        time.sleep(LOOK_S)
    return False


def _wait_moment(fired: Fired, trial: str | None, goes_on: Callable[[], bool]) -> bool:
    """Wait until the drawn moment has come; false when the end came first."""
    deadline = time.monotonic() + MOMENT_DEADLINE_S
    while not _has_come(fired, trial):
        if not goes_on() or time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    time.sleep(fired.draw.delay_s)
    return goes_on()


def _has_come(fired: Fired, trial: str | None) -> bool:
    if fired.draw.moment is Moment.SET_UP:
        return fired.folder.exists()
    wanted = PHASES.index(fired.draw.moment)
    return any(
        wanted in journal.records["code"][journal.records["kind"] == EventKind.PHASE]
        for path in (fired.folder / "trials").glob(f"{trial or '*'}*/journals/conductor.journal")
        if (journal := journal_or_none(path)) is not None
    )


def journal_or_none(path: Path) -> ReadJournal | None:
    """The journal, where it is one already."""
    with contextlib.suppress(OSError, HarnessError):
        return read_journal(path)
    return None


def _wait_and_kill(
    fired: Fired, mark: Mark, find: Callable[[], list[psutil.Process]], goes_on: Callable[[], bool]
) -> None:
    """In the set-up the victim may not be there yet: it is struck as soon as it is."""
    while not fired.killed_ns and goes_on():
        _kill(fired, mark, find)
        if fired.draw.moment is not Moment.SET_UP:
            return
        time.sleep(LOOK_S)


def _kill(fired: Fired, mark: Mark, find: Callable[[], list[psutil.Process]]) -> None:
    """SIGKILL one of what ``find`` finds, drawn by the seed."""
    with contextlib.suppress(psutil.NoSuchProcess):
        found = sorted(find(), key=lambda one: one.pid)
        if not found:
            return
        victim = random.Random(fired.draw.seed).choice(found)
        fired.alive_workers = frozenset(one.pid for one in _victims(Victim.WORKER, mark))
        # The run loses its ".partial" when it has been played.
        trials = [path for path in fired.folder.parent.glob("*/trials/*") if path.is_dir()]
        fired.whole_before = bool(trials) and all((path / "facts.json").exists() for path in trials)
        moment_ns = time.monotonic_ns()
        victim.kill()
        fired.killed_ns = moment_ns


def bearers(mark: Mark) -> list[psutil.Process]:
    """Every process that inherited the token or works in the folder, and has not ended; ourselves excepted."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and (
                process.environ().get(TOKEN) == mark.token or process.cwd().startswith(str(mark.where))
            ):
                found.append(process)
    return found


def _victims(victim: Victim, mark: Mark) -> list[psutil.Process]:
    """The processes of one kind: by what they were started as, workers by whose children they are."""
    kinds: dict[Victim, list[psutil.Process]] = {one: [] for one in Victim}
    for process in bearers(mark):
        with contextlib.suppress(psutil.Error):
            kinds[_kind_of(process)].append(process)
    return kinds[victim]


def _kind_of(process: psutil.Process) -> Victim:
    words = process.cmdline()
    if "harness.stack.forking" in words:
        parent = process.parent()
        forked = parent is not None and "harness.stack.forking" in parent.cmdline()
        return Victim.WORKER if forked else Victim.NURSERY
    if "harness.trial" in words:
        return Victim.TRIAL
    if "--port" in words or (words and "-server " in words[0]):
        return Victim.SERVER
    return Victim.PROXY if "-port" in words else Victim.NOBODY


def wait_gone(mark: Mark) -> list[str]:
    """What is still there after the deadline, by its command line; then it is ended."""
    deadline = time.monotonic() + GONE_DEADLINE_S
    while (left := bearers(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    lines = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            lines.append(f"{process.pid} {' '.join(process.cmdline())[:120]} ({process.status()})")
            process.kill()
    return lines


def mounted(mark: Mark) -> list[str]:
    """What is mounted in the run's folder, in whichever namespace."""
    found = []
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [f"mounted: {line}" for line in lines if str(mark.where) in line]
    return found
