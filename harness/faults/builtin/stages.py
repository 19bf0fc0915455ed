"""What each toxic does to one direction of one connection, as a small machine that is told the time.

A stage is handed chunks while it has room, and asked what it has to pass on *now*. It does no I/O, starts no timer and
reads no clock, so a test can walk it through an hour in a microsecond. `harness.faults.builtin.link` puts stages in a
row and drives them.

Contract: what ``accept`` took comes out of ``take`` in the same order, or is discarded because that is what the toxic
does; ``release`` gives everything that is still held, in order, for the moment when the toxic goes. A stage holds at
most ``capacity`` chunks of `CHUNK_BYTES`.
"""

from __future__ import annotations

import random
from collections import deque
from typing import NamedTuple, assert_never

from harness.faults.builtin.toxics import (
    Bandwidth,
    Latency,
    LimitData,
    Noop,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
)

CHUNK_BYTES = 32 * 1024
"""The largest chunk, as in the real one."""
LATENCY_CHUNKS = 1025
"""How many chunks may be under way in a latency toxic: a queue of 1,024 and one in hand."""
MILLISECOND_NS = 1_000_000
MICROSECOND_NS = 1_000
_CATCH_UP_NS = 20 * MILLISECOND_NS
"""How much lateness of the timer a paced toxic makes good; more would be a burst after a pause."""
_BANDWIDTH_PIECE_MS = 100
"""A chunk that takes longer than this at the set rate is passed on in pieces that take this long each."""


class Chunk(NamedTuple):
    """Bytes, and when they arrived (or would have arrived, behind a latency), ns on the monotonic clock."""

    data: bytes
    arrived_ns: int


class Stage:
    """A toxic that is not acting: it passes everything on. The base of those that act."""

    capacity = 1

    def __init__(self, toxic: Toxic, now_ns: int) -> None:
        self.toxic = toxic
        self.held: deque[Chunk] = deque()
        self.input_ended = False
        self.began_ns = now_ns
        self.passed_bytes = 0
        """What a limit counts. Kept here because the count outlives updates, also those that spare the connection."""

    @property
    def has_room(self) -> bool:
        """Whether ``accept`` may be called."""
        return len(self.held) < self.capacity and not self.input_ended

    def accept(self, chunk: Chunk, now_ns: int) -> None:  # noqa: ARG002 - stages that keep time need it
        """Take a chunk in."""
        self.held.append(chunk)

    def end(self, now_ns: int) -> None:  # noqa: ARG002 - stages that keep time need it
        """Nothing more will come in."""
        self.input_ended = True

    def take(self, now_ns: int) -> Chunk | None:  # noqa: ARG002 - stages that keep time need it
        """The next chunk to pass on now, if any."""
        return self.held.popleft() if self.held else None

    def is_finished(self, now_ns: int) -> bool:  # noqa: ARG002 - stages that keep time need it
        """Whether the stage closes its output now."""
        return self.input_ended and not self.held

    def wake_at_ns(self, *, can_emit: bool) -> int | None:  # noqa: ARG002 - stages that keep time need it
        """When the stage wants to be asked again; ``can_emit`` says whether what follows has room."""
        return None

    def closes_on_removal(self) -> bool:
        """Whether removing the toxic closes the connection."""
        return False

    def is_beyond_update(self) -> bool:
        """Whether an update comes too late for this connection."""
        return False

    def release(self) -> list[Chunk]:
        """Everything still held, in order; the stage is empty afterwards."""
        chunks = list(self.held)
        self.held.clear()
        return chunks


class LatencyStage(Stage):
    """Passes each chunk on a while after it arrived, in order: one with a shorter delay waits for those before it."""

    capacity = LATENCY_CHUNKS

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: Latency, dice: random.Random) -> None:
        super().__init__(toxic, now_ns)
        self._settings = settings
        self._dice = dice
        self._due_ns: deque[int] = deque()

    def accept(self, chunk: Chunk, now_ns: int) -> None:
        super().accept(chunk, now_ns)
        self._due_ns.append(chunk.arrived_ns + self._delay_ms() * MILLISECOND_NS)

    def take(self, now_ns: int) -> Chunk | None:
        if not self.held or self._due_ns[0] > now_ns:
            return None
        return Chunk(self.held.popleft().data, self._due_ns.popleft())

    def wake_at_ns(self, *, can_emit: bool) -> int | None:
        return self._due_ns[0] if self._due_ns and can_emit else None

    def _delay_ms(self) -> int:
        jitter = self._settings.jitter
        spread = self._dice.randrange(-jitter, jitter) if jitter > 0 else 0
        return max(0, self._settings.latency + spread)


class BandwidthStage(Stage):
    """Passes data on no faster than the rate; at rate 0 holds it until the toxic goes."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: Bandwidth) -> None:
        super().__init__(toxic, now_ns)
        self._rate = settings.rate
        self._piece_began_ns = now_ns
        self._lateness_ns = 0

    def accept(self, chunk: Chunk, now_ns: int) -> None:
        if not self.held:
            self._piece_began_ns = now_ns - self._lateness_ns
        super().accept(chunk, now_ns)

    def take(self, now_ns: int) -> Chunk | None:
        due_ns = self._due_ns()
        if due_ns is None or due_ns > now_ns:
            return None
        chunk = self.held.popleft()
        piece, rest = chunk.data[: self._piece_bytes()], chunk.data[self._piece_bytes() :]
        self._lateness_ns = min(now_ns - due_ns, _CATCH_UP_NS)
        self._piece_began_ns = now_ns - self._lateness_ns
        if rest:
            self.held.appendleft(Chunk(rest, chunk.arrived_ns))
        return Chunk(piece, chunk.arrived_ns)

    def wake_at_ns(self, *, can_emit: bool) -> int | None:
        return self._due_ns() if can_emit else None

    def _piece_bytes(self) -> int:
        return self._rate * _BANDWIDTH_PIECE_MS

    def _due_ns(self) -> int | None:
        if not self.held or self._rate == 0:
            return None
        size = min(len(self.held[0].data), self._piece_bytes())
        return self._piece_began_ns + size * MILLISECOND_NS // self._rate


class TimeoutStage(Stage):
    """Discards what comes in; closes after an idle time, if one is set, and when the toxic goes."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: Timeout) -> None:
        super().__init__(toxic, now_ns)
        self._idle_limit_ns = max(0, settings.timeout) * MILLISECOND_NS
        self._last_data_ns = now_ns

    def accept(self, chunk: Chunk, now_ns: int) -> None:  # noqa: ARG002 - the chunk is what gets lost
        self._last_data_ns = now_ns

    def is_finished(self, now_ns: int) -> bool:
        closes_at_ns = self.wake_at_ns(can_emit=True)
        return self.input_ended or (closes_at_ns is not None and now_ns >= closes_at_ns)

    def wake_at_ns(self, *, can_emit: bool) -> int | None:  # noqa: ARG002 - closing needs no room
        return self._last_data_ns + self._idle_limit_ns if self._idle_limit_ns else None

    def closes_on_removal(self) -> bool:
        return True


class InactiveTimeoutStage(Stage):
    """A timeout toxic whose toxicity spared this connection. Its removal closes the connection all the same."""

    def closes_on_removal(self) -> bool:
        return True


class ResetPeerStage(Stage):
    """Closes a while after the first data or the end; the sockets are set so that closing resets."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: ResetPeer) -> None:
        super().__init__(toxic, now_ns)
        self._delay_ns = max(0, settings.timeout) * MILLISECOND_NS
        self._closes_at_ns: int | None = None

    @property
    def has_room(self) -> bool:
        return self._closes_at_ns is None

    def accept(self, chunk: Chunk, now_ns: int) -> None:  # noqa: ARG002 - the chunk is what gets lost
        self._start(now_ns)

    def end(self, now_ns: int) -> None:
        super().end(now_ns)
        self._start(now_ns)

    def is_finished(self, now_ns: int) -> bool:
        return self._closes_at_ns is not None and now_ns >= self._closes_at_ns

    def wake_at_ns(self, *, can_emit: bool) -> int | None:  # noqa: ARG002 - closing needs no room
        return self._closes_at_ns

    def closes_on_removal(self) -> bool:
        """A connection that has lost data already cannot be spared any more."""
        return self._closes_at_ns is not None

    def is_beyond_update(self) -> bool:
        return self._closes_at_ns is not None

    def _start(self, now_ns: int) -> None:
        if self._closes_at_ns is None:
            self._closes_at_ns = now_ns + self._delay_ns


class LimitDataStage(Stage):
    """Passes so many bytes on, then closes. The count survives an update of the limit."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: LimitData) -> None:
        super().__init__(toxic, now_ns)
        self._limit_bytes = settings.bytes
        self._exhausted = False

    def take(self, now_ns: int) -> Chunk | None:
        if not self.held:
            return None
        chunk = super().take(now_ns)
        assert chunk is not None
        allowed = max(0, self._limit_bytes - self.passed_bytes)
        data = chunk.data[:allowed]
        self.passed_bytes += len(data)
        self._exhausted = self.passed_bytes >= self._limit_bytes
        return Chunk(data, chunk.arrived_ns) if data else None

    def is_finished(self, now_ns: int) -> bool:
        return self._exhausted or super().is_finished(now_ns)


class SlowCloseStage(Stage):
    """Passes data on, and closes a while after its input has ended."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: SlowClose) -> None:
        super().__init__(toxic, now_ns)
        self._delay_ns = max(0, settings.delay) * MILLISECOND_NS
        self._closes_at_ns: int | None = None

    def end(self, now_ns: int) -> None:
        super().end(now_ns)
        self._closes_at_ns = now_ns + self._delay_ns

    def is_finished(self, now_ns: int) -> bool:
        return super().is_finished(now_ns) and self._closes_at_ns is not None and now_ns >= self._closes_at_ns

    def wake_at_ns(self, *, can_emit: bool) -> int | None:  # noqa: ARG002 - closing needs no room
        return self._closes_at_ns if not self.held else None


class SlicerStage(Stage):
    """Passes data on in small pieces with pauses between them."""

    def __init__(self, toxic: Toxic, now_ns: int, *, settings: Slicer, dice: random.Random) -> None:
        super().__init__(toxic, now_ns)
        self._settings = settings
        self._dice = dice
        self._sizes: deque[int] = deque()
        """Of the slices of the first held chunk that are still to come."""
        self._offset = 0
        self._next_ns = now_ns

    def accept(self, chunk: Chunk, now_ns: int) -> None:
        if not self.held:
            self._next_ns = max(self._next_ns, now_ns)
        super().accept(chunk, now_ns)

    def take(self, now_ns: int) -> Chunk | None:
        if not self.held or self._next_ns > now_ns:
            return None
        data, arrived_ns = self.held[0]
        if not self._sizes:
            self._sizes.extend(slice_sizes(len(data), self._settings, self._dice))
        start, self._offset = self._offset, self._offset + self._sizes.popleft()
        piece = data[start : self._offset]
        if not self._sizes:
            self.held.popleft()
            self._offset = 0
        self._next_ns = max(self._next_ns, now_ns - _CATCH_UP_NS) + max(0, self._settings.delay) * MICROSECOND_NS
        return Chunk(piece, arrived_ns)

    def wake_at_ns(self, *, can_emit: bool) -> int | None:
        return self._next_ns if self.held and can_emit else None

    def release(self) -> list[Chunk]:
        chunks = super().release()
        if self._offset:
            chunks[0] = Chunk(chunks[0].data[self._offset :], chunks[0].arrived_ns)
        self._sizes.clear()
        self._offset = 0
        return chunks


def slice_sizes(total: int, settings: Slicer, dice: random.Random) -> list[int]:
    """Sizes of the slices of ``total`` bytes: halved, at a point that varies, until near the average size."""
    variation = settings.size_variation
    whole, sizes = [total], []
    while whole:
        size = whole.pop()
        if size - settings.average_size <= variation:
            sizes.append(size)
            continue
        spread = dice.randrange(-variation, variation) if variation > 0 else 0
        left = min(max(size // 2 + spread, 1), size - 1)
        whole += [size - left, left]
    return sizes


def stage_for(toxic: Toxic, now_ns: int, *, acts: bool, dice: random.Random) -> Stage:
    """The stage of ``toxic`` on a connection that it acts on, or that its toxicity spares."""
    settings = toxic.attributes
    match settings:
        case Timeout() if not acts:
            return InactiveTimeoutStage(toxic, now_ns)
        case _ if not acts:
            return Stage(toxic, now_ns)
        case Noop():
            return Stage(toxic, now_ns)
        case Latency():
            return LatencyStage(toxic, now_ns, settings=settings, dice=dice)
        case Bandwidth():
            return BandwidthStage(toxic, now_ns, settings=settings)
        case Timeout():
            return TimeoutStage(toxic, now_ns, settings=settings)
        case ResetPeer():
            return ResetPeerStage(toxic, now_ns, settings=settings)
        case LimitData():
            return LimitDataStage(toxic, now_ns, settings=settings)
        case SlowClose():
            return SlowCloseStage(toxic, now_ns, settings=settings)
        case Slicer():
            return SlicerStage(toxic, now_ns, settings=settings, dice=dice)
        case _:
            assert_never(settings)
