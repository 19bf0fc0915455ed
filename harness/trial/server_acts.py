"""A fault of the server itself on its way through a trial.

It is seen on two connections of the harness's own that go straight to the server: a sentinel that pings, and a lookout
that asks for INFO. Both go on while the server is away, and reconnect. Injection and heal are calls that return when
the deed is done, so a power loss takes as long as the copying of its disk does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.faults.base import Evidence, Probe
from harness.faults.lookout import Lookout
from harness.faults.sentinel import Sentinel
from harness.faults.server import PowerLoss, ServerKill, ServerPause
from harness.faults.server_base import Seen, ServerFault, straight
from harness.faults.storage import DiskFull, Eviction, OutOfMemory, SlowFsync
from harness.model.errors import NotPossible
from harness.model.values import FaultPlan
from harness.model.words import FaultModel
from harness.stack.base import RunningStack, ServerAddress
from harness.stack.breakable import BreakableStack
from harness.trial.acts import NOTHING_DONE
from harness.trial.once import OnceAct


def make_server_fault(plan: FaultPlan, stack: RunningStack) -> ServerFault:
    """The fault of ``plan`` on the server of ``stack``. Raises `NotPossible` where it cannot be done."""
    if not isinstance(stack, BreakableStack):
        raise NotPossible(f"{plan.model} strikes a server that is ours and can come back", fix="use --stack local")
    fault = _fault_of(plan, stack)
    if reason := fault.why_not():
        raise NotPossible(f"{plan.model} is not possible on this machine: {reason}")
    return fault


def _fault_of(plan: FaultPlan, stack: BreakableStack) -> ServerFault:
    match plan.model:
        case FaultModel.SERVER_KILL:
            return ServerKill(stack.machine)
        case FaultModel.SERVER_PAUSE:
            return ServerPause(stack.machine)
        case FaultModel.OUT_OF_MEMORY:
            return OutOfMemory(stack.server)
        case FaultModel.EVICTION:
            return Eviction(stack.server)
        case FaultModel.POWER_LOSS if stack.supply is not None:
            return PowerLoss(stack.supply)
        case FaultModel.DISK_FULL if stack.supply is not None:
            return DiskFull(stack.supply)
        case FaultModel.SLOW_FSYNC if stack.delay is not None:
            return SlowFsync(stack.delay, plan.delay_ms)
        case _:
            raise NotPossible(f"no trial can play the fault {plan.model} yet", fix="choose another fault")


@dataclass(slots=True)
class ServerAct(OnceAct[ServerFault]):
    """A fault of the server: on for the phase."""

    address: ServerAddress
    on_probe: Callable[[Probe], None]
    _sentinel: Sentinel | None = None
    _lookout: Lookout | None = None

    def watch(self) -> None:
        """Look at the server from now on; both have had an answer on return."""
        self._sentinel = Sentinel(straight(self.address), self.address, on_probe=self.on_probe)
        self._sentinel.start()
        self._lookout = Lookout([self.address])
        self._lookout.__enter__()

    def stop_watching(self) -> None:
        """End both. Idempotent."""
        if self._lookout is not None:
            self._lookout.stop()
        if self._sentinel is not None:
            self._sentinel.stop()

    def release(self) -> None:
        """The same: the drain, and whoever closes the stack, need a server that works."""
        self.heal()

    def settled(self) -> bool:
        """Whether the server was seen to answer, with its data, after the heal."""
        if not self._healed or self._sentinel is None or self._lookout is None:
            return True
        after_ns = self._healed[-1].times.after_ns
        answered = self._sentinel.wait_answered(after_ns, deadline_s=0) is not None
        return answered and self._lookout.wait_sight(self.address.port, after_ns, deadline_s=0) is not None

    def evidence(self) -> Evidence:
        """What was seen on the straight connections proves."""
        if not self._injected or not self._healed or self._sentinel is None or self._lookout is None:
            return NOTHING_DONE
        seen = Seen(self._sentinel.probes(), self._lookout.sights())
        return self.fault.evidence(seen, inject=self._injected[0], heal=self._healed[-1])
