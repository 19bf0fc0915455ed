"""What a failover did to each arm: what is gone, what came again, and how long until it was noticed and over.

A line for each scenario and arm in which a failover was seen. Counts are sums over the trials, times the worst of
them. Where a trial was not sound the line says so instead of numbers that nobody may quote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.model.accounts import ArmResult, FailoverAudit
from harness.model.results import RunSummary, TrialResult
from harness.model.words import Fate, Verdict
from harness.report.wording import MISSING, NEVER, count, nanoseconds

TITLE: Final = "What a failover did"
COLUMNS: Final = (
    ("lost", "Acknowledged, and never received."),
    ("gone", "Acknowledged, and not in the new master's log, processed or not."),
    ("of log", "Seconds of the acknowledged log that are gone, worst trial."),
    ("deposed", "Acknowledged by the old master after another one was known to be the master."),
    ("again", "Entries that were given to somebody before the master was struck, and again after it."),
    ("noticed", "How long after the strike a consumer still held on to its connection to the old master."),
    ("write", "From the strike until writes were acknowledged again and stayed so; –: not interrupted."),
    ("read", "From the strike until fresh messages came again."),
)
"""Short name and meaning."""
NOTE: Final = (
    "lost: never received · gone: acknowledged, not in the new master's log · of log: seconds of it · deposed: "
    "acknowledged by the old master after another one was known · again: delivered before and after · noticed, write, "
    "read: from the strike, worst trial"
)
UNPROVEN: Final = "unproven"
_UNSOUND: Final = frozenset({Verdict.INCONCLUSIVE, Verdict.ERROR})


@dataclass(frozen=True, slots=True)
class FailoverLine:
    """One line. ``cells``: words, one for each of `COLUMNS`; `UNPROVEN` and nothing more where nobody may quote any."""

    scenario: str
    arm: str
    trials: int
    cells: tuple[str, ...]


def failover_lines(summary: RunSummary) -> list[FailoverLine]:
    """Every arm that went through a failover, scenario by scenario, in the order of the run."""
    groups: dict[tuple[str, str], list[tuple[TrialResult, ArmResult, FailoverAudit]]] = {}
    for result in summary.trials:
        for arm in result.arms:
            if arm.failover is not None:
                key = (result.trial.scenario.name, arm.arm)
                groups.setdefault(key, []).append((result, arm, arm.failover))
    return [
        FailoverLine(
            scenario,
            arm,
            len(found),
            (UNPROVEN, *[""] * (len(COLUMNS) - 1))
            if any(result.verdict in _UNSOUND for result, _, _ in found)
            else _cells([(one, audit) for _, one, audit in found]),
        )
        for (scenario, arm), found in groups.items()
    ]


def _cells(found: Sequence[tuple[ArmResult, FailoverAudit]]) -> tuple[str, ...]:
    arms = [arm for arm, _ in found]
    audits = [audit for _, audit in found]
    return (
        count(sum(arm.fates.get(Fate.LOST, 0) for arm in arms)),
        _sum([_gone(arm) for arm in arms]),
        _longest_s([arm.lost_log_s for arm in arms]),
        _sum([audit.deposed_acknowledged for audit in audits]),
        _sum([audit.redelivered for audit in audits]),
        nanoseconds(max((audit.connected_ns for audit in audits if audit.connected_ns is not None), default=None)),
        _worst("write", arms, lambda arm: arm.recovery.write_from_inject_ns),
        _worst("read", arms, lambda arm: arm.recovery.read_from_inject_ns),
    )


def _gone(arm: ArmResult) -> int | None:
    table = arm.durability
    if table is None:
        return None
    return table.gone_with_effect + table.gone_without_effect - table.trimmed_by_configuration


def _sum(numbers: Sequence[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    return count(sum(known)) if known else MISSING


def _longest_s(times: Sequence[float | None]) -> str:
    known = [time for time in times if time is not None and math.isfinite(time)]
    return f"{max(known):.2f} s" if known else MISSING


def _worst(what: str, arms: Sequence[ArmResult], time: Callable[[ArmResult], int | None]) -> str:
    if any(what in arm.recovery.not_back for arm in arms):
        return NEVER
    return nanoseconds(max((known for arm in arms if (known := time(arm)) is not None), default=None))
