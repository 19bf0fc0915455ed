"""How soon things were well again, from injection and from heal.

*Detect*: the first error that a client of the arm saw after the injection. *Resubscribe*: from the heal until every
consumer that subscribed anew had done so. *Write* and *read* are told for what the fault interrupted: where half of it
passed without an acknowledgement of some producer that had something to send, or that the fault struck down, or
without a delivery in some scope to which something was sent. A silence that crosses the heal counts as a whole, if it
lasts at least as long as the bound below. Writes are back with the first acknowledgement after the heal that
`SUSTAINED` others of the same producer follow, all of them and within a bound of time, and reads with the first fresh
delivery that as many follow within it; the slowest producer and scope count. At the end of traffic those must follow
that still can. Of a scope to which nothing acknowledged was to come any more nothing is told.

The bound is a second, which a busy machine may lose, and where little is sent `PATIENCE` times as long as so many take
in the steady phase: gaps between messages are exponential, and five of them take that long twice in 100,000 cases.

Who asks Sentinels does not wait for the heal: there a silence of a second that begins before it is an interruption,
however long it lasts, since no failover is noticed sooner, and what is looked for comes after the last of them; back
before the heal is 0 from the heal. That nothing is sent any more is no silence.

*Backlog* is `harness.check.backlog`'s. Both ends of an interval are taken at the *beginning* of the injecting and the
healing call, so no time is ever flattered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.availability import SUSTAINED, in_order
from harness.check.backlog import backlog_gone
from harness.check.delivery import Arrivals
from harness.check.dense import NEVER, ProducerRange
from harness.check.effects import member_name
from harness.check.ledger import Messages, ScopeLedger
from harness.check.silences import Awaited, Outage, deliveries, unanswered
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import SERVICES, ArmResult, RecoveryTimes, Service
from harness.model.values import Scenario
from harness.model.words import PROCESS_FAULTS, ErrorKind, Members, OutcomeCode, Phase, ReceiveTag, WorkerRole

Array = npt.NDArray[Any]
Bools = npt.NDArray[np.bool_]
_FRESH = [ReceiveTag.FRESH.value, ReceiveTag.PUSH.value, ReceiveTag.PATTERN.value]


def recovery_times(
    history: History,
    timeline: Timeline,
    messages: Messages,
    arrivals: Sequence[Arrivals],
    scopes: Sequence[ScopeLedger],
    *,
    arm: int,
    steady_p99_ns: int | None,
) -> RecoveryTimes:
    """All times to recover of one arm; nothing without a fault. ``arrivals`` and ``scopes`` are of the same scopes."""
    injected, healed = timeline.injected_ns, timeline.healed_ns
    if injected is None:
        return RecoveryTimes()
    detected = _first_error(history, messages, arm=arm, after_ns=injected)
    detect = None if detected is None else detected - injected
    if healed is None:
        return RecoveryTimes(detect_ns=detect)
    outage = _outage(history, timeline, injected, healed, arm=arm)
    write = _writes_back(messages, outage, history.trial.scenario)
    read = _reads_back(messages, arrivals, outage)
    backlog = None
    if (write is not None or read is not None) and steady_p99_ns is not None:
        again = max(healed, read or 0)
        backlog = (
            NEVER
            if again == NEVER
            else backlog_gone(
                history, messages, arrivals, scopes, arm=arm, since_ns=again, steady=outage.steady, p99_ns=steady_p99_ns
            )
        )
    return RecoveryTimes(
        detect_ns=detect,
        resubscribe_from_heal_ns=_since(healed, _resubscribed(history, arm=arm, after_ns=healed)),
        write_from_inject_ns=_since(injected, write),
        write_from_heal_ns=_from_heal(healed, write),
        read_from_inject_ns=_since(injected, read),
        read_from_heal_ns=_from_heal(healed, read),
        backlog_from_inject_ns=_since(injected, backlog),
        backlog_from_heal_ns=_from_heal(healed, backlog),
        not_back=_not_back(write, read, backlog),
    )


def _not_back(*moments: int | None) -> tuple[Service, ...]:
    """Which of write, read and backlog came to no good end."""
    return tuple(what for what, moment in zip(SERVICES, moments, strict=True) if moment == NEVER)


def _since(begin_ns: int, moment_ns: int | None) -> int | None:
    return None if moment_ns is None or moment_ns == NEVER else moment_ns - begin_ns


def _from_heal(healed: int, moment_ns: int | None) -> int | None:
    """The same; what was back before the heal did not wait for it."""
    since = _since(healed, moment_ns)
    return None if since is None else max(0, since)


def _first_error(history: History, messages: Messages, *, arm: int, after_ns: int) -> int | None:
    """The first failed call, exception or connection that a client of the arm lost for a reason."""
    failed = (messages.outcome != OutcomeCode.ACKNOWLEDGED.value) & (messages.outcome_ns != NEVER)
    moments = [messages.outcome_ns[failed]]
    for kind in (EventKind.DISCONNECTED, EventKind.ERROR):
        found = history.records(kind, columns=("t_ns", "detail"), arm=arm)
        moments.append(found["t_ns"][found["detail"] != ErrorKind.NONE.value])
    after = np.concatenate(moments)
    after = after[after >= after_ns]
    return int(after.min()) if len(after) else None


def _resubscribed(history: History, *, arm: int, after_ns: int) -> int | None:
    """When the last of those consumers that subscribed again after the heal had done so for the first time.

    A process that took over from another subscribes again with its first subscription.
    """
    successors = {actor.actor for actor in history.actors if actor.name != member_name(actor.name)}
    firsts = []
    for block in history.blocks(EventKind.SUBSCRIBED, ("t_ns",), arm=arm):
        times = block["t_ns"] if block.info.actor in successors else block["t_ns"][1:]
        again = times[times >= after_ns]
        if len(again):
            firsts.append(int(again.min()))
    return max(firsts, default=None)


def _outage(history: History, timeline: Timeline, injected: int, healed: int, *, arm: int) -> Outage:
    spans = {span.phase: span for span in timeline.phases}
    steady, recovery = spans.get(Phase.STEADY), spans.get(Phase.RECOVERY)
    return Outage(
        injected_ns=injected,
        healed_ns=healed,
        steady=(0, 0) if steady is None else (steady.begin_ns, min(steady.end_ns, injected)),
        traffic_end_ns=timeline.end_ns if recovery is None else recovery.end_ns,
        asks=history.trial.scenario.arms[arm].asks_sentinel,
    )


def _writes_back(messages: Messages, outage: Outage, scenario: Scenario) -> int | None:
    """When the acknowledgements of every interrupted producer were sustained again; ``None``: none was interrupted."""
    plans = [one for one in scenario.faults if one.worker is WorkerRole.PRODUCER and one.model in PROCESS_FAULTS]
    everybody = any(plan.members is Members.ALL for plan in plans)
    moments = []
    for place, entry in enumerate(messages.index.ranges):
        answered, times, due = _of_producer(messages, entry)
        away = bool(plans) and (everybody or place == 0)
        bound = outage.bound_ns(times[answered])
        since = outage.interrupted(*unanswered(answered, times, due, outage, away=away), bound)
        if since is None or _done_before(since, answered, times, away=away):
            continue
        moments.append(_answered_from(answered, times, since, bound))
    return max(moments, default=None)


def _done_before(since_ns: int, answered: Bools, times: Array, *, away: bool) -> bool:
    """Whether a producer's last message was acknowledged by then: it had nothing left with which to be back."""
    return not away and bool(answered[-1]) and int(times[-1]) < since_ns


def _of_producer(messages: Messages, entry: ProducerRange) -> tuple[Bools, Array, Array]:
    """Of what a producer attempted, in its order: whether it was acknowledged, when, and when it was to be sent."""
    answered = messages.acknowledged[entry.span]
    times, due = messages.outcome_ns[entry.span], messages.intended_ns[entry.span]
    if messages.index.attempted is None:
        return answered, times, due
    attempted = messages.index.attempted[entry.span]
    return answered[attempted], times[attempted], due[attempted]


def _answered_from(answered: Bools, times: Array, since_ns: int, bound_ns: int) -> int:
    """The first acknowledgement from ``since_ns`` on of which the next messages were all acknowledged in time."""
    total = np.concatenate([[0], np.cumsum(answered)])
    place = np.flatnonzero(answered & (times >= since_ns))
    follow = np.minimum(SUSTAINED, len(answered) - 1 - place)
    sustained = total[place + 1 + follow] - total[place + 1] == follow
    found = times[place][sustained & (times[place + follow] - times[place] <= bound_ns)]
    return int(found.min()) if len(found) else NEVER


def _reads_back(messages: Messages, arrivals: Sequence[Arrivals], outage: Outage) -> int | None:
    """When every interrupted scope got fresh messages again; ``None``: none was, or nothing was to come any more."""
    sent = in_order(messages.send_ns[messages.acknowledged])
    bound = outage.bound_ns(sent)
    moments = []
    for scope in arrivals:
        awaited = Awaited(messages, scope.first_ns, outage)
        since = outage.interrupted(*awaited.unheard(deliveries(scope.first_ns)), bound)
        if since is not None and awaited.any_from(since):
            fresh = (scope.first_ns != NEVER) & (scope.first_ns >= since) & np.isin(scope.first_tag, _FRESH)
            moments.append(_heard_from(in_order(scope.first_ns[fresh]), sent, bound))
    return max(moments, default=None)


def _heard_from(fresh: Array, sent: Array, bound_ns: int) -> int:
    """The first delivery that is followed in time by `SUSTAINED` others, or by as many as were sent after it."""
    place = np.arange(len(fresh))
    last = place + np.minimum(SUSTAINED, len(sent) - np.searchsorted(sent, fresh, side="right"))
    place = place[last < len(fresh)]
    found = fresh[place][fresh[last[place]] - fresh[place] <= bound_ns]
    return int(found[0]) if len(found) else NEVER


def back_ms(arm: ArmResult, what: Service, value_ns: int | None) -> float | None:
    """How long it took; infinite where it was not back by the end, and ``None`` where it was not interrupted."""
    if what in arm.recovery.not_back:
        return math.inf
    return None if value_ns is None else value_ns / 1e6
