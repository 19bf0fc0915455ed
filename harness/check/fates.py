"""One fate for every (message, scope): the first that matches wins, and together they add up.

The order is that of `harness.model.words.Fate`. What was received is settled by the receive; what was not is settled
by the log and by who was entitled. A fate says what is proven and nothing more: where the drain barrier was not
reached, an acknowledged message that nobody saw is *unread*, not lost. An entry that is still in the log is unread
too, unless its scope has gone past it without keeping it pending: then nobody will ever be handed it. Where it is
kept pending past the threshold, it is stuck, even if the consumer to whom it was handed out never got to note it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.delivery import Arrivals, PendingEntries
from harness.check.ledger import FATE_CODE, MECHANISM_CODE, NO_FATE, POSITION_CODE, Codes, Flag, Messages
from harness.model.words import Fate, LossPosition, Mechanism, OutcomeCode

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What only Streams have, for one scope."""

    entitled: Bools | None
    """Which messages come after the group's start; ``None``: all."""
    last_alive_ns: int
    """Until when at the latest a consumer of the scope was alive."""
    passed_over: Bools | None
    """Of which messages every entry lies behind what the scope was handed last; ``None``: of none."""
    pending: PendingEntries
    stuck_after_ns: int


def assign_fates(messages: Messages, arrivals: Arrivals, streams: StreamFacts | None, *, absence_proven: bool) -> Codes:
    """The fate of each message in one scope; ``streams`` is ``None`` for Pub/Sub, where nothing is ever in a log.

    ``absence_proven`` says whether the arm's drain barrier was reached.
    """
    received = arrivals.receives.counts > 0
    fate = np.where(received, np.uint8(FATE_CODE[Fate.DELIVERED]), np.uint8(FATE_CODE[Fate.ABSENT]))
    missing = np.flatnonzero(~received)
    gone = FATE_CODE[Fate.LOST if absence_proven else Fate.UNREAD]
    fate[missing] = _fates_of_missing(messages, missing, streams, gone=gone)
    if streams is not None and messages.log_entries is not None:
        pending = streams.pending.where[streams.pending.pending_ns >= streams.stuck_after_ns]
        handed_out = received[pending] | (messages.log_entries[pending] > 0)
        stuck = pending[handed_out & (messages.outcome[pending] == OutcomeCode.ACKNOWLEDGED.value)]
        fate[stuck] = FATE_CODE[Fate.STUCK]
    fate[received & (messages.outcome == OutcomeCode.REJECTED.value)] = FATE_CODE[Fate.REJECTED_BUT_DELIVERED]
    if arrivals.damaged:
        fate[np.fromiter(arrivals.damaged, dtype=np.int64)] = FATE_CODE[Fate.PHANTOM]
    if messages.index.attempted is not None:
        fate[~messages.index.attempted] = NO_FATE
    return fate


def _fates_of_missing(messages: Messages, missing: Array, streams: StreamFacts | None, *, gone: int) -> Codes:
    """The fates of messages that never arrived. Later rules are written first, so that earlier ones win."""
    fate = np.full(len(missing), FATE_CODE[Fate.ABSENT], dtype=np.uint8)
    acknowledged = messages.outcome[missing] == OutcomeCode.ACKNOWLEDGED.value
    if streams is None or messages.log_entries is None:
        fate[acknowledged] = gone
        return fate
    in_log = messages.log_entries[missing] > 0
    owed = np.ones(len(missing), dtype=bool) if streams.entitled is None else streams.entitled[missing]
    fate[(acknowledged | in_log) & ~owed] = FATE_CODE[Fate.NOT_ENTITLED]
    fate[acknowledged & owed & ~in_log] = gone
    fate[in_log & owed] = FATE_CODE[Fate.UNREAD]
    if streams.passed_over is not None:
        kept = np.isin(missing, streams.pending.where)
        fate[acknowledged & in_log & owed & streams.passed_over[missing] & ~kept] = gone
    unattended = acknowledged & in_log & owed & (messages.outcome_ns[missing] > streams.last_alive_ns)
    fate[unattended] = FATE_CODE[Fate.NEVER_READ]
    return fate


def place_losses(messages: Messages, fate: Codes, received: Bools) -> Codes:
    """Where in its producer's sequence each lost message lies, relative to what the scope received of that producer.

    Prefix: nothing earlier was received. Postfix: nothing later was (also when nothing was received at all: suspect
    the drain). Middle: both were, which is definite.
    """
    position = np.zeros(len(fate), dtype=np.uint8)
    lost: Bools = fate == FATE_CODE[Fate.LOST]
    if not lost.any():
        return position
    for entry in messages.index.ranges:
        of_producer = np.flatnonzero(lost[entry.span])
        arrived = np.flatnonzero(received[entry.span])
        first, last = (int(arrived[0]), int(arrived[-1])) if len(arrived) else (-1, -1)
        part = np.full(len(of_producer), POSITION_CODE[LossPosition.MIDDLE], dtype=np.uint8)
        part[of_producer < first] = POSITION_CODE[LossPosition.PREFIX]
        part[of_producer > last] = POSITION_CODE[LossPosition.POSTFIX]
        position[entry.offset + of_producer] = part
    return position


def mark_flags(messages: Messages, arrivals: Arrivals, *, fate: Codes, effects: Array, mechanism: Codes) -> Array:
    """What else is true of a (message, scope), as far as senders and arrivals tell."""
    flags = np.zeros(len(fate), dtype=np.uint16)
    acknowledged = messages.acknowledged
    lost = fate == FATE_CODE[Fate.LOST]
    not_owed = fate == FATE_CODE[Fate.NOT_ENTITLED]
    recovered = (fate == FATE_CODE[Fate.DELIVERED]) & (messages.outcome == OutcomeCode.INDETERMINATE.value)
    flags[arrivals.duplicated] |= int(Flag.DUPLICATED)
    flags[recovered] |= int(Flag.RECOVERED)
    flags[acknowledged & ~not_owed & (effects == 0)] |= int(Flag.EFFECT_MISSING)
    if messages.publish_answer is not None and lost.any():
        unexplained = mechanism == MECHANISM_CODE[Mechanism.UNEXPLAINED]
        flags[lost & unexplained] |= int(Flag.BEYOND_CONTRACT)
        flags[lost & (messages.publish_answer >= 1)] |= int(Flag.LOST_SILENTLY)
    return flags
