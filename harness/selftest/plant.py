"""What a plant is: one violation of one message, and what a truthful checker must then find.

A `Plant` changes the notes of one message of one arm and states, worked out by hand, by how much which counts change
(``finds``) and which guarantees of that arm are refuted. Plants on different messages add up, so that they can be
combined at will; every count not named must stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from harness.history.journal import EventKind
from harness.model.words import Guarantee
from harness.selftest.book import Book, Note

CONSUMED = (EventKind.RECEIVE, EventKind.EFFECT, EventKind.ACK)
MOST = Guarantee.AT_MOST_ONCE
LEAST = Guarantee.AT_LEAST_ONCE
EFFECTIVELY = Guarantee.EFFECTIVELY_ONCE
DURABLE = Guarantee.DURABLE
ORDERED = Guarantee.ORDERED


class Place(Enum):
    """Which message of a producer's sequence a plant has to spoil."""

    FIRST = "first"
    MIDDLE = "middle"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Target:
    """The message that a plant spoils."""

    book: Book
    arm: int
    producer: int
    sequence: int

    @property
    def named(self) -> dict[str, int]:
        """The fields that pick this message's notes."""
        return {"arm": self.arm, "producer": self.producer, "sequence": self.sequence}

    def all(self, *kinds: EventKind, **wanted: int) -> list[Note]:
        """The message's notes, in order of time."""
        return self.book.notes(*kinds, **self.named, **wanted)

    def one(self, kind: EventKind, **wanted: int) -> Note:
        """The message's only note of a kind."""
        (note,) = self.all(kind, **wanted)
        return note

    def remove(self, *kinds: EventKind, **wanted: int) -> None:
        """Delete notes of the message.

        Raises:
            ValueError: there are none.
        """
        if not self.book.remove(*kinds, **self.named, **wanted):
            raise ValueError(f"message {self.named} has no {', '.join(kind.name for kind in kinds)} to remove")


@dataclass(frozen=True, slots=True)
class Plant:
    """One violation class of one arm."""

    name: str
    """The violation class, in words. Arms share it."""
    arm: int
    apply: Callable[[Target], None]
    finds: dict[str, int] = field(default_factory=dict)
    """Count (dotted) → by how much it differs from the clean trial."""
    refutes: frozenset[Guarantee] = frozenset()
    place: Place = Place.MIDDLE

    def plant(self, book: Book, *, producer: int, sequence: int) -> None:
        """Spoil one message; the reading of the log then comes to as many entries as the log has now."""
        self.apply(Target(book, self.arm, producer, sequence))
        read_log_again(book, self.arm)


def read_log_again(book: Book, arm: int) -> None:
    """The reading of the log comes to as many entries as the log has now."""
    for log_read in book.notes(EventKind.LOG_READ, arm=arm):
        log_read.value = len(book.notes(EventKind.LOG_ENTRY, arm=arm))


def added(*finds: Mapping[str, int]) -> dict[str, int]:
    """The sum of several changes; what comes to nothing is left out."""
    total: dict[str, int] = {}
    for one in finds:
        for name, change in one.items():
            total[name] = total.get(name, 0) + change
    return {name: change for name, change in total.items() if change}
