"""Sets what the checker finds in a history against what was planted into it: to the count, the clause, the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.check.judge import judge_trial
from harness.check.ledger import Flag, Ledger
from harness.history.table import read_history
from harness.model.accounts import ArmResult
from harness.model.results import TrialResult
from harness.model.words import Guarantee, Verdict
from harness.selftest.case import Counts, Expected, Prepared

_COUNTED = {
    *("attempted", "outcomes", "wire_attempts", "owed", "fates", "foreign_receives", "stuck_effect_done"),
    *("duplicated", "duplicates_by_cause", "duplicate_effects", "missing_effects", "reordered", "recovered"),
    *("lost_by_mechanism", "lost_by_position", "lost_silently", "lost_detectably", "lost_contract_view"),
    *("log_entries", "log_duplicates", "durability", "publish", "gone_by_mechanism"),
    *("unsettled_by_mechanism", "unsettled_effects", "suppressed_effects", "false_dedup", "dead_lettered"),
    *("failed_handlings", "refused_acknowledgements"),
}
"""Everything that an arm's result counts, but for times and costs."""
_VIOLATIONS = {
    Guarantee.AT_MOST_ONCE: ("duplicated", "fates.phantom", "foreign_receives", "fates.rejected-but-delivered"),
    Guarantee.AT_LEAST_ONCE: (
        *("fates.lost", "fates.stuck", "unsettled_effects"),
        *("fates.phantom", "foreign_receives"),
    ),
    Guarantee.ORDERED: ("reordered",),
}
"""Of which counts the violations of a clause are the sum. Effectively once and durable are no mere sums."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one history."""

    planted: int
    found: int
    verdict: Verdict
    problems: tuple[str, ...]


def examine(prepared: Prepared) -> Finding:
    """Judge one history; an error of the checker is a finding as well, and never the one that was planted."""
    expected = prepared.expected
    try:
        judged = judge_trial(read_history(prepared.history))
    except Exception as error:  # noqa: BLE001  # whatever it raises, a checker that fails has found nothing
        return Finding(expected.planted, 0, Verdict.ERROR, (f"the checker failed: {type(error).__name__}: {error}",))
    result = judged.result
    counts = [counts_of(arm) for arm in result.arms]
    told, untold = match_sentences(expected, result.weaknesses)
    problems = [
        *_wrong_counts(expected, counts),
        *_wrong_clauses(expected, result, counts),
        *_wrong_flags(judged.ledger),
        *untold,
        *([] if result.verdict is expected.verdict else [f"verdict {result.verdict} instead of {expected.verdict}"]),
    ]
    found = told
    if expected.counted:
        found = sum(counts[arm].get(name, 0) - expected.clean[arm].get(name, 0) for arm, name in expected.counted)
    return Finding(expected.planted, found, result.verdict, tuple(problems))


def counts_of(arm: ArmResult) -> Counts:
    """What an arm's result counts, under dotted names; what is 0 is left out.

    Its phantoms include the receives that have no owed row; here they are kept apart.
    """
    whole = arm.model_dump(mode="json", include=_COUNTED)
    whole["fates"]["phantom"] -= whole["foreign_receives"]
    return flatten(whole) | flatten({"acknowledgement_calls": arm.cost.acknowledgement_calls})


def flatten(nested: Mapping[str, object], prefix: str = "") -> Counts:
    """Only the numbers, under dotted names; what is 0 is left out, since "none" and "not mentioned" are the same."""
    flat: Counts = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        elif isinstance(value, int) and value != 0:
            flat[prefix + key] = value
    return flat


def _wrong_counts(expected: Expected, counts: Sequence[Counts]) -> list[str]:
    problems = []
    for number, (name, clean, changes) in enumerate(zip(expected.names, expected.clean, expected.changes, strict=True)):
        if number in expected.worthless:
            continue
        for key in sorted(clean.keys() | changes.keys() | counts[number].keys()):
            wanted, found = clean.get(key, 0) + changes.get(key, 0), counts[number].get(key, 0)
            if wanted != found:
                problems.append(f"{name}: {key}: {found} instead of {wanted}")
    return problems


def _wrong_clauses(expected: Expected, result: TrialResult, counts: Sequence[Counts]) -> list[str]:
    problems = []
    measured = {(clause.arm, clause.guarantee): clause for clause in result.clauses}
    if measured.keys() != expected.measured.keys():
        problems.append("there are other clauses than those that can be asked")
    for (arm, guarantee), wanted in expected.measured.items():
        clause = measured.get((arm, guarantee))
        if clause is None:
            continue
        if clause.measured is not wanted:
            problems.append(f"{arm}: {guarantee} is {clause.measured} instead of {wanted}")
        number = expected.names.index(arm)
        summed = sum(counts[number].get(name, 0) for name in _VIOLATIONS.get(guarantee, ()))
        if guarantee in _VIOLATIONS and clause.violations != summed:
            problems.append(f"{arm}: {guarantee} names {clause.violations} violations of {summed}")
        if clause.measured in (Verdict.HELD, Verdict.VIOLATED) and (clause.violations > 0) is (wanted is Verdict.HELD):
            problems.append(f"{arm}: {guarantee} is {clause.measured} with {clause.violations} violations")
    return problems


def _wrong_flags(ledger: Ledger) -> list[str]:
    """The ledger marks as received more than once what was, and nothing else."""
    return [
        f"arm {arm.arm}, scope {scope.scope}: the ledger marks other messages as duplicated than were received twice"
        for arm in ledger.arms
        for scope in arm.scopes
        if not bool((scope.flagged(Flag.DUPLICATED) == (scope.receives > 1)).all())
    ]


def match_sentences(expected: Expected, sentences: Sequence[str]) -> tuple[int, list[str]]:
    """How many of the expected sentences were told, and what is missing or was told beyond them."""
    left = list(sentences)
    problems = []
    for pattern in expected.told:
        fitting = next((sentence for sentence in left if pattern.fullmatch(sentence)), None)
        if fitting is None:
            problems.append(f"not told: {pattern.pattern}")
        else:
            left.remove(fitting)
    return len(expected.told) - len(problems), problems + [f"told beside: {sentence}" for sentence in left]
