"""The answer in one sentence, for somebody who asks for the first time: made from numbers, and honest about doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.check.bound import upper_bound
from harness.model.results import TrialResult
from harness.model.words import Fate, Guarantee, Outcome, Primitive, Verdict

NAMES = {Primitive.PUBSUB: "Pub/Sub", Primitive.STREAMS: "Streams"}
_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})


@dataclass(frozen=True, slots=True)
class _Losses:
    """What one primitive lost over the trials that prove something about it."""

    primitive: Primitive
    trials: int
    losing: int
    lost: int
    owed: int


def one_sentence(results: Sequence[TrialResult], *, planned: int) -> str:
    """The one-sentence answer of a run."""
    faulty = [result for result in results if not result.trial.scenario.is_control]
    asked = faulty or list(results)
    if not asked:
        return f"Nothing is known: none of the {_counted(planned, 'planned trial')} was played."
    sound = [result for result in asked if not result.weaknesses]
    losses = [found for primitive in Primitive if (found := _losses(primitive, sound)).trials]
    if not losses:
        return f"Nothing is proven: {_first_doubt(asked)}."
    setting = _setting(sound, with_fault=bool(faulty))
    sentence = f"{setting}, {', '.join(_clause(found, number) for number, found in enumerate(losses))}"
    sentence += _bound(losses, sound) if faulty else ""
    return sentence + _doubts(asked, sound, missing=planned - len(results)) + "."


def _losses(primitive: Primitive, sound: Sequence[TrialResult]) -> _Losses:
    trials = losing = lost = owed = 0
    for result in sound:
        names = {arm.arm for arm in result.arms if arm.primitive is primitive}
        measured = [
            clause.measured
            for clause in result.clauses
            if clause.arm in names and clause.guarantee is Guarantee.AT_LEAST_ONCE
        ]
        if not measured or not _CONCLUSIVE.issuperset(measured):
            continue
        arms = [arm for arm in result.arms if arm.arm in names]
        lost_here = sum(arm.fates[Fate.LOST] for arm in arms)
        trials += 1
        losing += lost_here > 0
        lost += lost_here
        owed += sum(arm.outcomes[Outcome.ACKNOWLEDGED] * arm.scopes - arm.fates[Fate.NOT_ENTITLED] for arm in arms)
    return _Losses(primitive, trials, losing, lost, owed)


def _setting(sound: Sequence[TrialResult], *, with_fault: bool) -> str:
    if not with_fault:
        return "With no fault injected"
    partitions = all(result.trial.scenario.family == "partition" for result in sound)
    return f"Across {_counted(len(sound), 'partition' if partitions else 'fault trial')}"


def _clause(found: _Losses, number: int) -> str:
    """``Pub/Sub lost 1,204 of 5,760 deliveries of acknowledged messages (in 6 of the 8)``."""
    what = " deliveries of acknowledged messages" if number == 0 else ""
    where = f" (in {found.losing} of the {found.trials})" if found.losing else ""
    return f"{NAMES[found.primitive]} lost {found.lost:,} of {found.owed:,}{what}{where}"


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
