"""Dense accounts: one array element per message, found by (producer, sequence) without sorting or hashing.

Each producer numbers its messages 0, 1, 2, …, so (producer, sequence) is an address: the producer's offset plus the
sequence. Ten million messages are then a handful of flat arrays, and counting is adding at addresses. What a record
claims is not trusted: an address that no producer ever attempted is a foreign one, and drain sentinels
(sequence >= `SENTINEL_BASE`) have no address at all.

    >>> index = MessageIndex.of_lengths({0: 3, 1: 2})
    >>> located = index.locate(np.array([1, 0, 7]), np.array([1, 2, 0]))
    >>> located.where.tolist(), located.rows.tolist(), located.foreign
    ([4, 2], [0, 1], 1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.model.errors import HarnessError, InvalidFileError
from harness.model.message import SENTINEL_BASE

Ints = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
Where = slice | Ints
Array = npt.NDArray[Any]

NEVER = int(np.iinfo(np.int64).max)
"""A moment that did not come: later than all others, and +∞ as a latency."""

MOST_HOLES = 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ProducerRange:
    """The addresses of one producer's messages: ``offset`` to ``offset + length``."""

    producer: int
    offset: int
    length: int

    @property
    def span(self) -> slice:
        """The addresses as a slice."""
        return slice(self.offset, self.offset + self.length)


@dataclass(frozen=True, slots=True)
class Located:
    """Which rows of a block are about attempted messages, and the addresses of those.

    Both are slices where the rows are consecutive messages, which makes everything that follows cheap.
    """

    where: Where
    rows: Where
    foreign: int
    """Rows about messages that were never attempted. Sentinels are neither here nor there."""

    @property
    def is_run(self) -> bool:
        """Whether the rows are consecutive messages: no address twice, and ascending."""
        return isinstance(self.where, slice)

    def pick(self, column: Array) -> Array:
        """The values of a block's column in the located rows."""
        return column[self.rows]

    def select(self, keep: Bools) -> Located:
        """Only the located rows for which ``keep`` (one value per located row) is true."""
        where, rows = self.expand()
        return Located(where[keep], rows[keep], self.foreign)

    def expand(self) -> tuple[Ints, Ints]:
        """Addresses and rows as arrays."""
        return _as_array(self.where), _as_array(self.rows)


@dataclass(frozen=True, slots=True)
class MessageIndex:
    """The addresses of an arm's messages. ``attempted`` marks the real ones; ``None``: all are."""

    ranges: tuple[ProducerRange, ...]
    attempted: Bools | None = None

    @classmethod
    def of_lengths(cls, lengths: Mapping[int, int]) -> MessageIndex:
        """The index for producers that attempted sequences 0 to their length."""
        ranges = []
        offset = 0
        for producer in sorted(lengths):
            ranges.append(ProducerRange(producer, offset, lengths[producer]))
            offset += lengths[producer]
        return cls(tuple(ranges))

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return sum(entry.length for entry in self.ranges)

    @property
    def count(self) -> int:
        """How many messages were attempted."""
        return self.size if self.attempted is None else int(np.count_nonzero(self.attempted))

    def restricted(self, attempted: Bools) -> MessageIndex:
        """The same addresses, of which only the ``attempted`` ones are real."""
        return replace(self, attempted=None if attempted.all() else attempted)

    def locate(self, producer: Ints, sequence: Ints) -> Located:
        """Find the messages that rows of ``producer`` and ``sequence`` name."""
        if not len(sequence):
            return Located(slice(0, 0), slice(0, 0), 0)
        if _is_single(producer):
            located = self._locate_of_one(int(producer[0]), sequence)
        else:
            located = self._locate_of_many(producer, sequence)
        return located if self.attempted is None else self._without_holes(located)

    def _locate_of_one(self, producer: int, sequence: Ints) -> Located:
        found = next((entry for entry in self.ranges if entry.producer == producer), None)
        if found is None:
            return Located(slice(0, 0), slice(0, 0), int(np.count_nonzero(sequence < SENTINEL_BASE)))
        if int(sequence.max()) < found.length:
            return _compact(sequence, found.offset, slice(0, len(sequence)), 0)
        rows = np.flatnonzero(sequence < found.length)
        foreign = int(np.count_nonzero(sequence < SENTINEL_BASE)) - len(rows)
        first = len(rows) and len(rows) == rows[-1] + 1
        return _compact(sequence[rows], found.offset, slice(0, len(rows)) if first else rows, foreign)

    def _locate_of_many(self, producer: Ints, sequence: Ints) -> Located:
        width = max((entry.producer for entry in self.ranges), default=-1) + 2
        offsets, lengths = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.int64)
        for entry in self.ranges:
            offsets[entry.producer], lengths[entry.producer] = entry.offset, entry.length
        row = np.minimum(producer.astype(np.int64), width - 1)
        rows = np.flatnonzero(sequence < lengths[row])
        foreign = int(np.count_nonzero(sequence < SENTINEL_BASE)) - len(rows)
        return Located(sequence[rows] + offsets[row[rows]], rows, foreign)

    def _without_holes(self, located: Located) -> Located:
        assert self.attempted is not None
        real = self.attempted[located.where]
        if real.all():
            return located
        kept = located.select(real)
        return replace(kept, foreign=located.foreign + int(np.count_nonzero(~real)))


def _is_single(column: Ints) -> bool:
    return column.strides == (0,) or bool((column == column[0]).all())


def _compact(sequence: Ints, offset: int, rows: Where, foreign: int) -> Located:
    """Addresses as a slice where the sequences are consecutive, else as an array."""
    if not len(sequence):
        return Located(slice(0, 0), slice(0, 0), foreign)
    first, last = int(sequence[0]), int(sequence[-1])
    if last - first == len(sequence) - 1 and bool((sequence[1:] > sequence[:-1]).all()):
        return Located(slice(offset + first, offset + last + 1), rows, foreign)
    return Located(sequence.astype(np.int64) + offset, rows, foreign)


def _as_array(where: Where) -> Ints:
    return np.arange(where.start, where.stop, dtype=np.int64) if isinstance(where, slice) else where


class Tally:
    """A count per address that starts with one byte each and grows when a count does not fit.

    ``total`` is kept beside, so that a wrong sum is noticed: see `check`.
    """

    def __init__(self, size: int) -> None:
        self.counts: Ints = np.zeros(size, dtype=np.uint8)
        self.total = 0

    def add(self, located: Located) -> None:
        """Add one at each located address, as often as it occurs."""
        where = located.where
        if isinstance(where, slice):
            self._make_room(int(self.counts[where].max(initial=0)) + 1)
            self.counts[where] += 1
            self.total += where.stop - where.start
            return
        if not len(where):
            return
        low, high = int(where.min()), int(where.max())
        if high - low < 4 * len(where):
            more = np.bincount(where - low, minlength=high - low + 1)
            part = slice(low, high + 1)
            self._make_room(int(more.max()) + int(self.counts[part].max()))
            self.counts[part] += more.astype(self.counts.dtype)
        else:
            places, more = np.unique(where, return_counts=True)
            self._make_room(int(more.max()) + int(self.counts[places].max()))
            self.counts[places] += more.astype(self.counts.dtype)
        self.total += len(where)

    def check(self, what: str) -> None:
        """Make sure that nothing was lost in counting.

        Raises:
            HarnessError: the counts do not add up to what was counted.
        """
        must_equal(int(self.counts.sum(dtype=np.int64)), self.total, what)

    def _make_room(self, highest: int) -> None:
        while highest > np.iinfo(self.counts.dtype).max:
            self.counts = self.counts.astype({1: np.uint16, 2: np.uint32, 4: np.uint64}[self.counts.dtype.itemsize])


def must_equal(left: int, right: int, what: str) -> None:
    """Stop when two ways to count the same thing disagree: a wrong number must never be shown.

    Raises:
        HarnessError: they disagree.
    """
    if left != right:
        raise HarnessError(f"internal account does not add up: {what}: {left} != {right}", fix="please report this")


def lengths_of(highest: Mapping[int, int], rows: Mapping[int, int]) -> dict[int, int]:
    """Each producer's number of addresses, from its highest sequence and its number of records.

    Raises:
        InvalidFileError: a sequence is so far beyond the number of records that the journal cannot be right.
    """
    for producer, top in highest.items():
        if top + 1 > MOST_HOLES * rows[producer] + 65_536:
            raise InvalidFileError(
                f"producer {producer} attempted sequence {top} but journalled only {rows[producer]} attempts",
                fix="the history is damaged: run the trial again",
            )
    return {producer: top + 1 for producer, top in highest.items()}


def count_codes(codes: Array, size: int) -> list[int]:
    """How often each of 0 to ``size - 1`` occurs; other values are not counted."""
    if not len(codes):
        return [0] * size
    low, high = int(codes.min()), int(codes.max())
    return [int(np.count_nonzero(codes == code)) if low < high else len(codes) * (code == low) for code in range(size)]


def chunks(size: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most a million addresses, so that temporaries stay small."""
    for begin in range(0, size, _CHUNK):
        yield begin, min(size, begin + _CHUNK)


def first_wins(target: Array, located: Located, values: Array, *, earlier: Callable[[Array, Array], Bools]) -> Located:
    """Write ``values`` where they are ``earlier(values, target)`` than what is there; the rows that won.

    Among rows of one address the first wins, since numpy keeps the last write and they are written backwards.
    """
    current = target[located.where]
    better = earlier(values, current)
    if located.is_run and bool(better.all()):
        target[located.where] = values
        return located
    where, rows = located.expand()
    winners = np.flatnonzero(better)[::-1]
    target[where[winners]] = values[winners]
    return Located(where[winners], rows[winners], located.foreign)
