"""Faults of a server's process and machine: it dies, it loses what was not on its disk, it stops and goes on.

============  ==========================================  ============================================================
fault         while it is on                              the heal
============  ==========================================  ============================================================
server-kill   connections closed, new ones refused        another life on the same directory and port
power-loss    the same                                    the same, with what had reached the block device
server-pause  connections stay, nothing is answered       the same life goes on, and answers all of it late
============  ==========================================  ============================================================

A SIGKILL says nothing about fsync: the page cache survives it. Only the power loss does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.base import DrawStyle, Evidence
from harness.faults.server_base import Deed, Proof, Seen, deed_since
from harness.faults.server_evidence import judge_died, judge_paused
from harness.model.words import FaultModel
from harness.stack import power
from harness.stack.power import PowerCut, PowerSupply
from harness.stack.restartable import RestartableServer


@dataclass(frozen=True, slots=True)
class ServerKill:
    """SIGKILL, and another life on the same directory and port."""

    server: RestartableServer
    model: ClassVar = FaultModel.SERVER_KILL
    style: ClassVar = DrawStyle(
        label="server killed",
        description="The server gets a SIGKILL; the heal starts it anew on the same directory and port.",
    )

    def why_not(self) -> str:
        """Nothing: any process of ours can be killed."""
        return ""

    def inject(self) -> Deed:
        """Kill it, and return when it is gone."""
        return deed_since(self.server.kill())

    def heal(self) -> Deed:
        """Start it, and return once it has its data."""
        return _started(self.server)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """Closed, refused, and another life."""
        return judge_died(seen, inject=inject, heal=heal)


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """The server's machine loses power: only what had reached the block device is there afterwards."""

    supply: PowerSupply
    model: ClassVar = FaultModel.POWER_LOSS
    style: ClassVar = DrawStyle(
        label="power loss",
        description="The server dies with its machine; the heal starts it on what had reached its block device.",
    )

    def why_not(self) -> str:
        """Linux, root, loop devices and the tools of ext4."""
        return power.why_not()

    def inject(self) -> Deed:
        """Cut the power. The cut's own control is its proof."""
        cut = self.supply.cut()
        return deed_since(cut.begin_ns, _control(cut))

    def heal(self) -> Deed:
        """Start the server on what is left, and return once it has its data."""
        return _started(self.supply.server)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """Closed, refused, another life, and a control that shows that the page cache did not survive."""
        return judge_died(seen, inject=inject, heal=heal)


@dataclass(frozen=True, slots=True)
class ServerPause:
    """SIGSTOP, and SIGCONT at the heal: the server hangs and knows nothing of it."""

    server: RestartableServer
    model: ClassVar = FaultModel.SERVER_PAUSE
    style: ClassVar = DrawStyle(
        label="server stopped",
        description="The server is stopped (SIGSTOP); its connections stay, and at the heal it goes on (SIGCONT).",
    )

    def why_not(self) -> str:
        """Nothing: any process of ours can be stopped."""
        return ""

    def inject(self) -> Deed:
        """Stop it, and return when the system says that it is stopped."""
        begin = time.monotonic_ns()
        self.server.suspend()
        return deed_since(begin)

    def heal(self) -> Deed:
        """Let it go on."""
        begin = time.monotonic_ns()
        self.server.resume()
        return deed_since(begin)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """Silent, late answers on the same connection, and the same life."""
        return judge_paused(seen, inject=inject, heal=heal)


def _started(server: RestartableServer) -> Deed:
    begin = time.monotonic_ns()
    if not server.is_running:
        server.start()
    return deed_since(begin)


def _control(cut: PowerCut) -> Proof:
    if cut.is_proven:
        return Proof(True, "a file written and not synced just before the cut was gone, a synced one was there")
    what = "a synced file was gone" if not cut.synced_kept else "a file that was never synced survived the cut"
    return Proof(False, what)
