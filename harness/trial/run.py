"""A run: its trials, executed a few at a time, each in a process and a folder of its own.

A trial plays in ``trials/<name>.partial`` and is renamed when it has ended, so a folder without that ending is
whole. Trials share nothing but the machine: each has its own server, proxies and ports. What a run leaves behind is
the merge of those folders; one that was interrupted is resumed by executing what is missing.
"""

from __future__ import annotations

import json
import queue
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.model.errors import (
    EnvironmentUnavailable,
    ExitCode,
    HarnessError,
    InvalidFileError,
    UsageError,
    unreadable_file,
)
from harness.model.progress import ProgressEvent
from harness.model.results import TrialFacts
from harness.model.values import RunPlan, Trial
from harness.stack.process import ManagedProcess
from harness.trial.folder import storage_errors, write_whole

PARTIAL = ".partial"
GRACE_S = 20.0
OVERTIME_S = 120.0
News = Callable[[str, ProgressEvent], None]


@dataclass(slots=True)
class _Running:
    """One trial that plays now."""

    trial: Trial
    process: ManagedProcess
    folder: Path
    deadline: float
    reader: threading.Thread
    failure: str = ""


@dataclass(slots=True)
class RunOutcome:
    """How a run ended, before it is judged."""

    interrupted: bool = False
    failures: list[str] = field(default_factory=list)


def write_plan(run_folder: Path, plan: RunPlan) -> None:
    """Make the run's folder with its ``run.json``."""
    with storage_errors(run_folder):
        (run_folder / "trials").mkdir(parents=True, exist_ok=True)
    write_whole(run_folder / "run.json", plan.model_dump_json(indent=2))


def read_plan(run_folder: Path) -> RunPlan:
    """The plan of a stored run.

    Raises:
        InvalidFileError: the folder holds no run, or its ``run.json`` is not readable.
    """
    path = run_folder / "run.json"
    fix = "name a folder that `harness run` made, such as results/latest"
    try:
        return RunPlan.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidFileError(f"{run_folder}: not a run (no run.json in it)", fix=fix) from error
    except OSError as error:
        raise unreadable_file(path, error) from error
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError) as error:
        first = str(error).splitlines()
        raise InvalidFileError(f"{path}: unreadable plan: {' '.join(first[:3])}", fix=fix) from error


def is_complete(run_folder: Path, trial: Trial) -> bool:
    """Whether the run's folder holds this trial, played to its end."""
    path = run_folder / "trials" / trial.folder_name / "facts.json"
    try:
        return TrialFacts.model_validate_json(path.read_text(encoding="utf-8")).status == "complete"
    except (OSError, ValidationError):
        return False


class Run:
    """Executes what is missing of a plan, at most ``jobs`` trials at a time."""

    def __init__(self, plan: RunPlan, run_folder: Path, *, jobs: int, news: News, interrupted: threading.Event) -> None:
        self._missing = [trial for trial in plan.trials if not is_complete(run_folder, trial)]
        self._trials_folder = run_folder / "trials"
        self._jobs = jobs
        self._news = news
        self._interrupted = interrupted
        self._running: dict[str, _Running] = {}
        self._inbox: queue.Queue[tuple[str, str]] = queue.Queue()
        self._outcome = RunOutcome()

    def execute(self) -> RunOutcome:
        """Play the trials. A trial that the environment does not allow ends the run.

        Raises:
            EnvironmentUnavailable: what the first trial that could not be played said.
            UsageError: the same, where the user asked for something that cannot be.
        """
        waiting = list(self._missing)
        try:
            while (waiting or self._running) and not self._interrupted.is_set():
                while waiting and len(self._running) < self._jobs:
                    self._start(waiting.pop(0))
                self._read_news(0.1)
                self._collect()
            if self._interrupted.is_set():
                self._outcome.interrupted = True
                self._end_early()
        finally:
            for running in self._running.values():
                running.process.kill()
        return self._outcome

    def _start(self, trial: Trial) -> None:
        name = trial.folder_name
        folder = self._trials_folder / (name + PARTIAL)
        with storage_errors(folder):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.rmtree(self._trials_folder / name, ignore_errors=True)
            folder.mkdir(parents=True)
        process = ManagedProcess.start(
            [sys.executable, "-m", "harness.trial", str(folder)],
            name=f"trial {name}",
            log_path=folder / "logs" / "trial.log",
            stdin_pipe=True,
            stdout_pipe=True,
        )
        process.stdin.write(trial.model_dump_json().encode() + b"\n")
        timeline = trial.scenario.timeline
        deadline = time.monotonic() + timeline.traffic_s + 2 * timeline.drain_deadline_s + OVERTIME_S
        reader = threading.Thread(target=self._read_lines, args=(name, process), daemon=True)
        self._running[name] = _Running(trial, process, folder, deadline, reader)
        reader.start()
        self._news(name, ProgressEvent("started"))

    def _read_lines(self, name: str, process: ManagedProcess) -> None:
        """In a thread: everything the trial's process says, until it closes its end."""
        buffered = b""
        while chunk := process.stdout.read(65536):
            *lines, buffered = (buffered + chunk).split(b"\n")
            for line in lines:
                self._inbox.put((name, line.decode(errors="replace")))

    def _read_news(self, timeout_s: float) -> None:
        try:
            name, line = self._inbox.get(timeout=timeout_s)
            while True:
                self._hear(name, line)
                name, line = self._inbox.get_nowait()
        except queue.Empty:
            return

    def _hear(self, name: str, line: str) -> None:
        try:
            event = ProgressEvent.from_line(line)
        except (ValueError, TypeError, KeyError):
            event = ProgressEvent("note", text=line)
        if event.kind == "failed" and name in self._running:
            self._running[name].failure = event.text
        self._news(name, event)

    def _collect(self) -> None:
        """Put away the trials that have ended."""
        for name, running in list(self._running.items()):
            status = running.process.poll()
            if status is None and time.monotonic() > running.deadline:
                running.process.kill()
                status = running.process.poll()
                running.failure = f"{name} did not end in time and was killed"
            if status is not None:
                running.reader.join(5.0)
                self._read_news(0.01)
                self._put_away(name, running, status)

    def _put_away(self, name: str, running: _Running, status: int) -> None:
        del self._running[name]
        running.process.kill()
        match status:
            case ExitCode.HELD | ExitCode.INTERRUPTED:
                self._keep(running)
            case ExitCode.ENVIRONMENT:
                raise EnvironmentUnavailable(running.failure or f"{name} could not be played")
            case ExitCode.USAGE:
                raise UsageError(running.failure or f"{name} could not be played")
            case _:
                self._outcome.failures.append(running.failure or _last_words(running, status))
                self._keep(running)

    def _keep(self, running: _Running) -> None:
        with storage_errors(self._trials_folder):
            running.folder.rename(self._trials_folder / running.trial.folder_name)

    def _end_early(self) -> None:
        """Tell the playing trials to heal and stop, wait for them, and keep what they have."""
        for running in self._running.values():
            running.process.terminate()
        deadline = time.monotonic() + GRACE_S
        while self._running and time.monotonic() < deadline:
            self._read_news(0.1)
            try:
                self._collect()
            except HarnessError:
                continue  # the user stops the run: a trial that says it cannot be played changes nothing


def _last_words(running: _Running, status: int) -> str:
    return f"{running.trial.folder_name} ended with status {status}: {running.process.log_tail(12)}"


def catch_interrupts(interrupted: threading.Event, *, signals: Sequence[signal.Signals]) -> None:
    """Let Ctrl-C and SIGTERM set ``interrupted``; a second Ctrl-C ends at once."""

    def on_signal(number: int, _frame: object) -> None:
        if interrupted.is_set():
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt
        interrupted.set()

    for number in signals:
        signal.signal(number, on_signal)
