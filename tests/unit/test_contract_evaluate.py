"""The truth table of a contract: which trials make a clause held, violated, inconclusive or an error, and why."""

from __future__ import annotations

import math

import pytest
from contract_trials import (
    ERROR,
    HELD,
    INCONCLUSIVE,
    KNOWN,
    SECOND,
    VIOLATED,
    arm_result,
    evidence,
    run_summary,
    trial_result,
)

from harness.contract.clauses import Clause, Quantity, clauses_of
from harness.contract.evaluate import evaluate, judge_clause
from harness.contract.gather import gather, notes_of
from harness.contract.read import parse_contract
from harness.contract.result import ContractResult
from harness.model.accounts import RecoveryTimes, UnavailabilityWindow
from harness.model.errors import UsageError
from harness.model.words import Guarantee, Phase, Stance, Verdict

ALO = Guarantee.AT_LEAST_ONCE


def clause(**said: object) -> Clause:
    """A clause on the group of the scenario ``cut``, at least once required of it unless something else is said."""
    base: dict[str, object] = {
        "scenario": "cut",
        "arm": "group",
        "stance": Stance.REQUIRED,
        "trials": 1,
        "confidence": 0.95,
        "max_violation_rate": None,
        "min_samples": 1,
        "line": 1,
    }
    demand = {} if "quantity" in said else {"guarantee": ALO}
    return Clause.model_validate(base | demand | said)


REQUIRED, EXPECTED, FREE = Stance.REQUIRED, Stance.EXPECTED_NOT_TO_HOLD, Stance.FREE
TABLE = [
    # stance, trials asked, rate, measured per trial, verdict, a part of the reason
    (REQUIRED, 1, None, [HELD], HELD, "0 of 1000 counted"),
    (REQUIRED, 1, None, [VIOLATED], VIOLATED, "counted in cut-0"),
    (REQUIRED, 1, None, [HELD, VIOLATED], VIOLATED, "counted in cut-1"),
    (REQUIRED, 1, None, [INCONCLUSIVE, VIOLATED], VIOLATED, "cut-1"),
    (REQUIRED, 1, None, [ERROR, VIOLATED], VIOLATED, "cut-1"),
    (REQUIRED, 1, None, [HELD, ERROR, INCONCLUSIVE], ERROR, "in cut-1"),
    (REQUIRED, 1, None, [HELD, INCONCLUSIVE], INCONCLUSIVE, "in cut-1"),
    (REQUIRED, 1, None, [], INCONCLUSIVE, "zero trials: no run here played cut with group"),
    (REQUIRED, 3, None, [HELD, HELD], INCONCLUSIVE, "2 conclusive trials, and the contract asks for 3"),
    (REQUIRED, 3, None, [HELD] * 3, HELD, "0 violations in 3,000 samples"),
    (
        REQUIRED,
        1,
        0.1,
        [HELD],
        INCONCLUSIVE,
        "still allow a rate of 95 %, and the contract 10 % (confidence 95 %): needs 29",
    ),
    (REQUIRED, 28, 0.1, [HELD] * 28, INCONCLUSIVE, "needs 29 trials without a violation"),
    (REQUIRED, 29, 0.1, [HELD] * 29, HELD, "0 violations in 29,000 samples"),
    (REQUIRED, 1, 0.1, [VIOLATED], VIOLATED, "cut-0"),
    (REQUIRED, 30, 0.1, [VIOLATED] * 4 + [HELD] * 26, VIOLATED, "cut-0 (and 3 more of 30 trials)"),
    (REQUIRED, 30, 0.1, [VIOLATED] + [HELD] * 29, INCONCLUSIVE, "needs 46 trials without one more violation"),
    (REQUIRED, 46, 0.1, [VIOLATED] + [HELD] * 45, HELD, "violations in 46,000 samples"),
    (EXPECTED, 1, None, [VIOLATED], HELD, "as expected: 0 of 1000 counted"),
    (EXPECTED, 1, None, [HELD], INCONCLUSIVE, "was expected to break did not (did the fault work?) in cut-0"),
    (EXPECTED, 1, None, [VIOLATED, HELD], INCONCLUSIVE, "(did the fault work?) in cut-1"),
    (EXPECTED, 1, None, [VIOLATED, INCONCLUSIVE], INCONCLUSIVE, "in cut-1"),
    (EXPECTED, 2, None, [VIOLATED], INCONCLUSIVE, "the contract asks for 2"),
    (EXPECTED, 1, None, [], INCONCLUSIVE, "zero trials"),
    (FREE, 1, None, [VIOLATED], VIOLATED, "cut-0"),
    (FREE, 9, 0.1, [HELD], HELD, "0 of 1000 counted"),
    (FREE, 1, None, [], INCONCLUSIVE, "zero trials"),
]


@pytest.mark.parametrize(("stance", "asked", "rate", "measured", "verdict", "reason"), TABLE)
def test_the_truth_table(
    stance: Stance, asked: int, rate: float | None, measured: list[Verdict], verdict: Verdict, reason: str
) -> None:
    """A violation beats an error, which beats doubt; a pass needs enough trials, all of them conclusive."""
    trials = [trial_result(seed=seed, measured={ALO: one}) for seed, one in enumerate(measured)]
    found = judge_clause(clause(stance=stance, trials=asked, max_violation_rate=rate), evidence(*trials))
    assert verdict is found.verdict
    assert reason in found.reason
    assert (stance is not FREE) == found.gates


def test_numbers_come_with_their_bounds() -> None:
    """k of n, both bounds at the clause's confidence, and the samples behind them."""
    trials = [trial_result(seed=seed, measured={ALO: HELD}) for seed in range(30)]
    found = judge_clause(clause(confidence=0.95), evidence(*trials))
    assert (30, 0, 0, 30_000) == (found.trials, found.broken, found.inconclusive, found.samples)
    assert found.upper_bound == pytest.approx(1 - 0.05 ** (1 / 30))
    assert found.lower_bound == pytest.approx(0.0)
    assert judge_clause(clause(confidence=0.5), evidence(trials[0])).upper_bound == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("rate", "broken", "trials", "verdict"),
    [
        (0.29, 29, 100, INCONCLUSIVE),  # 0.29 * 100 is 28.999999999999996
        (0.29, 30, 100, VIOLATED),
        (0.57, 57, 100, INCONCLUSIVE),
        (0.1, 3, 30, INCONCLUSIVE),
        (0.1, 4, 30, VIOLATED),
        (0.07, 7, 100, INCONCLUSIVE),  # 0.07 * 100 is 7.000000000000001
        (0.07, 8, 100, VIOLATED),
        (0.3, 3, 10, INCONCLUSIVE),
        (1e-9, 1, 100, VIOLATED),
    ],
)
def test_a_rate_at_its_limit_is_not_above_it(rate: float, broken: int, trials: int, verdict: Verdict) -> None:
    """As the decimals that stand in the file, not as the product of two floats; shown it is not, for all that."""
    seen = [trial_result(seed=seed, measured={ALO: VIOLATED if seed < broken else HELD}) for seed in range(trials)]
    found = judge_clause(clause(trials=trials, max_violation_rate=rate), evidence(*seen))
    assert (verdict, broken, trials) == (found.verdict, found.broken, found.trials)


@pytest.mark.parametrize(
    ("stance", "measured", "samples", "verdict"),
    [
        (REQUIRED, HELD, 0, INCONCLUSIVE),
        (REQUIRED, HELD, 99, INCONCLUSIVE),
        (REQUIRED, HELD, 100, HELD),
        (REQUIRED, VIOLATED, 1, VIOLATED),
        (EXPECTED, VIOLATED, 99, INCONCLUSIVE),
        (EXPECTED, VIOLATED, 100, HELD),
    ],
)
def test_too_few_samples_never_pass(stance: Stance, measured: Verdict, samples: int, verdict: Verdict) -> None:
    """One sample refutes what must hold; whatever would pass needs as many as are asked for."""
    trial = trial_result(measured={ALO: measured}, samples=samples)
    assert verdict is judge_clause(clause(stance=stance, min_samples=100), evidence(trial)).verdict


def test_a_skipped_scenario_is_inconclusive_with_the_reason() -> None:
    """What a machine cannot play is no pass and no failure."""
    found = judge_clause(clause(), evidence(skipped={"cut": "skipped: needs a server of our own"}))
    assert (INCONCLUSIVE, "zero trials: skipped: needs a server of our own") == (found.verdict, found.reason)


def test_an_arm_that_no_run_had_is_not_judged_by_another() -> None:
    """The trial is there, the arm is not."""
    found = judge_clause(clause(arm="pubsub"), evidence(trial_result(arm_result(arm="group"))))
    assert (INCONCLUSIVE, 0) == (found.verdict, found.trials)


MS = 1_000_000
LIMITS = [
    # quantity, limit, phase, what the arm came to, verdict, worst value
    (Quantity.LOST, 3, None, {"lost": 3}, HELD, 3),
    (Quantity.LOST, 3, None, {"lost": 4}, VIOLATED, 4),
    (Quantity.DUPLICATED, 0, None, {"duplicated": 1}, VIOLATED, 1),
    (Quantity.DUPLICATED, 1, None, {"duplicated": 1}, HELD, 1),
    (Quantity.DUPLICATE_EFFECTS, 0, None, {"duplicate_effects": 2}, VIOLATED, 2),
    (Quantity.MISSING_EFFECTS, 4, None, {"lost": 5}, VIOLATED, 5),
    (Quantity.READ_RECOVERY, 50, None, {"recovery": RecoveryTimes(read_from_heal_ns=50 * MS)}, HELD, 50),
    (Quantity.READ_RECOVERY, 50, None, {"recovery": RecoveryTimes(read_from_heal_ns=51 * MS)}, VIOLATED, 51),
    (Quantity.READ_RECOVERY, 50, None, {"recovery": RecoveryTimes(write_from_heal_ns=1)}, INCONCLUSIVE, None),
    (Quantity.WRITE_RECOVERY, 50, None, {"recovery": RecoveryTimes(write_from_heal_ns=60 * MS)}, VIOLATED, 60),
    (Quantity.BACKLOG_RECOVERY, 50, None, {"recovery": RecoveryTimes(backlog_from_heal_ns=MS)}, HELD, 1),
    (Quantity.P99, 5, None, {}, HELD, 5),
    (Quantity.P99, 4.9, Phase.FAULT, {}, VIOLATED, 5),
    (Quantity.P99, 1e6, None, {"p99_ms": math.inf}, VIOLATED, math.inf),
    (Quantity.P99, 5, None, {"p99_ms": None}, INCONCLUSIVE, None),
    (Quantity.P99, 5, Phase.WARM_UP, {}, INCONCLUSIVE, None),
    (Quantity.AVAILABLE, 1.0, None, {}, HELD, 1.0),
    (Quantity.AVAILABLE, 1.0, None, {"attempted": 0}, INCONCLUSIVE, None),
]


@pytest.mark.parametrize(("quantity", "limit", "phase", "numbers", "verdict", "worst"), LIMITS)
def test_limits(
    quantity: Quantity,
    limit: float,
    phase: Phase | None,
    numbers: dict[str, object],
    verdict: Verdict,
    worst: float | None,
) -> None:
    """At the limit is within it; what was not observed meets none."""
    trial = trial_result(arm_result(**numbers))  # type: ignore[arg-type]
    found = judge_clause(clause(quantity=quantity, limit=limit, phase=phase), evidence(trial))
    assert (verdict, worst) == (found.verdict, found.worst)


@pytest.mark.parametrize(
    ("windows", "share"),
    [
        ([(0, 4, 6)], 0.8),
        ([(0, 4, 6), (0, 8, 9)], 0.7),
        ([(0, 4, 6), (1, 4, 9)], 0.5),
        ([(0, 7, None)], 0.7),
        ([(0, 9, 55)], 0.9),
        ([(0, 2, 6), (0, 3, 7), (0, 4, 5)], 0.5),
        ([(0, 2, 6), (1, 3, 7), (0, 5, 8)], 0.4),
    ],
)
def test_availability_is_the_worst_producers(windows: list[tuple[int, int, int | None]], share: float) -> None:
    """Of ten seconds of traffic; an open window lasts to its end; the drain does not count."""
    away = tuple(
        UnavailabilityWindow(producer=producer, begin_ns=begin * SECOND, end_ns=None if end is None else end * SECOND)
        for producer, begin, end in windows
    )
    trial = trial_result(arm_result(away=away))
    found = judge_clause(clause(quantity=Quantity.AVAILABLE, limit=share), evidence(trial))
    assert found.worst == pytest.approx(share)
    stricter = judge_clause(clause(quantity=Quantity.AVAILABLE, limit=share + 0.01), evidence(trial))
    assert VIOLATED is stricter.verdict


def test_a_limit_is_not_judged_where_its_guarantee_was_not() -> None:
    """No loss was counted, but the drain barrier was not reached: that is no budget kept."""
    trial = trial_result(arm_result(lost=0), measured={ALO: INCONCLUSIVE})
    assert INCONCLUSIVE is judge_clause(clause(quantity=Quantity.LOST, limit=0), evidence(trial)).verdict


def test_a_limit_is_violated_by_the_worst_trial() -> None:
    """And shown with it."""
    trials = [trial_result(arm_result(lost=lost), seed=lost) for lost in (0, 7, 2)]
    found = judge_clause(clause(quantity=Quantity.LOST, limit=1), evidence(*trials))
    assert (VIOLATED, 2, 3, 7) == (found.verdict, found.broken, found.trials, found.worst)


CONTRACT = """\
version: 1
scenarios:
  cut:
    pubsub: {expected_not_to_hold: [at-least-once], free: [ordered]}
    group: {required: [at-least-once], budgets: {lost: 0}}
  stall:
    group: {required: [at-least-once]}
"""


def result_of(*trials: object) -> ContractResult:
    contract = parse_contract(CONTRACT.encode(), name="c.yaml", known=KNOWN)
    clauses = clauses_of(contract, chosen=None, profile=None, trials=None)
    return evaluate(clauses, evidence(*trials), contract="c.yaml", profile=None, runs=["r"])  # type: ignore[arg-type]


def test_the_whole_is_as_bad_as_its_worst_clause_and_that_comes_first() -> None:
    """Violated, then inconclusive, then held, then what only informs."""
    cut = trial_result(arm_result(arm="pubsub", lost=1), arm_result(arm="group", lost=2))
    result = result_of(cut)
    assert (VIOLATED, 1) == (result.verdict, result.exit_code)
    assert [VIOLATED, VIOLATED, INCONCLUSIVE, HELD, HELD] == [one.verdict for one in result.clauses]
    assert [True, True, True, True, False] == [one.gates for one in result.clauses]


def test_what_is_free_never_gates() -> None:
    """A violated order that nobody asked for is shown."""
    cut = trial_result(
        arm_result(arm="pubsub", lost=1), arm_result(arm="group"), measured={Guarantee.ORDERED: VIOLATED}
    )
    result = result_of(cut, trial_result(scenario="stall"))
    assert (HELD, 0) == (result.verdict, result.exit_code)
    assert (VIOLATED, False) == (result.clauses[-1].verdict, result.clauses[-1].gates)


def test_a_contract_on_nothing_is_inconclusive() -> None:
    """No trials, and no clauses."""
    assert (INCONCLUSIVE, 3) == (result_of().verdict, result_of().exit_code)
    empty = evaluate([], evidence(), contract="c", profile=None, runs=[])
    assert (INCONCLUSIVE, 3) == (empty.verdict, empty.exit_code)


def test_a_trial_counts_once_however_often_its_run_is_named() -> None:
    """A copied run is no second piece of evidence, and the reader is told."""
    run = run_summary(trial_result(seed=1), trial_result(seed=2))
    again = [("a", run), ("b", run)]
    assert 2 == len(gather(again).trials)
    assert ["b holds 2 trials that another run holds as well: they count once"] == notes_of(again)


def test_runs_that_were_not_played_alike_are_not_counted_together() -> None:
    """One second of outage and three are two questions."""
    runs = [("a", run_summary(trial_result())), ("b", run_summary(trial_result(outage_s=1.0, run="other")))]
    with pytest.raises(UsageError, match="cut was not played alike in a and b: timeline"):
        gather(runs)


def test_a_partial_run_says_so() -> None:
    """Its trials are judged all the same."""
    notes = notes_of([("a", run_summary(trial_result(), planned=3))])
    assert ["a is partial: 1 of 3 planned trials are here"] == notes
