"""What each fault asks of its link, seen on a link that only takes notes; and the faults by name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from harness.faults.adapter import ControlNotFound
from harness.faults.base import CallTimes
from harness.faults.registry import fault_models, make_fault, parse_model, style_of
from harness.model.errors import UsageError
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole


@dataclass
class NotingLink:
    """A link that does nothing, remembers every call, and whose clock ticks once per question."""

    role: LinkRole = LinkRole.CONSUMERS
    host: str = "127.0.0.1"
    port: int = 1
    engine: str = "notes"
    calls: list[tuple[object, ...]] = field(default_factory=list)
    toxics: set[str] = field(default_factory=set)
    clock: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def _times(self) -> CallTimes:
        return CallTimes(next(self.clock), next(self.clock))

    def add_toxic(self, *, name: str, kind: str, stream: str, attributes: dict[str, int]) -> CallTimes:
        self.calls.append(("add", kind, stream, attributes))
        self.toxics.add(name)
        return self._times()

    def remove_toxic(self, name: str) -> CallTimes:
        if name not in self.toxics:
            raise ControlNotFound(name)
        self.calls.append(("remove", name))
        self.toxics.remove(name)
        return self._times()

    def disable(self) -> CallTimes:
        self.calls.append(("disable",))
        return self._times()

    def enable(self) -> CallTimes:
        self.calls.append(("enable",))
        return self._times()

    def recreate(self) -> CallTimes:
        self.calls.append(("recreate",))
        self.toxics.clear()
        return self._times()


def plan(model: FaultModel) -> FaultPlan:
    return FaultPlan(model=model, link=LinkRole.CONSUMERS)


RECIPES = {
    FaultModel.HOLD: ("bandwidth", {"rate": 0}),
    FaultModel.DROP: ("timeout", {"timeout": 0}),
    FaultModel.RESET: ("reset_peer", {"timeout": 0}),
}


@pytest.mark.parametrize("model", RECIPES)
def test_a_toxic_strikes_both_streams_and_is_removed_in_reverse(model: FaultModel) -> None:
    """Injection adds one toxic per direction, the heal takes them away; the times span both calls."""
    link, fault = NotingLink(), make_fault(plan(model))
    kind, attributes = RECIPES[model]
    inject, heal = fault.inject(link), fault.heal(link)
    assert [
        ("add", kind, "upstream", attributes),
        ("add", kind, "downstream", attributes),
        ("remove", f"{model.value}_downstream"),
        ("remove", f"{model.value}_upstream"),
    ] == link.calls
    assert (CallTimes(1, 4), CallTimes(5, 8)) == (inject, heal)


def test_down_disables_and_enables() -> None:
    """A down link is a disabled proxy."""
    link, fault = NotingLink(), make_fault(plan(FaultModel.DOWN))
    fault.inject(link)
    fault.heal(link)
    assert [("disable",), ("enable",)] == link.calls


@pytest.mark.parametrize("model", fault_models())
def test_healing_is_idempotent_and_safe_without_an_injection(model: FaultModel) -> None:
    """A heal may come twice, or for a fault that never was."""
    link, fault = NotingLink(), make_fault(plan(model))
    for _ in range(2):
        times = fault.heal(link)
        assert times.before_ns <= times.after_ns
    fault.inject(link)
    fault.heal(link)
    fault.heal(link)
    assert set() == link.toxics


def test_the_no_fault_control_is_no_fault() -> None:
    """The registry knows the four partitions, and the no-fault control is not one."""
    assert {FaultModel.HOLD, FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET} <= set(fault_models())
    assert FaultModel.NONE not in fault_models()
    with pytest.raises(UsageError, match='"none"'):
        make_fault(plan(FaultModel.NONE))


def test_faults_by_name() -> None:
    """A name is found, and a mistyped one gets the nearest."""
    assert FaultModel.HOLD is parse_model("hold")
    with pytest.raises(UsageError) as caught:
        parse_model("dorp")
    assert 'did you mean "drop"?' in caught.value.fix


@pytest.mark.parametrize("model", fault_models())
def test_each_fault_says_how_it_is_drawn(model: FaultModel) -> None:
    """Figures and docs get a label and a sentence that says what it does and how it heals."""
    style = style_of(model)
    assert model.value == style.label
    assert "the heal" in style.description
