"""What each toxic does to bytes, walked through time by hand."""

from __future__ import annotations

import random

import pytest

from harness.faults.builtin.stages import (
    CHUNK_BYTES,
    LATENCY_CHUNKS,
    MILLISECOND_NS,
    Chunk,
    Stage,
    slice_sizes,
    stage_for,
)
from harness.faults.builtin.toxics import Slicer, toxic_from_body

SECOND_NS = 1000 * MILLISECOND_NS


def stage(kind: str, *, acts: bool = True, **attributes: int) -> Stage:
    """A stage made at time 0."""
    toxic = toxic_from_body({"type": kind, "attributes": attributes})
    return stage_for(toxic, 0, acts=acts, dice=random.Random(1))


def taken(machine: Stage, now_ns: int) -> list[bytes]:
    """Everything the stage passes on at ``now_ns``."""
    chunks = []
    while (chunk := machine.take(now_ns)) is not None:
        chunks.append(chunk.data)
    return chunks


def test_latency_is_counted_from_the_arrival() -> None:
    """A chunk that has waited elsewhere waits only for the rest of its latency, and says when it was due."""
    machine = stage("latency", latency=100)
    machine.accept(Chunk(b"a", 0), 70 * MILLISECOND_NS)
    assert machine.take(99 * MILLISECOND_NS) is None
    assert machine.wake_at_ns(can_emit=True) == 100 * MILLISECOND_NS
    assert machine.take(130 * MILLISECOND_NS) == Chunk(b"a", 100 * MILLISECOND_NS)


def test_latency_holds_as_many_chunks_as_the_real_one() -> None:
    """Its queue is bounded."""
    machine = stage("latency", latency=100)
    while machine.has_room:
        machine.accept(Chunk(b"a", 0), 0)
    assert LATENCY_CHUNKS == len(machine.release())


def test_a_negative_delay_is_none() -> None:
    """Jitter may reach below zero: then a chunk passes at once."""
    machine = stage("latency", latency=-5)
    machine.accept(Chunk(b"a", 7), 7)
    assert [b"a"] == taken(machine, 7)


def test_bandwidth_paces_pieces_of_a_tenth_of_a_second() -> None:
    """10 KB at 20 KB/s: 2,000 bytes every 100 ms."""
    machine = stage("bandwidth", rate=20)
    machine.accept(Chunk(b"x" * 10_000, 0), 0)
    assert [] == taken(machine, 99 * MILLISECOND_NS)
    sizes = [len(piece) for tenth in range(1, 6) for piece in taken(machine, tenth * 100 * MILLISECOND_NS)]
    assert [2000] * 5 == sizes


def test_bandwidth_makes_good_for_late_timers_but_not_for_pauses() -> None:
    """Asked a little late it catches up; asked a second late it does not burst."""
    machine = stage("bandwidth", rate=10)
    machine.accept(Chunk(b"x" * 5_000, 0), 0)
    assert 1 == len(taken(machine, 110 * MILLISECOND_NS))
    assert machine.wake_at_ns(can_emit=True) == 200 * MILLISECOND_NS
    assert 1 == len(taken(machine, SECOND_NS))
    assert machine.wake_at_ns(can_emit=True) == 1080 * MILLISECOND_NS


def test_bandwidth_zero_never_passes_and_asks_for_no_timer() -> None:
    """A hold costs nothing while it holds."""
    machine = stage("bandwidth", rate=0)
    machine.accept(Chunk(b"a", 0), 0)
    assert [] == taken(machine, 10**18)
    assert machine.wake_at_ns(can_emit=True) is None
    assert not machine.has_room
    assert [Chunk(b"a", 0)] == machine.release()


def test_timeout_discards_and_counts_idle_time() -> None:
    """Each chunk starts the time anew."""
    machine = stage("timeout", timeout=100)
    machine.accept(Chunk(b"a", 0), 60 * MILLISECOND_NS)
    assert machine.take(60 * MILLISECOND_NS) is None
    assert not machine.is_finished(159 * MILLISECOND_NS)
    assert machine.is_finished(160 * MILLISECOND_NS)


def test_a_spared_timeout_passes_data_and_still_closes_on_removal() -> None:
    """As in the real one, whose cleaning up does not look at the toxicity."""
    machine = stage("timeout", acts=False)
    machine.accept(Chunk(b"a", 0), 0)
    assert [b"a"] == taken(machine, 0)
    assert machine.closes_on_removal()


def test_reset_peer_starts_with_the_first_data_and_is_not_put_off() -> None:
    """More data and the end don't start it anew."""
    machine = stage("reset_peer", timeout=100)
    assert not machine.is_finished(10 * SECOND_NS)
    machine.accept(Chunk(b"a", 0), 0)
    assert machine.is_beyond_update()
    machine.end(50 * MILLISECOND_NS)
    assert not machine.is_finished(99 * MILLISECOND_NS)
    assert machine.is_finished(100 * MILLISECOND_NS)


def test_limit_data_cuts_in_the_middle_of_a_chunk() -> None:
    """Exactly so many bytes, over several chunks."""
    machine = stage("limit_data", bytes=5)
    machine.accept(Chunk(b"abc", 0), 0)
    assert [b"abc"] == taken(machine, 0)
    assert not machine.is_finished(0)
    machine.accept(Chunk(b"defg", 0), 0)
    assert [b"de"] == taken(machine, 0)
    assert machine.is_finished(0)


def test_slow_close_counts_from_the_end_and_waits_for_its_data() -> None:
    """What is held goes first, however late it is."""
    machine = stage("slow_close", delay=100)
    machine.accept(Chunk(b"a", 0), 0)
    machine.end(0)
    assert not machine.is_finished(SECOND_NS)
    assert [b"a"] == taken(machine, SECOND_NS)
    assert machine.is_finished(SECOND_NS)


def test_slicer_pauses_between_slices_and_gives_back_the_rest() -> None:
    """One slice per delay; the rest comes out whole when the toxic goes."""
    machine = stage("slicer", average_size=10, delay=1000)
    data = bytes(range(100))
    machine.accept(Chunk(data, 0), 0)
    first = taken(machine, 0)
    assert 1 == len(first)
    assert machine.wake_at_ns(can_emit=True) == MILLISECOND_NS
    second = taken(machine, MILLISECOND_NS)
    assert data == b"".join([*first, *second, *(chunk.data for chunk in machine.release())])


@pytest.mark.parametrize("settings", [Slicer(1, 0), Slicer(1, 1), Slicer(64, 64), Slicer(100, 7), Slicer(10**6, 0)])
@pytest.mark.parametrize("total", [1, 2, 63, 1000, CHUNK_BYTES])
def test_slices_add_up_and_keep_to_their_size(settings: Slicer, total: int) -> None:
    """None is empty, none is larger than average plus variation, and together they are everything."""
    sizes = slice_sizes(total, settings, random.Random(3))
    assert total == sum(sizes)
    assert min(sizes) >= 1
    assert max(sizes) <= settings.average_size + settings.size_variation


@pytest.mark.parametrize("kind", ["latency", "bandwidth", "slicer", "slow_close", "limit_data", "noop"])
def test_nothing_asks_to_be_woken_while_it_can_not_pass_on(kind: str) -> None:
    """A blocked receiver must not make the timer spin."""
    attributes = {"average_size": 1} if kind == "slicer" else {}
    machine = stage(kind, **attributes)
    machine.accept(Chunk(b"abc", 0), 0)
    assert machine.wake_at_ns(can_emit=False) is None
