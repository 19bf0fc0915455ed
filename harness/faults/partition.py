"""The four ways to cut a link that a proxy can do, each named by what it does to bytes and connections.

========  =========================================  ==============================================
fault     while it is on                             the heal
========  =========================================  ==============================================
hold      nothing passes, connections stay open      everything sent meanwhile arrives, late
drop      what is sent vanishes, connections stay    closes the connections
down      connections closed, new ones refused       listens again
reset     connections closed, new ones reset (RST)   lets new ones through
========  =========================================  ==============================================

All strike both directions. How each is done with Toxiproxy 2.12.0, and why so, is told beside it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.faults.adapter import ControlNotFound
from harness.faults.base import CallTimes, DrawStyle, Evidence, Link, Probe
from harness.faults.evidence import Window, judge_down, judge_drop, judge_hold, judge_reset, window
from harness.model.values import FaultPlan

_STREAMS = ("upstream", "downstream")


@dataclass(frozen=True, slots=True)
class ToxicFault:
    """A fault that is one toxic on both streams of a link, and is healed by taking them away again."""

    plan: FaultPlan
    style: DrawStyle
    toxic: str
    attributes: tuple[tuple[str, int], ...]
    judge: Callable[[Window], Evidence]

    def inject(self, link: Link) -> CallTimes:
        """Add the toxic to both streams: first to what clients send, then to what they receive."""
        times = [
            link.add_toxic(name=self._name(stream), kind=self.toxic, stream=stream, attributes=dict(self.attributes))
            for stream in _STREAMS
        ]
        return CallTimes(times[0].before_ns, times[-1].after_ns)

    def heal(self, link: Link) -> CallTimes:
        """Remove the toxics in reverse. One that is not there is as good as removed."""
        begin = time.monotonic_ns()
        times: list[CallTimes] = []
        for stream in reversed(_STREAMS):
            with contextlib.suppress(ControlNotFound):
                times.append(link.remove_toxic(self._name(stream)))
        if not times:
            return CallTimes(begin, time.monotonic_ns())
        return CallTimes(times[0].before_ns, times[-1].after_ns)

    def evidence(self, probes: Sequence[Probe], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What the probes of this fault's link prove."""
        return self.judge(window(probes, self.plan.struck_link, inject=inject, heal=heal))

    def _name(self, stream: str) -> str:
        return f"{self.plan.model.value}_{stream}"


@dataclass(frozen=True, slots=True)
class DownFault:
    """The proxy stops listening and closes what is open; the heal makes it listen again."""

    plan: FaultPlan
    style: DrawStyle

    def inject(self, link: Link) -> CallTimes:
        """Close the listener and all connections."""
        return link.disable()

    def heal(self, link: Link) -> CallTimes:
        """Listen again."""
        return link.enable()

    def evidence(self, probes: Sequence[Probe], *, inject: CallTimes, heal: CallTimes) -> Evidence:
        """What the probes of this fault's link prove."""
        return judge_down(window(probes, self.plan.struck_link, inject=inject, heal=heal))


def hold(plan: FaultPlan) -> ToxicFault:
    """A bandwidth of 0: what was read is kept and written when the toxic goes. (From 2.13 on, 0 means no limit.)"""
    return ToxicFault(plan, HOLD_STYLE, toxic="bandwidth", attributes=(("rate", 0),), judge=judge_hold)


def drop(plan: FaultPlan) -> ToxicFault:
    """A timeout of 0: bytes are discarded for as long as the toxic is there, and removing it closes the connection."""
    return ToxicFault(plan, DROP_STYLE, toxic="timeout", attributes=(("timeout", 0),), judge=judge_drop)


def down(plan: FaultPlan) -> DownFault:
    """The proxy is disabled."""
    return DownFault(plan, DOWN_STYLE)


def reset(plan: FaultPlan) -> ToxicFault:
    """The first byte on a connection ends it: with FIN on those open before, with RST on new ones."""
    return ToxicFault(plan, RESET_STYLE, toxic="reset_peer", attributes=(("timeout", 0),), judge=judge_reset)


HOLD_STYLE = DrawStyle(
    label="hold",
    description="Nothing passes in either direction, connections stay open; at the heal everything arrives late.",
)
DROP_STYLE = DrawStyle(
    label="drop",
    description="What is sent vanishes in both directions, connections stay open; the heal closes them.",
)
DOWN_STYLE = DrawStyle(
    label="down",
    description="Connections are closed at once and new ones are refused; the heal lets clients connect again.",
)
RESET_STYLE = DrawStyle(
    label="reset",
    description="Connections are closed at their next byte, new ones are reset; the heal lets them through again.",
)
