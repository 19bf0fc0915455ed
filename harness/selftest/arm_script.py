"""Plays one arm of the perfect trial: who sends what when, and who receives it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from harness.history.journal import BarrierPart, EventKind, JournalHeader, Role
from harness.model.message import SENTINEL_BASE
from harness.model.values import Arm
from harness.model.words import OutcomeCode, Primitive, ReceiveTag
from harness.selftest.book import Book, Note, Pages
from harness.selftest.moments import (
    ENTRY_BASE_MS,
    FIRST_SEND_MS,
    HEAL_NS,
    INJECT_NS,
    LAST_SEND_MS,
    MICROSECOND,
    MILLISECOND,
    ORIGIN_NS,
    TOKEN,
)


def open_pages(book: Book, name: str, *, actor: int, arm: int, scope: int, role: Role) -> Pages:
    header = JournalHeader(
        token=TOKEN,
        actor=actor,
        role=role,
        arm=arm,
        scope=scope,
        name=name,
        pid=1000 + actor,
        origin_ns=ORIGIN_NS,
        wall_ns=1_700_000_000_000_000_000,
    )
    book.journals[name] = Pages(header)
    return book.journals[name]


class ArmScript:
    """Plays one arm: who sends what when, and who receives it."""

    def __init__(self, book: Book, index: int, arm: Arm, *, actors: Iterator[int], control: bool) -> None:
        self.book, self.index, self.arm, self.control = book, index, arm, control
        self.is_stream = arm.primitive is Primitive.STREAMS
        self.conductor = book.journals["conductor"]
        self.effects = open_pages(book, f"effects-{index}", actor=next(actors), arm=index, scope=-1, role="effects")
        self.consumers = [
            [
                open_pages(
                    book,
                    f"consumer-{index}-{scope}-{name}",
                    actor=next(actors),
                    arm=index,
                    scope=scope,
                    role="consumer",
                )
                for name in range(arm.consumers_per_scope)
            ]
            for scope in range(arm.scopes)
        ]
        self.producers = [
            open_pages(book, f"producer-{index}-{number}", actor=next(actors), arm=index, scope=-1, role="producer")
            for number in range(arm.producers)
        ]
        self.busy_until = [0] * arm.scopes
        self.entries: list[tuple[tuple[int, int], tuple[int, int]]] = []

    def play(self, messages: int, draw: random.Random) -> None:
        """The whole trial of this arm, from READY to the server's account."""
        self._begin()
        span_us = (LAST_SEND_MS - FIRST_SEND_MS) * 1_000
        times = sorted(draw.sample(range(0, span_us, 50), messages * self.arm.producers))
        turns = [number for number in range(self.arm.producers) for _ in range(messages)]
        draw.shuffle(turns)
        sequences = [0] * self.arm.producers
        for offset_us, producer in zip(times, turns, strict=True):
            intended = ORIGIN_NS + FIRST_SEND_MS * MILLISECOND + offset_us * MICROSECOND
            self._pass_on(producer, sequences[producer], intended)
            sequences[producer] += 1
        for producer in range(self.arm.producers):
            self._pass_on(producer, SENTINEL_BASE, ORIGIN_NS + (2_420 + producer) * MILLISECOND)
        self._end(messages)
        self._account()

    def _begin(self) -> None:
        begin = ORIGIN_NS + 20 * MILLISECOND
        for scope, members in enumerate(self.consumers):
            if self.is_stream:
                self._conduct(EventKind.GROUP_START, begin - MILLISECOND, scope=scope)
            for pages in members:
                self._write(pages, EventKind.CONNECTED, begin, count=1)
                self._write(pages, EventKind.SUBSCRIBED, begin + MILLISECOND, count=1)
                self._write(pages, EventKind.READY, begin + 2 * MILLISECOND)
        for pages in self.producers:
            self._write(pages, EventKind.CONNECTED, begin, count=1)
            self._write(pages, EventKind.READY, begin + 2 * MILLISECOND)

    def _pass_on(self, producer: int, sequence: int, intended: int) -> None:
        """One message: attempted, acknowledged, received by every scope."""
        send, answer = intended + 10 * MICROSECOND, -1 if self.is_stream else self.arm.scopes
        entry = (ENTRY_BASE_MS + send // MILLISECOND, send % MILLISECOND) if self.is_stream else (0, 0)
        named = {"producer": producer, "sequence": sequence}
        pages = self.producers[producer]
        self._write(pages, EventKind.ATTEMPT, send, aux_ns=intended, value=intended, **named)
        code = OutcomeCode.ACKNOWLEDGED
        done = send + 35 * MICROSECOND
        self._write(pages, EventKind.OUTCOME, done, code=code, count=1, value=answer, entry=entry, **named)
        if self.is_stream:
            self.entries.append((entry, (producer, sequence)))
        for scope, members in enumerate(self.consumers):
            self._receive(scope, members[len(self.entries) % len(members)], send, entry, named)

    def _receive(self, scope: int, pages: Pages, send: int, entry: tuple[int, int], named: dict[str, int]) -> None:
        arrival = send + (20 + scope) * MICROSECOND
        if not self.control and INJECT_NS <= arrival < HEAL_NS + MILLISECOND:
            arrival = HEAL_NS + MILLISECOND
        arrival = max(arrival, self.busy_until[scope] + 11 * MICROSECOND)
        self.busy_until[scope] = arrival
        tag = ReceiveTag.FRESH if self.is_stream else ReceiveTag.PUSH
        self._write(pages, EventKind.RECEIVE, arrival, code=tag, count=1, entry=entry, **named)
        actor = pages.header.actor
        self.effects.notes.append(
            Note(EventKind.EFFECT, arrival + 3 * MICROSECOND, self.index, scope, actor, entry=entry, **named)
        )
        if self.is_stream:
            self._write(pages, EventKind.ACK, arrival + 6 * MICROSECOND, value=1, entry=entry, **named)

    def _end(self, messages: int) -> None:
        for pages in self.producers:
            self._write(pages, EventKind.END, ORIGIN_NS + 2_405 * MILLISECOND, value=messages)
            self._write(pages, EventKind.CPU, ORIGIN_NS + 2_500 * MILLISECOND, value=MILLISECOND)
        for scope, members in enumerate(self.consumers):
            self._barrier(BarrierPart.SENTINELS_SEEN, 2_450, scope)
            for pages in members:
                self._write(pages, EventKind.END, ORIGIN_NS + 2_900 * MILLISECOND, value=messages)
                self._write(pages, EventKind.CPU, ORIGIN_NS + 2_901 * MILLISECOND, value=MILLISECOND)

    def _account(self) -> None:
        """The log and the groups, as the conductor reads them after the drain."""
        if not self.is_stream:
            return
        now = ORIGIN_NS + 3_000 * MILLISECOND
        for scope in range(self.arm.scopes):
            self._barrier(BarrierPart.CAUGHT_UP, 2_500, scope)
            self._barrier(BarrierPart.PENDING_SETTLED, 2_600, scope)
            self._conduct(EventKind.GROUP, now + 100 * MILLISECOND, scope=scope, entry=self.entries[-1][0])
        for number, (entry, (producer, sequence)) in enumerate(self.entries):
            moment = now + number * MICROSECOND
            self._conduct(EventKind.LOG_ENTRY, moment, entry=entry, producer=producer, sequence=sequence)
        end = now + 110 * MILLISECOND
        self._conduct(EventKind.LOG_READ, end, value=len(self.entries), aux_ns=100_000)
        self._conduct(EventKind.BARRIER, end, code=BarrierPart.LOG_READ, value=1)

    def _barrier(self, part: BarrierPart, at_ms: int, scope: int) -> None:
        self._conduct(EventKind.BARRIER, ORIGIN_NS + at_ms * MILLISECOND, scope=scope, code=part, value=1)

    def _conduct(self, kind: EventKind, t_ns: int, *, scope: int = -1, **values: Any) -> None:
        self.conductor.notes.append(Note(kind, t_ns, self.index, scope, 0, **values))

    def _write(self, pages: Pages, kind: EventKind, t_ns: int, **values: Any) -> None:
        header = pages.header
        note = Note(kind, t_ns, self.index, header.scope, header.actor, **values)
        pages.notes.append(note)
