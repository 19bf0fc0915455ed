"""The answer in one sentence, for somebody who asks for the first time: made from numbers, and honest about doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.check.bound import upper_bound
from harness.check.clauses import owed_deliveries
from harness.model.results import SkippedTrial, TrialResult
from harness.model.words import Fate, Guarantee, Primitive, Stance, Verdict

NAMES = {Primitive.PUBSUB: "Pub/Sub", Primitive.STREAMS: "Streams"}
_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})


@dataclass(frozen=True, slots=True)
class _Losses:
    """What one group of arms lost over the trials that prove something about it."""

    name: str
    trials: int
    losing: int
    lost: int
    owed: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Arms that are summed up together. ``required``: only those of which at least once is (not) required."""

    name: str
    primitive: Primitive
    required: bool | None = None

    def names(self, result: TrialResult) -> set[str]:
        """Its arms in one trial."""
        promised = {
            clause.arm
            for clause in result.clauses
            if clause.guarantee is Guarantee.AT_LEAST_ONCE and clause.stance is Stance.REQUIRED
        }
        return {
            arm.arm
            for arm in result.arms
            if arm.primitive is self.primitive and self.required in {None, arm.arm in promised}
        }


_PRIMITIVES = tuple(_Group(NAMES[primitive], primitive) for primitive in Primitive)
_PROMISES = (
    _Group("Pub/Sub", Primitive.PUBSUB),
    _Group("Streams set up not to lose", Primitive.STREAMS, required=True),
    _Group("Streams set up otherwise", Primitive.STREAMS, required=False),
)


def one_sentence(results: Sequence[TrialResult], *, planned: int, skipped: Sequence[SkippedTrial] = ()) -> str:
    """The one-sentence answer of a run.

    Of partitions it tells what each primitive lost. Of other faults it tells Streams that were set up to lose nothing
    (at least once is required of them) from those set up otherwise to show what that costs, and counts as not
    completed what is lost, stuck, or was delivered to somebody who forgot it.
    """
    faulty = [result for result in results if not result.trial.scenario.is_control]
    asked = faulty or list(results)
    if not asked:
        known = f"Nothing is known: none of the {_counted(planned, 'planned trial')} was played"
        return f"{known}{_skips(skipped)}."
    sound = [result for result in asked if not result.weaknesses]
    partitions = all(result.trial.scenario.family == "partition" for result in sound)
    groups = _PRIMITIVES if partitions or not faulty else _PROMISES
    losses = [found for group in groups if (found := _losses(group, sound, settled=groups is _PROMISES)).trials]
    if not losses:
        return f"Nothing is proven: {_first_doubt(asked)}."
    sentence = f"{_setting(sound, with_fault=bool(faulty))}, "
    sentence += ", ".join(_clause(found, number, groups) for number, found in enumerate(losses))
    sentence += _bound(losses, sound) if faulty else ""
    missing = planned - len(results) - len(skipped)
    return sentence + _doubts(asked, sound, missing=missing) + _skips(skipped) + "."


def _losses(group: _Group, sound: Sequence[TrialResult], *, settled: bool) -> _Losses:
    """With ``settled``, what is stuck or was forgotten counts as well."""
    trials = losing = lost = owed = 0
    for result in sound:
        names = group.names(result)
        measured = [
            clause.measured
            for clause in result.clauses
            if clause.arm in names and clause.guarantee is Guarantee.AT_LEAST_ONCE
        ]
        if not measured or not _CONCLUSIVE.issuperset(measured):
            continue
        arms = [arm for arm in result.arms if arm.arm in names]
        lost_here = sum(arm.fates[Fate.LOST] for arm in arms)
        if settled:
            lost_here += sum(arm.fates[Fate.STUCK] + arm.unsettled_effects for arm in arms)
        trials += 1
        losing += lost_here > 0
        lost += lost_here
        owed += owed_deliveries(result.clauses, names)
    return _Losses(group.name, trials, losing, lost, owed)


def _setting(sound: Sequence[TrialResult], *, with_fault: bool) -> str:
    if not with_fault:
        return "With no fault injected"
    partitions = all(result.trial.scenario.family == "partition" for result in sound)
    across = "In" if len(sound) == 1 else "Across"
    return f"{across} {_counted(len(sound), 'partition' if partitions else 'fault trial')}"


def _clause(found: _Losses, number: int, groups: Sequence[_Group]) -> str:
    """``Pub/Sub lost 1,204 of 5,760 deliveries of acknowledged messages (in 6 of the 8)``; the first says of what."""
    if groups is _PRIMITIVES:
        verb, where = "lost ", f"in {found.losing} of the {found.trials}"
    else:
        verb, where = (
            "did not complete " if number == 0 else "",
            f"in {found.losing} of {_counted(found.trials, 'trial')}",
        )
    what = " deliveries of acknowledged messages" if number == 0 else ""
    return f"{found.name} {verb}{found.lost:,} of {found.owed:,}{what}{f' ({where})' if found.losing else ''}"


def _skips(skipped: Sequence[SkippedTrial]) -> str:
    return f" ({_counted(len(skipped), 'trial')} skipped: {skipped[0].reason})" if skipped else ""


def _bound(losses: Sequence[_Losses], sound: Sequence[TrialResult]) -> str:
    """How much the least losing primitive could still lose."""
    best = min(losses, key=lambda found: found.losing)
    each = {sum(other.trial.scenario.name == one.trial.scenario.name for other in sound) for one in sound}
    trials = f"with {_counted(each.pop(), 'trial')} each, " if len(each) == 1 else ""
    rate = percent(upper_bound(best.losing, best.trials))
    return f"; {trials}{best.losing} of {best.trials} still allows a rate of up to {rate}"


def _doubts(asked: Sequence[TrialResult], sound: Sequence[TrialResult], *, missing: int) -> str:
    parts = []
    weak = len(asked) - len(sound)
    if weak:
        parts.append(
            f"{_counted(weak, 'more trial')} {'proves' if weak == 1 else 'prove'} nothing: {_first_doubt(asked)}"
        )
    if missing:
        parts.append(f"{_counted(missing, 'planned trial')} {'is' if missing == 1 else 'are'} missing")
    return f" ({'; '.join(parts)})" if parts else ""


def _first_doubt(results: Sequence[TrialResult]) -> str:
    for result in results:
        if result.weaknesses:
            return f"in {result.trial.folder_name}, {result.weaknesses[0]}".rstrip(".")
    for result in results:
        for clause in result.clauses:
            if clause.guarantee is Guarantee.AT_LEAST_ONCE and clause.measured not in _CONCLUSIVE:
                return f"in {result.trial.folder_name}, {clause.arm}: {clause.reason}".rstrip(".")
    return "no trial measured whether messages were lost"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """``0.0952`` → ``9.5 %``; from ten percent on without decimals."""
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"
