"""What a consumer under test is given: a place in a group, connections that are listened to, and somewhere for effects.

Somebody's own consumer cannot be asked what it does, so it is heard. Its connections are redis-py clients that write
down what XREADGROUP, XAUTOCLAIM and XCLAIM bring and what XACK answers, alone or in a pipeline; its effects come
through `Seat.effect`, which is also where exact crashes strike. Nothing that it sends or gets is changed. What it did
over other connections would not be known, so an effect of a message that none of ours brought ends the trial in an
error: a count with holes in it is worse than none.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis

from harness.drivers.base import Delivery, EntryId, Names, Tombstone
from harness.drivers.client import RequestCounter, observe
from harness.drivers.entries import parse_id
from harness.drivers.replies import Fields, deliveries_of, rows_of
from harness.history.journal import EventKind, Journal
from harness.model.message import read_event
from harness.model.words import ContentCheck, CrashPointCode, ReceiveTag
from harness.stack.connect import open_client
from harness.trial.orders import Orders
from harness.trial.recorder import Recorder
from harness.trial.spec import WorkerSpec

_READS = frozenset({"XREADGROUP", "XAUTOCLAIM", "XCLAIM"})


class Stopped(SystemExit):
    """The consumer under test was told to end: raised where it would read on. No ``except Exception`` catches it."""


class Misuse(BaseException):
    """The consumer under test did what makes its counts worthless; no ``except Exception`` of its own hides it."""


class Seat:
    """One member's place in a consumer group."""

    def __init__(self, spec: WorkerSpec, recorder: Recorder, orders: Orders, effects: Journal) -> None:
        names = Names(spec.token, spec.arm_index)
        self.stream = names.destination
        """The stream to read from. Its entries have the fields id, orderId, eventType, data, timestamp, checksum."""
        self.group = names.group(spec.scope)
        """The consumer group. It exists."""
        self.name = spec.member or spec.name
        """This consumer's name in its group; whoever takes over from a dead one has its name."""
        self._names = names
        self._address = spec.address
        self._recorder = recorder
        self._counter = RequestCounter(recorder)
        self._orders = orders
        self._effects = effects
        self._received: dict[EntryId, Delivery] = {}
        self._latest: dict[tuple[int, int], Delivery] = {}
        self._connection: redis.Redis | None = None
        self._lock = threading.RLock()
        self.effects_made = 0

    def connect(self, **settings: Any) -> redis.Redis:
        """A ``redis.Redis`` for the server; ``settings`` are its keyword arguments, except for where the server is."""
        client = observe(open_client(self._address, **settings), self._counter)
        # What redis-py's own methods call is replaced in the object: its class, its retries and its replies stay.
        setattr(client, "execute_command", self._listening(client.execute_command))  # noqa: B010
        setattr(client, "pipeline", self._listening_pipelines(client.pipeline))  # noqa: B010
        return client

    @property
    def connection(self) -> redis.Redis:
        """A client with text replies and otherwise redis-py's defaults; always the same one."""
        if self._connection is None:
            self._connection = self.connect(decode_responses=True)
        return self._connection

    @property
    def received(self) -> int:
        """How many entries this process was handed."""
        return len(self._received)

    def effect(self, fields: Mapping[Any, Any]) -> None:
        """Have the effect of the message with these fields: whatever its processing is to leave behind in the world.

        It is recorded outside of this process, and counted. Call it where the real effect would happen.
        """
        with self._lock:
            read = read_event(_as_text(fields), token=self._names.token)
            delivery = self._latest.get((read.producer, read.sequence))
            if read.check is not ContentCheck.INTACT or delivery is None:
                raise Misuse(
                    "effect() was called for fields that no connection of the seat has brought to this process: hand "
                    "it the fields of the entry as they were read, and read through seat.connection or seat.connect()"
                )
            if read.is_sentinel:
                return
            self._die_at(CrashPointCode.BEFORE_EFFECT, delivery)
            self._note(self._effects, EventKind.EFFECT, delivery)
            self.effects_made += 1
            self._die_at(CrashPointCode.AFTER_EFFECT, delivery)

    def close(self) -> None:
        """Give up the connection that `connection` made."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _listening(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def execute_command(*words: Any, **options: Any) -> Any:
            if self._orders.stopped.is_set() and _verb(words) in _READS:
                raise Stopped(0)
            reply = call(*words, **options)
            self._hear(words, reply)
            return reply

        return execute_command

    def _listening_pipelines(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def pipeline(*arguments: Any, **options: Any) -> Any:
            made = make(*arguments, **options)
            inner = made.execute

            def execute(raise_on_error: bool = True) -> Any:
                asked = [command[0] for command in made.command_stack]
                replies = inner(raise_on_error)
                for words, reply in zip(asked, replies, strict=False):
                    self._hear(words, reply)
                return replies

            setattr(made, "execute", execute)  # noqa: B010
            return made

        return pipeline

    def _hear(self, words: Sequence[Any], reply: Any) -> None:
        """Write down what a command brought, before the caller gets it.

        Raises:
            Misuse: the reply has a shape that cannot be read; who goes on after that counts too little.
        """
        try:
            self._write_down(words, reply)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise Misuse(f"the reply to {_verb(words)} could not be read ({error}): {reply!r:.200}") from error

    def _write_down(self, words: Sequence[Any], reply: Any) -> None:
        with self._lock:
            match _verb(words):
                case "XREADGROUP":
                    fresh = _text(words[-1]) == ">"
                    tag = ReceiveTag.FRESH if fresh else ReceiveTag.OWN_PENDING
                    self._arrived(rows_of(reply), tag, 1 if fresh else 0)
                case "XAUTOCLAIM" if not _only_ids(words) and len(reply) > 1:
                    self._arrived(reply[1], ReceiveTag.CLAIMED, 0)
                case "XCLAIM" if not _only_ids(words):
                    self._arrived(reply, ReceiveTag.CLAIMED, 0)
                case "XACK":
                    self._acknowledged([_text(word) for word in words[3:]], reply)
                case _:
                    pass

    def _arrived(self, entries: Sequence[Any], tag: ReceiveTag, count: int) -> None:
        told = [(_text(entry), _as_text(fields) if fields else None) for entry, fields in entries if entry is not None]
        self._note_arrivals(told, tag, count)

    def _note_arrivals(self, entries: Sequence[tuple[str, Fields]], tag: ReceiveTag, count: int) -> None:
        connection = self._counter.connections
        for item in deliveries_of(entries, tag, names=self._names, connection=connection, counts=count):
            if isinstance(item, Tombstone):
                self._recorder.journal.write(EventKind.TOMBSTONE, t_ns=time.monotonic_ns(), entry=item.entry)
                continue
            self._received[item.entry] = self._latest[item.read.producer, item.read.sequence] = item
            self._recorder.journal.write(
                EventKind.RECEIVE,
                t_ns=time.monotonic_ns(),
                producer=item.read.producer,
                sequence=item.read.sequence,
                code=item.tag,
                detail=item.read.check,
                count=item.connection,
                entry=item.entry,
                value=item.delivery_count,
            )

    def _acknowledged(self, entries: Sequence[str], reply: Any) -> None:
        """XACK of several tells only how many were pending; they count as acknowledged where it was all of them."""
        whole = isinstance(reply, int) and reply == len(entries)
        for entry in entries:
            delivery = self._received.get(parse_id(entry))
            if delivery is not None:
                self._note(self._recorder.journal, EventKind.ACK, delivery, value=int(whole))
                if not delivery.read.is_sentinel:
                    self._die_at(CrashPointCode.AFTER_ACK, delivery)

    def _die_at(self, point: CrashPointCode, delivery: Delivery) -> None:
        if self._orders.crash_point is point:
            self._note(self._recorder.journal, EventKind.CRASHING, delivery, code=point)
            os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def _note(journal: Journal, kind: EventKind, delivery: Delivery, *, value: int = 0, code: int = 0) -> None:
        journal.write(
            kind,
            t_ns=time.monotonic_ns(),
            producer=delivery.read.producer,
            sequence=delivery.read.sequence,
            entry=delivery.entry,
            value=value,
            code=code,
        )


def _verb(words: Sequence[Any]) -> str:
    return _text(words[0]).upper() if words else ""


def _only_ids(words: Sequence[Any]) -> bool:
    return "JUSTID" in {_text(word).upper() for word in words}


def _text(word: Any) -> str:
    return word.decode(errors="replace") if isinstance(word, bytes) else str(word)


def _as_text(fields: Mapping[Any, Any]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in fields.items()}
