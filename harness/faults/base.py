"""What a fault is: inject, heal, and evidence that it took effect and ended.

A link is the proxied path between one role and the server. A fault acts on a link through the proxy's control API;
whether it worked is not believed but seen, on a sentinel connection of its own through the same link
(`harness.faults.sentinel`), and judged by `Fault.evidence`, a pure function over the sentinel's probes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from harness.model.values import FaultPlan
from harness.model.words import Direction, LinkRole, ProbeResult


class EngineKind(StrEnum):
    """Which program can serve a link."""

    TOXIPROXY = "toxiproxy"
    BUILTIN = "builtin"


@dataclass(frozen=True, slots=True)
class Engine:
    """A proxy program that can be started on this machine; `harness.faults.engine` finds one."""

    kind: EngineKind
    version: str
    """What the report calls it, e.g. ``toxiproxy 2.12.0``."""
    command: tuple[str, ...]
    """The beginning of its command line; ``-host H -port P`` follows."""
    explanation: str
    """One line: where it comes from, and why this one."""


@dataclass(frozen=True, slots=True)
class CallTimes:
    """When a control call was begun and when it had returned, ns on the monotonic clock."""

    before_ns: int
    after_ns: int


@dataclass(frozen=True, slots=True)
class Probe:
    """One ping on a link's sentinel connection. ``answered_ns`` is ``None`` unless ``result`` is ANSWERED.

    The first ping of a connection counts from the beginning of the attempt to connect, so that an attempt that is
    refused, reset or left silent is a probe too. A connection whose end is noticed while no ping is under way is one
    as well: it is struck at that moment, ``sent_ns == ended_ns``.
    """

    link: LinkRole
    sent_ns: int
    answered_ns: int | None
    ended_ns: int
    """When the probe got its answer, was closed or refused, or was given up."""
    result: ProbeResult
    connection: int
    """Which connection of the sentinel carried it, from 1: a hold must be survived by one and the same. 0: none,
    since no connection could be made."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the sentinel saw of one fault. A time is ``None`` when it was not seen."""

    observed_from_ns: int | None
    """Send time of the first probe that the fault struck: at the latest then it was on."""
    observed_to_ns: int | None
    """When the first answer after the heal arrived on a working connection."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that was sent through a link one way, as seen from both ends; ``arrived_ns`` is ``None``: never."""

    way: Direction
    sent_ns: int
    arrived_ns: int | None


@dataclass(frozen=True, slots=True)
class Headcount:
    """How many subscribers the server counted on the scout's channel when it was asked."""

    t_ns: int
    receivers: int


@dataclass(frozen=True, slots=True)
class Scouting:
    """What a `harness.faults.scout.Scout` saw of a link from both of its ends."""

    passages: tuple[Passage, ...]
    headcounts: tuple[Headcount, ...]
    lefts_ns: tuple[int, ...] = ()
    """When the scout's subscriber hung up."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a fault's evidence needs besides a sentinel's pings."""

    scout: bool = False
    dead_subscriber: bool = False
    """The scout's subscriber has to hang up once the fault is on."""
    ping_padding: int = 0
    """Bytes that each ping has to carry besides."""


PINGS_ONLY: Final = Needs()
"""The need of most."""


@dataclass(frozen=True, slots=True)
class DrawStyle:
    """How figures show this fault."""

    label: str
    description: str
    """What it physically does and how it heals, in one sentence."""


class Route(Protocol):
    """A way to a server that can be watched: a link, a straight connection, a wire."""

    @property
    def role(self) -> LinkRole:
        """Which way this is."""

    @property
    def host(self) -> str:
        """Where to connect."""

    @property
    def port(self) -> int:
        """Where to connect."""


class Link(Protocol):
    """A proxied path, ready to be used and to be broken."""

    @property
    def role(self) -> LinkRole:
        """Whose link this is."""

    @property
    def host(self) -> str:
        """Where clients connect."""

    @property
    def port(self) -> int:
        """Where clients connect."""

    @property
    def engine(self) -> str:
        """Which proxy serves this link, with its version."""

    def add_toxic(self, *, name: str, kind: str, stream: str, attributes: dict[str, int]) -> CallTimes:
        """Add a toxic to existing and new connections."""

    def remove_toxic(self, name: str) -> CallTimes:
        """Remove a toxic."""

    def disable(self) -> CallTimes:
        """Close the listener and every connection."""

    def enable(self) -> CallTimes:
        """Listen again."""

    def recreate(self) -> CallTimes:
        """Delete the proxy and create it again on the same port: closes every connection and forgets every toxic."""


class Fault(Protocol):
    """One way to break a link."""

    @property
    def plan(self) -> FaultPlan:
        """What this fault was planned as."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""

    @property
    def needs(self) -> Needs:
        """What its evidence needs besides pings."""

    def inject(self, link: Link) -> CallTimes:
        """Break the link. Raises `harness.model.errors.TrialError` when the outcome is unknown."""

    def heal(self, link: Link) -> CallTimes:
        """Mend it. Idempotent, and safe when the injection never happened."""

    def evidence(
        self, probes: Sequence[Probe], *, inject: CallTimes, heal: CallTimes, scouting: Scouting | None = None
    ) -> Evidence:
        """Say from the sentinel's probes, and a scout's where it needs one, whether it took effect and ended. Pure."""
