"""One direction of a connection, with a clock, a source and a sink that the test moves by hand."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.faults.builtin.link import Link
from harness.faults.builtin.stages import CHUNK_BYTES, LATENCY_CHUNKS, MILLISECOND_NS
from harness.faults.builtin.toxics import Toxic, toxic_from_body


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time_ns = 0
        self.set_alarms = 0
        self._alarms: list[tuple[int, int, HandAlarm]] = []
        self._order = itertools.count()

    def now_ns(self) -> int:
        return self.time_ns

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> HandAlarm:
        alarm = HandAlarm(callback)
        self.set_alarms += 1
        heapq.heappush(self._alarms, (when_ns, next(self._order), alarm))
        return alarm

    def advance(self, by_ns: int) -> None:
        """Move on, ringing what is due in its order."""
        until = self.time_ns + by_ns
        while self._alarms and self._alarms[0][0] <= until:
            when_ns, _, alarm = heapq.heappop(self._alarms)
            self.time_ns = max(self.time_ns, when_ns)
            alarm.ring()
        self.time_ns = until


class HandAlarm:
    """A timer of a `HandClock`."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    def ring(self) -> None:
        if self._callback is not None:
            self._callback()


class HandSource:
    """A source that remembers whether it may read."""

    def __init__(self) -> None:
        self.is_reading = True

    def pause(self) -> None:
        self.is_reading = False

    def resume(self) -> None:
        self.is_reading = True


class HandSink:
    """A sink that keeps what it gets, and fills up after every write while it is ``slow``."""

    def __init__(self) -> None:
        self.received = b""
        self.closed = 0
        self.slow = False
        self.is_writable = True

    def write(self, data: bytes) -> None:
        assert self.is_writable
        assert not self.closed
        self.received += data
        self.is_writable = not self.slow

    def close(self) -> None:
        self.closed += 1


class Rig:
    """A link and its surroundings."""

    def __init__(self) -> None:
        self.clock, self.source, self.sink = HandClock(), HandSource(), HandSink()
        self.link = Link(source=self.source, sink=self.sink, clock=self.clock, dice=random.Random(5))

    def drain(self) -> None:
        """The kernel takes what was written."""
        self.sink.is_writable = True
        self.link.pump()


def toxic(kind: str, *, toxicity: float = 1.0, **attributes: int) -> Toxic:
    """A toxic."""
    return toxic_from_body({"type": kind, "toxicity": toxicity, "attributes": attributes})


class EarlySource(HandSource):
    """A source that has bytes already, and tells them as soon as it may read."""

    def __init__(self) -> None:
        super().__init__()
        self.early = b"early"
        self.link: Link | None = None

    def resume(self) -> None:
        super().resume()
        early, self.early = self.early, b""
        if self.link is not None and early:
            self.link.receive(early)


def test_what_came_before_the_link_meets_every_toxic() -> None:
    """Two toxics, of which the first lets everything pass: the second must be there before anything is read."""
    rig, source = Rig(), EarlySource()
    source.link = Link(source=source, sink=rig.sink, clock=rig.clock, dice=random.Random(5))
    source.link.begin([toxic("slow_close", delay=60_000), toxic("latency", latency=100)])
    rig.clock.advance(99 * MILLISECOND_NS)
    assert b"" == rig.sink.received
    rig.clock.advance(1 * MILLISECOND_NS)
    assert b"early" == rig.sink.received


def test_without_toxics_bytes_go_straight_through() -> None:
    """No timer, no pause."""
    rig = Rig()
    rig.link.receive(b"abc")
    assert (b"abc", True, 0) == (rig.sink.received, rig.source.is_reading, rig.clock.set_alarms)


def test_a_full_sink_pauses_the_source() -> None:
    """Back-pressure reaches the sender at once, and is lifted when the kernel has taken everything."""
    rig = Rig()
    rig.sink.slow = True
    rig.link.receive(b"abc")
    assert not rig.source.is_reading
    rig.drain()
    assert rig.source.is_reading


def test_a_full_sink_makes_no_timer_spin() -> None:
    """What is due but has nowhere to go waits for the sink, not for the clock."""
    rig = Rig()
    rig.link.add(toxic("latency", latency=1))
    rig.sink.slow = True
    for _ in range(10):
        rig.link.receive(b"x")
    rig.clock.advance(50 * MILLISECOND_NS)
    before = rig.clock.set_alarms
    rig.clock.advance(1000 * MILLISECOND_NS)
    assert before == rig.clock.set_alarms
    assert b"x" == rig.sink.received


def test_a_hold_takes_one_chunk_and_one_read() -> None:
    """Behind a hold the source is paused with a bounded amount taken."""
    rig = Rig()
    rig.link.add(toxic("bandwidth"))
    taken = 0
    while rig.source.is_reading:
        rig.link.receive(b"x" * CHUNK_BYTES)
        taken += CHUNK_BYTES
    assert 2 * CHUNK_BYTES == taken


def test_a_latency_takes_its_queue_and_no_more() -> None:
    """The largest amount that is ever held for one direction: about 32 MB."""
    rig = Rig()
    rig.link.add(toxic("latency", latency=10**6))
    reads = 0
    while rig.source.is_reading:
        rig.link.receive(b"x" * CHUNK_BYTES)
        reads += 1
    assert LATENCY_CHUNKS + 1 == reads


def test_the_end_comes_after_everything() -> None:
    """Data and end that waited behind a hold come in order at the heal, and the sink is closed once."""
    rig = Rig()
    hold = toxic("bandwidth")
    rig.link.add(hold)
    rig.link.receive(b"a")
    rig.link.receive(b"b")
    rig.link.source_ended()
    rig.link.source_ended()
    assert (b"", 0) == (rig.sink.received, rig.sink.closed)
    rig.link.remove(hold)
    assert (b"ab", 1) == (rig.sink.received, rig.sink.closed)


def test_the_sink_is_closed_only_when_it_has_taken_everything() -> None:
    """A close must not cut off what the kernel has not taken yet."""
    rig = Rig()
    rig.sink.slow = True
    rig.link.receive(b"abc")
    rig.link.source_ended()
    assert 0 == rig.sink.closed
    rig.drain()
    assert 1 == rig.sink.closed


def test_a_toxic_in_the_middle_is_removed_in_place() -> None:
    """What a hold let go of still waits in the latency behind it, before what comes later."""
    rig = Rig()
    hold, late = toxic("bandwidth"), toxic("latency", latency=50)
    rig.link.add(hold)
    rig.link.add(late)
    rig.link.receive(b"a")
    rig.link.receive(b"b")
    rig.clock.advance(10 * MILLISECOND_NS)
    rig.link.remove(hold)
    rig.link.receive(b"c")
    assert b"" == rig.sink.received
    rig.clock.advance(40 * MILLISECOND_NS)
    assert b"ab" == rig.sink.received
    rig.clock.advance(10 * MILLISECOND_NS)
    assert b"abc" == rig.sink.received


def test_a_closing_toxic_lets_those_behind_it_finish() -> None:
    """A limit closes the connection after a latency behind it has delivered what passed the limit."""
    rig = Rig()
    rig.link.add(toxic("limit_data", bytes=3))
    rig.link.add(toxic("latency", latency=50))
    rig.link.receive(b"abcdef")
    rig.link.receive(b"never")
    assert not rig.source.is_reading
    assert (b"", 0) == (rig.sink.received, rig.sink.closed)
    rig.clock.advance(50 * MILLISECOND_NS)
    assert (b"abc", 1) == (rig.sink.received, rig.sink.closed)


def test_a_lost_sink_forgets_everything() -> None:
    """After it nothing is written, closed, read or woken."""
    rig = Rig()
    late = toxic("latency", latency=50)
    rig.link.add(late)
    rig.link.receive(b"a")
    rig.link.sink_lost()
    rig.clock.advance(1000 * MILLISECOND_NS)
    rig.link.receive(b"b")
    rig.link.remove(late)
    rig.link.source_ended()
    assert (b"", 0, False) == (rig.sink.received, rig.sink.closed, rig.source.is_reading)
    assert rig.link.is_done


def test_an_update_keeps_what_a_hold_holds() -> None:
    """A hold that becomes a latency delays what it held, and nothing is lost."""
    rig = Rig()
    hold = toxic("bandwidth")
    rig.link.add(hold)
    rig.link.receive(b"a")
    hold.attributes = toxic("bandwidth", rate=1000).attributes
    rig.link.update(hold)
    rig.clock.advance(MILLISECOND_NS)
    assert b"a" == rig.sink.received


def test_what_a_latency_held_passes_a_rate_and_an_update_in_order() -> None:
    """Several chunks at once in a toxic that else holds one: still each after the other."""
    rig = Rig()
    late, narrow = toxic("latency", latency=5000), toxic("bandwidth", rate=1)
    rig.link.add(late)
    rig.link.add(narrow)
    for number in range(5):
        rig.link.receive(bytes([number]) * 150)
    rig.link.update(late)
    rig.link.remove(late)
    for _ in range(2):
        rig.link.update(narrow)
    rig.clock.advance(5000 * MILLISECOND_NS)
    assert b"".join(bytes([number]) * 150 for number in range(5)) == rig.sink.received


_LOSSLESS = st.sampled_from(
    [
        ("noop", {}),
        ("latency", {"latency": 5, "jitter": 5}),
        ("latency", {"latency": 5000}),
        ("bandwidth", {"rate": 0}),
        ("bandwidth", {"rate": 50}),
        ("slicer", {"average_size": 3, "size_variation": 2, "delay": 300}),
        ("slow_close", {"delay": 20}),
    ]
)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(1, 100_000)),
        st.tuples(st.just("advance"), st.integers(0, 50)),
        st.tuples(st.just("add"), _LOSSLESS),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("update"), st.integers(0, 5)),
        st.tuples(st.just("slow"), st.booleans()),
        st.tuples(st.just("drain"), st.none()),
        st.tuples(st.just("end"), st.none()),
    ),
    min_size=10,
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps=_STEPS)
def test_whatever_comes_and_goes_every_byte_arrives_once_and_in_order(steps: list[tuple[str, object]]) -> None:
    """Any history of data, toxics that discard nothing, slow sinks and ends: at the heal the bytes are all there."""
    rig = Rig()
    sent = b""
    toxics: list[Toxic] = []
    ended = False
    numbers = random.Random(9)
    for action, argument in steps:
        match action, argument:
            case "receive", int(size) if rig.source.is_reading and not ended:
                data = numbers.randbytes(size)
                sent += data
                rig.link.receive(data)
            case "advance", int(milliseconds):
                rig.clock.advance(milliseconds * MILLISECOND_NS)
            case "add", (str(kind), dict(attributes)):
                toxics.append(toxic(kind, toxicity=0.8, **attributes))
                rig.link.add(toxics[-1])
            case "remove", int(index) if index < len(toxics):
                rig.link.remove(toxics.pop(index))
            case "update", int(index) if index < len(toxics):
                rig.link.update(toxics[index])
            case "slow", bool(slow):
                rig.sink.slow = slow
            case "drain", _:
                rig.drain()
            case "end", _:
                ended = True
                rig.link.source_ended()
        assert sent.startswith(rig.sink.received)
    for left in toxics:
        rig.link.remove(left)
    rig.sink.slow = False
    rig.drain()
    assert sent == rig.sink.received
    assert int(ended) == rig.sink.closed
    assert ended or rig.source.is_reading
