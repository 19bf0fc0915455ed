"""An independent, slow reckoning of when writes, reads and backlog were back: plain loops over the raw journals.

As in `naive_recount`, nothing is imported from ``harness``; every rule is written down once more, from the definitions
alone. Times are nanoseconds from the heal, 0 for what was back before it; ``"not back"``; ``None``: not interrupted.
"""

from __future__ import annotations

import math
from itertools import pairwise

from naive_recount import (
    ACK,
    DEAD_LETTER,
    HEAL,
    INJECT,
    PATTERN,
    PHASE,
    Arm,
    message_of,
    of_kind,
)

SECOND = 1_000_000_000
FOLLOWING, IN_A_ROW = 5, 20
FRESH, PUSH = 1, 4
STEADY, DRAIN = 1, 4
STOPPING = ("crash", "kill", "pause", "restart", "late-start")
NOT_BACK = "not back"


class Recovery:
    """What is told of one arm of a trial with a fault."""

    def __init__(self, read, index):
        self.arm = Arm(read, index)
        self.faults = read["trial"]["scenario"]["faults"]
        self.asks = self.arm.plan["asks_sentinel"]
        self.injected, self.healed = self.moments(read["records"])
        begins = {record["code"]: record["t"] for record in of_kind(read["records"], PHASE)}
        self.traffic_end = begins.get(DRAIN, read["end"])
        self.steady_end = begins[STEADY + 1]
        self.steady = (begins[STEADY], min(self.steady_end, self.injected))
        self.messages = sorted(self.arm.attempts)
        self.firsts = {key: min(record["t"] for record in some) for key, some in self.arm.receives.items()}
        self.answers = {}
        for record in self.arm.records:
            if record["kind"] in (ACK, DEAD_LETTER):
                self.answers.setdefault((message_of(record), record["scope"]), []).append(record["t"])
        self.p99 = self.steady_p99()

    def moments(self, records):
        """The first injection and the last heal, of faults that come and go that of the last time."""
        injected, healed = [], []
        for number, plan in enumerate(self.faults):
            ons = [r["t"] for r in of_kind(records, INJECT) if r["detail"] == number]
            offs = [r["t"] for r in of_kind(records, HEAL) if r["detail"] == number]
            since = ons[-1] if plan["cycles"] > 1 else -math.inf
            injected.append(ons[0])
            healed.append(next(off for off in offs if off >= since))
        return min(injected), max(healed)

    def told(self):
        """Write, read and backlog."""
        write, read = self.writes(), self.reads()
        backlog = None
        if (write is not None or read is not None) and self.p99 is not None:
            since = max(self.healed, read or 0)
            found = [self.backlog(scope, since) for scope in range(self.arm.scopes)]
            backlog = max((moment for moment in found if moment is not None), default=None)
        return tuple(self.from_heal(moment) for moment in (write, read, backlog))

    def from_heal(self, moment):
        if moment is None:
            return None
        return NOT_BACK if moment == math.inf else max(0, moment - self.healed)

    def is_acknowledged(self, message):
        return self.arm.outcome(message) == "acknowledged"

    def over(self, message):
        """When the call was answered for good."""
        if self.is_acknowledged(message):
            return self.arm.acknowledged_at(message)
        outcomes = self.arm.outcomes.get(message, [])
        return outcomes[-1]["t"] if outcomes else math.inf

    def due(self, message):
        return self.arm.attempts[message][0]["aux"]

    def sent(self, message):
        return self.arm.attempts[message][0]["t"]

    def first(self, message, scope):
        """The first intact receive."""
        return self.firsts.get((message, scope), math.inf)

    def bound(self, times):
        """Four times what five take in the steady phase, and a second at least."""
        begin, end = self.steady
        usual = len([time for time in times if begin <= time < end])
        return max(SECOND, 4 * FOLLOWING * (end - begin) // max(1, usual))

    def since(self, silences, bound):
        """From when on to look; nothing where no silence was an interruption.

        What crosses the heal counts as a whole, where it is no pause that is usual.
        """
        found = None
        for begin, end in silences:
            begin = max(begin, self.injected)
            if self.asks and begin < self.healed and end - begin >= SECOND:
                found = end
            if not self.asks and 2 * (min(end, self.healed) - begin) >= self.healed - self.injected:
                found = self.healed
            crosses = begin < self.healed < end and end - begin >= bound
            if not self.asks and crosses and 2 * (end - begin) >= self.healed - self.injected:
                found = self.healed
        return found

    def is_struck(self, producer):
        plans = [one for one in self.faults if one["worker"] == "producer" and one["model"] in STOPPING]
        first = min(message[0] for message in self.messages)
        return any(plan["members"] == "all" or producer == first for plan in plans)

    def writes(self):
        """The slowest of the producers that were interrupted."""
        moments = []
        for producer in sorted({message[0] for message in self.messages}):
            mine = [message for message in self.messages if message[0] == producer]
            bound = self.bound([self.over(message) for message in mine if self.is_acknowledged(message)])
            since = self.since(self.silences_of(mine, self.is_struck(producer)), bound)
            last = mine[-1]
            well = self.is_acknowledged(last) and since is not None and self.over(last) < since
            if since is not None and (self.is_struck(producer) or not well):
                moments.append(self.answered_again(mine, since, bound))
        return max(moments, default=None)

    def silences_of(self, mine, struck):
        """From one acknowledgement (or what was due next) to the next; the last one to the end of traffic."""
        begin, waiting, found = -math.inf, None, []
        for message in mine:
            waiting = self.due(message) if waiting is None else waiting
            if self.is_acknowledged(message):
                found.append((begin if struck else max(begin, waiting), self.over(message)))
                begin, waiting = self.over(message), None
        if struck or waiting is not None:
            found.append((begin if struck else max(begin, waiting), self.traffic_end))
        return [(begin, end) for begin, end in found if end >= self.injected]

    def answered_again(self, mine, since, bound):
        for place, message in enumerate(mine):
            following = mine[place + 1 : place + 1 + FOLLOWING]
            good = all(self.is_acknowledged(one) for one in (message, *following))
            if (
                good
                and self.over(message) >= since
                and self.over([message, *following][-1]) - self.over(message) <= bound
            ):
                return self.over(message)
        return math.inf

    def reads(self):
        """The slowest of the scopes that were interrupted and that something acknowledged was still to reach."""
        bound = self.bound([self.sent(message) for message in self.messages if self.is_acknowledged(message)])
        moments = []
        for scope in range(self.arm.scopes):
            until = self.awaited_until(scope)
            since = self.since(self.silences_in(scope, until), bound)
            if since is not None and any(end >= since and self.is_acknowledged(m) for m, end in until.items()):
                moments.append(self.heard_again(scope, since, bound))
        return max(moments, default=None)

    def awaited_until(self, scope):
        """When each message came; one that never did is awaited until one that was sent later comes."""
        until, earliest = {}, math.inf
        for message in sorted(self.messages, key=lambda message: (self.sent(message), message), reverse=True):
            first = self.first(message, scope)
            earliest = min(earliest, first)
            until[message] = earliest if first == math.inf else first
        return until

    def silences_in(self, scope, until):
        """From one delivery, or from when something was sent that had not come yet, to the next delivery.

        Where none comes after the heal, something acknowledged must have been awaited in vain.
        """
        arrived = sorted(self.first(m, scope) for m in self.messages if self.first(m, scope) < math.inf)
        edges = [self.injected, *(time for time in arrived if self.injected <= time <= self.healed)]
        later = [time for time in arrived if time > self.healed]
        if later:
            edges.append(later[0])
        elif any(end == math.inf and self.is_acknowledged(message) for message, end in until.items()):
            edges.append(self.traffic_end)
        sent = [(self.sent(message), end) for message, end in until.items()]
        for begin, end in pairwise(edges):
            waiting = min((since for since, gone in sent if gone > begin), default=math.inf)
            yield max(begin, waiting), end

    def heard_again(self, scope, since, bound):
        sent = [self.sent(message) for message in self.messages if self.is_acknowledged(message)]
        fresh = []
        for message in self.messages:
            receives = self.arm.receives.get((message, scope), [])
            earliest = min(receives, key=lambda record: record["t"], default=None)
            if earliest is not None and earliest["code"] in (FRESH, PUSH, PATTERN) and earliest["t"] >= since:
                fresh.append(earliest["t"])
        fresh.sort()
        for place, time in enumerate(fresh):
            must = min(FOLLOWING, len([one for one in sent if one > time]))
            if place + must < len(fresh) and fresh[place + must] - time <= bound:
                return time
        return math.inf

    def steady_p99(self):
        """The 99th percentile of the latencies of what was meant for the steady phase and came before the fault."""
        begin, end = self.steady[0], self.injected
        times = []
        for message in self.messages:
            for scope in range(self.arm.scopes):
                first = self.first(message, scope)
                if self.is_steady(message) and first < end:
                    times.append(first - self.due(message))
        times.sort()
        return times[math.ceil(len(times) * 99 / 100) - 1] if len(times) >= 100 and begin < end else None

    def is_steady(self, message):
        return self.steady[0] <= self.due(message) < self.steady_end

    def backlog(self, scope, since):
        """When the scope was as fast as before, and had no more under way; nothing where nothing was to come."""
        fates = {self.arm.fate(message, scope) for message in self.messages}
        if since == math.inf or (self.arm.is_stream and fates & {"stuck", "unread", "never-read"}):
            return math.inf
        if not any(
            self.is_acknowledged(message) and self.comes_from(message, scope, since) for message in self.messages
        ):
            return None
        calm = self.calm(scope, since)
        if calm == math.inf:
            return math.inf
        spans = [
            (self.sent(message), self.settled(message, scope))
            for message in self.messages
            if self.first(message, scope) < math.inf
        ]
        begin, end = self.steady
        usual = max([1, *(under_way(spans, sent) for sent, _ in spans if begin <= sent < end)])
        for moment in [calm, *sorted(settled for _, settled in spans if calm <= settled < math.inf)]:
            if under_way(spans, moment) <= usual:
                return moment
        return math.inf

    def comes_from(self, message, scope, since):
        """Whether it was sent from then on, or came then."""
        return self.sent(message) >= since or since <= self.first(message, scope) < math.inf

    def calm(self, scope, since):
        """Of several at one moment each is as slow as the slowest."""
        slowest = {}
        firsts = sorted(self.first(m, scope) for m in self.messages if since <= self.first(m, scope) < math.inf)
        for message in self.messages:
            first = self.first(message, scope)
            slowest[first] = max(slowest.get(first, 0), first - self.due(message))
        for place in range(len(firsts) - IN_A_ROW + 1):
            if all(slowest[first] <= 2 * self.p99 for first in firsts[place : place + IN_A_ROW]):
                return firsts[place]
        return math.inf

    def settled(self, message, scope):
        """By XACK or as a dead letter; never, if it is pending at the end; else all that is known is its arrival."""
        if self.arm.pending_of(message, scope):
            return math.inf
        return min(self.answers.get((message, scope), [self.first(message, scope)]))


def under_way(spans, moment):
    """How many had been sent by then and were not settled."""
    return len([1 for sent, settled in spans if sent <= moment < settled])
