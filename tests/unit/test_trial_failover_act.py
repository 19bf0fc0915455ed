"""When a master is struck: at once, or so long after its replication was cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.base import CallTimes
from harness.faults.server_base import Deed
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, ReplicationCut
from harness.trial import failover_act
from harness.trial.failover_act import FailoverAct

MILLISECOND = 1_000_000
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
    stack: Any = SimpleNamespace(servers=None, replication=SimpleNamespace(links=("one", "other")))
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
