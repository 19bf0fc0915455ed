"""Two runs, or two arms of one run, set against each other: counts are compared exactly, times only inform.

"Exactly" needs saying. How *many* messages a fault costs depends on where in the traffic it strikes, so 559 and 561
losses are no difference. What is exact is whether something that never happened happens: a *required* guarantee that
was violated in no trial of the first side and in one of the second got worse, full stop. Otherwise the rates of
violated trials are compared, and a difference is one only where its interval (95 %) excludes zero. What was expected
to break and breaks less often is no progress: a fault that did not work looks the same.

Trials of the same seed (the same schedule, payloads and fault times) are paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.check.alike import difference_of_play
from harness.check.bound import CONFIDENCE
from harness.check.compare_numbers import count_changes, time_changes
from harness.check.comparison import Change, Comparison, GuaranteeChange
from harness.check.statistics import Interval, difference, paired_difference
from harness.model.accounts import ArmResult
from harness.model.errors import ExitCode, UsageError
from harness.model.results import ClauseResult, RunSummary, TrialResult
from harness.model.words import Guarantee, Stance, Verdict

_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})
_STRICTNESS = (Stance.REQUIRED, Stance.EXPECTED_NOT_TO_HOLD, Stance.FREE)
_ORDER = (Change.WORSE, Change.UNKNOWN, Change.BETTER, Change.SAME)


@dataclass(frozen=True, slots=True)
class Side:
    """One arm of one scenario on one side: its trials by seed."""

    scenario: str
    arm: str
    trials: Mapping[int, TrialResult]

    def clauses(self, guarantee: Guarantee) -> dict[int, ClauseResult]:
        """What was judged of ``guarantee``, by seed."""
        return {
            seed: clause
            for seed, trial in self.trials.items()
            for clause in trial.clauses
            if (clause.arm, clause.guarantee) == (self.arm, guarantee)
        }

    def results(self) -> dict[int, ArmResult]:
        """What the arm came to, by seed, in the trials that prove something."""
        sound = {seed for seed, one in self.clauses(Guarantee.AT_LEAST_ONCE).items() if one.measured in _CONCLUSIVE}
        return {
            seed: arm
            for seed, trial in self.trials.items()
            for arm in trial.arms
            if arm.arm == self.arm and seed in sound
        }


def compare_runs(
    first: RunSummary, second: RunSummary, *, names: tuple[str, str], time_confidence: float = CONFIDENCE
) -> Comparison:
    """``second`` seen from ``first``; ``time_confidence`` is that of the intervals of times.

    Raises:
        UsageError: they have no scenario in common.
    """
    one, two = _sides(first), _sides(second)
    if not {scenario for scenario, _ in one} & {scenario for scenario, _ in two}:
        raise UsageError(
            f"{names[0]} and {names[1]} have no scenario in common", fix="compare runs of the same scenarios"
        )
    unknown = [
        f"the {name} side is partial: {len(run.trials):,} of {run.planned_trials:,} planned trials are here"
        for name, run in (("first", first), ("second", second))
        if run.partial
    ]
    pairs: list[tuple[Side, Side]] = []
    for key, side in one.items():
        other = two.get(key)
        doubt = "not on the second side" if other is None else _unlike(side, other)
        if other is None or doubt:
            unknown.append(f"{side.scenario} · {side.arm}: {doubt}")
        else:
            pairs.append((side, other))
    return _compare(
        pairs, names=names, notes=_notes(first, second), unknown=unknown, gates=True, time_confidence=time_confidence
    )


def compare_arms(run: RunSummary, first: str, second: str) -> Comparison:
    """Two arms of one run, paired by trial: they were struck by the same fault at the same moment. Gates nothing.

    Raises:
        UsageError: no scenario has both.
    """
    sides = _sides(run)
    pairs = [
        (side, sides[scenario, second])
        for (scenario, arm), side in sides.items()
        if arm == first and (scenario, second) in sides
    ]
    if not pairs:
        arms = ", ".join(dict.fromkeys(arm for _, arm in sides))
        raise UsageError(f"no scenario of the run has both {first} and {second}", fix=f"its arms are {arms}")
    return _compare(pairs, names=(first, second), notes=[], unknown=[], gates=False)


def _compare(
    pairs: Sequence[tuple[Side, Side]],
    *,
    names: tuple[str, str],
    notes: Sequence[str],
    unknown: Sequence[str],
    gates: bool,
    time_confidence: float = CONFIDENCE,
) -> Comparison:
    guarantees = [change for one, two in pairs for change in _guarantees(one, two, gates=gates)]
    guarantees.sort(key=lambda change: (not change.gates, _ORDER.index(change.change)))
    times = [
        change
        for one, two in pairs
        for change in time_changes(one.scenario, two.arm, one.results(), two.results(), confidence=time_confidence)
    ]
    times.sort(key=lambda change: not change.significant)
    worse = any(change.gates and change.change is Change.WORSE for change in guarantees)
    doubtful = unknown or any(change.gates and change.change is Change.UNKNOWN for change in guarantees)
    return Comparison(
        first=names[0],
        second=names[1],
        exit_code=ExitCode.VIOLATED if worse else ExitCode.INCONCLUSIVE if doubtful else ExitCode.HELD,
        notes=tuple(notes),
        unknown=tuple(unknown),
        guarantees=tuple(guarantees),
        counts=tuple(
            change
            for one, two in pairs
            for change in count_changes(one.scenario, two.arm, one.results(), two.results())
        ),
        times=tuple(times),
    )


def _sides(run: RunSummary) -> dict[tuple[str, str], Side]:
    found: dict[tuple[str, str], dict[int, TrialResult]] = {}
    for trial in run.trials:
        for arm in trial.arms:
            found.setdefault((trial.trial.scenario.name, arm.arm), {})[trial.trial.seed] = trial
    return {key: Side(*key, trials) for key, trials in found.items()}


def _unlike(one: Side, two: Side) -> str:
    """Why two sides asked different questions; empty when they did not."""
    first, second = next(iter(one.trials.values())), next(iter(two.trials.values()))
    unlike = difference_of_play(first.trial.scenario, second.trial.scenario)
    return f"not played alike: {unlike}" if unlike else ""


def _notes(first: RunSummary, second: RunSummary) -> list[str]:
    notes: list[str] = []
    for what in ("server", "proxy_engine", "client", "platform", "cpu_count"):
        one, two = (sorted({str(getattr(trial.environment, what)) for trial in run.trials}) for run in (first, second))
        if one != two:
            notes.append(f"{what.replace('_', ' ')} differs: {', '.join(one)} and {', '.join(two)}")
    return notes


def _guarantees(one: Side, two: Side, *, gates: bool) -> Iterator[GuaranteeChange]:
    for guarantee in Guarantee:
        first, second = one.clauses(guarantee), two.clauses(guarantee)
        if first and second:
            yield _guarantee(one, two.arm, guarantee, first, second, gates=gates)


def _guarantee(
    side: Side,
    arm: str,
    guarantee: Guarantee,
    first: Mapping[int, ClauseResult],
    second: Mapping[int, ClauseResult],
    *,
    gates: bool,
) -> GuaranteeChange:
    stance = min((clause.stance for clause in [*first.values(), *second.values()]), key=_STRICTNESS.index)
    one = {
        seed: clause.measured is Verdict.VIOLATED for seed, clause in first.items() if clause.measured in _CONCLUSIVE
    }
    two = {
        seed: clause.measured is Verdict.VIOLATED for seed, clause in second.items() if clause.measured in _CONCLUSIVE
    }
    pairs = len(one) if one and set(one) == set(two) else 0
    interval = _interval(one, two, paired=bool(pairs))
    change, reason = _judge(
        stance, one, two, interval, [clause for clause in second.values() if clause.measured not in _CONCLUSIVE]
    )
    return GuaranteeChange(
        scenario=side.scenario,
        arm=arm,
        guarantee=guarantee,
        stance=stance,
        first_violated=sum(one.values()),
        first_trials=len(one),
        second_violated=sum(two.values()),
        second_trials=len(two),
        pairs=pairs,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        change=change,
        # What nobody asked for gates only where it is known to be worse.
        gates=gates and (stance is not Stance.FREE or change is Change.WORSE),
        reason=reason,
    )


def _interval(one: Mapping[int, bool], two: Mapping[int, bool], *, paired: bool) -> Interval | None:
    if not one or not two:
        return None
    if not paired:
        return difference((sum(one.values()), len(one)), (sum(two.values()), len(two)))
    only_first = sum(bad and not two[seed] for seed, bad in one.items())
    only_second = sum(bad and not one[seed] for seed, bad in two.items())
    return paired_difference(only_first, only_second, len(one))


def _judge(
    stance: Stance,
    one: Mapping[int, bool],
    two: Mapping[int, bool],
    interval: Interval | None,
    weak: Sequence[ClauseResult],
) -> tuple[Change, str]:
    if interval is None:
        side = "second" if not two else "first"
        return Change.UNKNOWN, f"no conclusive trial on the {side} side" + (f": {weak[0].reason}" if weak else "")
    bad_before, bad_now = sum(one.values()), sum(two.values())
    if stance is Stance.REQUIRED and not bad_before and bad_now:
        return Change.WORSE, "required, never violated before, and violated now"
    if interval.low > 0:
        return Change.WORSE, "violated more often"
    always = bad_before == len(one) and bad_now < len(two)
    if stance is Stance.EXPECTED_NOT_TO_HOLD and (always or interval.high < 0):
        unbroken = len(two) - bad_now
        return (
            Change.UNKNOWN,
            f"what was expected to break did not in {unbroken} of {len(two)} on the second side: did the fault work?",
        )
    if interval.high < 0:
        return Change.BETTER, "violated less often"
    if weak:
        return (
            Change.UNKNOWN,
            f"{len(weak)} {'trial' if len(weak) == 1 else 'trials'} of the second side prove nothing: {weak[0].reason}",
        )
    if bad_before * len(two) == bad_now * len(one):
        return Change.SAME, "no difference"
    return Change.SAME, "not significant: the interval of the difference holds zero"
