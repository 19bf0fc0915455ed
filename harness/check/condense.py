"""From an arm's ledger to its result: everything that is counted, counted once.

The identities that must hold whatever happened are checked here, and a count that does not add up is an internal
error rather than a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.availability import largest_gap_ns, unavailability
from harness.check.cost import cost_of
from harness.check.deaths import last_signs_of_life
from harness.check.dense import NEVER, count_codes
from harness.check.drained import deaf_until_ns
from harness.check.durability import durability, gone_from_log
from harness.check.effects import load_of
from harness.check.failover import audit_failover
from harness.check.latency import arm_latencies
from harness.check.ledger import FATES, MECHANISMS, OUTCOME_OF_CODE, POSITIONS, ArmLedger, Flag, Messages
from harness.check.publish import audit_publish
from harness.check.replay import audit_replay
from harness.check.replicas import replica_logs
from harness.check.server_loss import ServerLoss
from harness.check.sums import check_sums
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import ArmResult, FaultMet, RecoveryTimes
from harness.model.message import SENTINEL_BASE
from harness.model.words import DuplicateCause, Fate, Mechanism, Outcome

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


class Condenser:
    """Counts one arm's ledger into its result."""

    def __init__(
        self,
        history: History,
        timeline: Timeline,
        ledger: ArmLedger,
        *,
        causes: Counter[DuplicateCause],
        foreign: int,
        recovery: RecoveryTimes,
        took: ServerLoss,
    ) -> None:
        self._history = history
        self._timeline = timeline
        self._arm = history.trial.scenario.arms[ledger.arm]
        self._ledger = ledger
        self._messages = ledger.messages
        self._scopes = ledger.scopes
        self._causes = causes
        self._foreign = foreign
        self._recovery = recovery
        self._took = took

    def result(self) -> ArmResult:
        """The condensed arm; its identities are checked."""
        messages, scopes = self._messages, self._scopes
        lost = [scope.with_fate(Fate.LOST) for scope in scopes]
        silent = self._flagged(Flag.LOST_SILENTLY)
        all_lost = sum(int(np.count_nonzero(one)) for one in lost)
        pubsub = messages.publish_answer is not None
        (attempted_in_fault, acknowledged_in_fault, acknowledged_while_on), each_fault = self._in_fault()
        unsettled = [scope.flagged(Flag.UNSETTLED) for scope in scopes]
        left = [one | scope.with_fate(Fate.STUCK) for one, scope in zip(unsettled, scopes, strict=True)]
        cost, refused = cost_of(self._history, self._timeline, self._ledger)
        gone = gone_from_log(self._history, self._timeline, messages, arm=self._ledger.arm)
        fates = self._fates()
        fates[Fate.PHANTOM] += self._foreign
        result = ArmResult(
            arm=self._arm.name,
            primitive=self._arm.primitive,
            scopes=self._arm.scopes,
            attempted=messages.index.count,
            outcomes=self._outcomes(),
            wire_attempts=messages.writes,
            owed=messages.index.count * self._arm.scopes,
            fates=fates,
            foreign_receives=self._foreign,
            stuck_effect_done=sum(
                int(np.count_nonzero(scope.with_fate(Fate.STUCK) & (scope.effects > 0))) for scope in scopes
            ),
            lost_by_mechanism=self._mechanisms(lost),
            lost_by_position={
                position: sum(counts[code + 1] for counts in self._positions())
                for code, position in enumerate(POSITIONS)
            },
            lost_silently=silent,
            lost_detectably=all_lost - silent if pubsub else 0,
            lost_contract_view=self._flagged(Flag.BEYOND_CONTRACT),
            duplicated=sum(_beyond_first(scope.receives) for scope in scopes),
            duplicates_by_cause={cause: self._causes[cause] for cause in DuplicateCause},
            duplicate_effects=sum(_beyond_first(scope.effects) for scope in scopes),
            missing_effects=self._flagged(Flag.EFFECT_MISSING),
            reordered=self._flagged(Flag.REORDERED),
            late=self._flagged(Flag.LATE),
            recovered=self._flagged(Flag.RECOVERED),
            unsettled_by_mechanism=self._mechanisms(left),
            unsettled_effects=sum(int(np.count_nonzero(one)) for one in unsettled),
            suppressed_effects=sum(scope.suppressed_effects for scope in scopes),
            false_dedup=self._flagged(Flag.FALSE_DEDUP),
            dead_lettered=self._flagged(Flag.DEAD_LETTERED),
            failed_handlings=sum(scope.failed_handlings for scope in scopes),
            refused_acknowledgements=refused,
            load=self._load(),
            log_entries=self._log_entries(),
            log_duplicates=self._log_duplicates(),
            durability=durability(self._history, self._timeline, messages, scopes, arm=self._ledger.arm),
            gone_by_mechanism=_named(self._took.explain(gone)),
            lost_log_s=self._took.seconds(gone),
            failover=audit_failover(self._history, self._timeline, self._ledger),
            replicas=replica_logs(self._history, self._timeline, self._ledger),
            replay=audit_replay(self._history, self._timeline, self._ledger),
            publish=audit_publish(messages, scopes),
            acknowledged_in_fault=acknowledged_in_fault,
            attempted_in_fault=attempted_in_fault,
            acknowledged_while_on=acknowledged_while_on,
            each_fault=each_fault,
            acknowledged_before_fault=self._before_fault(),
            latency=arm_latencies(messages, scopes),
            unavailability=unavailability(messages),
            largest_gap_ns=largest_gap_ns(messages),
            recovery=self._recovery,
            barrier_reached=self._timeline.barriers[self._ledger.arm].reached,
            deaf_until_ns=deaf_until_ns(self._history, arm=self._ledger.arm),
            own_lateness_p99_ms=messages.own_lateness_p99_ns / 1e6,
            cost=cost,
        )
        check_sums(result)
        return result

    def _flagged(self, flag: Flag) -> int:
        return sum(int(np.count_nonzero(scope.flagged(flag))) for scope in self._scopes)

    def _fates(self) -> dict[Fate, int]:
        counts = [count_codes(scope.fate, len(FATES)) for scope in self._scopes]
        return {fate: sum(count[code] for count in counts) for code, fate in enumerate(FATES)}

    def _outcomes(self) -> dict[Outcome, int]:
        counts = count_codes(self._messages.outcome, 4)
        return {outcome: counts[code] for code, outcome in OUTCOME_OF_CODE.items()}

    def _mechanisms(self, rows: Sequence[Bools]) -> dict[Mechanism, int]:
        """Only those that occurred."""
        counts = [
            count_codes(scope.mechanism[chosen], len(MECHANISMS) + 1)
            for scope, chosen in zip(self._scopes, rows, strict=True)
        ]
        sums = {mechanism: sum(count[code + 1] for count in counts) for code, mechanism in enumerate(MECHANISMS)}
        return {mechanism: count for mechanism, count in sums.items() if count}

    def _positions(self) -> list[list[int]]:
        return [count_codes(scope.position, len(POSITIONS) + 1) for scope in self._scopes]

    def _in_fault(self) -> tuple[tuple[int, int, int], tuple[FaultMet, ...]]:
        """Messages whose [first attempt, outcome] overlaps an observed fault; those of them acknowledged; while on.

        And the first and the last of these for each fault alone.
        """
        messages = self._messages
        overlapping, answered = np.zeros((2, messages.index.size), dtype=bool)
        over_ns = _attempts_over(self._history, messages, arm=self._ledger.arm)
        attempted = True if messages.index.attempted is None else messages.index.attempted
        each = []
        for window in self._timeline.observed_windows():
            if window is None:
                each.append(FaultMet())
                continue
            begin, end = window
            meets = attempted & (messages.send_ns <= end) & (over_ns >= begin)
            while_on = messages.acknowledged & (messages.outcome_ns >= begin) & (messages.outcome_ns <= end)
            overlapping |= meets
            answered |= while_on
            each.append(FaultMet(attempted=_count(meets), acknowledged_while_on=_count(while_on)))
        return (_count(overlapping), _count(overlapping & messages.acknowledged), _count(answered)), tuple(each)

    def _before_fault(self) -> int:
        """Acknowledged messages whose answer was there before the first injection; 0 without one."""
        injected = min((fault.inject_before_ns for fault in self._timeline.faults), default=None)
        if injected is None:
            return 0
        return int(np.count_nonzero(self._messages.acknowledged & (self._messages.outcome_ns < injected)))

    def _log_entries(self) -> int | None:
        """All entries of the log but sentinels, whatever they hold; ``None`` where it was not read to its end."""
        if not self._timeline.barriers[self._ledger.arm].log_read:
            return None
        return sum(
            int(np.count_nonzero(block["sequence"] < SENTINEL_BASE))
            for block in self._history.blocks(EventKind.LOG_ENTRY, ("sequence",), arm=self._ledger.arm)
        )

    def _log_duplicates(self) -> int | None:
        entries = self._messages.log_entries
        if entries is None or not self._timeline.barriers[self._ledger.arm].log_read:
            return None
        return _beyond_first(entries)

    def _load(self) -> dict[str, int]:
        """Effects per member, where several share a scope."""
        if self._arm.consumers_per_scope == 1:
            return {}
        consumers = [one for one in self._history.actors if one.role == "consumer" and one.arm == self._ledger.arm]
        return load_of(consumers, [scope.made_by for scope in self._scopes])


def _attempts_over(history: History, messages: Messages, *, arm: int) -> Array:
    """When each attempt was over: with its outcome, or else when its process was last known to live."""
    unanswered = messages.outcome_ns == NEVER
    if messages.index.attempted is not None:
        unanswered &= messages.index.attempted
    if not unanswered.any():
        return messages.outcome_ns
    lived_ns = last_signs_of_life(history)
    over_ns = np.where(unanswered, messages.send_ns, messages.outcome_ns)
    for block in history.blocks(EventKind.ATTEMPT, ("producer", "sequence"), arm=arm):
        where, _ = messages.index.locate(block["producer"], block["sequence"]).expand()
        where = where[unanswered[where]]
        over_ns[where] = np.maximum(over_ns[where], lived_ns.get(block.info.actor, -NEVER))
    return over_ns


def _named(codes: Array) -> dict[Mechanism, int]:
    """How many codes there are of each mechanism; only those that occur."""
    counts = count_codes(codes, len(MECHANISMS) + 1)
    return {mechanism: counts[code + 1] for code, mechanism in enumerate(MECHANISMS) if counts[code + 1]}


def _count(chosen: Bools) -> int:
    return int(np.count_nonzero(chosen))


def _beyond_first(counts: Array) -> int:
    """The sum of what exceeds one."""
    return int(counts.sum(dtype=np.int64)) - int(np.count_nonzero(counts))
