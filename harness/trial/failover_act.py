"""A failover on its way through a trial: the replication is cut, the master struck, a replica promoted, clients led on.

The cut, where there is one, comes when the fault phase begins, and the master is struck ``cut_ms`` after it was first
seen after it, however long making it took: what is acknowledged in between has not been replicated. That is a minimum.
The strike waits for a while until what proves the cut has been seen: a master that went on to write, and then each
replica, a moment ago. After that it comes all the same, and the evidence says what is missing. The heal waits until
most Sentinels name another master and that one says so itself; then the links of producers and consumers lead there,
and the old master returns, where it is to. All servers are asked for INFO throughout: who said when that it is the
master is the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.faults.base import CallTimes, DrawStyle, Evidence
from harness.faults.failover import HungMaster, MasterKill
from harness.faults.links import Links
from harness.faults.lookout import Lookout
from harness.faults.process_evidence import Target
from harness.faults.registry import make_fault
from harness.faults.replication_evidence import bytes_behind, has_been_seen, judge_cut
from harness.faults.server_base import Deed, Seen
from harness.model.errors import NotPossible
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole, ReplicationCut
from harness.stack.base import RunningStack
from harness.stack.replication import Failover
from harness.trial.acts import NOTHING_DONE, CallBook
from harness.trial.replicated import ReplicatedTrialStack

_LONGEST_WAIT_NS: Final = 2_000_000_000
"""For sights that a cut is believed by: two answers that time out, one after the other. Never more than half of what is
left of the phase, so that a replica is still promoted in it."""
_CUTS = {ReplicationCut.HOLD: FaultModel.HOLD, ReplicationCut.DROP: FaultModel.DROP}


def make_failover_act(plan: FaultPlan, stack: RunningStack, links: Links, book: CallBook) -> FailoverAct:
    """The act of ``plan``. Raises `NotPossible` where there are no replicas."""
    if not isinstance(stack, ReplicatedTrialStack):
        raise NotPossible(f"{plan.model} needs replicas to fail over to", fix="use --stack local")
    return FailoverAct(plan, stack, links, book)


@dataclass(slots=True)
class FailoverAct:
    """A master that dies or hangs, once."""

    plan: FaultPlan
    stack: ReplicatedTrialStack
    links: Links
    book: CallBook
    fault: MasterKill | HungMaster = field(init=False)
    _lookout: Lookout | None = None
    _strike_at_ns: int | None = None
    """The earliest moment for it."""
    _strike_by_ns: int = 0
    """From here on it waits for no sight."""
    _cut: CallTimes | None = None
    """When both replication links were cut, where they were to be."""
    _injected: list[Deed] = field(default_factory=list)
    _healed: list[Deed] = field(default_factory=list)

    def __post_init__(self) -> None:
        kills = self.plan.model is FaultModel.FAILOVER
        returns = self.plan.old_returns or not kills  # one that hangs goes on in the end
        make = MasterKill if kills else HungMaster
        self.fault = make(self.stack.servers, old_returns=returns, on_promoted=self._lead_clients)

    @property
    def style(self) -> DrawStyle:
        """How to draw it."""
        return self.fault.style

    def watch(self) -> None:
        """Ask all servers from now on."""
        self._lookout = Lookout([server.address for server in self.stack.servers.servers])
        self._lookout.__enter__()

    def stop_watching(self) -> None:
        """Ask no more. Idempotent."""
        if self._lookout is not None:
            self._lookout.stop()

    def withheld(self) -> Sequence[Target]:
        """Nobody."""
        return ()

    def open(self) -> None:
        """Nothing: servers are struck in the fault phase only."""

    def begin(self, begin_ns: int, end_ns: int) -> None:
        """Cut the replication; strike at once where it is not to be cut."""
        self._strike_at_ns = begin_ns
        if self.plan.replication is not ReplicationCut.NONE:
            cut = make_fault(FaultPlan(model=_CUTS[self.plan.replication], link=LinkRole.REPLICATION))
            calls = [cut.inject(link) for link in self.stack.replication.links]
            self._cut = CallTimes(calls[0].before_ns, calls[-1].after_ns)
            self._strike_at_ns = self._cut.after_ns + self._cut_ns
            left_ns = max(0, end_ns - self._strike_at_ns)
            self._strike_by_ns = self._strike_at_ns + min(_LONGEST_WAIT_NS, left_ns // 2)
            if self._lookout is not None:
                self._lookout.look_now(self.stack.server)
        self.step(begin_ns)

    def step(self, now_ns: int) -> None:
        """Strike when it is time, and the cut has been seen or was waited for long enough. Does not block."""
        if self._strike_at_ns is None or now_ns < self._strike_at_ns:
            return
        if now_ns < self._strike_by_ns and not self._cut_was_seen(now_ns):
            return
        self._strike_at_ns = None
        deed = self.fault.inject()
        self._injected.append(deed)
        self.book.inject(deed.times)

    def heal(self) -> None:
        """Wait for the new master and lead the clients to it. Raises `TrialError` where there is none in time."""
        self._strike_at_ns = None
        if self._injected and not self._healed:
            deed = self.fault.heal()
            self._healed.append(deed)
            self.book.heal(deed.times)

    def release(self) -> None:
        """Nothing: a failover cannot be taken back, and the stack ends with its trial."""

    def settled(self) -> bool:
        """Whether the new master was seen after the heal."""
        if not self._healed or self._lookout is None:
            return True
        after_ns = self._healed[-1].times.after_ns
        return self._lookout.wait_sight(self.stack.server.port, after_ns, deadline_s=0) is not None

    def evidence(self) -> Evidence:
        """Who said when that it is the master; and how far the replicas were behind when it was struck.

        A cut of the replication that is not seen makes the whole unproven: the master would have died in good order.
        """
        if not self._injected or not self._healed or self._lookout is None:
            return NOTHING_DONE
        sights, inject, old = self._lookout.sights(), self._injected[0], self.fault.old
        if old is not None and self._cut is not None:
            proof = judge_cut(sights, master_port=old.port, cut=self._cut, strike=inject.times)
            inject = replace(inject, proofs=(*inject.proofs, proof))
        found = self.fault.evidence(Seen((), sights), inject=inject, heal=self._healed[-1])
        if old is None or found.observed_from_ns is None or self._cut is not None:
            return found
        behind = bytes_behind(sights, master_port=old.port, at_ns=inject.times.before_ns)
        lag = ", ".join(f"{count:,}" for count in sorted(behind.values())) or "an unknown number of"
        sentence = f"{found.sentence}; when last seen before it, the replicas were {lag} bytes behind"
        return Evidence(found.observed_from_ns, found.observed_to_ns, sentence)

    @property
    def _cut_ns(self) -> int:
        return self.plan.cut_ms * 1_000_000

    def _cut_was_seen(self, now_ns: int) -> bool:
        """Whether there was a cut that a strike now leaves provable; true where there was none to see, or nobody."""
        if self._cut is None or self._lookout is None:
            return True
        sights, master_port = self._lookout.sights(), self.stack.server.port
        return has_been_seen(sights, master_port=master_port, cut=self._cut, now_ns=now_ns, alone_ns=self._cut_ns)

    def _lead_clients(self, failover: Failover) -> None:
        self.links.redirect(f"{failover.new.host}:{failover.new.port}")  # first: clients wait for nothing of ours
        self.stack.lead_to(failover.new)
