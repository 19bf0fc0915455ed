"""Packets dropped beside the proxy's models: when is the heal felt, and what does a new client meet meanwhile?

For outages of some lengths: how long after the heal the first ping of an open connection was answered, and what became
of a new connection that was tried during the outage with a patience of half a second. A proxy's hold is felt at once;
dropped packets only when TCP's next retransmission is due, ever later the longer the outage was. Takes a minute; needs
Linux, root and iptables.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.faults.base import CallTimes
from harness.faults.engine import acquire_engine
from harness.faults.links import start_link
from harness.faults.packets import PacketDrop, WireRoute, sentinel_inside
from harness.faults.registry import make_fault
from harness.faults.sentinel import Sentinel
from harness.model.errors import HarnessError
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole, Persistence
from harness.stack.binaries import choose_program
from harness.stack.namespaces import Wire, why_no_wire
from harness.stack.ports import quiet_port
from harness.stack.profiles import profile_settings
from harness.stack.restartable import Place, RestartableServer

OUTAGES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
PATIENCE_S = 0.4
ROLE = LinkRole.CONSUMERS
DEADLINE_S = 60.0


def main() -> int:
    """Print one line per outage."""
    reason = why_no_wire()
    if reason:
        print(f"skipped: packets can't be dropped here: {reason}")
        return 0
    with tempfile.TemporaryDirectory(prefix="pvs-packets-") as name, Wire.open(Path(name)) as wire:
        folder = Path(name)
        place = Place(quiet_port(), folder / "server", folder / "server.log", hosts=("127.0.0.1", wire.server_host))
        settings = {**profile_settings(Persistence.OFF), "protected-mode": "no"}
        with RestartableServer(choose_program(None), place, settings=settings) as server:
            server.start()
            print(f"{'outage':>8}  {'packets dropped':32}{'proxy, hold':32}")
            for outage in OUTAGES_S:
                print(
                    f"{outage:6.1f} s  {_packets(wire, server, outage):32}{_proxy(server, folder, outage):32}",
                    flush=True,
                )
    return 0


def _packets(wire: Wire, server: RestartableServer, outage_s: float) -> str:
    fault = PacketDrop(wire, ROLE)
    sentinel = sentinel_inside(WireRoute(wire, server.place.port, ROLE), server.address)
    knock = lambda: wire.connect(server.place.port, timeout_s=PATIENCE_S)  # noqa: E731
    return _outage(sentinel, lambda: fault.inject().times, lambda: fault.heal().times, knock, outage_s)


def _proxy(server: RestartableServer, folder: Path, outage_s: float) -> str:
    engine = acquire_engine("auto", path=None, say=lambda _: None)
    link = start_link(engine, upstream=f"127.0.0.1:{server.place.port}", role=ROLE, folder=folder)
    fault = make_fault(FaultPlan(model=FaultModel.HOLD, link=ROLE))
    try:
        sentinel = Sentinel(link, server.address)
        knock = lambda: socket.create_connection((link.host, link.port), timeout=PATIENCE_S)  # noqa: E731
        return _outage(sentinel, lambda: fault.inject(link), lambda: fault.heal(link), knock, outage_s)
    finally:
        link.close()


def _outage(
    sentinel: Sentinel,
    inject: Callable[[], CallTimes],
    heal: Callable[[], CallTimes],
    knock: Callable[[], socket.socket],
    outage_s: float,
) -> str:
    with sentinel:
        begin = inject()
        try:
            knock().close()
            met = "accepted"
        except OSError as error:
            met = "no answer" if isinstance(error, TimeoutError) else type(error).__name__
        time.sleep(max(0.0, outage_s - (time.monotonic_ns() - begin.before_ns) / 1e9))
        end = heal()
        sentinel.wait_answered(end.after_ns, deadline_s=DEADLINE_S)
        late = [p.answered_ns for p in sentinel.probes() if p.answered_ns is not None and p.answered_ns > end.before_ns]
    felt = f"{(min(late) - end.before_ns) / 1e6:7.0f} ms" if late else "not felt"
    return f"{felt}, new: {met}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        sys.exit(str(error))
