"""When a fault interrupted a producer or a scope: their silences, and which of these are long enough.

A producer is silent from its last acknowledgement to its next, a scope from its last delivery to its next. Neither
misses anything before there was something to wait for: the silence begins with the first message that was due (a
producer's) or sent (to a scope) and had not got there yet. That what was sent is refused is part of an outage, and
ends no silence; but where nothing acknowledged was to come any more, nobody knows whether the scope would have got it.

A message that never arrived is awaited until one that was sent after it arrives: that one has overtaken it, and what
was lost on the way is no silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.availability import SUSTAINED, in_order
from harness.check.dense import NEVER
from harness.check.ledger import Messages

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
ASKED_SILENCE_NS = 1_000_000_000
"""What interrupts clients that ask Sentinels: less than any of these takes to notice a dead master."""
LEAST_BOUND_NS = 1_000_000_000
PATIENCE = 4
"""How many times as long as usual what follows may take."""


@dataclass(frozen=True, slots=True)
class Outage:
    """When an arm was struck, and what its traffic was like."""

    injected_ns: int
    healed_ns: int
    steady: tuple[int, int]
    """From when to when all was well: the steady phase, as far as it came before the injection."""
    traffic_end_ns: int
    """Until when messages were to be sent."""
    asks: bool

    def interrupted(self, begins: Array, ends: Array, bound_ns: int) -> int | None:
        """From when on to look for what is back, given silences in order; ``None``: none of them was long enough.

        Long enough is half of the fault. A silence that crosses the heal counts as a whole, but has to last
        ``bound_ns`` then, since pauses of rare traffic cross it, too.
        """
        begins = np.maximum(begins, self.injected_ns)
        if self.asks:
            long = (begins < self.healed_ns) & (ends - begins >= ASKED_SILENCE_NS)
            return int(ends[long][-1]) if long.any() else None
        half = (self.healed_ns - self.injected_ns + 1) // 2
        long = np.minimum(ends, self.healed_ns) - begins >= half
        crosses = (begins < self.healed_ns) & (ends > self.healed_ns)
        long |= crosses & (ends - begins >= max(half, bound_ns))
        return self.healed_ns if long.any() else None

    def bound_ns(self, times: Array) -> int:
        """How long what follows may take, where ``times`` tell how often there was something in the steady phase."""
        begin, end = self.steady
        if begin >= end:
            return NEVER
        count = max(1, int(np.count_nonzero((times >= begin) & (times < end))))
        return max(LEAST_BOUND_NS, PATIENCE * SUSTAINED * (end - begin) // count)


def unanswered(answered: Bools, times: Array, due: Array, outage: Outage, *, away: bool) -> tuple[Array, Array]:
    """Silences of a producer, begins and ends, from the last before the injection to the last before the heal.

    Given, for what it attempted: whether it was acknowledged, when, and when it was due. A producer that the fault
    took ``away`` might have had something to send, and its silence begins at once.
    """
    before = np.flatnonzero(answered & (times < outage.injected_ns))
    after = np.flatnonzero(answered & (times >= outage.injected_ns))
    late = np.flatnonzero(times[after] >= outage.healed_ns)
    ends = times[after[: late[0] + 1]] if len(late) else np.append(times[after], outage.traffic_end_ns)
    begins = np.concatenate([[outage.injected_ns], times[after]])[: len(ends)]
    following = np.concatenate([before[-1:] + 1 if len(before) else [0], after + 1])[: len(ends)]
    if not away:
        begins = np.maximum(begins, np.append(due, outage.traffic_end_ns)[following])
    return begins, ends


class Awaited:
    """What a scope waited for from the injection on: each message from its sending until it came, or was overtaken."""

    def __init__(self, messages: Messages, first_ns: Array, outage: Outage) -> None:
        """``first_ns``: when each message of the arm first arrived."""
        attempted = messages.index.attempted
        rows = np.arange(messages.index.size) if attempted is None else np.flatnonzero(attempted)
        sent = messages.send_ns[rows]
        if not bool((sent[1:] >= sent[:-1]).all()):
            order = np.argsort(sent, kind="stable")
            rows, sent = rows[order], sent[order]
        arrived = first_ns[rows]
        overtaken = np.minimum.accumulate(arrived[::-1])[::-1]
        until = np.where(arrived == NEVER, overtaken, arrived)
        kept = until >= outage.injected_ns
        sent, until, owed = sent[kept], until[kept], messages.acknowledged[rows[kept]]
        order = np.argsort(until, kind="stable")
        self._until = until[order]
        self._since = np.minimum.accumulate(sent[order][::-1])[::-1]
        self._last_owed = int(until[owed].max(initial=-NEVER))
        self._outage = outage

    def any_from(self, moment_ns: int) -> bool:
        """Whether anything acknowledged was still to come by then; with `NEVER`, whether something never came."""
        return self._last_owed >= moment_ns

    def from_ns(self, moments: Array) -> Array:
        """From when on something was awaited, after each of ``moments``."""
        since = np.append(self._since, NEVER)
        awaited: Array = np.maximum(moments, since[np.searchsorted(self._until, moments, side="right")])
        return awaited

    def unheard(self, arrived: Array) -> tuple[Array, Array]:
        """Silences of the scope, begins and ends, given its deliveries in order.

        One that nothing ends lasts as long as there is traffic; it is none where nothing acknowledged was to end it.
        """
        injected, healed = self._outage.injected_ns, self._outage.healed_ns
        inside = arrived[(arrived >= injected) & (arrived <= healed)]
        later = arrived[arrived > healed][:1]
        if not len(later) and self.any_from(NEVER):
            later = np.array([self._outage.traffic_end_ns])
        ends = np.concatenate([inside, later])
        return self.from_ns(np.concatenate([[injected], inside])[: len(ends)]), ends


def deliveries(first_ns: Array) -> Array:
    """When something arrived, in order."""
    return in_order(first_ns[first_ns != NEVER])
