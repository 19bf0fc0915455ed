"""What makes a trial unbelievable: a fault nobody saw, a drain that did not end, two processes with one number.

A `Doubt` alters a whole trial. It states which sentences must then stand among the weaknesses (each a regular
expression that matches a whole sentence), of which arms no clause may be concluded, and what changes in the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.words import Guarantee, Verdict
from harness.selftest.book import Book
from harness.selftest.moments import FAN_OUT, PUBSUB, QUEUE

Finds = Mapping[int, Mapping[str, int]]
"""Per arm, by how much which counts change."""
ALL_ARMS = (PUBSUB, FAN_OUT, QUEUE)


def leave_files(_book: Book, _folder: Path) -> None:
    """Nothing happens to what was written."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason not to believe a trial."""

    name: str
    plant: Callable[[Book], Finds | None]
    told: tuple[str, ...]
    verdict: Verdict = Verdict.INCONCLUSIVE
    arms: tuple[int, ...] = ALL_ARMS
    """Of which arms every clause gets that verdict."""
    spoils: frozenset[Guarantee] = frozenset(Guarantee)
    """Which clauses."""
    refutes: Mapping[int, frozenset[Guarantee]] = field(default_factory=dict)
    """What is refuted all the same: something was seen that must not be."""
    worthless: tuple[int, ...] = ()
    """Of which arms no count means anything any more."""
    combines: bool = False
    """Whether the counts stay as they are, so that it can be planted beside violations."""
    control: bool = False
    """Whether it is planted into a trial without a fault."""
    spoil_files: Callable[[Book, Path], None] = leave_files
    """What happens to the folder after the trial was written."""
