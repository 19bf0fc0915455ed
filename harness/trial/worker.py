"""The entry point of producer and consumer processes: ``python -m harness.trial.worker``.

It reads its `WorkerSpec` from standard input, connects, says ``ready`` on standard output, and works until told to
stop. Everything it has to tell goes to its journal; standard error goes to its log.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis

from harness.drivers.base import Names
from harness.drivers.client import release_number
from harness.drivers.registry import make_consumer, make_producer
from harness.history.journal import EventKind, Journal, JournalHeader
from harness.trial.consumer import ConsumerWork
from harness.trial.effects import make_effects
from harness.trial.handling import Handler
from harness.trial.orders import Orders
from harness.trial.producer import ProducerWork
from harness.trial.recorder import Recorder
from harness.trial.spec import WorkerSpec


def main() -> int:
    """Run one worker; the exit status is 0 when it was told to stop and did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spec = WorkerSpec.from_line(sys.stdin.readline())
    announce = _take_over_stdout()
    _refuse_wrong_release(spec)
    with Journal.create(Path(spec.journal_path), _header(spec)) as journal:
        recorder = Recorder(journal)
        orders = Orders()
        if spec.role == "producer":
            _produce(spec, recorder, orders, announce)
        elif spec.arm.own_consumer is not None:
            _consume_with_own_code(spec, recorder, orders, announce)
        else:
            _consume(spec, recorder, orders, announce)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        journal.write(EventKind.CPU, t_ns=time.monotonic_ns(), value=int((usage.ru_utime + usage.ru_stime) * 1e9))
    return 0


def _take_over_stdout() -> Callable[[], None]:
    """Keep the conductor's pipe for the word ``ready`` and send everything else that is printed to the log."""
    pipe = sys.stdout
    sys.stdout = sys.stderr

    def announce() -> None:
        pipe.write("ready\n")
        pipe.flush()

    return announce


def _refuse_wrong_release(spec: WorkerSpec) -> None:
    """An arm that names a release of redis-py is about that release: another one would be a wrong label."""
    wanted = spec.arm.client_release
    if wanted is not None and wanted != redis.__version__:
        raise SystemExit(f"the arm {spec.arm.name} asks for redis-py {wanted}, but {redis.__version__} was imported")


def _note_ready(recorder: Recorder) -> None:
    """READY says which release of redis-py really runs."""
    recorder.journal.write(EventKind.READY, t_ns=time.monotonic_ns(), value=release_number(redis.__version__))


def _produce(spec: WorkerSpec, recorder: Recorder, orders: Orders, announce: Callable[[], None]) -> None:
    names = Names(spec.token, spec.arm_index)
    producer = make_producer(spec.arm, spec.address, names, recorder)
    try:
        producer.open()
        _note_ready(recorder)
        announce()
        ProducerWork(spec, producer, recorder, orders).run()
    finally:
        producer.close()


def _consume(spec: WorkerSpec, recorder: Recorder, orders: Orders, announce: Callable[[], None]) -> None:
    names = Names(spec.token, spec.arm_index)
    member = spec.member or spec.name
    consumer = make_consumer(spec.arm, spec.address, names, scope=spec.scope, name=member, observer=recorder)
    with Journal.join(Path(spec.effects_path), actor=spec.actor, arm=spec.arm_index, scope=spec.scope) as effects:
        handler = Handler(
            consumer,
            recorder.journal,
            orders,
            effects=make_effects(spec.arm, effects, consumer.store, names, scope=spec.scope, actor=spec.actor),
            dead_letter_after=spec.arm.stream.dead_letter_after,
        )
        work = ConsumerWork(consumer, recorder, handler, orders)
        if not work.open_once():
            raise SystemExit("the consumer could not connect before the trial began")
        _note_ready(recorder)
        announce()
        try:
            work.run()
        finally:
            consumer.close()


def _consume_with_own_code(spec: WorkerSpec, recorder: Recorder, orders: Orders, announce: Callable[[], None]) -> None:
    from harness.trial.own_consumer import OwnWork
    from harness.trial.seat import Seat

    assert spec.arm.own_consumer is not None
    with Journal.join(Path(spec.effects_path), actor=spec.actor, arm=spec.arm_index, scope=spec.scope) as effects:
        work = OwnWork(spec.arm.own_consumer, Seat(spec, recorder, orders, effects), recorder, orders)
        work.prepare()
        _note_ready(recorder)
        announce()
        work.run()


def _header(spec: WorkerSpec) -> JournalHeader:
    return JournalHeader(
        token=spec.token,
        actor=spec.actor,
        role=spec.role,
        arm=spec.arm_index,
        scope=spec.scope,
        name=spec.name,
        pid=os.getpid(),
        origin_ns=spec.origin_ns,
        wall_ns=time.time_ns(),
    )


if __name__ == "__main__":
    sys.exit(main())
