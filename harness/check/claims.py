"""What the source document claims, set against what was measured: one `ClaimResult` per claim of each scenario.

A claim that names a guarantee is true when that guarantee measured as the claim says in every conclusive trial, and
false when it did not in one. A claim that names none is *shown*: the numbers stand beside it. Where no sound trial
of it was played, it is open, and the reason is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from harness.check.clauses import owed_deliveries
from harness.check.naming import covers
from harness.model.accounts import ArmResult
from harness.model.results import ClaimResult, SkippedTrial, TrialResult
from harness.model.values import Scenario, SourceClaim
from harness.model.words import Fate, Outcome, Phase, Primitive, Verdict

Finding = Literal["true", "false", "shown", "open"]
_CONCLUSIVE = frozenset({Verdict.HELD, Verdict.VIOLATED})
ALL_ARMS = "all arms"


def judge_claims(
    scenarios: Sequence[Scenario], results: Sequence[TrialResult], skipped: Sequence[SkippedTrial] = ()
) -> tuple[ClaimResult, ...]:
    """Every claim of every scenario of a run, in the order of the run."""
    found = []
    for scenario in {one.name: one for one in scenarios}.values():
        trials = [result for result in results if result.trial.scenario.name == scenario.name]
        missing = next((f"skipped: {one.reason}" for one in skipped if one.scenario == scenario.name), "not played")
        found += [_judge(claim, scenario, trials, missing=missing) for claim in scenario.claims]
    return tuple(found)


def _judge(claim: SourceClaim, scenario: Scenario, trials: Sequence[TrialResult], *, missing: str) -> ClaimResult:
    finding, shown_by, why = _finding(claim, trials)
    arm = claim.arm or ALL_ARMS
    if shown_by is None:
        measured = f"not measured: {why or missing}"
    else:
        measured = f"{_compared(claim)}{_numbers(claim, shown_by)}"
    return ClaimResult(
        claim=claim,
        scenario=scenario.name,
        arm=arm,
        finding=finding,
        measured=f"{measured.rstrip('.')}.",
        evidence=shown_by.trial.folder_name if shown_by is not None else "",
    )


def _finding(claim: SourceClaim, trials: Sequence[TrialResult]) -> tuple[Finding, TrialResult | None, str]:
    """The finding, the trial that shows it (the first that speaks against the claim, else the first), or why none."""
    if claim.guarantee is None or claim.holds_when is None:
        sound = [trial for trial in trials if not trial.weaknesses and _arms(claim, trial)]
        return ("shown", sound[0], "") if sound else ("open", None, _first_weakness(trials))
    measured = [
        (trial, clause.measured)
        for trial in trials
        for clause in trial.clauses
        if clause.guarantee is claim.guarantee and _speaks_of(claim, clause.arm) and clause.measured in _CONCLUSIVE
    ]
    if not measured:
        return "open", None, _first_weakness(trials)
    against = [trial for trial, verdict in measured if verdict is not claim.holds_when]
    return ("false", against[0], "") if against else ("true", measured[0][0], "")


def _first_weakness(trials: Sequence[TrialResult]) -> str:
    return next((weakness for trial in trials for weakness in trial.weaknesses), "")


def _speaks_of(claim: SourceClaim, arm: str) -> bool:
    return claim.arm is None or covers(claim.arm, arm)


def _arms(claim: SourceClaim, trial: TrialResult) -> list[ArmResult]:
    return [arm for arm in trial.arms if _speaks_of(claim, arm.arm)]


def _compared(claim: SourceClaim) -> str:
    return f"said to be lost: {claim.claimed_loss:,}; " if claim.claimed_loss is not None else ""


def _numbers(claim: SourceClaim, trial: TrialResult) -> str:
    """The numbers that speak to the claim's row, arm by arm."""
    tell = _TELLERS.get(claim.row.lower(), _only_fates)
    told = ((arm, _fates(arm, owed_deliveries(trial.clauses, {arm.arm}))) for arm in _arms(claim, trial))
    return "; ".join(f"{arm.arm}: {tell(arm, fates)}" for arm, fates in told)


def _fates(arm: ArmResult, owed: int) -> str:
    """What became of the deliveries that were owed."""
    parts = [f"lost {arm.fates[Fate.LOST]:,} of {owed:,} owed deliveries"]
    counts = {
        "stuck": arm.fates[Fate.STUCK],
        "delivered without effect": arm.unsettled_effects,
        "not entitled": arm.fates[Fate.NOT_ENTITLED],
        "duplicated": arm.duplicated,
        "effects too many": arm.duplicate_effects,
        "dead letters": arm.dead_lettered,
    }
    return ", ".join(parts + [f"{count:,} {word}" for word, count in counts.items() if count])


def _only_fates(_arm: ArmResult, fates: str) -> str:
    return fates


def _failed_over(arm: ArmResult, fates: str) -> str:
    """What never arrived, how much of it was meant for the fault phase, and what the log does not hold any more."""
    parts = [fates]
    fault = next((known.from_intended for known in arm.latency if known.phase is Phase.FAULT), None)
    if fault is not None:
        parts.append(f"of {fault.samples:,} that were meant for the fault phase {fault.undelivered:,} never came")
    if arm.durability is not None:
        gone = arm.durability.gone_with_effect + arm.durability.gone_without_effect
        parts.append(f"{gone:,} of {arm.outcomes[Outcome.ACKNOWLEDGED]:,} acknowledged messages gone from the log")
    return ", ".join(parts)


def _latency(arm: ArmResult, _fates: str) -> str:
    found = arm.latency[0].from_intended
    return f"delivered half within {_ms(found.p50_ms)} and 99 % within {_ms(found.p99_ms)}"


def _complexity(arm: ArmResult, _fates: str) -> str:
    """What is called per message, as far as it can be counted; reads are not, as one may bring many or none."""
    sends, acknowledgements = (
        calls / max(arm.attempted, 1) for calls in (arm.cost.producer_requests, arm.cost.acknowledgement_calls)
    )
    if arm.primitive is Primitive.PUBSUB:
        return f"took {sends:.2f} requests a message to send, and none to receive"
    each = acknowledgements / arm.scopes
    return f"took {sends:.2f} requests a message to send, and {each:.2f} XACKs a message and group beside the reads"


def _ms(value: float | None) -> str:
    if value is None:
        return "an unknown time"
    return "no time (not delivered)" if math.isinf(value) else f"{value:.1f} ms"


def _memory(arm: ArmResult, _fates: str) -> str:
    if arm.primitive is Primitive.PUBSUB:
        return "keeps no byte on the server"
    if not arm.log_entries or arm.cost.server_memory_bytes is None:
        return "keeps what was not measured"
    each = arm.cost.server_memory_bytes / arm.log_entries
    return f"keeps {each:,.0f} bytes a message, for {arm.log_entries:,} messages"


def _kept(arm: ArmResult, fates: str) -> str:
    if arm.log_entries is None:
        return f"keeps nothing to read again; {fates}"
    return f"keeps {arm.log_entries:,} entries of {arm.attempted:,} messages; {fates}"


def _replayed(arm: ArmResult, _fates: str) -> str:
    replay = arm.replay
    if replay is None:
        return "has a log that was not read"
    if arm.log_entries is None:
        return f"keeps nothing: 0 of {replay.orders:,} orders can be rebuilt"
    parts = [
        f"keeps {arm.log_entries:,} entries: {replay.rebuilt:,} of {replay.orders:,} orders rebuilt from them, "
        f"{replay.differing:,} with another state than their effects"
    ]
    if replay.owed_since_fault is not None:
        parts.append(f"from the fault on {replay.replayed_since_fault:,} of {replay.owed_since_fault:,} replayed")
    return ", ".join(parts)


def _load(arm: ArmResult, fates: str) -> str:
    if not arm.load:
        return fates
    total = sum(arm.load.values()) or 1
    shares = ", ".join(f"{name} {count / total:.0%}" for name, count in arm.load.items() if count)
    return f"shared {total:,} effects ({shares}); {fates}"


_TELLERS: dict[str, Callable[[ArmResult, str], str]] = {
    "complexity": _complexity,
    "latency": _latency,
    "memory": _memory,
    "persistence": _kept,
    "history": _replayed,
    "event replay": _replayed,
    "groups": _load,
    "incident: failover": _failed_over,
}
