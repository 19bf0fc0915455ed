"""A small sample of the harness under fire and of spoilt files; the programs `fire` and `fuzz` play more of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from fire import play_and_check
from fire_rig import Draw, Moment, Victim
from fuzz import feed_many

from harness.stack.nursery import can_fork

pytestmark = pytest.mark.timeout(600)  # many inputs, and whole trials, on a machine that may be busy

SAMPLE = {
    (46, Victim.HARNESS, Moment.FAULT): "partial",
    (56, Victim.TRIAL, Moment.SET_UP): "partial",
    (37, Victim.WORKER, Moment.RECOVERY): "error",
    (16, Victim.PROXY, Moment.FAULT): "error",
    (99, Victim.SERVER, Moment.FAULT): "error",
    (31, Victim.NOBODY, Moment.FAULT): "",
}
"""Seeds, what they draw, and what must come of it: an unplanned death is an error, a killed trial is partial."""


@pytest.mark.servers
@pytest.mark.skipif(not can_fork(), reason="the victims are told apart as the nursery of Linux makes them")
@pytest.mark.parametrize(("drawn", "expected"), SAMPLE.items(), ids=[f"{who}-{when}" for _, who, when in SAMPLE])
def test_a_sudden_death_leaves_nothing_and_is_never_a_false_held(
    drawn: tuple[int, Victim, Moment], expected: str
) -> None:
    """Nothing goes on running, the run can be judged, and what was touched is not held."""
    seed, victim, moment = drawn
    draw = Draw.of(seed)
    assert (victim, moment) == (draw.victim, draw.moment)
    _, outcome = play_and_check(seed)
    assert () == outcome.broken
    if expected:
        assert (expected, True) == (outcome.word, outcome.touched)


def test_a_death_at_the_end_is_no_false_held() -> None:
    """A trial process that dies between its last record and its history: what was written counts, and says enough."""
    _, outcome = play_and_check(30)
    assert () == outcome.broken


def test_spoilt_files_are_read_or_refused(recwarn: pytest.WarningsRecorder) -> None:
    """Contracts, scenarios and histories: no other exception than ours, no hang, no held that was torn or flipped."""
    counts, failures = feed_many(390)
    assert [] == failures
    assert 390 == sum(counts.values())
    for kind in ("contract", "scenario", "history"):
        assert counts[f"{kind}: accepted"] > 10
        assert counts[f"{kind}: refused (2)"] > 10
    assert [] == [str(one.message) for one in recwarn if "anchor" in str(one.message)]


def test_the_mutations_bite(tmp_path: Path) -> None:
    """A reader that lets something else through is found out: the sample would fail."""
    import fuzz

    def broken(*_: object) -> str:
        raise IsADirectoryError(tmp_path)

    kinds = dict(fuzz.KINDS)
    try:
        fuzz.KINDS["history"] = broken
        _, failures = feed_many(3, kinds=["history"])
    finally:
        fuzz.KINDS.update(kinds)
    assert 3 == len(failures)
    assert "IsADirectoryError" in failures[0]
