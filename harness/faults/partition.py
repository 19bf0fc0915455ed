"""The four ways to cut a link that a proxy can do, each named by what it does to bytes and connections.

========  =========================================  ==============================================
fault     while it is on                             the heal
========  =========================================  ==============================================
hold      nothing passes, connections stay open      everything sent meanwhile arrives, late
drop      what is sent vanishes, connections stay    closes the connections
down      connections closed, new ones refused       listens again
reset     connections closed, new ones reset (RST)   lets new ones through
========  =========================================  ==============================================

All strike both directions; a hold or a drop, where the plan says so, requests or replies only. How each is done with
Toxiproxy 2.12.0, and why so, is told beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from harness.faults.base import PINGS_ONLY, CallTimes, DrawStyle, Evidence, Link, Needs, Probe, Scouting
from harness.faults.evidence import Window, judge_down, judge_drop, judge_hold, judge_reset, window
from harness.faults.scouting import judge_one_way
from harness.faults.toxic import STREAMS, ToxicFault, ToxicPart, by_pings
from harness.model.values import FaultPlan
from harness.model.words import Direction


@dataclass(frozen=True, slots=True)
class DownFault:
    """The proxy stops listening and closes what is open; the heal makes it listen again."""

    plan: FaultPlan
    style: DrawStyle
    needs: Needs = PINGS_ONLY

    def inject(self, link: Link) -> CallTimes:
        """Close the listener and all connections."""
        return link.disable()

    def heal(self, link: Link) -> CallTimes:
        """Listen again."""
        return link.enable()

    def evidence(
        self,
        probes: Sequence[Probe],
        *,
        inject: CallTimes,
        heal: CallTimes,
        scouting: Scouting | None = None,  # noqa: ARG002  # pings tell
    ) -> Evidence:
        """What the probes of this fault's link prove."""
        return judge_down(window(probes, self.plan.struck_link, inject=inject, heal=heal))


def hold(plan: FaultPlan) -> ToxicFault:
    """A bandwidth of 0: what was read is kept and written when the toxic goes. (From 2.13 on, 0 means no limit.)"""
    return _partition(plan, HOLD_STYLE, kind="bandwidth", attribute="rate", judge=judge_hold)


def drop(plan: FaultPlan) -> ToxicFault:
    """A timeout of 0: bytes are discarded for as long as the toxic is there, and removing it closes the connection."""
    return _partition(plan, DROP_STYLE, kind="timeout", attribute="timeout", judge=judge_drop)


def down(plan: FaultPlan) -> DownFault:
    """The proxy is disabled."""
    return DownFault(plan, DOWN_STYLE)


def reset(plan: FaultPlan) -> ToxicFault:
    """The first byte on a connection ends it: with FIN on those open before, with RST on new ones."""
    toxics = tuple(ToxicPart("reset_peer", stream, (("timeout", 0),)) for stream in STREAMS)
    return ToxicFault(plan, RESET_STYLE, toxics, judge=by_pings(judge_reset))


def _partition(
    plan: FaultPlan, style: DrawStyle, *, kind: str, attribute: str, judge: Callable[[Window], Evidence]
) -> ToxicFault:
    """A toxic on one or both streams; which of them it was, a scout has to see."""
    streams: tuple[str, ...]
    match plan.direction:
        case Direction.BOTH:
            streams, judged = STREAMS, by_pings(judge)
        case Direction.REQUESTS:
            streams, judged = STREAMS[:1], judge_one_way(judge, plan.direction)
        case Direction.REPLIES:
            streams, judged = STREAMS[1:], judge_one_way(judge, plan.direction)
        case _:
            assert_never(plan.direction)
    toxics = tuple(ToxicPart(kind, stream, ((attribute, 0),)) for stream in streams)
    return ToxicFault(plan, style, toxics, judge=judged, needs=Needs(scout=plan.direction is not Direction.BOTH))


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
