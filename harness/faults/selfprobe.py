"""Does this proxy do what the faults are named for? Asked at the start of every run, answered by trying.

For each way to cut a link: a link to a tiny server in this process, a sentinel on it, inject, a tenth of a second,
heal, and the same evidence that a trial demands. A version string is not trusted, neither that of a build called
``git`` nor the right one: only behaviour counts. ::

    report = probe_engine(engine)
    print(*report.lines, sep="\\n")     # hold holds: 19 pings went unanswered …
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.faults.base import Engine, Link
from harness.faults.evidence import slowest_answer_ns
from harness.faults.links import start_link
from harness.faults.pong import PongServer
from harness.faults.registry import PARTITIONS, make_fault
from harness.faults.sentinel import Sentinel
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole
from harness.stack.base import ServerAddress

_INTERVAL_NS: Final = 5_000_000
_OUTAGE_NS: Final = 80_000_000
_MOST_OUTAGE_NS: Final = 1_000_000_000
_HEAL_DEADLINE_S: Final = 5.0
_PROMISES: Final = {
    FaultModel.HOLD: "hold holds",
    FaultModel.DROP: "drop drops",
    FaultModel.DOWN: "down refuses",
    FaultModel.RESET: "reset resets",
}


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What was seen of an engine: one line per way to cut a link."""

    engine: str
    lines: tuple[str, ...]


def probe_engine(engine: Engine, *, folder: Path | None = None) -> EngineReport:
    """Try every partition on a proxy process of ``engine``; its log goes to ``folder/logs`` where a folder is given.

    Raises:
        EnvironmentUnavailable: a fault was not seen to work; engine and behaviour are named.
    """
    with tempfile.TemporaryDirectory(prefix="harness-probe-") as scratch, PongServer() as server:
        upstream = f"{server.address.host}:{server.address.port}"
        link = start_link(engine, upstream=upstream, role=LinkRole.CONSUMERS, folder=folder or Path(scratch))
        try:
            return probe_link(link, server.address)
        finally:
            link.close()


def probe_link(link: Link, address: ServerAddress) -> EngineReport:
    """Try every partition on ``link``; the server at ``address`` behind it answers pings. Errors as `probe_engine`."""
    return EngineReport(link.engine, tuple(_try(model, link, address) for model in PARTITIONS))


def _try(model: FaultModel, link: Link, address: ServerAddress) -> str:
    promise = _PROMISES[model]
    fault = make_fault(FaultPlan(model=model, link=link.role))
    with Sentinel(link, address, interval_ns=_INTERVAL_NS) as sentinel:
        # The first answer includes connecting; a second one shows what is usual here.
        sentinel.wait_answered(time.monotonic_ns(), deadline_s=_HEAL_DEADLINE_S)
        usual_ns = slowest_answer_ns(sentinel.probes())
        try:
            inject = fault.inject(link)
            time.sleep(min(max(_OUTAGE_NS, 2 * usual_ns), _MOST_OUTAGE_NS) / 1e9)
            heal = fault.heal(link)
        except TrialError as error:
            raise _failed(link, promise, error.message) from error
        sentinel.wait_answered(heal.before_ns, deadline_s=_HEAL_DEADLINE_S)
        seen = fault.evidence(sentinel.probes(), inject=inject, heal=heal)
    if seen.observed_from_ns is None or seen.observed_to_ns is None:
        raise _failed(link, promise, seen.sentence)
    return f"{promise}: {seen.sentence}"


def _failed(link: Link, promise: str, why: str) -> EnvironmentUnavailable:
    return EnvironmentUnavailable(
        f'{link.engine}: not seen that "{promise}": {why}',
        fix="use Toxiproxy 2.12.0 (--engine toxiproxy) or the built-in proxy (--engine builtin)",
    )
