"""When a master is struck: at once, or so long after its replication was cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.base import CallTimes
from harness.faults.lookout import Sight
from harness.faults.server_base import Deed
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, ReplicationCut
from harness.trial import failover_act
from harness.trial.failover_act import FailoverAct

MILLISECOND = 1_000_000
MASTER, REPLICA, THIRD = 7000, 7001, 7002
BEGIN_NS, CUT_AFTER_NS = 1_000 * MILLISECOND, 1_600 * MILLISECOND
"""Two slow calls: the second link is cut 600 ms after the phase began."""


@dataclass
class Struck:
    """A fault that only remembers that it was injected."""

    times: list[CallTimes] = field(default_factory=list)

    def inject(self) -> Deed:
        self.times.append(CallTimes(0, 1))
        return Deed(self.times[-1])


def act_of(monkeypatch: pytest.MonkeyPatch, plan: FaultPlan) -> tuple[FailoverAct, Struck]:
    """An act on servers and links that do not exist."""
    cuts = iter([CallTimes(BEGIN_NS, BEGIN_NS + MILLISECOND), CallTimes(BEGIN_NS + MILLISECOND, CUT_AFTER_NS)])
    monkeypatch.setattr(failover_act, "make_fault", lambda _plan: SimpleNamespace(inject=lambda _link: next(cuts)))
    stack: Any = SimpleNamespace(
        servers=None, server=SimpleNamespace(port=MASTER), replication=SimpleNamespace(links=("one", "other"))
    )
    links: Any = None
    book: Any = SimpleNamespace(inject=lambda _times: None)
    act, struck = FailoverAct(plan, stack, links, book), Struck()
    monkeypatch.setattr(act, "fault", struck)
    return act, struck


def test_a_master_is_struck_so_long_after_its_replication_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not so long after the phase began: slow calls would shorten the lag, or leave none."""
    plan = FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD, cut_ms=700)
    act, struck = act_of(monkeypatch, plan)
    act.begin(BEGIN_NS, BEGIN_NS + 5_000 * MILLISECOND)
    act.step(CUT_AFTER_NS + 699 * MILLISECOND)
    assert [] == struck.times
    act.step(CUT_AFTER_NS + 700 * MILLISECOND)
    act.step(CUT_AFTER_NS + 800 * MILLISECOND)
    assert 1 == len(struck.times)


def test_without_a_cut_it_is_struck_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the phase begins."""
    act, struck = act_of(monkeypatch, FaultPlan(model=FaultModel.FAILOVER))
    act.begin(BEGIN_NS, BEGIN_NS + 5_000 * MILLISECOND)
    assert 1 == len(struck.times)


@dataclass
class FakeLookout:
    """Has seen what it is told; times in milliseconds after the cut."""

    looked: list[int] = field(default_factory=list)
    seen: list[Sight] = field(default_factory=list)

    def look_now(self, server: Any) -> None:
        self.looked.append(server.port)

    def sights(self) -> tuple[Sight, ...]:
        return tuple(self.seen)

    def sees(self, port: int, asked_ms: int, offset: int = 0) -> None:
        asked_ns = CUT_AFTER_NS + asked_ms * MILLISECOND
        self.seen.append(Sight(port, asked_ns, asked_ns + MILLISECOND, "life", "any", replication_offset=offset))


CUT_OFF = FaultPlan(model=FaultModel.FAILOVER, replication=ReplicationCut.HOLD, cut_ms=700)


def watched(monkeypatch: pytest.MonkeyPatch, *, left_ms: int) -> tuple[FailoverAct, Struck, FakeLookout]:
    """An act whose cut is made, ``left_ms`` before its phase ends."""
    act, struck = act_of(monkeypatch, CUT_OFF)
    lookout = FakeLookout()
    monkeypatch.setattr(act, "_lookout", lookout)
    act.begin(BEGIN_NS, CUT_AFTER_NS + left_ms * MILLISECOND)
    return act, struck, lookout


def strikes_at(act: FailoverAct, struck: Struck, moment_ms: int) -> bool:
    act.step(CUT_AFTER_NS + moment_ms * MILLISECOND)
    return bool(struck.times)


def test_the_master_is_asked_at_once_when_the_cut_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the answer to an earlier question has come."""
    assert [MASTER] == watched(monkeypatch, left_ms=9_000)[2].looked


def test_cut_ms_counts_from_the_first_sight_of_the_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers 301 ms after the cut is struck 1,001 ms after it."""
    act, struck, lookout = watched(monkeypatch, left_ms=9_000)
    assert not strikes_at(act, struck, 700)
    lookout.sees(MASTER, 300, 10)
    lookout.sees(MASTER, 900, 20)
    for port in (REPLICA, THIRD):
        lookout.sees(port, 950)
    assert not strikes_at(act, struck, 1_000)
    assert strikes_at(act, struck, 1_001)


def test_a_strike_waits_until_each_replica_was_seen_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes at the next step."""
    act, struck, lookout = watched(monkeypatch, left_ms=9_000)
    lookout.sees(MASTER, 1, 10)
    lookout.sees(MASTER, 50, 20)
    lookout.sees(REPLICA, 690)
    lookout.sees(THIRD, 60)
    assert not strikes_at(act, struck, 702)
    lookout.sees(THIRD, 720)
    assert strikes_at(act, struck, 730)


@pytest.mark.parametrize(("left_ms", "waits_ms"), [(9_000, 2_000), (1_700, 500), (600, 0)])
def test_what_is_not_seen_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, left_ms: int, waits_ms: int
) -> None:
    """Two seconds, or half of what is left of the phase; a phase that is over leaves nothing."""
    act, struck, _ = watched(monkeypatch, left_ms=left_ms)
    assert not strikes_at(act, struck, 700 + waits_ms - 1)
    assert strikes_at(act, struck, 700 + waits_ms)
