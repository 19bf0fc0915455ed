"""Runs a consumer that is somebody's own code: imports it, gives it its seat, starts it over when it gives up.

A supervisor would do the same: what ends with an error, or without one, is started again after a tenth of a second,
until it is told to stop. Told to stop, it ends at its next read (`Stopped`), or is ended after `GRACE_S`. Code that
fails again and again without having been handed anything is no consumer: that ends the trial with its own words.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
import traceback
from typing import Any

import redis

from harness.drivers.client import classify
from harness.history.journal import EventKind
from harness.model.values import OwnConsumer
from harness.model.words import ErrorKind
from harness.trial.orders import Orders
from harness.trial.recorder import Recorder
from harness.trial.seat import Misuse, Seat, Stopped

RESTART_PAUSE_S = 0.1
GRACE_S = 3.0
MOST_FAILURES = 10


class OwnWork:
    """One consumer under test."""

    def __init__(self, code: OwnConsumer, seat: Seat, recorder: Recorder, orders: Orders) -> None:
        self._code = code
        self._seat = seat
        self._recorder = recorder
        self._orders = orders
        self._failures = 0
        self._consumer: Any = None
        self._ending = threading.Lock()

    def prepare(self) -> None:
        """Import it, and be known to the group.

        Raises:
            SystemExit: it cannot be imported, or the server cannot be reached.
        """
        for folder in reversed(self._code.path):
            if folder not in sys.path:
                sys.path.insert(0, folder)
        try:
            found: Any = importlib.import_module(self._code.module)
            for part in self._code.name.split("."):
                found = getattr(found, part)
        except Exception as error:
            traceback.print_exc()
            raise SystemExit(f"{self._code}: cannot be imported: {type(error).__name__}: {error}") from error
        self._consumer = found
        try:
            self._seat.connection.xgroup_createconsumer(self._seat.stream, self._seat.group, self._seat.name)
        except (redis.RedisError, OSError) as error:
            raise SystemExit("the consumer could not connect before the trial began") from error
        self._recorder.subscribed(self._recorder.connection)
        self._seat.close()

    def run(self) -> None:
        """Let it work until told to stop."""
        threading.Thread(target=self._end_after_stop, name="grace", daemon=True).start()
        while not self._orders.stopped.is_set():
            handed_before = self._seat.received
            try:
                self._once()
            except Stopped:
                break
            except Misuse as error:
                raise SystemExit(f"{self._code}: {error}") from error
            except Exception as error:  # noqa: BLE001  # whatever it is: a supervisor starts it over
                self._give_up(error)
            self._seat.close()
            self._failures = 0 if self._seat.received > handed_before else self._failures + 1
            if self._failures >= MOST_FAILURES and not self._seat.received:
                raise SystemExit(
                    f"{self._code}: ended {self._failures} times without reading anything; it has to read from "
                    "seat.stream until it is told to stop, see its last error above"
                )
            self._orders.stopped.wait(RESTART_PAUSE_S)
        self._end()

    def _once(self) -> None:
        running = self._consumer(self._seat)
        work = getattr(running, "run", None)
        if callable(work):
            work()

    def _give_up(self, error: Exception) -> None:
        network = isinstance(error, (redis.RedisError, OSError))
        self._recorder.failed(classify(error) if network else ErrorKind.OTHER)
        print(f"{time.monotonic_ns()} {type(error).__name__}: {error}", flush=True)
        if not network:
            traceback.print_exc()

    def _end_after_stop(self) -> None:
        """In a thread: code that does not read any more would otherwise never learn that it is to end."""
        self._orders.stopped.wait()
        time.sleep(GRACE_S)
        self._end()
        os._exit(0)

    def _end(self) -> None:
        if not self._ending.acquire(blocking=False):
            return
        self._recorder.journal.write(EventKind.END, t_ns=time.monotonic_ns(), value=self._seat.effects_made)
