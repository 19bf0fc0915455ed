"""What the ledger of one arm says about each guarantee, before anybody asks whether the trial was sound.

A violation is either *positive* (something was seen that must not be: a duplicate, a phantom) or an *absence*
(something is missing). A positive one stands on its own; an absence counts only when the drain barrier was reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import numpy.typing as npt

from harness.check.ledger import ArmLedger, Messages, ScopeLedger
from harness.check.timeline import Barrier
from harness.model.accounts import ArmResult
from harness.model.words import Fate, Guarantee, Mechanism, Outcome, OutcomeCode, Primitive, Verdict


@dataclass(frozen=True, slots=True)
class Measurement:
    """One guarantee of one arm, measured."""

    verdict: Verdict
    violations: int
    samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Finding:
    positive: int
    absent: int
    samples: int
    text: str
    doubt: str = ""
    """Why a clean result is no pass."""


def applicable(primitive: Primitive) -> tuple[Guarantee, ...]:
    """The guarantees that can be asked of a primitive: Pub/Sub keeps nothing that could be durable."""
    return tuple(one for one in Guarantee if one is not Guarantee.DURABLE or primitive is Primitive.STREAMS)


def measure(guarantee: Guarantee, *, ledger: ArmLedger, result: ArmResult, barrier: Barrier) -> Measurement:
    """Was ``guarantee`` refuted? Only the drain barrier and the number of samples are weighed here."""
    finding = _find(guarantee, ledger, result)
    violations = finding.positive + finding.absent
    if finding.positive or (finding.absent and barrier.reached):
        return Measurement(Verdict.VIOLATED, violations, finding.samples, finding.text)
    if not barrier.reached:
        doubt = f"the drain barrier was not reached ({'; '.join(barrier.missing)}), so absence is not proven"
    elif finding.samples == 0:
        doubt = "there is nothing to judge it by"
    else:
        doubt = finding.doubt
    if doubt:
        return Measurement(Verdict.INCONCLUSIVE, violations, finding.samples, f"{doubt}; {finding.text}")
    return Measurement(Verdict.HELD, 0, finding.samples, finding.text)


def _find(guarantee: Guarantee, ledger: ArmLedger, result: ArmResult) -> _Finding:
    match guarantee:
        case Guarantee.AT_MOST_ONCE:
            return _at_most_once(ledger, result)
        case Guarantee.AT_LEAST_ONCE:
            return _at_least_once(ledger, result)
        case Guarantee.EFFECTIVELY_ONCE:
            return _effectively_once(ledger)
        case Guarantee.DURABLE:
            return _durable(result)
        case Guarantee.ORDERED:
            return _ordered(ledger, result)
        case _:
            assert_never(guarantee)


def _at_most_once(ledger: ArmLedger, result: ArmResult) -> _Finding:
    phantoms, refused = result.fates[Fate.PHANTOM], result.fates[Fate.REJECTED_BUT_DELIVERED]
    arrived = _arrived(ledger)
    text = f"{result.duplicated:,} receives beyond the first of {arrived:,} deliveries"
    if phantoms or refused:
        text += f", {phantoms:,} phantom, {refused:,} rejected but delivered"
    return _Finding(result.duplicated + phantoms + refused, 0, arrived, text)


def _arrived(ledger: ArmLedger) -> int:
    """How many (message, scope) were delivered, whatever else is wrong with them; phantoms are no deliveries."""
    return sum(int(np.count_nonzero(scope.received & ~scope.with_fate(Fate.PHANTOM))) for scope in ledger.scopes)


def _owed(messages: Messages, scope: ScopeLedger) -> npt.NDArray[np.bool_]:
    """Which messages a scope was owed. What was never acknowledged is owed to nobody, whoever was entitled to it."""
    owed: npt.NDArray[np.bool_] = messages.acknowledged & ~scope.with_fate(Fate.NOT_ENTITLED)
    return owed


def _at_least_once(ledger: ArmLedger, result: ArmResult) -> _Finding:
    """None lost, none stuck, none delivered to somebody who forgot it, no phantom."""
    lost, stuck, phantoms = (result.fates[fate] for fate in (Fate.LOST, Fate.STUCK, Fate.PHANTOM))
    forgotten = result.unsettled_effects
    unread = result.fates[Fate.UNREAD] + result.fates[Fate.NEVER_READ]
    owed = sum(int(np.count_nonzero(_owed(ledger.messages, scope))) for scope in ledger.scopes)
    text = f"{lost:,} of {owed:,} owed deliveries of acknowledged messages lost"
    if lost:
        text += f" ({_reasons(result.lost_by_mechanism)})"
    if unread:
        text += f", {unread:,} not seen but not proven to be lost"
    if stuck or phantoms:
        text += f", {stuck:,} stuck, {phantoms:,} phantom"
    if forgotten:
        text += f", {forgotten:,} delivered and forgotten before the effect"
    if stuck or forgotten:
        text += f" ({_reasons(result.unsettled_by_mechanism)})"
    doubt = f"{unread:,} are still in the log and unread: lag, not loss, but not delivered either" if unread else ""
    return _Finding(phantoms, lost + stuck + forgotten, owed, text, doubt)


def _reasons(counts: Mapping[Mechanism, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(mechanism if len(ordered) == 1 else f"{count:,} {mechanism}" for mechanism, count in ordered)


def _effectively_once(ledger: ArmLedger) -> _Finding:
    """E = 1 for acknowledged and entitled messages, at most 1 for indeterminate ones, 0 for rejected ones."""
    too_many = missing = refused = samples = 0
    rejected = ledger.messages.outcome == OutcomeCode.REJECTED.value
    for scope in ledger.scopes:
        owed = _owed(ledger.messages, scope)
        samples += int(np.count_nonzero(owed))
        missing += int(np.count_nonzero(owed & (scope.effects == 0)))
        too_many += int(np.count_nonzero(~rejected & (scope.effects > 1)))
        refused += int(np.count_nonzero(rejected & (scope.effects > 0)))
    text = f"of {samples:,} owed effects {missing:,} missing, {too_many:,} more than once"
    if refused:
        text += f", {refused:,} of rejected messages"
    return _Finding(too_many + refused, missing, samples, text)


def _durable(result: ArmResult) -> _Finding:
    table = result.durability
    if table is None:
        kept = result.primitive is Primitive.STREAMS
        return _Finding(0, 0, 0, "what the log holds is not known" if kept else "nothing is ever kept")
    gone = table.gone_with_effect + table.gone_without_effect - table.trimmed_by_configuration
    samples = result.outcomes[Outcome.ACKNOWLEDGED]
    text = f"{gone:,} of {samples:,} acknowledged messages gone from the log"
    if table.trimmed_by_configuration:
        return _Finding(0, gone, samples, f"{text}, not counting {table.trimmed_by_configuration:,} trimmed as told")
    if table.gone_with_effect:
        text += f" ({table.gone_with_effect:,} of them had been processed before)"
    return _Finding(0, gone, samples, text)


def _ordered(ledger: ArmLedger, result: ArmResult) -> _Finding:
    arrived = _arrived(ledger)
    text = f"{result.reordered:,} of {arrived:,} first deliveries overtaken by a later message of their producer"
    return _Finding(result.reordered, 0, arrived, text)
