"""What is not settled although it was delivered: stuck entries, and effects that nothing will ever bring.

A message is *settled* in a scope when its effect happened, or when it lies in the dead-letter stream. It is *stuck*
while it is still pending past the threshold. It is an *unsettled effect* when it was acknowledged and received, yet
has no effect, is not pending and no dead letter: whoever got it forgot it, and nobody will hand it out again. At
least once is violated by both; "delivered" to a process that died before the effect helps nobody.

Why, the first that fits:

* *trimmed while pending*: its content is gone, so whoever claims it gets a shell (no effect);
* *handler failed*: its handling failed, and it was not brought again, or fails every time (no effect);
* *false dedup*: its effect was held back although it never happened (no effect);
* *crash between effect and XACK*: stuck, effect done, and the last process that got it died;
* *no claimer*: stuck in an arm whose members never claim: without recovery, or with a re-read of their own pending
  entries of which the last receiver never came back to do it;
* *NOACK*: not stuck, and the arm reads with NOACK: the server had forgotten it when it handed it out;
* *crash before effect*: the last process that got it died (no effect);
* *what the server forgot*: a fault took the entry with the log and the group's state, so that whoever had received it
  and could not acknowledge it any more was not handed it again (`harness.check.server_loss`, no effect);
* otherwise nothing explains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.deaths import dead_consumers
from harness.check.delivery import PendingEntries
from harness.check.dense import NEVER, MessageIndex
from harness.check.effects import Effects, Marks
from harness.check.ledger import FATE_CODE, MECHANISM_CODE, Messages
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.values import Arm
from harness.model.words import AckPolicy, ContentCheck, Fate, Mechanism, Primitive, Recovery

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Handling:
    """What one scope did with what it got."""

    effects: Effects
    failed: Marks
    dead: Marks
    pending: PendingEntries | None
    """``None``: Pub/Sub, where nothing ever is."""
    shells: Bools | None


def find_unsettled(messages: Messages, fate: Array, handling: Handling) -> Bools:
    """Which messages were acknowledged and delivered, yet have no effect that could still come."""
    unsettled: Bools = (fate == FATE_CODE[Fate.DELIVERED]) & (handling.effects.counts == 0)
    if not unsettled.any():
        return unsettled
    unsettled &= messages.acknowledged
    if handling.pending is not None:
        unsettled[handling.pending.where] = False
    if handling.dead.marked is not None:
        unsettled &= ~handling.dead.marked
    return unsettled


def explain_unsettled(
    history: History, index: MessageIndex, chosen: Array, *, stuck: Bools, handling: Handling, arm: int, scope: int
) -> Array:
    """Mechanism codes of the ``chosen`` addresses, of which ``stuck`` (one value each) are stuck, the others unsettled.

    What comes first is written last, and wins.
    """
    described = history.trial.scenario.arms[arm]
    receiver = last_receivers(history, index, chosen, arm=arm, scope=scope)
    died = np.isin(receiver, list(dead_consumers(history, arm=arm, scope=scope)))
    without = handling.effects.counts[chosen] == 0
    codes = np.full(len(chosen), MECHANISM_CODE[Mechanism.UNEXPLAINED], dtype=np.uint8)
    codes[without & died] = MECHANISM_CODE[Mechanism.CRASH_BEFORE_EFFECT]
    if _reads_with_noack(described):
        codes[~stuck] = MECHANISM_CODE[Mechanism.NOACK]
    codes[stuck & _unclaimed(described, receiver, died)] = MECHANISM_CODE[Mechanism.NO_CLAIMER]
    codes[stuck & ~without & died] = MECHANISM_CODE[Mechanism.CRASH_BEFORE_ACK]
    if handling.effects.suppressed is not None:
        codes[without & (handling.effects.suppressed[chosen] > 0)] = MECHANISM_CODE[Mechanism.FALSE_DEDUP]
    codes[without & handling.failed.of(chosen)] = MECHANISM_CODE[Mechanism.HANDLER_FAILED]
    if handling.shells is not None:
        codes[without & handling.shells[chosen]] = MECHANISM_CODE[Mechanism.TRIMMED_PENDING]
    return codes


def _reads_with_noack(described: Arm) -> bool:
    return described.primitive is Primitive.STREAMS and described.stream.ack is AckPolicy.NOACK


def _unclaimed(described: Arm, receiver: Array, died: Bools) -> Bools:
    """Which entries nobody was going to come back to."""
    match described.stream.recovery:
        case Recovery.NONE:
            return np.ones(len(receiver), dtype=bool)
        case Recovery.OWN_PENDING:
            nobody: Bools = died | (receiver == NOBODY)
            return nobody
        case _:
            return np.zeros(len(receiver), dtype=bool)


def last_receivers(history: History, index: MessageIndex, chosen: Array, *, arm: int, scope: int) -> Array:
    """The actor that got each of the ``chosen`` addresses last; `NOBODY` where none did."""
    wanted = np.zeros(index.size, dtype=bool)
    wanted[chosen] = True
    latest = np.full(index.size, -NEVER, dtype=np.int64)
    receiver = np.full(index.size, NOBODY, dtype=np.int64)
    for block in history.blocks(EventKind.RECEIVE, ("producer", "sequence", "t_ns", "detail"), arm=arm, scope=scope):
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        keep = wanted[where] & (block["detail"][rows] == ContentCheck.INTACT.value)
        where, times = where[keep], block["t_ns"][rows[keep]]
        later = times >= latest[where]
        np.maximum.at(latest, where[later], times[later])
        receiver[where[later]] = block.info.actor
    return receiver[chosen]


def mark_false_dedup(effects: Effects) -> Bools | None:
    """Messages of which an effect was held back although none happened; ``None``: there are none at all."""
    return None if effects.suppressed is None else (effects.suppressed > 0) & (effects.counts == 0)
