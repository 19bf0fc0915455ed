"""Packets really dropped: the partition that no proxy can make.

Nothing of it is seen by either end but silence: TCP sends again, ever more seldom, so the heal is noticed only when the
next retransmission is due; a connection is not refused but never answered; what is closed stays open for the other end.
The model beside it is the proxy's ``hold``: there the heal is felt at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from harness.faults.base import DrawStyle, Evidence, Probe
from harness.faults.evidence import judge_hold, window
from harness.faults.sentinel import Sentinel
from harness.faults.server_base import Deed, Proof, deed_since
from harness.model.words import Direction, FaultModel, LinkRole
from harness.stack.base import ServerAddress
from harness.stack.namespaces import Wire, why_no_wire
from harness.stack.private import join_network


@dataclass(frozen=True, slots=True)
class WireRoute:
    """A `harness.faults.base.Route`: the way to a server from inside a wire's clients' namespace."""

    wire: Wire
    port: int
    role: LinkRole

    @property
    def host(self) -> str:
        """The server's address on the wire."""
        return self.wire.server_host

    @property
    def network(self) -> Path:
        """The file by which a client's process joins the namespace."""
        return self.wire.clients.network


@dataclass(frozen=True, slots=True)
class PacketDrop:
    """Packets of a wire are discarded."""

    wire: Wire
    role: LinkRole
    direction: Direction = Direction.BOTH
    model: ClassVar = FaultModel.PACKET_DROP
    style: ClassVar = DrawStyle(
        label="packets dropped",
        description="Packets are discarded unseen by either end; TCP sends again, and everything arrives late.",
    )

    def why_not(self) -> str:
        """Linux, root, network namespaces and iptables."""
        return why_no_wire()

    def inject(self) -> Deed:
        """Discard from now on."""
        begin = time.monotonic_ns()
        self.wire.drop(self.direction)
        return deed_since(begin)

    def heal(self) -> Deed:
        """Let everything pass again. What the kernel counted is the proof."""
        begin = time.monotonic_ns()
        lost = self.wire.heal()
        sentence = f"the kernel discarded {lost.requests:,} packets of clients and {lost.replies:,} of the server"
        spared = {Direction.REQUESTS: lost.replies, Direction.REPLIES: lost.requests}.get(self.direction, 0)
        return deed_since(begin, Proof(lost.total > 0 and spared == 0, sentence))

    def evidence(self, probes: Sequence[Probe], *, inject: Deed, heal: Deed) -> Evidence:
        """Silent on a connection that stays open, late answers on the same one, and packets counted."""
        proofs = heal.proofs
        if not proofs or not all(proof.holds for proof in proofs):
            return Evidence(None, None, f"not shown: {proofs[0].sentence if proofs else 'no packet was counted'}")
        found = judge_hold(window(probes, self.role, inject=inject.times, heal=heal.times))
        sentence = "; ".join([found.sentence, *(proof.sentence for proof in proofs)])
        return Evidence(found.observed_from_ns, found.observed_to_ns, sentence)


def sentinel_inside(
    route: WireRoute, server: ServerAddress, *, on_probe: Callable[[Probe], None] | None = None
) -> Sentinel:
    """A sentinel that pings ``server`` (which listens on the wire) as a client inside does."""
    return Sentinel(route, server, on_probe=on_probe or _ignore, enter=partial(join_network, route.network))


def _ignore(probe: Probe) -> None:
    """What happens to a probe if nobody asked for it."""
