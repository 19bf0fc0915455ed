"""What a fault of a server is: it strikes one target, says what it needs, and is believed only when it was seen.

A fault of a link is judged by the pings through that link. A server is watched on two straight connections: a
`Sentinel` that pings it (`straight`) and a `Lookout` that asks it for INFO. What a deed itself can prove, such as the
control of a power cut, it brings along as a `Proof`::

    with Sentinel(straight(address), address) as sentinel, Lookout([address]) as lookout:
        injected = fault.inject()
        healed = fault.heal()
        seen = Seen(sentinel.probes(), lookout.sights())
    fault.evidence(seen, inject=injected, heal=healed)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.faults.base import CallTimes, DrawStyle, Evidence, Probe
from harness.faults.lookout import Sight
from harness.model.words import FaultModel, LinkRole
from harness.stack.base import ServerAddress


@dataclass(frozen=True, slots=True)
class Proof:
    """Something that a deed found out about itself."""

    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Deed:
    """An injection or a heal that has been done."""

    times: CallTimes
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was seen on the straight connections to the struck server, and, in a failover, to all of them."""

    probes: Sequence[Probe] = ()
    sights: Sequence[Sight] = ()


class ServerFault(Protocol):
    """One way for a server to fail."""

    @property
    def model(self) -> FaultModel:
        """Its name."""

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""

    def why_not(self) -> str:
        """What this machine lacks for it; empty if nothing."""

    def inject(self) -> Deed:
        """Break the server. Raises `harness.model.errors.TrialError` when it does not break as told."""

    def heal(self) -> Deed:
        """Mend it, and return once it can be used. Idempotent, and safe when the injection never happened."""

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """Say whether the fault took effect and ended. Pure."""


@dataclass(frozen=True, slots=True)
class Straight:
    """A `harness.faults.base.Route` that is no link."""

    host: str
    port: int
    role: LinkRole = LinkRole.STRAIGHT


def straight(address: ServerAddress) -> Straight:
    """The way to the server itself."""
    return Straight(address.host, address.port)


def deed_since(before_ns: int, *proofs: Proof) -> Deed:
    """What began at ``before_ns`` and is done now."""
    return Deed(CallTimes(before_ns, time.monotonic_ns()), proofs)
