"""Acts heal on every path: a heal that fails is tried again on the way out, one that succeeded is not repeated."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from harness.faults.base import CallTimes, DrawStyle
from harness.faults.server_base import Deed
from harness.model.errors import TrialError
from harness.trial.acts import CallBook, LinkAct
from harness.trial.faulting import Faulting
from harness.trial.once import OnceAct

TIMES = CallTimes(1, 2)
STYLE = DrawStyle("planted", "A fault that fails.")


@dataclass
class Fault:
    """Fails as often as it is told to, and writes down what it was asked for. ``answer``: what a call returns."""

    answer: Any
    inject_failures: int = 0
    heal_failures: int = 0
    calls: list[str] = field(default_factory=list)
    style: DrawStyle = STYLE
    plan: Any = field(default_factory=lambda: SimpleNamespace(cycles=2))
    needs: Any = None

    def inject(self, *_: object) -> Any:
        self.calls.append("inject")
        self.inject_failures -= 1
        if self.inject_failures == 0:
            raise TrialError("it does not break as told")
        return self.answer

    def heal(self, *_: object) -> Any:
        self.calls.append("heal")
        self.heal_failures -= 1
        if self.heal_failures >= 0:
            raise TrialError("it does not mend")
        return self.answer


def book() -> CallBook:
    journal: Any = SimpleNamespace(write=lambda *_, **__: None)
    return CallBook(journal, 0)


class Once(OnceAct[Fault]):
    """What is on once, as far as healing goes."""

    def release(self) -> None:
        self.heal()


def once(**failures: int) -> Once:
    return Once(Fault(Deed(TIMES), **failures), book())


def on_a_link(**failures: int) -> LinkAct:
    fault: Any = Fault(TIMES, **failures)
    link: Any = None
    return LinkAct(fault, link, book(), tuple)


@pytest.mark.parametrize("make", [once, on_a_link])
def test_a_heal_that_fails_is_tried_again_on_the_way_out(make: Any) -> None:
    """And is noted once, when it has succeeded; whoever asks again heals no more."""
    act = make(heal_failures=1)
    act.begin(10, 100)
    with pytest.raises(TrialError, match="does not mend"):
        act.heal()
    assert (1, 0) == (len(act.book.injects), len(act.book.heals))
    act.release()
    act.release()
    act.heal()
    assert ["inject", "heal", "heal"] == act.fault.calls
    assert [TIMES] == act.book.heals


@pytest.mark.parametrize("make", [once, on_a_link])
def test_an_injection_that_fails_half_way_is_healed(make: Any) -> None:
    """Nobody knows what it did; what was never begun is left alone."""
    act = make(inject_failures=1)
    act.release()
    with pytest.raises(TrialError, match="does not break"):
        act.begin(10, 100)
    act.release()
    act.release()
    assert ["inject", "heal"] == act.fault.calls


def test_a_later_injection_that_fails_half_way_is_healed_too() -> None:
    """A link that comes and goes: the first time is over, the second one is not noted, and may be on."""
    act = on_a_link(inject_failures=2)
    act.begin(0, 300)
    act.step(100)
    with pytest.raises(TrialError, match="does not break"):
        act.step(200)
    act.release()
    assert ["inject", "heal", "inject", "heal"] == act.fault.calls


def test_a_heal_that_fails_keeps_no_other_from_being_healed() -> None:
    """On the way out every act is released, in order; the failure goes on."""
    faulting: Any = Faulting.__new__(Faulting)
    faulting._in_order = [on_a_link(heal_failures=1), once()]
    for act in faulting._in_order:
        act.begin(10, 100)
    with pytest.raises(TrialError, match="does not mend"):
        faulting.release()
    assert [["inject", "heal"]] * 2 == [act.fault.calls for act in faulting._in_order]
