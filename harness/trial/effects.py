"""How a consumer makes the effect of a message, and how it keeps from making it twice.

The effect is a record in the arm's effects journal: it lies outside of the consumer, whose SIGKILL cannot take it
back. Dedup asks the server first whether the message was seen, by one mark per message and scope:

``set-nx``
    ``SET mark NX``, then the effect. Between the two lies a moment in which a crash leaves a mark without effect, and
    who comes after suppresses an effect that never was: *false dedup*.
``window``
    the same with ``PX``: the mark is forgotten after a while, and so is the false one.
``lua``
    one script sets the mark and records the effect, on the server, in one step. There is no moment in between. The
    script records what it suppressed as well; `harness.trial.kept` copies both into the effects journal afterwards,
    and the consumer journals neither: a script whose reply was lost counts as what it did.

A mark is one request for each message that is handled, and with ``lua`` that request is the effect as well. So the
requests that dedup costs are, per record of an effect (suppressed ones included): one for ``set-nx`` and ``window``,
none beyond the effect's own for ``lua``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Protocol

import redis

from harness.drivers.base import Delivery, Names
from harness.history.journal import EventKind, Journal
from harness.model.values import Arm
from harness.model.words import Dedup

SUPPRESSED = 1
MARK_AND_EFFECT = """
local fresh = redis.call('SET', KEYS[1], '1', 'NX')
redis.call('RPUSH', KEYS[2], ARGV[1] .. (fresh and ' 0' or ' 1'))
return fresh and 1 or 0
"""
Store = Callable[[], redis.Redis]
AboutTo = Callable[[], None]


class Effects(Protocol):
    """Makes effects. Raises what the client raises: then it is not known here whether there is a mark, or an effect."""

    def make(self, delivery: Delivery, about_to: AboutTo) -> bool:
        """Make the effect, calling ``about_to`` right before; false where it was suppressed as done already."""


class PlainEffects:
    """Makes every effect: what has no dedup does twice what it receives twice."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def make(self, delivery: Delivery, about_to: AboutTo) -> bool:
        """Append it."""
        about_to()
        _record(self._journal, delivery)
        return True


class MarkedEffects:
    """Sets a mark, then makes the effect. ``window_ms``: when the mark is forgotten; ``None``: never."""

    def __init__(self, journal: Journal, store: Store, names: Names, *, scope: int, window_ms: int | None) -> None:
        self._journal = journal
        self._store = store
        self._names = names
        self._scope = scope
        self._window_ms = window_ms

    def make(self, delivery: Delivery, about_to: AboutTo) -> bool:
        """SET NX decides; what it refuses is recorded as suppressed."""
        mark = self._names.mark(self._scope, delivery.read.producer, delivery.read.sequence)
        if not self._store().set(mark, "1", nx=True, px=self._window_ms):
            _record(self._journal, delivery, detail=SUPPRESSED)
            return False
        about_to()
        _record(self._journal, delivery)
        return True


@dataclass(frozen=True, slots=True)
class ServerEffect:
    """An effect as the script records it on the server. ``t_ns``: when the consumer sent the script."""

    actor: int
    scope: int
    producer: int
    sequence: int
    id_ms: int
    id_seq: int
    t_ns: int
    suppressed: int = 0

    def without_result(self) -> str:
        """All but ``suppressed``, which the script appends."""
        return " ".join(str(number) for number in astuple(self)[:-1])

    @classmethod
    def from_text(cls, text: str) -> ServerEffect:
        """The reverse of what the script wrote."""
        return cls(*(int(word) for word in text.split()))


class ScriptedEffects:
    """Mark and effect in one script on the server."""

    def __init__(self, store: Store, names: Names, *, scope: int, actor: int) -> None:
        self._store = store
        self._names = names
        self._scope = scope
        self._actor = actor

    def make(self, delivery: Delivery, about_to: AboutTo) -> bool:
        """Run the script; what it did is on the server, whatever becomes of its reply."""
        read = delivery.read
        mark = self._names.mark(self._scope, read.producer, read.sequence)
        script = self._store().register_script(MARK_AND_EFFECT)
        about_to()
        effect = ServerEffect(
            self._actor, self._scope, read.producer, read.sequence, *delivery.entry, t_ns=time.monotonic_ns()
        )
        return bool(script(keys=[mark, self._names.effects], args=[effect.without_result()]))


def make_effects(arm: Arm, journal: Journal, store: Store, names: Names, *, scope: int, actor: int) -> Effects:
    """The way of ``arm``."""
    match arm.dedup:
        case Dedup.NONE:
            return PlainEffects(journal)
        case Dedup.SET_NX:
            return MarkedEffects(journal, store, names, scope=scope, window_ms=None)
        case Dedup.WINDOW:
            return MarkedEffects(journal, store, names, scope=scope, window_ms=arm.dedup_window_ms)
        case Dedup.LUA:
            return ScriptedEffects(store, names, scope=scope, actor=actor)


def _record(journal: Journal, delivery: Delivery, *, detail: int = 0) -> None:
    journal.write(
        EventKind.EFFECT,
        t_ns=time.monotonic_ns(),
        producer=delivery.read.producer,
        sequence=delivery.read.sequence,
        entry=delivery.entry,
        detail=detail,
    )
