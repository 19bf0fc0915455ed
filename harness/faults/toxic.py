"""Faults that are toxics on a link: added in order, removed in reverse."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.faults.adapter import ControlNotFound
from harness.faults.base import PINGS_ONLY, CallTimes, DrawStyle, Evidence, Link, Needs, Probe, Scouting
from harness.faults.evidence import Window, window
from harness.model.values import FaultPlan

STREAMS: Final = ("upstream", "downstream")
"""What clients send, and what they receive."""


@dataclass(frozen=True, slots=True)
class ToxicPart:
    """One toxic on one stream."""

    kind: str
    stream: str
    attributes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ToxicFault:
    """A fault that is one or more toxics on a link, and is healed by taking them away again."""

    plan: FaultPlan
    style: DrawStyle
    toxics: tuple[ToxicPart, ...]
    judge: Callable[[Window, Scouting | None], Evidence]
    needs: Needs = PINGS_ONLY

    def inject(self, link: Link) -> CallTimes:
        """Add the toxics in their order."""
        times = [
            link.add_toxic(name=self._name(part), kind=part.kind, stream=part.stream, attributes=dict(part.attributes))
            for part in self.toxics
        ]
        return CallTimes(times[0].before_ns, times[-1].after_ns)

    def heal(self, link: Link) -> CallTimes:
        """Remove the toxics in reverse. One that is not there is as good as removed."""
        begin = time.monotonic_ns()
        times: list[CallTimes] = []
        for part in reversed(self.toxics):
            with contextlib.suppress(ControlNotFound):
                times.append(link.remove_toxic(self._name(part)))
        if not times:
            return CallTimes(begin, time.monotonic_ns())
        return CallTimes(times[0].before_ns, times[-1].after_ns)

    def evidence(
        self, probes: Sequence[Probe], *, inject: CallTimes, heal: CallTimes, scouting: Scouting | None = None
    ) -> Evidence:
        """What was seen of this fault's link proves."""
        return self.judge(window(probes, self.plan.struck_link, inject=inject, heal=heal), scouting)

    def _name(self, part: ToxicPart) -> str:
        one_kind = len({other.kind for other in self.toxics}) == 1
        return f"{self.plan.model.value}_{part.stream}" if one_kind else f"{part.kind}_{part.stream}"


def by_pings(judge: Callable[[Window], Evidence]) -> Callable[[Window, Scouting | None], Evidence]:
    """A judgement for which the sentinel's pings suffice."""
    return lambda seen, _: judge(seen)
