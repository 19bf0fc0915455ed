"""One direction of one connection: from a source, through the stages of its toxics, to a sink.

Without a toxic, bytes go straight from the source's read to the sink's write. With toxics they are cut into chunks that
walk through the stages, one per toxic in the order in which the toxics were added, driven by one timer.

Contract: bytes leave in the order in which they came, none twice, and none is lost unless a toxic discards it or the
sink is gone. What is held is bounded by the stages' capacity plus one read: the source is paused beyond that. Adding,
updating or removing a toxic acts before the call returns and never loses or reorders what is held.

The end of the source is the end of the sink in the end: when everything before it has been passed on, the sink is
closed for both directions, as the real one does. A half-closed connection does not stay half-closed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.faults.builtin.stages import CHUNK_BYTES, Chunk, Stage, stage_for
from harness.faults.builtin.toxics import Toxic


class Source(Protocol):
    """Where bytes come from. Both calls may be repeated, and do nothing once the source has ended."""

    def pause(self) -> None:
        """Read no more for now."""

    def resume(self) -> None:
        """Read on."""


class Sink(Protocol):
    """Where bytes go."""

    @property
    def is_writable(self) -> bool:
        """Whether the kernel has taken everything written so far."""

    def write(self, data: bytes) -> None:
        """Send ``data``."""

    def close(self) -> None:
        """Close both directions. Called at most once, when the sink is writable."""


class Alarm(Protocol):
    """A timer that has been set."""

    def cancel(self) -> None:
        """Unset it."""


class Clock(Protocol):
    """The time, and timers."""

    def now_ns(self) -> int:
        """Now, ns on a monotonic clock."""

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Alarm:
        """Call ``callback`` at ``when_ns``."""


class Link:
    """See the module's docstring."""

    def __init__(self, *, source: Source, sink: Sink, clock: Clock, dice: random.Random) -> None:
        self.received_bytes = 0
        self.sent_bytes = 0
        self._source = source
        self._sink = sink
        self._clock = clock
        self._dice = dice
        self._incoming: deque[Chunk] = deque()
        self._stages: list[Stage] = []
        self._outgoing: deque[Chunk] = deque()
        self._input_ended = False
        self._end_admitted = False
        """The end has gone into the first stage, or a stage has closed and nothing before it matters."""
        self._output_ended = False
        self._done = False
        self._alarm: Alarm | None = None
        self._alarm_ns = 0

    @property
    def is_done(self) -> bool:
        """Whether the sink has been closed or lost."""
        return self._done

    # What the two connections tell.

    def receive(self, data: bytes) -> None:
        """The source has read ``data``."""
        self.received_bytes += len(data)
        if self._done or self._end_admitted:
            return
        if not (self._stages or self._incoming or self._outgoing):
            self._write(data)
            if not self._sink.is_writable:
                self._source.pause()
            return
        now_ns = self._clock.now_ns()
        self._incoming.extend(
            Chunk(data[start : start + CHUNK_BYTES], now_ns) for start in range(0, len(data), CHUNK_BYTES)
        )
        self.pump()

    def source_ended(self) -> None:
        """The source will read nothing more: its peer closed, or it is gone."""
        if not self._input_ended:
            self._input_ended = True
            self.pump()

    def sink_lost(self) -> None:
        """The sink is gone, and everything still under way with it."""
        self._done = True
        self._incoming.clear()
        self._outgoing.clear()
        self._stages.clear()
        self._cancel_alarm()
        self._source.pause()

    # What the proxy tells.

    def begin(self, toxics: Sequence[Toxic]) -> None:
        """Put the toxics of a new connection in place, all of them, and only then read: what its client has sent
        already must not pass by those that would come a moment later."""
        self._stages.extend(self._new_stage(toxic) for toxic in toxics)
        self.pump()

    def add(self, toxic: Toxic) -> None:
        """Put ``toxic`` behind the toxics that are there."""
        if self._done or self._output_ended:
            return
        self._stages.append(self._new_stage(toxic))
        self.pump()

    def update(self, toxic: Toxic) -> None:
        """Begin again with ``toxic``'s new attributes and toxicity; what it holds is held on under the new ones."""
        index = self._index_of(toxic)
        if index is None or self._stages[index].is_beyond_update():
            return
        old, new = self._stages[index], self._new_stage(toxic)
        new.passed_bytes = old.passed_bytes
        now_ns = self._clock.now_ns()
        for chunk in old.release():
            new.accept(chunk, now_ns)
        if old.input_ended:
            new.end(now_ns)
        self._stages[index] = new
        self.pump()

    def remove(self, toxic: Toxic) -> None:
        """Take ``toxic`` out: what it holds goes on at once, or the connection closes if that is how it heals."""
        index = self._index_of(toxic)
        if index is None:
            return
        now_ns = self._clock.now_ns()
        if self._stages[index].closes_on_removal():
            self._close_after(index, now_ns)
        else:
            stage = self._stages.pop(index)
            for chunk in stage.release():
                self._hand_to(index, chunk, now_ns)
            if stage.input_ended:
                self._end_into(index, now_ns)
        self.pump()

    # The machine.

    def pump(self) -> None:
        """Move everything that can move now, then set the timer and the source's reading for the rest."""
        if self._done:
            return
        now_ns = self._clock.now_ns()
        # Each turn moves at least one of finitely many chunks or ends one of finitely many stages.
        while self._flush() | self._advance(now_ns) | self._admit(now_ns):
            pass
        if self._output_ended and not self._outgoing and self._sink.is_writable:
            self._done = True
            self._cancel_alarm()
            self._sink.close()
            return
        self._set_alarm(now_ns)
        self._set_reading()

    def _flush(self) -> bool:
        moved = False
        while self._outgoing and self._sink.is_writable:
            self._write(self._outgoing.popleft().data)
            moved = True
        return moved

    def _advance(self, now_ns: int) -> bool:
        moved = False
        index = len(self._stages) - 1
        while index >= 0:
            stage = self._stages[index]
            while self._has_room(index + 1) and (chunk := stage.take(now_ns)) is not None:
                self._hand_to(index + 1, chunk, now_ns)
                moved = True
            if stage.is_finished(now_ns):
                self._close_after(index, now_ns)
                return True
            index -= 1
        return moved

    def _admit(self, now_ns: int) -> bool:
        moved = False
        while self._incoming and self._has_room(0):
            self._hand_to(0, self._incoming.popleft(), now_ns)
            moved = True
        if self._input_ended and not self._incoming and not self._end_admitted:
            self._end_admitted = True
            self._end_into(0, now_ns)
            moved = True
        return moved

    def _has_room(self, index: int) -> bool:
        if index < len(self._stages):
            return self._stages[index].has_room
        return self._sink.is_writable and not self._outgoing

    def _hand_to(self, index: int, chunk: Chunk, now_ns: int) -> None:
        if index < len(self._stages):
            self._stages[index].accept(chunk, now_ns)
        elif self._sink.is_writable and not self._outgoing:
            self._write(chunk.data)
        else:
            self._outgoing.append(chunk)

    def _end_into(self, index: int, now_ns: int) -> None:
        if index < len(self._stages):
            self._stages[index].end(now_ns)
        else:
            self._output_ended = True

    def _close_after(self, index: int, now_ns: int) -> None:
        """The stage at ``index`` has closed: it and everything before it are over."""
        del self._stages[: index + 1]
        self._incoming.clear()
        self._end_admitted = True
        self._end_into(0, now_ns)

    def _write(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self._sink.write(data)

    def _new_stage(self, toxic: Toxic) -> Stage:
        acts = self._dice.random() < toxic.toxicity
        return stage_for(toxic, self._clock.now_ns(), acts=acts, dice=self._dice)

    def _index_of(self, toxic: Toxic) -> int | None:
        return next((index for index, stage in enumerate(self._stages) if stage.toxic is toxic), None)

    def _set_alarm(self, now_ns: int) -> None:
        wakes = [stage.wake_at_ns(can_emit=self._has_room(index + 1)) for index, stage in enumerate(self._stages)]
        due = [wake for wake in wakes if wake is not None]
        if not due:
            self._cancel_alarm()
            return
        when_ns = max(min(due), now_ns)
        if self._alarm is None or when_ns != self._alarm_ns:
            self._cancel_alarm()
            self._alarm, self._alarm_ns = self._clock.call_at(when_ns, self._ring), when_ns

    def _ring(self) -> None:
        self._alarm = None
        self.pump()

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_reading(self) -> None:
        if self._end_admitted or self._incoming or self._outgoing:
            self._source.pause()
        elif self._stages or self._sink.is_writable:
            self._source.resume()
        else:
            self._source.pause()
