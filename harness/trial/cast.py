"""The cast of a trial: its producer and consumer processes, from start to end, and what they are seen to do.

Everything that a process does of its own (it becomes ready, ends, dies, is stopped, runs again) is noticed by `look`,
which is called every few hundredths of a second, and told once as a `Sighting`. Faults of processes are proven by
these; the order that was given proves nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.faults.process_evidence import Sighting, Target
from harness.history.journal import EventKind, read_journal
from harness.model.errors import HarnessError, TrialError
from harness.model.words import ProcessEvent
from harness.stack.nursery import Nursery, NurseryChild, can_fork
from harness.stack.process import ManagedProcess
from harness.trial.folder import TrialFolder
from harness.trial.spec import WorkerSpec

PROGRAM = "harness.trial.worker"
READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 8.0
LOOK_INTERVAL_S = 0.005
_GONE = (ProcessEvent.ENDED, ProcessEvent.DIED)


@dataclass(slots=True)
class Worker:
    """One producer or consumer process. ``doomed``: a fault means it to die of SIGKILL."""

    spec: WorkerSpec
    place: Target
    process: ManagedProcess | NurseryChild
    asked_to_stop: bool = False
    doomed: bool = False
    seen: ProcessEvent = ProcessEvent.STARTED
    may_be_stopped: bool = False
    """Whether the process table is asked for it at every look: costs a little."""

    def tell(self, order: str) -> None:
        """Send one order; a worker that is gone is noticed elsewhere."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(order.encode() + b"\n")

    def ask_to_stop(self) -> None:
        """Tell it to end in order; it takes as long as its current client call."""
        if not self.asked_to_stop:
            self.asked_to_stop = True
            self.tell("stop")


def _ignore(worker: Worker, sighting: Sighting) -> None:
    """What happens to a sighting if nobody asked for it."""


class Cast:
    """All workers of a trial. ``on_sighting`` is told what each is seen to do."""

    def __init__(self, folder: TrialFolder, *, on_sighting: Callable[[Worker, Sighting], None] = _ignore) -> None:
        self._folder = folder
        self._workers: list[Worker] = []
        self._on_sighting = on_sighting
        self._nurseries: dict[tuple[tuple[str, str], ...], Nursery] = {}

    def start(
        self,
        spec: WorkerSpec,
        place: Target,
        *,
        environment: Mapping[str, str] | None = None,
        network: Path | None = None,
    ) -> Worker:
        """Start one worker; it joins ``network`` if it is to, connects by itself and then says that it is ready."""
        worker = Worker(spec, place, self._start_process(spec.name, environment or {}, network))
        self._workers.append(worker)
        self._note(worker, ProcessEvent.STARTED)
        worker.tell(spec.to_line())
        return worker

    def _start_process(
        self, name: str, environment: Mapping[str, str], network: Path | None
    ) -> ManagedProcess | NurseryChild:
        """A process of the worker program; one nursery per environment, where there can be nurseries."""
        log_path = self._folder.logs / f"{name}.log"
        if not can_fork():
            assert network is None, "where there are private networks there are nurseries: both need Linux"
            return ManagedProcess.start(
                [sys.executable, "-m", PROGRAM],
                name=name,
                log_path=log_path,
                env=environment,
                stdin_pipe=True,
                stdout_pipe=True,
            )
        key = tuple(sorted(environment.items()))
        if key not in self._nurseries:
            log = self._folder.logs / f"nursery-{len(self._nurseries)}.log"
            self._nurseries[key] = Nursery(PROGRAM, log_path=log, env=environment)
        return self._nurseries[key].start(name=name, log_path=log_path, network=network)

    def producers(self) -> list[Worker]:
        """The producers, in the order of their start."""
        return [worker for worker in self._workers if worker.spec.role == "producer"]

    def consumers(self) -> list[Worker]:
        """The consumers, in the order of their start."""
        return [worker for worker in self._workers if worker.spec.role == "consumer"]

    def all_at(self, place: Target) -> list[Worker]:
        """Everybody who was started in ``place``, in the order of their start."""
        return [worker for worker in self._workers if worker.place == place]

    def current(self, place: Target) -> Worker | None:
        """Who was started last in ``place``."""
        return next((worker for worker in reversed(self._workers) if worker.place == place), None)

    def look(self) -> None:
        """Notice what the processes have done since the last look."""
        for worker in self._workers:
            if worker.seen in _GONE:
                continue
            status = worker.process.poll()
            if worker.seen is ProcessEvent.STARTED and _said_ready(worker):
                self._note(worker, ProcessEvent.READY)
            if status is not None:
                self._note(worker, ProcessEvent.DIED if status else ProcessEvent.ENDED, status=status)
            elif worker.may_be_stopped:
                self._look_whether_stopped(worker)

    def wait_ready(self, workers: list[Worker]) -> None:
        """Wait until each of ``workers`` said that it is ready.

        Raises:
            TrialError: one ended, or stayed silent past the deadline.
        """
        deadline = time.monotonic() + READY_DEADLINE_S
        while waiting := [worker for worker in workers if worker.seen is ProcessEvent.STARTED]:
            self.look()
            gone = [worker for worker in waiting if worker.seen in _GONE]
            if gone:
                tail = gone[0].process.log_tail(8)
                raise TrialError(f"{gone[0].spec.name} ended before it was ready: {tail}")
            if time.monotonic() >= deadline:
                raise TrialError(f"{len(waiting)} of {len(workers)} workers not ready within {READY_DEADLINE_S:g} s")
            time.sleep(LOOK_INTERVAL_S)

    def check_alive(self) -> None:
        """Raise `TrialError` when a worker ended that was neither asked to nor meant to be killed.

        One that was asked to has to end in order: what another end kept it from writing down is unknown.
        """
        for worker in self._workers:
            status = worker.process.poll()
            in_order = worker.asked_to_stop and status == 0
            if status is None or in_order or (worker.doomed and status == -signal.SIGKILL):
                continue
            tail = worker.process.log_tail(8)
            raise TrialError(f"{worker.spec.name} ended by itself with status {status}: {tail}")

    def stop(self, workers: list[Worker]) -> list[str]:
        """End ``workers`` in order; the names of those that had to be killed because they did not.

        Raises:
            TrialError: one ended otherwise than in order, and neither we nor a fault killed it.
        """
        for worker in workers:
            worker.ask_to_stop()
        deadline = time.monotonic() + STOP_DEADLINE_S
        killed = []
        for worker in workers:
            if worker.process.wait(max(0.0, deadline - time.monotonic())) is None:
                killed.append(worker.spec.name)
                worker.doomed = True
            worker.process.kill()
        self.look()
        self.check_alive()
        return killed

    def kill(self) -> None:
        """End whatever is left, at once. Idempotent."""
        for worker in self._workers:
            worker.asked_to_stop = True
            worker.process.kill()
        for nursery in self._nurseries.values():
            nursery.close()

    def _look_whether_stopped(self, worker: Worker) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            stopped = psutil.Process(worker.process.pid).status() == psutil.STATUS_STOPPED
            if stopped and worker.seen is not ProcessEvent.STOPPED:
                self._note(worker, ProcessEvent.STOPPED)
            elif not stopped and worker.seen is ProcessEvent.STOPPED:
                self._note(worker, ProcessEvent.CONTINUED)

    def _note(self, worker: Worker, event: ProcessEvent, *, status: int = 0) -> None:
        worker.seen = event
        now_ns = time.monotonic_ns()
        point = _crash_point(Path(worker.spec.journal_path)) if event is ProcessEvent.DIED else 0
        self._on_sighting(worker, Sighting(now_ns, worker.place, event, status, point))


def _said_ready(worker: Worker) -> bool:
    """Whether the word is there; never waits."""
    poll = select.poll()
    poll.register(worker.process.stdout, select.POLLIN)
    return bool(poll.poll(0)) and b"ready" in os.read(worker.process.stdout.fileno(), 64)


def _crash_point(journal: Path) -> int:
    """The point at which the process wrote that it was about to kill itself; 0 where its journal ends otherwise."""
    try:
        records = read_journal(journal).records
    except (OSError, HarnessError):
        return 0  # it died before it had a journal
    if not len(records) or records["kind"][-1] != EventKind.CRASHING:
        return 0
    return int(records["code"][-1])
