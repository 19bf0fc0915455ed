"""Masters and replicas of one trial, as lines with a column per arm."""

from __future__ import annotations

from collections.abc import Callable

from harness.model.accounts import ArmResult, FailoverAudit, ReplicaLog
from harness.report.arm_lines import Cell, Lines, line
from harness.report.wording import MISSING, count, nanoseconds

_FAILOVER: dict[str, Callable[[FailoverAudit], str]] = {
    "acknowledged by a deposed master": lambda audit: count(audit.deposed_acknowledged),
    "of these gone from the log": lambda audit: count(audit.deposed_gone),
    "held on to the old master's connection, longest": lambda audit: nanoseconds(audit.connected_ns),
    "consumers that never noticed": lambda audit: count(audit.never_noticed),
    "entries delivered before the strike and again": lambda audit: count(audit.redelivered),
    "of these acknowledged before it": lambda audit: count(audit.taken_back),
    "passed over by the group": lambda audit: count(audit.skipped),
}
_REPLICA: dict[str, Callable[[ReplicaLog], int | None]] = {
    "entries": lambda log: log.entries,
    "acknowledged and not in it": lambda log: log.gone,
    "in the master's log only": lambda log: log.missing,
    "in its log only": lambda log: log.surplus,
}


def failover_table(arms: tuple[ArmResult, ...]) -> Lines:
    """What a failover did, and what each replica holds at the end; nothing where nothing is replicated."""
    lines: list[tuple[str, tuple[str, ...]]] = []
    if any(arm.failover is not None for arm in arms):
        lines += [line(arms, label, _failover_cell(word)) for label, word in _FAILOVER.items()]
    numbers = sorted({log.number for arm in arms for log in arm.replicas})
    for number in numbers:
        lines += [line(arms, f"server {number}: {label}", _replica_cell(number, of)) for label, of in _REPLICA.items()]
    return tuple(lines)


def _failover_cell(word: Callable[[FailoverAudit], str]) -> Cell:
    return lambda arm: MISSING if arm.failover is None else word(arm.failover)


def _replica_cell(number: int, of: Callable[[ReplicaLog], int | None]) -> Cell:
    def cell(arm: ArmResult) -> str:
        log = next((log for log in arm.replicas if log.number == number), None)
        if log is None:
            return MISSING
        return "did not follow" if log.entries is None else count(of(log))

    return cell
