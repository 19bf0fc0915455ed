"""How numbers, marks and bounds are worded."""

from __future__ import annotations

import math

import pytest

from harness.model.results import GuaranteeSummary
from harness.model.words import Guarantee, PredictionResult, Stance, Verdict
from harness.report.wording import (
    Tone,
    bound_sentence,
    bound_short,
    count,
    guarantee_mark,
    milliseconds,
    percent,
    ratio,
)


def guarantee(
    *, stance: Stance = Stance.REQUIRED, verdict: Verdict = Verdict.HELD, violated: int = 0, trials: int = 1
) -> GuaranteeSummary:
    """At-least-once of one arm, as the checker would summarise it."""
    bound = None if trials == 0 else 1.0 if violated == trials else 1 - 0.05 ** (1 / trials)
    return GuaranteeSummary(
        scenario="partition",
        arm="pubsub",
        guarantee=Guarantee.AT_LEAST_ONCE,
        stance=stance,
        trials=trials,
        violated=violated,
        inconclusive=0,
        upper_bound=bound,
        verdict=verdict,
        violations=violated,
        samples=100,
        reason="as counted",
        prediction=PredictionResult.NOT_TESTED,
        predicted=None,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (math.inf, "never"),
        (0.0, "0 ms"),
        (0.714, "0.71 ms"),
        (9.996, "10.0 ms"),
        (62.0, "62.0 ms"),
        (310.4, "310 ms"),
        (999.6, "1.00 s"),
        (2951.0, "2.95 s"),
        (3_600_000.0, "3,600 s"),
    ],
)
def test_a_latency_has_three_digits_and_a_unit(value: float | None, expected: str) -> None:
    """Infinite is "never", missing is a dash, and the two are never confused."""
    assert expected == milliseconds(value)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.0952, "9.5 %"),
        (0.95, "95 %"),
        (0.998, "99.8 %"),
        (1.0, "100 %"),
        (1.27, "127 %"),
        (0.0004, "0.04 %"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(share: float | None, expected: str) -> None:
    """99.8 % stays 99.8 %: "100 %" means all."""
    assert expected == percent(share)


def test_counts_and_ratios() -> None:
    """Thousands are separated; a missing number is a dash, zero is zero."""
    assert ("1,800", "0", "–") == (count(1800), count(0), count(None))
    assert ("1.00", "212", "–") == (ratio(1.0), ratio(212.4), ratio(None))


@pytest.mark.parametrize(
    ("stance", "verdict", "violated", "word", "tone"),
    [
        (Stance.REQUIRED, Verdict.HELD, 0, "held", Tone.GOOD),
        (Stance.REQUIRED, Verdict.VIOLATED, 1, "violated", Tone.BAD),
        (Stance.REQUIRED, Verdict.INCONCLUSIVE, 0, "inconclusive", Tone.UNSURE),
        (Stance.REQUIRED, Verdict.ERROR, 0, "error", Tone.BAD),
        (Stance.EXPECTED_NOT_TO_HOLD, Verdict.HELD, 1, "lost as expected", Tone.EXPECTED),
        (Stance.EXPECTED_NOT_TO_HOLD, Verdict.INCONCLUSIVE, 0, "inconclusive", Tone.UNSURE),
        (Stance.FREE, Verdict.HELD, 0, "(held)", Tone.NEUTRAL),
        (Stance.FREE, Verdict.HELD, 1, "(violated)", Tone.NEUTRAL),
        (Stance.FREE, Verdict.INCONCLUSIVE, 0, "(inconclusive)", Tone.NEUTRAL),
    ],
)
def test_a_mark_says_in_words_what_was_found(
    *, stance: Stance, verdict: Verdict, violated: int, word: str, tone: Tone
) -> None:
    """An expected loss reads as neither held nor violated; what nobody asked for stands in parentheses."""
    mark = guarantee_mark(guarantee(stance=stance, verdict=verdict, violated=violated))

    assert (word, tone) == (mark.word, mark.tone)


@pytest.mark.parametrize(
    ("violated", "trials", "short", "sentence"),
    [
        (0, 1, "0/1 ≤95 %", "violated in 0 of 1 trial; at 95 % confidence the true rate may be as high as 95 %"),
        (0, 30, "0/30 ≤9.5 %", "violated in 0 of 30 trials; at 95 % confidence the true rate may be as high as 9.5 %"),
        (3, 3, "3/3", "violated in 3 of 3 trials"),
        (0, 0, "no trial", "no conclusive trial: nothing can be said"),
    ],
)
def test_a_pass_carries_what_it_still_allows(*, violated: int, trials: int, short: str, sentence: str) -> None:
    """k of n with the bound; without a conclusive trial there is nothing to say."""
    result = guarantee(violated=violated, trials=trials)

    assert (short, sentence) == (bound_short(result), bound_sentence(result))
