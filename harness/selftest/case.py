"""One history of the self-test: what is planted into it, and everything that must be found in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.history.table import write_history
from harness.model.words import Guarantee, Primitive, Verdict, merge_verdicts
from harness.selftest.book import Book
from harness.selftest.clean import build
from harness.selftest.doubt import Doubt
from harness.selftest.plant import Plant, added
from harness.selftest.setup import Setup

Counts = dict[str, int]
MESSAGES = 24
PRODUCERS = 2


@dataclass(frozen=True, slots=True)
class Planted:
    """A plant, and the message that it spoils."""

    what: Plant | Setup
    producer: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Expected:
    """Everything that must be found, per arm in the order of the scenario."""

    names: tuple[str, ...]
    clean: tuple[Counts, ...]
    changes: tuple[Counts, ...]
    """By how much which counts differ from the clean ones."""
    measured: Mapping[tuple[str, Guarantee], Verdict]
    verdict: Verdict
    told: tuple[re.Pattern[str], ...]
    """The weaknesses: each fits one sentence, and no sentence is left over."""
    worthless: tuple[int, ...]

    counted: tuple[tuple[int, str], ...]
    """(arm, count) that the classes planted are about, each once."""

    @property
    def planted(self) -> int:
        """How many instances are to be found: of what the classes count, or reasons to doubt the trial."""
        return sum(self.changes[arm][name] for arm, name in self.counted) if self.counted else len(self.told)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A history on disk, ready to be judged, and what must be found in it."""

    name: str
    history: Path
    expected: Expected


@dataclass(frozen=True, slots=True)
class Case:
    """What is planted into one trial. ``name`` is the violation class, or the round."""

    name: str
    seed: int
    arms: tuple[int, ...] = ()
    plants: tuple[Planted, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    control: bool = False

    def prepare(self, folder: Path) -> Prepared:
        """Write the spoilt trial into ``folder``, as a run would leave it."""
        control = self.control or any(doubt.control for doubt in self.doubts)
        book = build(messages=MESSAGES, producers=PRODUCERS, seed=self.seed, control=control)
        clean = tuple(clean_counts(book, arm) for arm in range(len(book.trial.scenario.arms)))
        finds: list[tuple[int, Mapping[str, int]]] = []
        for one in self.plants:
            if isinstance(one.what, Setup):
                one.what.alter(book)
            one.what.plant(book, producer=one.producer, sequence=one.sequence)
            finds.append((one.what.arm, one.what.finds))
        for doubt in self.doubts:
            finds += (doubt.plant(book) or {}).items()
        book.write(folder)
        for doubt in self.doubts:
            doubt.spoil_files(book, folder)
        measured = self._measured(book)
        expected = Expected(
            names=tuple(arm.name for arm in book.trial.scenario.arms),
            clean=clean,
            changes=tuple(added(*(found for of, found in finds if of == arm)) for arm in range(len(clean))),
            measured=measured,
            verdict=merge_verdicts([*measured.values(), *(doubt.verdict for doubt in self.doubts)]),
            told=tuple(re.compile(sentence) for doubt in self.doubts for sentence in doubt.told),
            worthless=tuple(arm for doubt in self.doubts for arm in doubt.worthless),
            counted=tuple(dict.fromkeys((arm, name) for arm, found in finds for name in _counted(found))),
        )
        return Prepared(self.name, write_history(folder), expected)

    def _measured(self, book: Book) -> dict[tuple[str, Guarantee], Verdict]:
        """What is measured of each guarantee: refuted, not refuted, or not to be concluded."""
        measured = {}
        for number, arm in enumerate(book.trial.scenario.arms):
            refuted = {one for plant in self.plants if plant.what.arm == number for one in plant.what.refutes}
            kept = {one for doubt in self.doubts for one in doubt.refutes.get(number, ())}
            for guarantee in Guarantee:
                if guarantee is Guarantee.DURABLE and arm.primitive is Primitive.PUBSUB:
                    continue
                striking = [one for one in self.doubts if number in one.arms and guarantee in one.spoils]
                if striking and guarantee not in kept:
                    verdict = merge_verdicts([doubt.verdict for doubt in striking])
                else:
                    verdict = Verdict.VIOLATED if guarantee in refuted | kept else Verdict.HELD
                measured[arm.name, guarantee] = verdict
        return measured


def _counted(finds: Mapping[str, int]) -> list[str]:
    """What a class is about: the first of its counts that goes up."""
    return [name for name, change in finds.items() if change > 0][:1]


def clean_counts(book: Book, arm: int) -> Counts:
    """What must be counted in the perfect trial, by arithmetic and not by the checker."""
    described = book.trial.scenario.arms[arm]
    sent = MESSAGES * PRODUCERS
    owed = sent * described.scopes
    counts = {"attempted": sent, "outcomes.acknowledged": sent, "wire_attempts": sent}
    counts |= {"owed": owed, "fates.delivered": owed}
    if described.primitive is Primitive.PUBSUB:
        return counts | {"publish.answers_sum": owed, "publish.received_sum": owed}
    return counts | {"log_entries": sent, "durability.in_log_with_effect": sent, "acknowledgement_calls": owed}
