"""The ledger: one fate for every owed (message, scope), with all that is known about it.

Per arm there is one table of its messages (`Messages`) and one per scope of what became of them there
(`ScopeLedger`); rows of both are addressed by the arm's `MessageIndex`. Addresses that no producer ever attempted
hold nothing and are left out wherever rows are counted or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER, MessageIndex
from harness.model.words import Fate, LossPosition, Mechanism, Outcome, OutcomeCode

Array = npt.NDArray[Any]
Times = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

FATES: Final = tuple(Fate)
MECHANISMS: Final = tuple(Mechanism)
POSITIONS: Final = tuple(LossPosition)
FATE_CODE: Final = {fate: code for code, fate in enumerate(FATES)}
MECHANISM_CODE: Final = {mechanism: code + 1 for code, mechanism in enumerate(MECHANISMS)}
POSITION_CODE: Final = {position: code + 1 for code, position in enumerate(POSITIONS)}
NO_FATE: Final = 255
"""The fate of an address that no producer attempted."""

OUTCOME_OF_CODE: Final = {
    OutcomeCode.ACKNOWLEDGED: Outcome.ACKNOWLEDGED,
    OutcomeCode.REJECTED: Outcome.REJECTED,
    OutcomeCode.INDETERMINATE: Outcome.INDETERMINATE,
}


class Flag(IntFlag):
    """What else is true of a (message, scope)."""

    DUPLICATED = 1
    REORDERED = 2
    LATE = 4
    RECOVERED = 8
    BEYOND_CONTRACT = 16
    """Lost although a confirmed SUBSCRIBE covered it."""
    LOST_SILENTLY = 32
    """Lost although PUBLISH told of at least one receiver."""
    EFFECT_MISSING = 64
    """Acknowledged and owed, yet without effect."""
    TOMBSTONE = 128
    """A pending entry of it came back, or is still pending, without content: trimmed away."""
    UNSETTLED = 256
    """Acknowledged and delivered, yet nothing will ever bring its effect."""
    FALSE_DEDUP = 512
    """An effect of it was held back although none happened."""
    DEAD_LETTERED = 1024
    """It ended in the dead-letter stream."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What producers and the log know about each message of an arm. A moment that did not come is `NEVER`."""

    index: MessageIndex
    intended_ns: Times
    send_ns: Times
    """The first attempt."""
    outcome_ns: Times
    """The first acknowledgement, else the last outcome."""
    outcome: Codes
    """`OutcomeCode`; 0 where nothing was attempted."""
    publish_answer: npt.NDArray[np.int32] | None
    """Pub/Sub: what PUBLISH answered; -1 without an acknowledgement."""
    log_entries: Array | None
    """Streams: how many entries of the log hold the message."""
    phase: Codes
    """Index in ``list(Phase)`` of the phase that contains the intended time."""
    writes: int
    """Times a message was written to a socket, over all messages."""
    own_lateness_p99_ns: int
    stray_outcomes: int
    """Outcomes of messages that nobody attempted: the journal has a hole."""

    @property
    def acknowledged(self) -> Bools:
        """Which messages were acknowledged."""
        acknowledged: Bools = self.outcome == OutcomeCode.ACKNOWLEDGED.value
        return acknowledged


@dataclass(frozen=True, slots=True)
class ScopeLedger:
    """What became of each message of an arm in one scope."""

    scope: int
    fate: Codes
    mechanism: Codes
    position: Codes
    flags: npt.NDArray[np.uint16]
    first_receive_ns: Times
    receives: Array
    effects: Array
    suppressed_effects: int = 0
    failed_handlings: int = 0
    made_by: Mapping[int, int] = field(default_factory=dict)
    """Actor → effects that it made here."""

    @property
    def received(self) -> Bools:
        """Which messages arrived, intact, at least once."""
        received: Bools = self.first_receive_ns != NEVER
        return received

    def with_fate(self, fate: Fate) -> Bools:
        """Which messages have this fate here."""
        matching: Bools = self.fate == FATE_CODE[fate]
        return matching

    def flagged(self, flag: Flag) -> Bools:
        """Which messages have this flag here."""
        matching: Bools = (self.flags & np.uint16(flag)) != 0
        return matching


@dataclass(frozen=True, slots=True)
class ArmLedger:
    """One arm's messages and what became of them in each scope."""

    arm: int
    messages: Messages
    scopes: tuple[ScopeLedger, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger of a trial, arm by arm."""

    arms: tuple[ArmLedger, ...]
