"""Failover: the master dies or hangs, Sentinel promotes a replica, and the old master may come back.

With a healthy loopback link a replica has everything that was acknowledged, so nothing is lost. What is lost is what
had not been replicated: to see that, hold or drop the replication links before the kill (`ReplicationLinks`, and the
ordinary link faults on them), and read from the lookout how far the replicas were behind (`bytes_behind`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ClassVar, Self

from harness.faults.base import DrawStyle, Engine, Evidence
from harness.faults.evidence import duration
from harness.faults.links import ProxiedLink, start_link
from harness.faults.server_base import Deed, Proof, Seen, deed_since
from harness.faults.server_evidence import judge_failover
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.model.words import FaultModel, LinkRole
from harness.stack.base import ServerAddress
from harness.stack.replication import REPLICAS, Failover, Layout, ReplicatedStack
from harness.stack.restartable import RestartableServer

DEADLINE_S = 15.0
"""Of a failover. Less than an interrupted run grants its trials to end in order."""


class ReplicationLinks:
    """A link of its own from each replica to the first master. A context manager that closes them."""

    def __init__(self, links: Sequence[ProxiedLink]) -> None:
        self.links = tuple(links)

    @classmethod
    def open(cls, engine: Engine, layout: Layout) -> ReplicationLinks:
        """Proxies in front of the master to be; make them before the servers. Raises `EnvironmentUnavailable`."""
        upstream = f"{layout.master.host}:{layout.master.port}"
        links: list[ProxiedLink] = []
        try:
            for index in range(1, 1 + REPLICAS):
                folder = layout.folder / f"replica-{index}"
                links.append(start_link(engine, upstream=upstream, role=LinkRole.REPLICATION, folder=folder))
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            cls(links).close()
            raise
        return cls(links)

    @property
    def paths(self) -> tuple[tuple[str, int], ...]:
        """By which host and port each replica reaches the master."""
        return tuple((link.host, link.port) for link in self.links)

    def close(self) -> None:
        """Close them. Idempotent."""
        for link in self.links:
            link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _nothing_more(_failover: Failover) -> None:
    """Who only waits for a failover."""


class _MasterFault:
    """What a dying and a hanging master have in common. Knows whom it struck."""

    dies: ClassVar[bool]

    def __init__(
        self,
        stack: ReplicatedStack,
        *,
        old_returns: bool = True,
        deadline_s: float = DEADLINE_S,
        on_promoted: Callable[[Failover], None] = _nothing_more,
    ) -> None:
        """``on_promoted`` is called once the new master is known, before the old one comes back."""
        self.stack = stack
        self._on_promoted = on_promoted
        self.old_returns = old_returns
        self.deadline_s = deadline_s
        self._struck: RestartableServer | None = None
        self.failover: Failover | None = None
        """What was seen of it, once healed."""

    def why_not(self) -> str:
        """Nothing, where the stack is up: it has probed that its program can be a Sentinel."""
        return ""

    @property
    def old(self) -> ServerAddress | None:
        """Whom it struck."""
        return None if self._struck is None else self._struck.address

    def heal(self) -> Deed:
        """Wait for the new master, then let the old one come back, where it is to.

        Raises `TrialError` when there is no failover within the deadline, or when the old master, which is brought back
        all the same, does not follow the new one within it.
        """
        begin = led = time.monotonic_ns()
        if self._struck is None:
            return deed_since(begin)
        try:
            if self.failover is None:
                self.failover = self.stack.wait_failover(self._struck.address, deadline_s=self.deadline_s)
                led = time.monotonic_ns()  # the heal begins here: clients may be well again before all is done
                self._on_promoted(self.failover)
        finally:
            if self.old_returns:
                self._bring_back(self._struck)
        named = duration(self.failover.named_ns - begin) if self.failover.named_ns > begin else "before the heal"
        agreed = Proof(True, f"most Sentinels named {self.failover.new.port} ({named})")
        deed = deed_since(led, agreed)
        if self.old_returns:
            try:
                self.stack.wait_replica(self._struck, deadline_s=self.deadline_s)
            except EnvironmentUnavailable as error:  # of this trial, and no reason to end a run of many
                raise TrialError(f"the old master did not come back as a replica: {error.message}") from error
        return deed

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """One server said that it is the master before, the one that clients were led to after, and nobody else."""
        if self._struck is None:
            return Evidence(None, None, "not shown: nothing was injected")
        if self.failover is None:
            return Evidence(None, None, "not shown: clients were led to no other server")
        return judge_failover(
            seen,
            inject=inject,
            heal=heal,
            old_port=self._struck.place.port,
            new_port=self.failover.new.port,
            dies=self.dies,
            old_returns=self.old_returns,
        )

    def _bring_back(self, server: RestartableServer) -> None:
        raise NotImplementedError


class MasterKill(_MasterFault):
    """The master gets a SIGKILL; a replica is promoted; the old master comes back empty-handed or with its files."""

    model: ClassVar = FaultModel.FAILOVER
    dies = True
    style: ClassVar = DrawStyle(
        label="failover",
        description="The master gets a SIGKILL and a replica is promoted; at the heal the old master comes back.",
    )

    def inject(self) -> Deed:
        """Kill the master."""
        self._struck = self.stack.master
        return deed_since(self._struck.kill())

    def _bring_back(self, server: RestartableServer) -> None:
        if not server.is_running:
            server.start()


class HungMaster(_MasterFault):
    """The master is stopped: its connections stay, so clients that only listen stay on it; a replica is promoted."""

    model: ClassVar = FaultModel.HUNG_MASTER
    dies = False
    style: ClassVar = DrawStyle(
        label="hung master",
        description="The master is stopped (SIGSTOP) and a replica is promoted; at the heal the old master goes on.",
    )

    def inject(self) -> Deed:
        """Stop the master."""
        self._struck = self.stack.master
        begin = time.monotonic_ns()
        self._struck.suspend()
        return deed_since(begin)

    def _bring_back(self, server: RestartableServer) -> None:
        server.resume()
