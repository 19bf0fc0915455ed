"""How numbers, marks and bounds are worded: one spelling for the terminal, the HTML report and the figures.

The words never say more than was measured. A pass is "not refuted in n", and carries its bound; an expected loss is
"lost as expected", which is neither a red build nor a held guarantee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from harness.model.results import GuaranteeSummary, RunSummary, ScenarioRow
from harness.model.values import Arm
from harness.model.words import (
    Guarantee,
    PredictionResult,
    Primitive,
    Stance,
    Topology,
    Verdict,
)

MISSING = "–"
NEVER = "never"
_TRIALS_FOR_CONFIDENCE = 30

GUARANTEE_MEANING = {
    Guarantee.AT_MOST_ONCE: "no message arrives twice, and none that was never sent or was refused",
    Guarantee.AT_LEAST_ONCE: "every acknowledged message reaches every recipient it is owed to",
    Guarantee.EFFECTIVELY_ONCE: "every acknowledged message has exactly one visible effect",
    Guarantee.DURABLE: "every acknowledged message is still in the server's log at the end",
    Guarantee.ORDERED: "first deliveries keep each producer's order",
}


class Tone(StrEnum):
    """How a mark is to be taken; exporters map it to a colour, and the word says it without one."""

    GOOD = "good"
    BAD = "bad"
    EXPECTED = "expected"
    UNSURE = "unsure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict as shown: the word carries the meaning, the tone only repeats it."""

    word: str
    tone: Tone


def verdict_mark(verdict: Verdict) -> Mark:
    """The mark of a bare verdict."""
    match verdict:
        case Verdict.HELD:
            return Mark("held", Tone.GOOD)
        case Verdict.VIOLATED:
            return Mark("violated", Tone.BAD)
        case Verdict.INCONCLUSIVE:
            return Mark("inconclusive", Tone.UNSURE)
        case Verdict.ERROR:
            return Mark("error", Tone.BAD)
        case _:
            assert_never(verdict)


def clause_mark(*, guarantee: Guarantee, stance: Stance, verdict: Verdict, broken: bool) -> Mark:
    """The mark of a clause seen through its stance; ``broken``: the guarantee itself was refuted."""
    match stance:
        case Stance.REQUIRED:
            return verdict_mark(verdict)
        case Stance.EXPECTED_NOT_TO_HOLD if verdict is Verdict.HELD:
            return Mark(_broken_word(guarantee) + " as expected", Tone.EXPECTED)
        case Stance.EXPECTED_NOT_TO_HOLD:
            return verdict_mark(verdict)
        case Stance.FREE:
            # Parentheses say "reported, but nobody asked for it"; the legends of all exporters explain them.
            return Mark(f"({verdict_mark(Verdict.VIOLATED if broken else verdict).word})", Tone.NEUTRAL)
        case _:
            assert_never(stance)


def guarantee_mark(result: GuaranteeSummary) -> Mark:
    """The mark of one guarantee of one arm over all its trials."""
    return clause_mark(
        guarantee=result.guarantee, stance=result.stance, verdict=result.verdict, broken=result.violated > 0
    )


def _broken_word(guarantee: Guarantee) -> str:
    """What it is called when ``guarantee`` does not hold."""
    match guarantee:
        case Guarantee.AT_LEAST_ONCE | Guarantee.DURABLE:
            return "lost"
        case Guarantee.AT_MOST_ONCE:
            return "doubled"
        case Guarantee.ORDERED:
            return "reordered"
        case Guarantee.EFFECTIVELY_ONCE:
            return "broken"
        case _:
            assert_never(guarantee)


def count(number: int | None) -> str:
    """``1800`` → ``1,800``."""
    return MISSING if number is None else f"{number:,}"


def milliseconds(value: float | None) -> str:
    """A latency for readers: ``0.31 ms``, ``42 ms``, ``3.2 s``, ``never`` where it is infinite."""
    if value is None:
        return MISSING
    if math.isinf(value):
        return NEVER
    if value == 0:
        return "0 ms"
    return f"{_three_digits(value / 1000)} s" if value >= 999.5 else f"{_three_digits(value)} ms"


def _three_digits(value: float) -> str:
    """``0.71``, ``2.95``, ``62.0``, ``310``: as many digits as a latency deserves."""
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def nanoseconds(value: int | None) -> str:
    """`milliseconds` of a duration in nanoseconds."""
    return milliseconds(None if value is None else value / 1e6)


def microseconds(value: float | None) -> str:
    """`milliseconds` of a time in microseconds; below 10 µs nothing here can be measured."""
    if value is None:
        return MISSING
    return f"{value:,.0f} µs" if value < 999.5 else milliseconds(value / 1000)


def seconds(value_ns: int | None) -> str:
    """A moment on the trial's clock: ``3.002 s``."""
    return MISSING if value_ns is None else f"{value_ns / 1e9:.3f} s"


def percent(share: float | None) -> str:
    """``0.0952`` → ``9.5 %``; shares above ten percent without decimals, except where that would read as 100 %."""
    if share is None:
        return MISSING
    value = share * 100
    if value == 0 or 10 <= value < 99 or value >= 100:
        return f"{value:.0f} %"
    return f"{value:.2g} %" if value < 10 else f"{value:.1f} %"


def ratio(value: float | None) -> str:
    """A cost per message: ``1.00``, ``212``."""
    if value is None:
        return MISSING
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def plural(number: int, noun: str) -> str:
    """``1 trial``, ``1,200 trials``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def primitive_name(primitive: Primitive) -> str:
    """How the primitive is written in text."""
    match primitive:
        case Primitive.PUBSUB:
            return "Pub/Sub"
        case Primitive.STREAMS:
            return "Streams"
        case _:
            assert_never(primitive)


def scope_name(arm: Arm, scope: int) -> str:
    """What a scope of ``arm`` is for a reader: ``subscriber 1``, ``group 2``, ``2 workers``."""
    if arm.topology is Topology.WORK_QUEUE:
        return plural(arm.consumers_per_scope, "worker")
    if arm.driver == "stream_read":
        return f"reader {scope + 1}"
    kind = "subscriber" if arm.primitive is Primitive.PUBSUB else "group"
    return f"{kind} {scope + 1}"


def bound_sentence(result: GuaranteeSummary) -> str:
    """k of n with what it still allows, so that a pass never reads as a proof."""
    if result.trials == 0 or result.upper_bound is None:
        return "no conclusive trial: nothing can be said"
    tried = f"violated in {result.violated:,} of {plural(result.trials, 'trial')}"
    if result.violated == result.trials:
        return tried
    return f"{tried}; at 95 % confidence the true rate may be as high as {percent(result.upper_bound)}"


def bound_short(result: GuaranteeSummary) -> str:
    """`bound_sentence` for a narrow column: ``0/1 ≤95 %`` is no violation in one trial, true rate up to 95 %."""
    if result.trials == 0 or result.upper_bound is None:
        return "no trial"
    if result.violated == result.trials:
        return f"{result.violated:,}/{result.trials:,}"
    return f"{result.violated:,}/{result.trials:,} ≤{percent(result.upper_bound)}"


def recover_ms(row: ScenarioRow) -> float | None:
    """From heal until both directions flowed again, as far as either was observed."""
    known = [value for value in (row.recover_read_ms, row.recover_write_ms) if value is not None]
    return max(known) if known else None


def find_guarantee(summary: RunSummary, row: ScenarioRow, guarantee: Guarantee) -> GuaranteeSummary | None:
    """What was found about ``guarantee`` for the scenario and arm of ``row``."""
    return next(
        (
            result
            for result in summary.guarantees
            if (result.scenario, result.arm, result.guarantee) == (row.scenario, row.arm, guarantee)
        ),
        None,
    )


def row_mark(summary: RunSummary, row: ScenarioRow) -> Mark:
    """The mark of a row of the comparison: its at-least-once, seen through the scenario's stance."""
    result = find_guarantee(summary, row, Guarantee.AT_LEAST_ONCE)
    return verdict_mark(row.verdict) if result is None else guarantee_mark(result)


def open_findings(summary: RunSummary) -> list[GuaranteeSummary]:
    """What is not as it should be, worst first: required or expected clauses that are not held."""
    order = [Verdict.VIOLATED, Verdict.ERROR, Verdict.INCONCLUSIVE]
    found = [known for known in summary.guarantees if known.stance is not Stance.FREE and known.verdict in order]
    return sorted(found, key=lambda known: order.index(known.verdict))


def refuted(summary: RunSummary) -> list[GuaranteeSummary]:
    """Predictions that the run says are wrong."""
    return [known for known in summary.guarantees if known.prediction is PredictionResult.REFUTED]


def how_sure(summary: RunSummary) -> str:
    """What a pass of this run is worth: the weakest bound among the required guarantees that held."""
    held = [
        result
        for result in summary.guarantees
        if result.stance is Stance.REQUIRED and result.verdict is Verdict.HELD and result.upper_bound is not None
    ]
    if not held:
        return "No required guarantee held conclusively, so there is no pass whose certainty could be stated."
    weakest = min(held, key=lambda result: result.trials)
    sentence = (
        f"“Held” means not refuted: where a scenario had {plural(weakest.trials, 'trial')} without a violation, its"
        f" true violation rate may still be up to {percent(weakest.upper_bound)} (95 % confidence)."
    )
    if weakest.trials >= _TRIALS_FOR_CONFIDENCE:
        return sentence
    bound = percent(1 - 0.05 ** (1 / _TRIALS_FOR_CONFIDENCE))
    return f"{sentence} {_TRIALS_FOR_CONFIDENCE} trials (--trials {_TRIALS_FOR_CONFIDENCE}) would lower it to {bound}."
