"""What an arm took: calls, bytes, CPU, and how long one message occupies a consumer.

*Handling time*: the time from one message's acknowledgement to the next within one batch, that is, of one consumer
and with nothing received in between: dedup, effect and acknowledgement of one message, with the journal's own writes.
Where nothing is acknowledged (Pub/Sub, XREAD, NOACK), from one effect to the next. What arrives one by one has no
batch and so no handling time. The median is over at most `SAMPLED` records of each consumer, the first ones.

*Requests of dedup*: SET NX, plain or with PX, is one request for each effect, made or held back. The Lua script is
the effect itself, so it takes none on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.delivery import count_acknowledgements
from harness.check.ledger import ArmLedger
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.accounts import Cost
from harness.model.message import SENTINEL_BASE
from harness.model.values import Arm
from harness.model.words import AckPolicy, Dedup, Primitive

Array = npt.NDArray[Any]
SAMPLED = 100_000


def cost_of(history: History, timeline: Timeline, ledger: ArmLedger) -> tuple[Cost, int]:
    """The cost of an arm, and how many of its acknowledgements were refused."""
    arm = ledger.arm
    described = history.trial.scenario.arms[arm]
    cpu = history.records(EventKind.CPU, columns=("value",), arm=arm)["value"]
    streams = described.primitive is Primitive.STREAMS
    calls, refused = count_acknowledgements(history, arm=arm) if streams else (0, 0)
    kept = history.records(EventKind.DEDUP_KEPT, columns=("value",), arm=arm)["value"]
    cost = Cost(
        producer_requests=ledger.messages.writes,
        acknowledgement_calls=calls,
        server_memory_bytes=timeline.memory_bytes.get(arm) if streams else None,
        worker_cpu_ms=float(cpu.sum()) / 1e6 if len(cpu) else None,
        dedup_requests=_dedup_requests(described, ledger),
        dedup_memory_bytes=int(kept.sum()) if len(kept) else None,
        handling_p50_us=handling_p50_us(history, described, arm=arm),
    )
    return cost, refused


def _dedup_requests(described: Arm, ledger: ArmLedger) -> int:
    if described.dedup not in {Dedup.SET_NX, Dedup.WINDOW}:
        return 0
    made = sum(int(scope.effects.sum(dtype=np.int64)) for scope in ledger.scopes)
    return made + sum(scope.suppressed_effects for scope in ledger.scopes)


def handling_p50_us(history: History, described: Arm, *, arm: int) -> float | None:
    """The median handling time of an arm; ``None`` where no batch held two messages."""
    kind = EventKind.ACK if _acknowledges(described) else EventKind.EFFECT
    received = {
        block.info.actor: block["t_ns"] for block in _first_blocks(history, EventKind.RECEIVE, ("t_ns",), arm=arm)
    }
    turns = []
    for block in _first_blocks(history, kind, ("t_ns", "sequence"), arm=arm):
        times = block["t_ns"][:SAMPLED][block["sequence"][:SAMPLED] < SENTINEL_BASE]
        if len(times) > 1 and block.info.actor in received:
            turns.append(_turns(times, received[block.info.actor]))
    found = np.concatenate(turns) if turns else np.empty(0, dtype=np.int64)
    return float(np.median(found)) / 1e3 if len(found) else None


def _acknowledges(described: Arm) -> bool:
    return described.driver == "stream_group" and described.stream.ack is not AckPolicy.NOACK


def _first_blocks(history: History, kind: EventKind, columns: tuple[str, ...], *, arm: int) -> Iterator[Block]:
    """The first block of each actor and scope."""
    seen = set()
    for block in history.blocks(kind, columns, arm=arm):
        if (block.info.actor, block.info.scope) not in seen:
            seen.add((block.info.actor, block.info.scope))
            yield block


def _turns(done: Array, received: Array) -> Array:
    """The times between neighbours of ``done`` between which nothing was ``received``."""
    done = np.sort(done)
    batch = np.searchsorted(np.sort(received), done, side="right")
    turns: Array = np.diff(done)[batch[1:] == batch[:-1]]
    return turns
