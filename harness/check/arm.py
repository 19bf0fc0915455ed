"""One arm of one trial, from its records to its ledger and its condensed result.

This is where the parts meet: messages, arrivals, fates, mechanisms, then everything that is counted from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.condense import Condenser
from harness.check.delivery import Arrivals, mark_reordered, read_arrivals, read_pending
from harness.check.dense import NEVER
from harness.check.duplicates import causes_of
from harness.check.effects import read_effects, read_marks
from harness.check.entries import EntryId, entry_ids, follows, highest_id, shells
from harness.check.fates import StreamFacts, assign_fates, mark_flags, place_losses
from harness.check.latency import late_after_ns, mark_late, steady_p99_ns
from harness.check.ledger import FATE_CODE, MECHANISM_CODE, ArmLedger, Flag, Messages, ScopeLedger
from harness.check.mechanism import explain_pubsub, explain_streams
from harness.check.messages import read_messages
from harness.check.recovery import recovery_times
from harness.check.server_loss import ServerLoss
from harness.check.timeline import Timeline
from harness.check.unsettled import Handling, explain_unsettled, find_unsettled, mark_false_dedup
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import ArmResult
from harness.model.words import DuplicateCause, Fate, Mechanism, Primitive

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class JudgedArm:
    """An arm's ledger and result, and how many effects no receive accounts for (a hole in a journal)."""

    ledger: ArmLedger
    result: ArmResult
    stray_effects: int


def judge_arm(history: History, timeline: Timeline, *, arm: int) -> JudgedArm:
    """Count one arm."""
    messages = read_messages(history, timeline, arm=arm)
    took = ServerLoss(history, timeline, messages, arm=arm)
    scopes: list[ScopeLedger] = []
    arrivals: list[Arrivals] = []
    causes: Counter[DuplicateCause] = Counter()
    for scope in range(history.trial.scenario.arms[arm].scopes):
        arrived = read_arrivals(history, messages.index, arm=arm, scope=scope)
        scopes.append(_judge_scope(history, timeline, messages, arrived, took, arm=arm, scope=scope))
        causes.update(causes_of(history, messages, arrived, arm=arm, scope=scope))
        arrivals.append(arrived)
    injected_ns = min((fault.inject_before_ns for fault in timeline.faults), default=NEVER)
    steady = steady_p99_ns(messages, scopes, before_ns=injected_ns)
    _flag_late(messages, scopes, late_after_ns(steady))
    recovery = recovery_times(history, timeline, messages, arrivals, scopes, arm=arm, steady_p99_ns=steady)
    foreign = sum(entry.foreign for entry in arrivals)
    del arrivals
    ledger = ArmLedger(arm, messages, tuple(scopes))
    condenser = Condenser(history, timeline, ledger, causes=causes, foreign=foreign, recovery=recovery, took=took)
    return JudgedArm(ledger, condenser.result(), stray_effects=sum(_stray_effects(scope) for scope in scopes))


def _judge_scope(
    history: History,
    timeline: Timeline,
    messages: Messages,
    arrived: Arrivals,
    took: ServerLoss,
    *,
    arm: int,
    scope: int,
) -> ScopeLedger:
    """The ledger of one scope, except for lateness, which needs all scopes."""
    index = messages.index
    streams = None
    if history.trial.scenario.arms[arm].primitive is Primitive.STREAMS:
        streams = _stream_facts(history, timeline, messages, arrived, arm=arm, scope=scope)
    fate = assign_fates(messages, arrived, streams, absence_proven=timeline.barriers[arm].reached)
    handling = Handling(
        effects=read_effects(history, index, arm=arm, scope=scope),
        failed=read_marks(history, index, EventKind.FAILED, arm=arm, scope=scope),
        dead=read_marks(history, index, EventKind.DEAD_LETTER, arm=arm, scope=scope),
        pending=streams.pending if streams is not None else None,
        shells=shells(history, index, arm=arm, scope=scope) if streams is not None else None,
    )
    unsettled = find_unsettled(messages, fate, handling)
    mechanism = _mechanisms(history, timeline, messages, fate, handling, unsettled, took, arm=arm, scope=scope)
    effects = handling.effects
    flags = mark_flags(messages, arrived, fate=fate, effects=effects.counts, mechanism=mechanism)
    _flag_handling(flags, handling, unsettled)
    flags[mark_reordered(arrived)] |= int(Flag.REORDERED)
    return ScopeLedger(
        scope=scope,
        fate=fate,
        mechanism=mechanism,
        position=place_losses(messages, fate, arrived.receives.counts > 0),
        flags=flags,
        first_receive_ns=arrived.first_ns,
        receives=arrived.receives.counts,
        effects=effects.counts,
        suppressed_effects=0 if effects.suppressed is None else int(effects.suppressed.sum(dtype=np.int64)),
        failed_handlings=handling.failed.records,
        made_by=effects.made_by,
    )


def _flag_handling(flags: Array, handling: Handling, unsettled: Bools) -> None:
    for flag, marked in (
        (Flag.UNSETTLED, unsettled),
        (Flag.FALSE_DEDUP, mark_false_dedup(handling.effects)),
        (Flag.DEAD_LETTERED, handling.dead.marked),
        (Flag.TOMBSTONE, handling.shells),
    ):
        if marked is not None:
            flags[marked] |= int(flag)


def _stream_facts(
    history: History, timeline: Timeline, messages: Messages, arrived: Arrivals, *, arm: int, scope: int
) -> StreamFacts:
    start = timeline.group_starts.get((arm, scope), (0, 0))
    entitled = None
    if start != (0, 0):
        ids = entry_ids(history, messages.index, arm=arm)
        unknown = (ids[0] == 0) & (ids[1] == 0)
        entitled = follows(ids, start) | unknown
    return StreamFacts(
        entitled=entitled,
        passed_over=_passed_over(history, timeline, messages, arrived, arm=arm, scope=scope),
        last_alive_ns=_last_alive_ns(history, arm=arm, scope=scope),
        pending=read_pending(history, arrived, arm=arm, scope=scope),
        stuck_after_ns=history.trial.scenario.limits.stuck_after_ms * 1_000_000,
    )


def _passed_over(
    history: History, timeline: Timeline, messages: Messages, arrived: Arrivals, *, arm: int, scope: int
) -> Bools | None:
    """Which messages the scope has left behind; looked up only where something in the log never arrived."""
    in_log = messages.log_entries
    if in_log is None or not ((arrived.receives.counts == 0) & (in_log > 0)).any():
        return None
    last = timeline.last_delivered.get((arm, scope))
    if history.trial.scenario.arms[arm].driver == "stream_read":
        last = _came_to(history, timeline, arm=arm, scope=scope)
    if last is None:
        return None
    behind: Bools = ~follows(entry_ids(history, messages.index, arm=arm), last)
    return behind


def _came_to(history: History, timeline: Timeline, *, arm: int, scope: int) -> EntryId | None:
    """Up to where XREAD readers of a scope went, who read in order: what they got, saved, or began anew at."""
    known = [
        timeline.last_delivered.get((arm, scope)),
        timeline.later_starts.get((arm, scope)),
        highest_id(history, EventKind.RECEIVE, arm=arm, scope=scope),
        highest_id(history, EventKind.CHECKPOINT, arm=arm, scope=scope),
    ]
    return max((one for one in known if one is not None), default=None)


def _last_alive_ns(history: History, *, arm: int, scope: int) -> int:
    """Until when a consumer of the scope was alive at least: the last thing that one wrote down."""
    alive = [
        actor.last_ns
        for actor in history.actors
        if actor.role == "consumer" and actor.arm == arm and actor.scope == scope and actor.records
    ]
    return max(alive, default=-NEVER)


def _mechanisms(
    history: History,
    timeline: Timeline,
    messages: Messages,
    fate: Array,
    handling: Handling,
    unsettled: Bools,
    took: ServerLoss,
    *,
    arm: int,
    scope: int,
) -> Array:
    """Why each message is lost, stuck, without effect, or not owed to the scope's group."""
    mechanism = np.zeros(len(fate), dtype=np.uint8)
    mechanism[fate == FATE_CODE[Fate.NOT_ENTITLED]] = MECHANISM_CODE[Mechanism.GROUP_AT_DOLLAR]
    lost = np.flatnonzero(fate == FATE_CODE[Fate.LOST])
    if len(lost) and handling.shells is None:
        mechanism[lost] = explain_pubsub(history, timeline, messages, lost, arm=arm, scope=scope)
    elif len(lost) and handling.shells is not None:
        mechanism[lost] = explain_streams(
            history, timeline, messages, lost, took, arm=arm, scope=scope, shells=handling.shells
        )
    stuck = fate == FATE_CODE[Fate.STUCK]
    left = np.flatnonzero(unsettled | stuck)
    if len(left):
        codes = explain_unsettled(
            history, messages.index, left, stuck=stuck[left], handling=handling, arm=arm, scope=scope
        )
        mechanism[left] = _rolled_back(messages, left, codes, took)
    return mechanism


def _rolled_back(messages: Messages, left: Array, codes: Array, took: ServerLoss) -> Array:
    """``codes``; what nothing else explains, and what the server forgot with its log, nobody was to be handed again."""
    if messages.log_entries is not None:
        gone = (codes == MECHANISM_CODE[Mechanism.UNEXPLAINED]) & (messages.log_entries[left] == 0)
        codes[gone] = took.explain(left[gone])
    return codes


def _flag_late(messages: Messages, scopes: Sequence[ScopeLedger], late_ns: int) -> None:
    for scope in scopes:
        late = mark_late(messages, scope.first_receive_ns, received=scope.received, late_ns=late_ns)
        scope.flags[late] |= int(Flag.LATE)


def _stray_effects(scope: ScopeLedger) -> int:
    """Effects of messages that the scope never noted as received."""
    return int(np.count_nonzero((scope.effects > 0) & (scope.receives == 0)))
