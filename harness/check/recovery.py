"""How soon things were well again, from injection and from heal.

*Detect*: the first error that a client of the arm saw after the injection. *Resubscribe*: from the heal until every
consumer that subscribed anew had done so. *Write* and *read* are told for what the fault interrupted, that is, where
at least half of the fault passed without an acknowledgement, or without a delivery in some scope: then writes are
back with the first acknowledgement after the heal that `SUSTAINED` others of the same producer follow, and reads with
the first fresh delivery after the heal that as many others follow; the slowest producer and scope count. Who asks
Sentinels does not wait for the heal: there a silence of a second is an interruption, since no failover is noticed
sooner, and what is looked for comes after the longest silence; back before the heal is 0 from the heal. *Backlog*:
the first moment after the heal at which `CALM` deliveries in a row are within twice the steady p99 and no more
messages are under way than at most in the steady phase. Both ends of an interval are taken at the *beginning* of the
injecting and the healing call, so no time is ever flattered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.availability import SUSTAINED
from harness.check.delivery import Arrivals
from harness.check.dense import NEVER
from harness.check.effects import member_name
from harness.check.ledger import Messages
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import History
from harness.model.accounts import SERVICES, ArmResult, RecoveryTimes, Service
from harness.model.words import ErrorKind, OutcomeCode, Phase, ReceiveTag

Array = npt.NDArray[Any]
_FRESH = [ReceiveTag.FRESH.value, ReceiveTag.PUSH.value, ReceiveTag.PATTERN.value]
CALM = 20
"""How many deliveries in a row must be as fast as before for a backlog to be gone."""
ASKED_SILENCE_NS = 1_000_000_000
"""What interrupts clients that ask Sentinels: less than any of these takes to notice a dead master."""


def recovery_times(
    history: History,
    timeline: Timeline,
    messages: Messages,
    arrivals: Sequence[Arrivals],
    *,
    arm: int,
    steady_p99_ns: int | None,
) -> RecoveryTimes:
    """All times to recover of one arm; nothing without a fault."""
    injected, healed = timeline.injected_ns, timeline.healed_ns
    if injected is None:
        return RecoveryTimes()
    detected = _first_error(history, messages, arm=arm, after_ns=injected)
    detect = None if detected is None else detected - injected
    if healed is None:
        return RecoveryTimes(detect_ns=detect)
    asks = history.trial.scenario.arms[arm].asks_sentinel
    write = _writes_back(messages, injected, healed, asks=asks)
    read = _reads_back(arrivals, injected, healed, asks=asks)
    interrupted = write is not None or read is not None
    backlog = (
        _backlog_gone(timeline, messages, arrivals, healed, steady_p99_ns)
        if interrupted and steady_p99_ns is not None
        else None
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


def _writes_back(messages: Messages, injected: int, healed: int, *, asks: bool) -> int | None:
    """When every producer's acknowledgements were sustained again; ``None``: the fault did not interrupt them."""
    acknowledged = messages.acknowledged
    since = _interrupted(messages.outcome_ns[acknowledged], injected, healed, asks=asks)
    if since is None:
        return None
    moments = []
    for entry in messages.index.ranges:
        good = acknowledged[entry.span]
        if messages.index.attempted is not None:
            good = good[messages.index.attempted[entry.span]]
            times = messages.outcome_ns[entry.span][messages.index.attempted[entry.span]]
        else:
            times = messages.outcome_ns[entry.span]
        sustained = _sustained(good) & (times >= since) & good
        moments.append(int(times[sustained].min()) if sustained.any() else NEVER)
    return max(moments, default=NEVER)


def _sustained(good: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which messages are followed by `SUSTAINED` acknowledged ones."""
    total = np.concatenate([[0], np.cumsum(good)])
    follow = np.zeros(len(good), dtype=bool)
    if len(good) > SUSTAINED:
        follow[:-SUSTAINED] = total[SUSTAINED + 1 :] - total[1:-SUSTAINED] == SUSTAINED
    return follow


def _reads_back(arrivals: Sequence[Arrivals], injected: int, healed: int, *, asks: bool) -> int | None:
    """When every interrupted scope got fresh messages again; ``None``: none was interrupted."""
    moments = []
    for scope in arrivals:
        since = _interrupted(scope.first_ns[scope.first_ns != NEVER], injected, healed, asks=asks)
        if since is None:
            continue
        fresh = np.isin(scope.first_tag, _FRESH)
        times = np.sort(scope.first_ns[fresh & (scope.first_ns >= since) & (scope.first_ns != NEVER)])
        moments.append(int(times[0]) if len(times) > SUSTAINED else NEVER)
    return max(moments, default=None)


def _interrupted(times: Array, injected: int, healed: int, *, asks: bool) -> int | None:
    """From when on to look for what is back; ``None``: at no time was there a silence long enough.

    Long enough is half of the time from injection to heal, and then it is looked for from the heal on; or, where
    clients ask Sentinels, a second, and then from the end of the longest silence.
    """
    inside = np.sort(times[(times >= injected) & (times <= healed)])
    moments = np.concatenate([[injected], inside, [healed]])
    silences = np.diff(moments)
    if asks:
        return int(moments[silences.argmax() + 1]) if silences.max() >= ASKED_SILENCE_NS else None
    return healed if int(silences.max()) * 2 >= healed - injected else None


def _backlog_gone(
    timeline: Timeline, messages: Messages, arrivals: Sequence[Arrivals], healed: int, steady_p99_ns: int
) -> int:
    """When the slowest scope was back at its steady level; `NEVER`: it did not get there."""
    steady = next((span for span in timeline.phases if span.phase is Phase.STEADY), None)
    moments: list[int] = []
    for scope in arrivals:
        received = scope.first_ns != NEVER
        sent, arrived = messages.send_ns[received], scope.first_ns[received]
        latency = arrived - messages.intended_ns[received]
        calm_ns = _calm_from(arrived, latency, healed, 2 * steady_p99_ns)
        usual = _most_under_way(sent, arrived, steady.begin_ns, steady.end_ns) if steady is not None else 0
        moments.append(_under_way_at_most(sent, arrived, usual, calm_ns))
    return max(moments, default=NEVER)


def _calm_from(arrived: Array, latency: Array, healed: int, limit_ns: int) -> int:
    """The first delivery after the heal from which `CALM` in a row are within the limit."""
    after = np.flatnonzero(arrived >= healed)
    order = after[np.argsort(arrived[after], kind="stable")]
    quick = np.concatenate([[0], np.cumsum(latency[order] <= limit_ns)])
    if len(order) < CALM:
        return NEVER
    runs = np.flatnonzero(quick[CALM:] - quick[:-CALM] == CALM)
    return int(arrived[order[runs[0]]]) if len(runs) else NEVER


def _under_way(sent: Array, arrived: Array) -> tuple[Array, Array]:
    """Moments at which the number of messages under way changes, and the number from then on."""
    moments = np.concatenate([sent, arrived])
    change = np.concatenate([np.ones(len(sent), dtype=np.int64), -np.ones(len(arrived), dtype=np.int64)])
    order = np.lexsort([change, moments])
    return moments[order], np.cumsum(change[order])


def _most_under_way(sent: Array, arrived: Array, begin_ns: int, end_ns: int) -> int:
    """The most messages that were under way at one time in [begin, end), and at least one."""
    moments, count = _under_way(sent, arrived)
    within = count[(moments >= begin_ns) & (moments < end_ns)]
    return max(1, int(within.max(initial=1)))


def _under_way_at_most(sent: Array, arrived: Array, usual: int, from_ns: int) -> int:
    """The first moment from ``from_ns`` on at which no more than ``usual`` messages are under way."""
    if from_ns == NEVER:
        return NEVER
    moments, count = _under_way(sent, arrived)
    at = int(np.searchsorted(moments, from_ns, side="right")) - 1
    if at >= 0 and count[at] <= usual:
        return from_ns
    later = np.flatnonzero((moments > from_ns) & (count <= usual))
    return int(moments[later[0]]) if len(later) else NEVER


def back_ms(arm: ArmResult, what: Service, value_ns: int | None) -> float | None:
    """How long it took; infinite where it was not back by the end, and ``None`` where it was not interrupted."""
    if what in arm.recovery.not_back:
        return math.inf
    return None if value_ns is None else value_ns / 1e6
