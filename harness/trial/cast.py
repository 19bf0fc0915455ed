"""The cast of a trial: its producer and consumer processes, from start to end."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import time
from dataclasses import dataclass

from harness.model.errors import TrialError
from harness.stack.process import ManagedProcess
from harness.trial.folder import TrialFolder
from harness.trial.spec import WorkerSpec

READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 8.0


@dataclass(slots=True)
class Worker:
    """One running producer or consumer."""

    spec: WorkerSpec
    process: ManagedProcess
    asked_to_stop: bool = False

    def tell(self, order: str) -> None:
        """Send one order; a worker that is gone is noticed elsewhere."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(order.encode() + b"\n")

    def ask_to_stop(self) -> None:
        """Tell it to end in order; it takes as long as its current client call."""
        if not self.asked_to_stop:
            self.asked_to_stop = True
            self.tell("stop")


class Cast:
    """All workers of a trial."""

    def __init__(self, folder: TrialFolder) -> None:
        self._folder = folder
        self._workers: list[Worker] = []

    def start(self, spec: WorkerSpec) -> Worker:
        """Start one worker; it connects by itself and then says that it is ready."""
        process = ManagedProcess.start(
            [sys.executable, "-m", "harness.trial.worker"],
            name=spec.name,
            log_path=self._folder.logs / f"{spec.name}.log",
            stdin_pipe=True,
            stdout_pipe=True,
        )
        worker = Worker(spec, process)
        self._workers.append(worker)
        worker.tell(spec.to_line())
        return worker

    def producers(self) -> list[Worker]:
        """The producers, in the order of their start."""
        return [worker for worker in self._workers if worker.spec.role == "producer"]

    def consumers(self) -> list[Worker]:
        """The consumers, in the order of their start."""
        return [worker for worker in self._workers if worker.spec.role == "consumer"]

    def wait_ready(self, workers: list[Worker]) -> None:
        """Wait until each of ``workers`` said that it is ready.

        Raises:
            TrialError: one ended, or stayed silent past the deadline.
        """
        deadline = time.monotonic() + READY_DEADLINE_S
        with selectors.DefaultSelector() as selector:
            for worker in workers:
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            waiting = len(workers)
            while waiting:
                events = selector.select(max(0.0, deadline - time.monotonic()))
                if not events:
                    raise TrialError(f"{waiting} of {len(workers)} workers not ready within {READY_DEADLINE_S:g} s")
                for key, _ in events:
                    worker = key.data
                    if b"ready" not in os.read(worker.process.stdout.fileno(), 64):
                        raise TrialError(f"{worker.spec.name} ended before it was ready: {worker.process.log_tail(8)}")
                    selector.unregister(worker.process.stdout)
                    waiting -= 1

    def check_alive(self) -> None:
        """Raise `TrialError` when a worker ended that was not asked to."""
        for worker in self._workers:
            if not worker.asked_to_stop and worker.process.poll() is not None:
                raise TrialError(
                    f"{worker.spec.name} ended by itself with status {worker.process.poll()}: "
                    f"{worker.process.log_tail(8)}"
                )

    def stop(self, workers: list[Worker]) -> list[str]:
        """End ``workers`` in order; the names of those that had to be killed because they did not."""
        for worker in workers:
            worker.ask_to_stop()
        deadline = time.monotonic() + STOP_DEADLINE_S
        killed = []
        for worker in workers:
            if worker.process.wait(max(0.0, deadline - time.monotonic())) is None:
                killed.append(worker.spec.name)
            worker.process.kill()
        return killed

    def kill(self) -> None:
        """End whatever is left, at once. Idempotent."""
        for worker in self._workers:
            worker.asked_to_stop = True
            worker.process.kill()
