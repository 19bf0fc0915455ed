"""What a limit may be judged by: nothing is kept where absence is not proven, and what was seen stands all the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from contract_trials import HELD, INCONCLUSIVE, SECOND, VIOLATED, arm_result, evidence, fault_window, trial_result
from literal_history import DROP, LiteralTrial, pubsub_arm, stream_arm

from harness.check.judge import weigh_against_controls
from harness.contract.clauses import Clause, Quantity
from harness.contract.evaluate import judge_clause
from harness.contract.observe import Observation, observe
from harness.history.journal import BarrierPart
from harness.model.accounts import RecoveryTimes, UnavailabilityWindow
from harness.model.message import SENTINEL_BASE
from harness.model.results import TrialResult
from harness.model.words import Guarantee, OutcomeCode, Stance, Verdict

MS = 1_000_000


def limit(quantity: Quantity, value: float, **about: Any) -> Clause:
    """A limit on the group of the scenario ``cut``."""
    base = {"scenario": "cut", "arm": "group", "stance": Stance.REQUIRED, "trials": 1, "confidence": 0.95}
    base |= {"max_violation_rate": None, "min_samples": 1, "line": 1}
    return Clause.model_validate({**base, "quantity": quantity, "limit": value, **about})


def seen(quantity: Quantity, value: float, trial: TrialResult, **about: Any) -> Observation:
    found = observe(limit(quantity, value, **about), trial)
    assert found is not None
    return found


# without the drain barrier ----------------------------------------------------------------------------------------
AWAY = (UnavailabilityWindow(producer=0, begin_ns=4 * SECOND, end_ns=6 * SECOND),)
BACK = RecoveryTimes(read_from_heal_ns=500 * MS, write_from_heal_ns=500 * MS, backlog_from_heal_ns=500 * MS)
BARRIER = [
    # quantity, what the arm came to, a limit that it keeps, one that it passes, what passing it is without the barrier
    (Quantity.LOST, {"lost": 3}, 3, 2, INCONCLUSIVE),
    (Quantity.DUPLICATED, {"duplicated": 3}, 3, 2, VIOLATED),
    (Quantity.DUPLICATE_EFFECTS, {"duplicate_effects": 3}, 3, 2, VIOLATED),
    (Quantity.MISSING_EFFECTS, {"lost": 3}, 3, 2, INCONCLUSIVE),
    (Quantity.READ_RECOVERY, {"recovery": BACK}, 500, 499, VIOLATED),
    (Quantity.WRITE_RECOVERY, {"recovery": BACK}, 500, 499, VIOLATED),
    (Quantity.BACKLOG_RECOVERY, {"recovery": BACK}, 500, 499, VIOLATED),
    (Quantity.P99, {}, 5, 4.9, INCONCLUSIVE),
    (Quantity.P99, {"p99_ms": math.inf}, math.inf, 4.9, INCONCLUSIVE),
    (Quantity.AVAILABLE, {"away": AWAY}, 0.8, 0.81, VIOLATED),
]
REFUTED: list[dict[str, int]] = [{}, {"phantoms": 1, "duplicated": 3, "duplicate_effects": 3}]
"""Nothing else was seen; something of every guarantee was, which refutes it without the barrier as well."""


@pytest.mark.parametrize(("quantity", "numbers", "keeps", "passes", "without"), BARRIER)
@pytest.mark.parametrize("refuted", REFUTED, ids=["nothing refuted", "all refuted"])
def test_no_limit_is_kept_without_the_barrier(
    quantity: Quantity,
    numbers: dict[str, object],
    keeps: float,
    passes: float,
    without: Verdict,
    refuted: dict[str, int],
) -> None:
    """Whatever was refuted beside it; beyond its limit stands what nothing that is still to come takes back."""
    arm = arm_result(**(refuted | numbers))  # type: ignore[arg-type]
    whole, cut_short = trial_result(arm), trial_result(arm, missed=["group"])
    assert [HELD, VIOLATED] == [seen(quantity, value, whole).verdict for value in (keeps, passes)]
    kept, passed = (seen(quantity, value, cut_short) for value in (keeps, passes))
    assert [INCONCLUSIVE, without] == [kept.verdict, passed.verdict]
    assert kept.value is None
    assert "the drain barrier was not reached" in kept.reason


def test_what_was_counted_before_the_barrier_is_told_and_is_no_value() -> None:
    """Three were doubled, five may be: but nobody knows how many are still to come."""
    arm = arm_result(duplicated=3)
    found = judge_clause(limit(Quantity.DUPLICATED, 5), evidence(trial_result(arm, missed=["group"])))
    assert (INCONCLUSIVE, None) == (found.verdict, found.worst)
    assert found.reason.endswith("the drain barrier was not reached, so absence is not proven; counted so far: 3")


def test_the_barrier_of_another_arm_is_not_asked() -> None:
    """Each arm has its own, whether or not anything of it held."""
    pubsub = arm_result(arm="pubsub")
    lossy, hopeless = arm_result(lost=2), arm_result(lost=2, duplicated=1, duplicate_effects=1)
    for arm, measured in ((lossy, None), (hopeless, dict.fromkeys(Guarantee, VIOLATED))):
        trial = trial_result(arm, pubsub, missed=["pubsub"], measured=measured)
        assert [HELD, VIOLATED] == [seen(Quantity.LOST, most, trial).verdict for most in (2, 1)]
        missed = trial_result(arm, pubsub, missed=["group"], measured=measured)
        assert [INCONCLUSIVE] * 2 == [seen(Quantity.LOST, most, missed).verdict for most in (2, 1)]


@pytest.mark.parametrize("measured", [INCONCLUSIVE, Verdict.ERROR])
@pytest.mark.parametrize(("quantity", "numbers", "passes"), [(row[0], row[1], row[3]) for row in BARRIER])
def test_another_doubt_leaves_nothing_standing(
    quantity: Quantity, numbers: dict[str, object], passes: float, measured: Verdict
) -> None:
    """A fault that was not seen, a control that was not perfect: what was counted is nobody's fault."""
    arm = arm_result(**numbers)  # type: ignore[arg-type]
    doubted = trial_result(arm, measured=dict.fromkeys(Guarantee, measured))
    assert measured is seen(quantity, passes, doubted).verdict


@pytest.mark.parametrize("quantity", [row[0] for row in BARRIER])
def test_what_is_unread_is_in_doubt_whether_or_not_something_else_was_lost(quantity: Quantity) -> None:
    """A clean trial with unread messages is inconclusive, so one with losses on top is no better."""
    arm = arm_result(unread=4, lost=1, recovery=BACK)
    value = 0.5 if quantity is Quantity.AVAILABLE else 1_000
    found = seen(quantity, value, trial_result(arm))
    on_once = quantity in {Quantity.DUPLICATED, Quantity.DUPLICATE_EFFECTS, Quantity.MISSING_EFFECTS}
    assert (HELD if on_once else INCONCLUSIVE) is found.verdict
    assert on_once == ("4 are still in the log and unread" not in found.reason)
    assert VIOLATED is seen(Quantity.LOST, 0, trial_result(arm)).verdict


# times to recover -------------------------------------------------------------------------------------------------
def test_what_has_no_time_to_recover_says_why() -> None:
    """Nothing was injected, nothing was healed, nothing was interrupted; or nothing is known to compare with."""
    read_back, read_away = RecoveryTimes(read_from_heal_ns=1), RecoveryTimes(not_back=("read",))
    for quantity, recovery, faults, reason in (
        (Quantity.READ_RECOVERY, RecoveryTimes(), (), "reads was observed: no fault was injected"),
        (
            Quantity.READ_RECOVERY,
            RecoveryTimes(),
            (fault_window(heal_s=None),),
            "reads was observed: the fault was not",
        ),
        (Quantity.WRITE_RECOVERY, read_back, (fault_window(),), "writes was observed: the fault did not interrupt it"),
        (Quantity.BACKLOG_RECOVERY, RecoveryTimes(), (fault_window(),), "backlog was observed: the fault did not"),
        (Quantity.BACKLOG_RECOVERY, read_back, (fault_window(),), "too few messages of the steady phase arrived"),
        (Quantity.BACKLOG_RECOVERY, read_away, (fault_window(),), "too few messages of the steady phase arrived"),
    ):
        found = seen(quantity, 50, trial_result(arm_result(recovery=recovery), faults=faults))
        assert (INCONCLUSIVE, None, True) == (found.verdict, found.value, reason in found.reason), found.reason


@pytest.mark.parametrize(
    ("quantity", "heal_s", "most_ms", "verdict"),
    [
        # The traffic ends at 10 s, and is 100 messages a second: 6 of them take at most 0.18 s, 21 at most 0.63 s.
        (Quantity.READ_RECOVERY, 7, 2_819, VIOLATED),
        (Quantity.READ_RECOVERY, 7, 2_820, INCONCLUSIVE),
        (Quantity.WRITE_RECOVERY, 7, 2_819, VIOLATED),
        (Quantity.WRITE_RECOVERY, 7, 2_820, INCONCLUSIVE),
        (Quantity.BACKLOG_RECOVERY, 7, 2_369, VIOLATED),
        (Quantity.BACKLOG_RECOVERY, 7, 2_370, INCONCLUSIVE),
        (Quantity.READ_RECOVERY, 9.9, 1, INCONCLUSIVE),
        (Quantity.READ_RECOVERY, 12, 1, INCONCLUSIVE),
        (Quantity.READ_RECOVERY, None, 1, INCONCLUSIVE),
    ],
)
def test_what_was_not_back_by_the_end_missed_a_limit_that_had_passed_by_then(
    quantity: Quantity, heal_s: float | None, most_ms: float, verdict: Verdict
) -> None:
    """It took longer than the traffic went on after the heal; whether it took longer than more, nobody knows."""
    arm = arm_result(recovery=RecoveryTimes(not_back=("write", "read", "backlog")))
    trial = trial_result(arm, faults=(fault_window(heal_s=heal_s),))
    found = judge_clause(limit(quantity, most_ms), evidence(trial))
    assert verdict is found.verdict
    if verdict is VIOLATED:
        assert math.inf == found.worst
        assert found.reason.startswith("not back by the end in cut-1")
    else:
        assert "it was not back by the end of the trial, which came too soon to say" in found.reason


def test_the_last_heal_counts() -> None:
    """Of two faults, the one that was healed last; one that was never healed leaves nothing to count from."""
    arm = arm_result(recovery=RecoveryTimes(not_back=("read",)))
    twice, open_end = (fault_window(), fault_window(heal_s=9)), (fault_window(heal_s=None), fault_window())
    assert INCONCLUSIVE is seen(Quantity.READ_RECOVERY, 1_000, trial_result(arm, faults=twice)).verdict
    assert VIOLATED is seen(Quantity.READ_RECOVERY, 800, trial_result(arm, faults=twice)).verdict
    assert INCONCLUSIVE is seen(Quantity.READ_RECOVERY, 1, trial_result(arm, faults=open_end)).verdict


# as the checker words it ------------------------------------------------------------------------------------------
def never_read_again(
    tmp_path: Path,
    *,
    without: tuple[BarrierPart, ...],
    fault_seen: bool = True,
    sentinels: OutcomeCode | None = OutcomeCode.ACKNOWLEDGED,
) -> TrialResult:
    """Messages go out all through the trial, and what was sent from the fault on never arrives.

    Nor do the drain's sentinels, every 50 ms to 7.95 s, which came to ``sentinels``; ``None``: the producer died.
    """
    trial = LiteralTrial(tmp_path, [stream_arm("group")], faults=[DROP], name="cut")
    for sequence in range(330):
        trial.send(sequence, 100 + 5 * sequence)
        trial.log(sequence)
        if sequence < 180:
            trial.receive(sequence, 101 + 5 * sequence)
    for number in range(120 if sentinels is not None else 0):
        trial.send(SENTINEL_BASE + number, 2_000 + 50 * number, sentinels)
    trial.fault(1_000, 1_200, observed=fault_seen)
    trial.phases(0, 50, 1_000, 1_200, 1_800, 9_900)
    trial.finish(without=without)
    return trial.judge().result


UNSEEN = (BarrierPart.SENTINELS_SEEN, BarrierPart.CAUGHT_UP)


def test_readers_that_never_came_back_missed_what_the_trial_waited_for(tmp_path: Path) -> None:
    """No barrier, no verdict on the losses; but a sentinel was sent in vain at 7.95 s, 6.75 s after the heal."""
    trial = never_read_again(tmp_path, without=UNSEEN)
    assert ("read", "backlog") == trial.arms[0].recovery.not_back
    assert INCONCLUSIVE is next(one for one in trial.clauses if one.guarantee is Guarantee.AT_LEAST_ONCE).measured
    found = [seen(Quantity.READ_RECOVERY, most, trial).verdict for most in (6_569, 6_570)]
    assert [VIOLATED, INCONCLUSIVE] == found
    assert INCONCLUSIVE is seen(Quantity.LOST, 1_000, trial).verdict
    assert INCONCLUSIVE is seen(Quantity.MISSING_EFFECTS, 0, trial).verdict
    assert INCONCLUSIVE is seen(Quantity.AVAILABLE, 0.1, trial).verdict


@pytest.mark.parametrize("sentinels", [None, OutcomeCode.INDETERMINATE, OutcomeCode.REJECTED])
def test_readers_are_not_blamed_for_what_was_never_sent(tmp_path: Path, sentinels: OutcomeCode | None) -> None:
    """The producer died, or reached no server in the drain: what is certain ends with the traffic."""
    without = UNSEEN if sentinels is not None else (BarrierPart.PRODUCERS_DONE, *UNSEEN)
    trial = never_read_again(tmp_path, without=without, sentinels=sentinels)
    found = [seen(Quantity.READ_RECOVERY, most, trial).verdict for most in (400, 450, 6_569)]
    assert [VIOLATED, INCONCLUSIVE, INCONCLUSIVE] == found


def back_late(tmp_path: Path, *, without: tuple[BarrierPart, ...]) -> TrialResult:
    """What was sent in the fault arrives 800 ms after the heal."""
    trial = LiteralTrial(tmp_path, [stream_arm("group")], faults=[DROP], name="cut")
    for sequence in range(400):
        sent = 100 + 10 * sequence
        trial.send(sequence, sent)
        trial.log(sequence)
        trial.receive(sequence, 2_800 + sequence / 100 if 1_000 <= sent < 2_800 else sent + 1)
    trial.fault(1_000, 2_000)
    trial.finish(without=without)
    return trial.judge().result


@pytest.mark.parametrize("without", [(), (BarrierPart.CAUGHT_UP,)], ids=["barrier", "no barrier"])
def test_a_limit_is_not_missed_without_a_perfect_control(tmp_path: Path, without: tuple[BarrierPart, ...]) -> None:
    """The same slow recovery passes its limit, but for the control that the run lacks: that doubt comes first."""
    trial = back_late(tmp_path, without=without)
    (weighed,) = weigh_against_controls([trial])
    found = [seen(Quantity.READ_RECOVERY, 500, one) for one in (trial, weighed)]
    assert [VIOLATED, INCONCLUSIVE] == [one.verdict for one in found]
    assert [800.9, None] == [one.value for one in found]
    assert found[1].reason.startswith("the run has no no-fault control of the family partition")


def test_a_drain_that_failed_for_another_reason_waited_for_no_reads(tmp_path: Path) -> None:
    """The sentinels were seen: what is certain ends with the traffic, 0.6 s after the heal."""
    trial = never_read_again(tmp_path, without=(BarrierPart.PENDING_SETTLED,))
    found = [seen(Quantity.READ_RECOVERY, most, trial).verdict for most in (400, 450, 8_500)]
    assert [VIOLATED, INCONCLUSIVE, INCONCLUSIVE] == found


def test_a_fault_that_was_not_seen_is_blamed_for_nothing(tmp_path: Path) -> None:
    """Another doubt stands before the barrier's."""
    trial = never_read_again(tmp_path, without=UNSEEN, fault_seen=False)
    found = seen(Quantity.READ_RECOVERY, 1, trial)
    assert (INCONCLUSIVE, True) == (found.verdict, "no effect of it was seen" in found.reason)


def test_a_phantom_does_not_make_a_count_of_losses_count(tmp_path: Path) -> None:
    """It refutes at-least-once on the spot; but without the barrier nothing is called lost, and 0 lost is no count."""
    trial = LiteralTrial(tmp_path, [pubsub_arm("group")], name="cut")
    trial.sane(20)
    trial.receive(5_000, 900, effect=False)
    trial.without("consumer-0-0-0", sequence=7)
    trial.without("effects-0", sequence=7)
    trial.finish(without=[BarrierPart.SENTINELS_SEEN])
    result = trial.judge().result
    assert VIOLATED is next(one for one in result.clauses if one.guarantee is Guarantee.AT_LEAST_ONCE).measured
    found = seen(Quantity.LOST, 5, result)
    assert (INCONCLUSIVE, None) == (found.verdict, found.value)
    assert found.reason.startswith("the drain barrier was not reached")
