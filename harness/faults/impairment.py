"""Ways to spoil a link without cutting it, and two ways in which it deceives.

===========  ==============================================  ================================================
fault        while it is on                                  the heal
===========  ==============================================  ================================================
latency      every reply comes late                          replies come at once
bandwidth    so many bytes a second, each way                closes every connection; new ones have no limit
reply-lost   requests are executed, their connections end    new connections get their replies
half-open    nothing passes, nobody's closing passes either  closes every connection, for the server too
===========  ==============================================  ================================================

Over TLS the first reply is the handshake's: there, reply-lost lets nobody in, executes nothing, and stays unproven.

A bandwidth toxic is never updated: with a hundred held connections that has crashed the proxy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.faults.base import CallTimes, DrawStyle, Evidence, Link, Needs, Probe, Scouting
from harness.faults.pace import judge_bandwidth, judge_latency, ping_padding
from harness.faults.scouting import judge_half_open, judge_reply_lost
from harness.faults.toxic import STREAMS, ToxicFault, ToxicPart, by_pings
from harness.model.values import FaultPlan

_NEVER_MS = 3_600_000
"""Longer than any trial."""


@dataclass(frozen=True, slots=True)
class ForgottenFault:
    """Toxics that are not taken away but forgotten with their proxy: the heal closes every connection.

    Taking a hold or a limit away flushes what waits behind it, also towards clients that have gone. Toxiproxy waits for
    them for ever, with the lock of its proxy held: seen with 2.12.0 under half-open whenever the server had sent a
    dead subscriber more than a message, and under a narrow link when a client hung up while the limit was lifted.
    """

    toxic: ToxicFault

    @property
    def plan(self) -> FaultPlan:
        """What this fault was planned as."""
        return self.toxic.plan

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.toxic.style

    @property
    def needs(self) -> Needs:
        """What its evidence needs besides pings."""
        return self.toxic.needs

    def inject(self, link: Link) -> CallTimes:
        """Add the toxics, in their order."""
        return self.toxic.inject(link)

    def heal(self, link: Link) -> CallTimes:
        """Delete the proxy and create it again: every connection is closed, and the server hears of it."""
        return link.recreate()

    def evidence(
        self, probes: Sequence[Probe], *, inject: CallTimes, heal: CallTimes, scouting: Scouting | None = None
    ) -> Evidence:
        """What was seen of this fault's link proves."""
        return self.toxic.evidence(probes, inject=inject, heal=heal, scouting=scouting)


def latency(plan: FaultPlan) -> ToxicFault:
    """Replies are delayed, each by the delay and up to the jitter more or less."""
    part = ToxicPart("latency", STREAMS[1], (("latency", plan.delay_ms), ("jitter", plan.jitter_ms)))
    return ToxicFault(plan, LATENCY_STYLE, (part,), judge=by_pings(judge_latency(plan)))


def bandwidth(plan: FaultPlan) -> ForgottenFault:
    """So many KB (of 1,000 bytes) a second and connection, each way."""
    parts = tuple(ToxicPart("bandwidth", stream, (("rate", plan.rate_kb_per_s),)) for stream in STREAMS)
    needs = Needs(ping_padding=ping_padding(plan))
    return ForgottenFault(ToxicFault(plan, BANDWIDTH_STYLE, parts, judge=by_pings(judge_bandwidth(plan)), needs=needs))


def reply_lost(plan: FaultPlan) -> ToxicFault:
    """A limit of 0 bytes on what clients receive: the first byte of a reply ends the connection instead of passing."""
    part = ToxicPart("limit_data", STREAMS[1], (("bytes", 0),))
    return ToxicFault(plan, REPLY_LOST_STYLE, (part,), judge=judge_reply_lost, needs=Needs(scout=True))


def half_open(plan: FaultPlan) -> ForgottenFault:
    """First the closing is held up, then everything: a client that goes away is not seen to go."""
    closing = tuple(ToxicPart("slow_close", stream, (("delay", _NEVER_MS),)) for stream in STREAMS)
    holding = tuple(ToxicPart("bandwidth", stream, (("rate", 0),)) for stream in STREAMS)
    needs = Needs(scout=True, dead_subscriber=True)
    return ForgottenFault(ToxicFault(plan, HALF_OPEN_STYLE, closing + holding, judge=judge_half_open, needs=needs))


LATENCY_STYLE = DrawStyle(
    label="latency",
    description="Every reply is delayed, by an amount that may vary; after the heal replies come at once.",
)
BANDWIDTH_STYLE = DrawStyle(
    label="bandwidth",
    description="Only so many bytes a second pass, each way; the heal closes every connection, and new ones have no "
    "limit.",
)
REPLY_LOST_STYLE = DrawStyle(
    label="reply-lost",
    description="Requests are executed, their replies vanish and the connection is closed; "
    "after the heal new connections get their replies.",
)
HALF_OPEN_STYLE = DrawStyle(
    label="half-open",
    description="Nothing passes and the server is not told who has gone; the heal closes every connection.",
)
