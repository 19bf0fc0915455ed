"""Builds a trial's folder without running one: every record a perfect trial would leave, ready to be spoilt.

`build` simulates one Pub/Sub arm (two subscribers) and two Streams arms (fan-out to two groups; one group shared by
three consumers) through a `hold` of the consumers' link: nothing is lost, what the outage delays arrives after it, in
order. The result is a `Book` of notes, one per journal record, which `planting` alters before `Book.write` turns it
into ``trial.json``, ``facts.json`` and journals::

    book = build(messages=40, seed=7)
    book.write(folder)
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from harness.history.journal import BarrierPart, EventKind, Journal, JournalHeader
from harness.model.message import SENTINEL_BASE
from harness.model.results import TrialEnvironment, TrialFacts
from harness.model.values import Arm, Expectation, FaultPlan, Scenario, Timeline, Trial, Workload
from harness.model.words import (
    FaultModel,
    Guarantee,
    LinkRole,
    OutcomeCode,
    Phase,
    Primitive,
    ProbeResult,
    ReceiveTag,
    StackKind,
    Stance,
    Topology,
)

MICROSECOND = 1_000
MILLISECOND = 1_000_000
ORIGIN_NS = 7_000_000_000_000
PUBSUB, FAN_OUT, QUEUE = 0, 1, 2
"""Indexes of the arms."""
PHASES_MS = {Phase.WARM_UP: 100, Phase.STEADY: 400, Phase.FAULT: 1_000, Phase.RECOVERY: 1_600, Phase.DRAIN: 2_400}
END_MS = 3_200
FIRST_SEND_MS, LAST_SEND_MS = 110, 2_390
INJECT_NS = ORIGIN_NS + 1_001 * MILLISECOND
HEAL_NS = ORIGIN_NS + 1_601 * MILLISECOND
OBSERVED_FROM_NS = INJECT_NS + 5 * MILLISECOND
OBSERVED_TO_NS = HEAL_NS + 2 * MILLISECOND
ENTRY_BASE_MS = 1_700_000_000_000
TOKEN = "5eed5eed"


@dataclass(slots=True)
class Note:
    """One journal record that is to be written; the fields are those of `Journal.write`."""

    kind: EventKind
    t_ns: int
    arm: int
    scope: int
    actor: int
    producer: int = 0
    sequence: int = 0
    code: int = 0
    count: int = 0
    detail: int = 0
    aux_ns: int = 0
    entry: tuple[int, int] = (0, 0)
    value: int = 0

    @property
    def message(self) -> tuple[int, int]:
        """Which message of its arm the note speaks of."""
        return (self.producer, self.sequence)


@dataclass(slots=True)
class Pages:
    """One journal: its header and its notes."""

    header: JournalHeader
    notes: list[Note] = field(default_factory=list)
    keep_order: bool = False
    """Write the notes as they stand instead of in order of time."""


@dataclass(slots=True)
class Book:
    """All journals of one trial, in memory."""

    trial: Trial
    facts: TrialFacts | None
    journals: dict[str, Pages] = field(default_factory=dict)

    def notes(self, *kinds: EventKind, **wanted: object) -> list[Note]:
        """Every note of one of ``kinds`` (all, when none is named) whose fields have the wanted values."""
        found = [note for pages in self.journals.values() for note in pages.notes if _matches(note, kinds, wanted)]
        return sorted(found, key=lambda note: note.t_ns)

    def remove(self, *kinds: EventKind, **wanted: object) -> int:
        """Delete the notes that `notes` would find; how many there were."""
        removed = 0
        for pages in self.journals.values():
            kept = [note for note in pages.notes if not _matches(note, kinds, wanted)]
            removed += len(pages.notes) - len(kept)
            pages.notes = kept
        return removed

    def add_beside(self, beside: Note, note: Note) -> None:
        """Put ``note`` into the journal that holds ``beside``."""
        self.pages_of(beside).notes.append(note)

    def repeat(self, original: Note, *, after_ns: int, **changes: object) -> Note:
        """Write ``original`` once more, ``after_ns`` later and with some fields changed."""
        again = replace(original, t_ns=original.t_ns + after_ns, **changes)  # type: ignore[arg-type]  # named by tests
        self.add_beside(original, again)
        return again

    def pages_of(self, note: Note) -> Pages:
        """The journal that holds ``note``."""
        return next(pages for pages in self.journals.values() if any(one is note for one in pages.notes))

    def sequences(self, arm: int, producer: int) -> list[int]:
        """What this producer attempted, sentinels excluded."""
        attempts = self.notes(EventKind.ATTEMPT, arm=arm, producer=producer)
        return [note.sequence for note in attempts if note.sequence < SENTINEL_BASE]

    def write(self, folder: Path) -> Path:
        """Write the trial's folder and return it."""
        (folder / "journals").mkdir(parents=True, exist_ok=True)
        (folder / "trial.json").write_text(self.trial.model_dump_json(indent=2))
        if self.facts is not None:
            (folder / "facts.json").write_text(self.facts.model_dump_json(indent=2))
        for name, pages in self.journals.items():
            _write_pages(folder / "journals" / f"{name}.journal", pages)
        return folder


def _matches(note: Note, kinds: tuple[EventKind, ...], wanted: dict[str, object]) -> bool:
    return (not kinds or note.kind in kinds) and all(getattr(note, name) == value for name, value in wanted.items())


def _write_pages(path: Path, pages: Pages) -> None:
    notes = pages.notes if pages.keep_order else sorted(pages.notes, key=lambda note: note.t_ns)
    Journal.create(path, pages.header).close()
    # Records of an effects journal carry the consumer that wrote them, so each is appended under its own actor.
    writers: dict[int, Journal] = {}
    for note in notes:
        if note.actor not in writers:
            writers[note.actor] = Journal.join(path, actor=note.actor, arm=note.arm, scope=note.scope)
        writers[note.actor].write(
            note.kind,
            t_ns=note.t_ns,
            producer=note.producer,
            sequence=note.sequence,
            code=note.code,
            count=note.count,
            detail=note.detail,
            aux_ns=note.aux_ns,
            entry=note.entry,
            value=note.value,
            arm=note.arm,
            scope=note.scope,
        )
    for writer in writers.values():
        writer.close()


# ---------------------------------------------------------------------------------------------- the perfect trial


def make_trial(*, producers: int = 2, seed: int = 1, control: bool = False) -> Trial:
    """The plan: every guarantee is required of every arm, so that a clause's verdict is what was measured."""
    arms = (
        Arm(name="pubsub", primitive=Primitive.PUBSUB, driver="pubsub", topology=Topology.FAN_OUT),
        Arm(name="stream-fan-out", primitive=Primitive.STREAMS, driver="stream_group", topology=Topology.FAN_OUT),
        Arm(
            name="stream-queue",
            primitive=Primitive.STREAMS,
            driver="stream_group",
            topology=Topology.WORK_QUEUE,
            scopes=1,
            consumers_per_scope=3,
        ),
    )
    scenario = Scenario(
        name="synthetic",
        family="synthetic",
        question="What does the checker see in a history whose faults are known?",
        mechanism="none: the journals are made up",
        arms=tuple(arm.model_copy(update={"producers": producers}) for arm in arms),
        workload=Workload(rate_per_s=50),
        timeline=Timeline(warm_up_s=0.3, steady_s=0.6, outage_s=0.6, recovery_s=0.8),
        faults=() if control else (FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS),),
        expectations=tuple(
            Expectation(arm=arm.name, guarantee=guarantee, stance=Stance.REQUIRED)
            for arm in arms
            for guarantee in Guarantee
            if arm.primitive is Primitive.STREAMS or guarantee is not Guarantee.DURABLE
        ),
    )
    return Trial(run_id="synthetic", token=TOKEN, scenario=scenario, seed=seed, index=0)


def make_facts() -> TrialFacts:
    """What the conductor would have said of a complete trial."""
    environment = TrialEnvironment(
        stack=StackKind.LOCAL,
        server="synthetic 1.0",
        proxy_engine="none",
        client="none",
        python="3.11",
        platform="none",
        cpu_count=1,
    )
    return TrialFacts(environment=environment, status="complete", evidence=("pings stopped and came back",))


def build(*, messages: int = 40, producers: int = 2, seed: int = 1, control: bool = False) -> Book:
    """A perfect trial: ``messages`` per producer and arm."""
    book = Book(make_trial(producers=producers, seed=seed, control=control), make_facts())
    conductor = _open(book, "conductor", actor=0, arm=0, scope=-1, role="conductor")
    actors = count(1)
    _conduct(conductor, control=control)
    for index, arm in enumerate(book.trial.scenario.arms):
        _ArmScript(book, index, arm, actors=actors, control=control).play(messages, random.Random(seed * 31 + index))
    return book


def _open(book: Book, name: str, *, actor: int, arm: int, scope: int, role: str) -> Pages:
    header = JournalHeader(
        token=TOKEN,
        actor=actor,
        role=role,  # type: ignore[arg-type]  # one of the roles, as the callers here spell them
        arm=arm,
        scope=scope,
        name=name,
        pid=1000 + actor,
        origin_ns=ORIGIN_NS,
        wall_ns=1_700_000_000_000_000_000,
    )
    book.journals[name] = Pages(header)
    return book.journals[name]


def _conduct(pages: Pages, *, control: bool) -> None:
    """Phases, the fault and the sentinel's probes of both links."""

    def note(kind: EventKind, t_ns: int, **values: int) -> None:
        pages.notes.append(Note(kind, t_ns, 0, -1, 0, **values))  # type: ignore[arg-type]  # integers only

    for number, begin_ms in enumerate((*PHASES_MS.values(), END_MS)):
        note(EventKind.PHASE, ORIGIN_NS + begin_ms * MILLISECOND, code=number)
    if not control:
        note(EventKind.INJECT, INJECT_NS, aux_ns=INJECT_NS + MILLISECOND)
        note(EventKind.EFFECT_OBSERVED, OBSERVED_FROM_NS)
        note(EventKind.HEAL, HEAL_NS, aux_ns=HEAL_NS + MILLISECOND)
        note(EventKind.HEAL_OBSERVED, OBSERVED_TO_NS)
    for link in range(len(LinkRole)):
        for t_ns in range(ORIGIN_NS + 50 * MILLISECOND, ORIGIN_NS + PHASES_MS[Phase.DRAIN] * MILLISECOND, 20_000_000):
            struck = link == list(LinkRole).index(LinkRole.CONSUMERS) and INJECT_NS < t_ns < HEAL_NS and not control
            result = ProbeResult.SILENT if struck else ProbeResult.ANSWERED
            note(EventKind.PROBE, t_ns, aux_ns=0 if struck else t_ns + 200_000, code=result, detail=link, count=1)
    note(EventKind.BARRIER, ORIGIN_NS + 2_410 * MILLISECOND, code=BarrierPart.PRODUCERS_DONE, value=1)


class _ArmScript:
    """Plays one arm: who sends what when, and who receives it."""

    def __init__(self, book: Book, index: int, arm: Arm, *, actors: Iterator[int], control: bool) -> None:
        self.book, self.index, self.arm, self.control = book, index, arm, control
        self.is_stream = arm.primitive is Primitive.STREAMS
        self.conductor = book.journals["conductor"]
        self.effects = _open(book, f"effects-{index}", actor=next(actors), arm=index, scope=-1, role="effects")
        self.consumers = [
            [
                _open(
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
            _open(book, f"producer-{index}-{number}", actor=next(actors), arm=index, scope=-1, role="producer")
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

    def _conduct(self, kind: EventKind, t_ns: int, *, scope: int = -1, **values: object) -> None:
        self.conductor.notes.append(Note(kind, t_ns, self.index, scope, 0, **values))  # type: ignore[arg-type]  # fields

    def _write(self, pages: Pages, kind: EventKind, t_ns: int, **values: object) -> None:
        header = pages.header
        note = Note(kind, t_ns, self.index, header.scope, header.actor, **values)  # type: ignore[arg-type]  # fields
        pages.notes.append(note)
