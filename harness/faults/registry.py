"""The faults of links by name, and how every fault is drawn: the one place that knows which there are.

>>> make_fault(FaultPlan(model=FaultModel.HOLD, link=LinkRole.CONSUMERS)).style.label
'hold'
"""

from __future__ import annotations

from collections.abc import Callable

from harness.faults.base import DrawStyle, Fault
from harness.faults.consumption import CONSUMPTION_STYLES
from harness.faults.impairment import bandwidth, half_open, latency, reply_lost
from harness.faults.partition import down, drop, hold, reset
from harness.faults.processes import PROCESS_STYLES
from harness.model.errors import UsageError, nearest
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole

_MAKERS: dict[FaultModel, Callable[[FaultPlan], Fault]] = {
    FaultModel.HOLD: hold,
    FaultModel.DROP: drop,
    FaultModel.DOWN: down,
    FaultModel.RESET: reset,
    FaultModel.LATENCY: latency,
    FaultModel.BANDWIDTH: bandwidth,
    FaultModel.REPLY_LOST: reply_lost,
    FaultModel.HALF_OPEN: half_open,
}
PARTITIONS = (FaultModel.HOLD, FaultModel.DROP, FaultModel.DOWN, FaultModel.RESET)
"""The ways to cut a link that every proxy is asked for before it is used."""


def fault_models() -> tuple[FaultModel, ...]:
    """Every model that `make_fault` can make."""
    return tuple(_MAKERS)


def make_fault(plan: FaultPlan) -> Fault:
    """The fault that ``plan`` asks for. Raises `UsageError` for a model that is no fault."""
    maker = _MAKERS.get(plan.model)
    if maker is None:
        raise _unknown(plan.model.value)
    return maker(plan)


def parse_model(name: str) -> FaultModel:
    """The model called ``name``. Raises `UsageError` with the nearest known name."""
    for model in _MAKERS:
        if model.value == name:
            return model
    raise _unknown(name)


def style_of(model: FaultModel) -> DrawStyle:
    """How figures show faults of this model, of whatever kind."""
    own = {**PROCESS_STYLES, **CONSUMPTION_STYLES}.get(model)
    if own is not None:
        return own
    return make_fault(FaultPlan(model=model, link=LinkRole.CONSUMERS)).style


def _unknown(name: str) -> UsageError:
    known = [model.value for model in _MAKERS]
    return UsageError(f'unknown fault "{name}"', fix=f"{nearest(name, known)} Faults: {', '.join(known)}")
