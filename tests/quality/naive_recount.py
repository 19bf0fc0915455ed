"""An independent recount of one trial: slow, plain and on purpose sharing no line with the harness.

It reads ``trial.json`` and the raw ``journals/*.journal`` of a trial's folder, byte by byte, and counts with dicts and
loops what ``harness.check`` counts with vectors. Where the two disagree, one of them is wrong; the tests beside this
file compare them to the message. Nothing is imported from ``harness``: the layout of a record, the numbers of the
event kinds and every rule are written down here a second time, from the definitions alone.

    python tests/quality/naive_recount.py results/latest/trials/partition_consumers_drop-1 [--rows]

prints the counts as JSON; ``--rows`` adds one line per owed (message, scope).

How the definitions were read where they leave room:

* R(m, s) counts intact receives. A damaged receive of an attempted message makes that row a phantom; receives of
  another run, or of messages that nobody attempted, are counted on top as ``foreign_receives``.
* A row is *lost* only where the drain barrier of its arm was reached; before that, absence proves nothing and the
  row is *unread*. An entry that is still in the log although its group went past it, without keeping it pending, is
  lost too: nobody will ever be handed it.
* *Never read* is an entry that is still in the log, so that it could have been read, had anybody been there. What is
  gone is lost, with or without a witness; Pub/Sub keeps nothing, so nothing there is ever "never read".
* An extra receive of another entry than those received before comes from the producer's retry; of an entry that this
  scope had already acknowledged, it is "after XACK"; of any other, redelivery. Pub/Sub knows no entries: as many
  extras as the producer wrote again are its retries.
* A pending entry past the threshold is *stuck* even if the consumer to whom it was handed out never noted it, as long
  as the log still has it. One whose content is gone names no message; its id does.
* A scope's entitlement begins where its group, or its first reader, began first. A reader that began again at ``$``
  went past everything before. An XREAD scope has come to the highest id that it got, saved or began anew at.
* An *unsettled effect* is acknowledged and delivered, has no effect, is not pending and no dead letter.
* Of the receives of an arm that subscribes twice, each pair of a push and a push by pattern is one overlap.
* The last of several receives is the one with the latest time, then with the highest actor.
* What a dead server took is what was acknowledged before its next life began. A fault that nobody saw took nothing.
* What a failover took is what was acknowledged until a tenth of a second after the master was killed, or over a
  connection that it had, until clients were led to the new one; or, where the old one lives on or comes back, until a
  tenth of a second after it was seen to follow: until then it may answer as a master, but not over a connection that
  began when clients had been led to the new one.
* A log that was cut off keeps all that is older than the cut: what is older than an entry that was acknowledged before
  the fault and is still there did not go with it. A key that is evicted goes whole: what is younger than an entry that
  is still there was not evicted. What the retention explains, no fault does.
* Reordered: a first delivery with a lower sequence than an earlier first delivery of the same producer in the same
  lane (scope and consumer).
"""

from __future__ import annotations

import json
import math
import struct
import sys
import zlib
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

MAGIC = b"PVSJRNL1"
RECORD = struct.Struct("<BBBbHHIHHqqQQqII")
NAMES = (
    *("kind", "code", "arm", "scope", "actor", "producer", "sequence", "count", "detail"),
    *("t", "aux", "id_ms", "id_seq", "value", "reserved", "crc"),
)
SENTINEL_BASE = 2**31

ATTEMPT, WIRE, OUTCOME, CONNECTED, DISCONNECTED, SUBSCRIBED = 1, 2, 3, 4, 5, 7
RECEIVE, EFFECT, ACK, TOMBSTONE, READY, END = 10, 11, 12, 13, 14, 15
CRASHING, FAILED, DEAD_LETTER, INJECT, HEAL, CHECKPOINT, PROCESS, SERVER_STAT = 16, 17, 18, 21, 22, 26, 27, 28
PHASE, BARRIER, LOG_ENTRY, PENDING, GROUP, GROUP_START, DEDUP_KEPT = 20, 30, 31, 32, 33, 34, 37
DIED, OUTPUT_BUFFER_KILLS, PATTERN, NO_MESSAGE = 3, 1, 5, 65535
EFFECT_OBSERVED, HEAL_OBSERVED, EVICTED_KEYS = 23, 24, 2
# What a death of the server may take, by the fault and by how the server persists; all else it may not.
MAY_TAKE = {
    ("server-kill", "off"): "server restart",
    ("server-kill", "rdb"): "server restart",
    ("server-kill", "aof-everysec"): "server restart",
    ("power-loss", "off"): "server restart",
    ("power-loss", "rdb"): "un-fsynced at power loss",
    ("power-loss", "aof-no"): "un-fsynced at power loss",
    ("power-loss", "aof-everysec"): "un-fsynced at power loss",
}
KILL_SEEN_WITHIN = 1_000_000_000
FAILOVERS = ("failover", "hung-master")
OLD_MASTER_ANSWERS = 100_000_000
LINK_FAULTS = ("hold", "drop", "down", "reset", "latency", "bandwidth", "reply-lost", "half-open", "packet-drop")
TRIAL_ENDED = 5
NEVER = 2**62
PRODUCERS_DONE, SENTINELS_SEEN, CAUGHT_UP, PENDING_SETTLED, LOG_WAS_READ = 1, 2, 3, 4, 5
ACKNOWLEDGED, REJECTED = 1, 2
INTACT, DAMAGED = 0, 1

FATES = (
    *("phantom", "rejected-but-delivered", "stuck", "delivered", "never-read", "unread", "lost"),
    *("not-entitled", "absent"),
)


# ------------------------------------------------------------------------------------------------ reading


def read_one_journal(path):
    """Header, good records, torn bytes and damaged records of one file."""
    data = path.read_bytes()
    if data[:8] != MAGIC:
        raise ValueError(f"{path} is not a journal")
    length = int.from_bytes(data[8:12], "little")
    header = json.loads(data[12 : 12 + length])
    at = 12 + length
    records, damaged = [], 0
    while at + 64 <= len(data):
        chunk = data[at : at + 64]
        record = dict(zip(NAMES, RECORD.unpack(chunk), strict=True))
        if zlib.crc32(chunk[:60]) == record["crc"]:
            records.append(record)
        else:
            damaged += 1
        at += 64
    return header, records, len(data) - at, damaged


def read_trial(folder):
    """Everything that was written down about one trial."""
    folder = Path(folder)
    trial = json.loads((folder / "trial.json").read_text())
    journals = [read_one_journal(path) for path in sorted((folder / "journals").glob("*.journal"))]
    records = [record for _, some, _, _ in journals for record in some]
    records.sort(key=lambda record: record["t"])
    writers = [header["actor"] for header, _, _, _ in journals if header["role"] != "effects"]
    return {
        "trial": trial,
        "journals": [(header, some) for header, some, _, _ in journals],
        "records": records,
        "torn_bytes": sum(torn for _, _, torn, _ in journals),
        "damaged": sum(damaged for _, _, _, damaged in journals),
        "shared_actors": sorted({actor for actor in writers if writers.count(actor) > 1}),
        "end": end_of_trial(records),
    }


def end_of_trial(records):
    """When the conductor said that it was over; without that, the last thing anybody wrote."""
    told = [record["t"] for record in records if record["kind"] == PHASE and record["code"] == TRIAL_ENDED]
    if told:
        return told[0]
    return max((record["t"] for record in records), default=0)


def entry_of(record):
    """The id of the stream entry that the record speaks of."""
    return (record["id_ms"], record["id_seq"])


def message_of(record):
    """Which message of the arm the record speaks of."""
    return (record["producer"], record["sequence"])


def of_kind(records, kind):
    """The records of one kind, in order of time."""
    return [record for record in records if record["kind"] == kind]


def without_sentinels(records):
    """The records that speak of messages, not of the drain's sentinels."""
    return [record for record in records if record["sequence"] < SENTINEL_BASE]


# ------------------------------------------------------------------------------------------------ one arm


class Arm:
    """All that was written about one arm, sorted into dicts."""

    def __init__(self, read, index):
        plan = read["trial"]["scenario"]["arms"][index]
        self.plan = plan
        self.name = plan["name"]
        self.is_reader = plan["driver"] == "stream_read"
        self.settings = plan["stream"]
        self.is_stream = plan["primitive"] == "streams"
        self.scopes = plan["scopes"]
        self.stuck_after = read["trial"]["scenario"]["limits"]["stuck_after_ms"] * 1_000_000
        self.end = read["end"]
        self.every = [record for record in read["records"] if record["arm"] == index]
        self.records = without_sentinels(self.every)
        self.journals = [
            (header, some)
            for header, some in read["journals"]
            if header["arm"] == index and header["role"] == "consumer"
        ]
        self.read_producers()
        self.read_consumers()
        self.read_deaths(read)
        self.read_faults(read)
        self.read_server(read)

    def read_producers(self):
        self.attempts, self.outcomes, self.wires = {}, {}, {}
        for record in self.records:
            if record["kind"] == ATTEMPT:
                self.attempts.setdefault(message_of(record), []).append(record)
            if record["kind"] == OUTCOME:
                self.outcomes.setdefault(message_of(record), []).append(record)
            if record["kind"] == WIRE:
                self.wires.setdefault(message_of(record), []).append(record)

    def read_consumers(self):
        self.receives, self.damaged_receives, self.foreign_receives = {}, {}, []
        self.effects, self.acks, self.suppressed, self.failures, self.dead_letters = {}, {}, {}, {}, {}
        for record in self.records:
            key = (message_of(record), record["scope"])
            if record["kind"] == RECEIVE and message_of(record) in self.attempts and record["detail"] == INTACT:
                self.receives.setdefault(key, []).append(record)
            elif record["kind"] == RECEIVE and message_of(record) in self.attempts and record["detail"] == DAMAGED:
                self.damaged_receives.setdefault(key, []).append(record)
            elif record["kind"] == RECEIVE:
                self.foreign_receives.append(record)
            elif record["kind"] == EFFECT and record["detail"] == 0:
                self.effects.setdefault(key, []).append(record)
            elif record["kind"] == EFFECT and message_of(record) in self.attempts:
                self.suppressed.setdefault(key, []).append(record)
            elif record["kind"] == FAILED and message_of(record) in self.attempts:
                self.failures.setdefault(key, []).append(record)
            elif record["kind"] == DEAD_LETTER:
                self.dead_letters.setdefault(key, []).append(record)
            elif record["kind"] == ACK and record["value"] >= 1:
                self.acks.setdefault(key, []).append(record)
        self.tombstones = {(r["scope"], entry_of(r)) for r in of_kind(self.records, TOMBSTONE)}

    def read_deaths(self, read):
        """The consumers of each scope that died: they said so, were seen to, or never said that they ended."""
        killed = {r["detail"] for r in of_kind(read["records"], PROCESS) if r["code"] == DIED}
        self.dead = {scope: set() for scope in range(self.scopes)}
        for header, records in self.journals:
            kinds = {record["kind"] for record in records if record["actor"] == header["actor"]}
            if CRASHING in kinds or header["actor"] in killed or END not in kinds:
                self.dead[header["scope"]].add(header["actor"])

    def read_faults(self, read):
        """When the consumers' link was struck, and when the server was seen to have cut a subscriber off."""
        self.link_faults = []
        for number, plan in enumerate(read["trial"]["scenario"]["faults"]):
            injects = [r["t"] for r in of_kind(read["records"], INJECT) if r["detail"] == number]
            heals = [r["aux"] for r in of_kind(read["records"], HEAL) if r["detail"] == number]
            if plan["model"] in LINK_FAULTS and plan["link"] in ("consumers", "one-consumer") and injects:
                self.link_faults.append((injects[0], heals[0] if heals else self.end))
        self.read_server_faults(read)
        self.kills, before = [], 0
        for record in of_kind(read["records"], SERVER_STAT):
            if record["code"] == OUTPUT_BUFFER_KILLS:
                if record["value"] > before:
                    self.kills.append(record["t"])
                before = record["value"]

    def read_server_faults(self, read):
        """When the server was dead, and what it may have forgotten: (why, when, acknowledged until, led, stood).

        What was acknowledged later than ``led`` was so by another server, unless a connection from before ``stood``
        still stood.
        """
        self.away, self.takes = [], []
        for number, plan in enumerate(read["trial"]["scenario"]["faults"]):
            of_fault = [record for record in read["records"] if record["detail"] == number]
            injects, heals = of_kind(of_fault, INJECT), of_kind(of_fault, HEAL)
            if not injects or not of_kind(of_fault, EFFECT_OBSERVED):
                continue
            if plan["model"] in FAILOVERS:
                self.takes.append(("un-replicated at failover", injects[0]["t"], *self.led_on(plan, of_fault)))
            if plan["model"] not in ("server-kill", "power-loss"):
                continue
            self.away.append((injects[0]["t"], heals[0]["aux"] if heals else 10**30))
            why = MAY_TAKE.get((plan["model"], read["trial"]["scenario"]["persistence"]))
            if why:
                self.takes.append((why, injects[0]["t"], heals[0]["t"] if heals else self.end, 10**30, 0))
        before = 0
        for record in of_kind(read["records"], SERVER_STAT):
            if record["code"] == EVICTED_KEYS:
                if record["value"] > before:
                    self.takes.append(("evicted", record["t"], record["t"], 10**30, 0))
                before = record["value"]

    def led_on(self, plan, of_fault):
        """Until when, over any connection and over an older one, a master that was failed over may have acknowledged.

        (at all, over any, how old an older one is)
        """
        killed, heals, followed = (of_kind(of_fault, kind) for kind in (INJECT, HEAL, HEAL_OBSERVED))
        healed = heals[0]["t"] if heals else self.end
        if plan["model"] == "failover" and not plan["old_returns"]:
            last = killed[0]["aux"] + OLD_MASTER_ANSWERS
            return max(healed, last), last, killed[0]["t"]
        until = followed[0]["t"] + OLD_MASTER_ANSWERS if followed else self.end
        return until, healed, heals[0]["aux"] if heals else 10**30

    def taken(self, message):
        """What took an acknowledged message from the log: (why, when), or nothing that was seen."""
        at = self.acknowledged_at(message)
        for why, moment, until, led, stood in self.takes:
            if at > until or (at > led and not self.older_connection_stood(message, stood)):
                continue
            if not self.makes_a_hole(why, moment, message):
                return why, moment
        return None

    def older_connection_stood(self, message, led):
        """Whether the acknowledgement may have come over a connection that had begun before ``led``."""
        (answer,) = [r for r in self.outcomes[message] if r["t"] == self.acknowledged_at(message)][:1]
        begun, ended = {}, {}
        for record in self.every:
            if record["actor"] == answer["actor"] and record["kind"] == CONNECTED:
                begun[record["count"]] = record["t"]
            if record["actor"] == answer["actor"] and record["kind"] == DISCONNECTED:
                ended.setdefault(record["count"], record["t"])
        if any(moment < led and ended.get(number, 10**30) >= answer["t"] for number, moment in begun.items()):
            return True
        return not any(led <= moment <= answer["t"] for moment in begun.values())

    def makes_a_hole(self, why, moment, message):
        """Whether the log still holds what would have gone with the message."""
        entry = max(self.entries(message), default=(0, 0))
        if why == "evicted":
            return self.first_surviving is not None and entry > self.first_surviving
        before = [m for m in self.attempts if self.outcome(m) == "acknowledged" and self.acknowledged_at(m) <= moment]
        return any(entry <= held for m in before for held in self.log.get(m, [])) or entry == (0, 0)

    def read_server(self, read):
        self.log, self.pending = {}, []
        for record in of_kind(self.records, LOG_ENTRY):
            if record["detail"] == INTACT:
                self.log.setdefault(message_of(record), []).append(entry_of(record))
        # A pending entry whose content is gone names no message (65535, 0), but its id does.
        self.pending = of_kind(self.records, PENDING)
        self.last_delivered = {r["scope"]: entry_of(r) for r in of_kind(self.every, GROUP)}
        self.starts = {}
        for record in of_kind(self.every, GROUP_START):
            self.starts.setdefault(record["scope"], []).append(entry_of(record))
        if self.is_reader:
            self.last_delivered = self.came_to()
        self.barrier = {(r["code"], r["scope"]): r["value"] for r in of_kind(self.every, BARRIER)}
        # The producers' part is told once for all arms.
        done = [r["value"] for r in of_kind(read["records"], BARRIER) if r["code"] == PRODUCERS_DONE]
        self.producers_are_done = done[-1:] == [1]
        self.log_was_read = self.barrier.get((LOG_WAS_READ, -1)) == 1
        surviving = [entry_of(r) for r in of_kind(self.every, LOG_ENTRY)]
        self.first_surviving = min(surviving, default=None)
        self.last_surviving = max(surviving, default=None)
        self.log_size = len(surviving)

    def came_to(self):
        """How far each XREAD scope went."""
        found = {}
        for scope in range(self.scopes):
            known = [*self.starts.get(scope, [])[1:]]
            for record in self.every:
                if record["scope"] == scope and record["kind"] in (RECEIVE, CHECKPOINT, GROUP):
                    known.append(entry_of(record))
            if known:
                found[scope] = max(known)
        return found

    # -------------------------------------------------------------------------------- what is known of a message

    def outcome(self, message):
        """Acknowledged if any attempt was, else indeterminate if any was, else rejected."""
        codes = [record["code"] for record in self.outcomes.get(message, [])]
        if ACKNOWLEDGED in codes:
            return "acknowledged"
        if len(codes) < len(self.attempts[message]) or any(code != REJECTED for code in codes):
            return "indeterminate"
        return "rejected"

    def writes(self, message):
        """How often the request was written to a socket; without an outcome, once or as often as was seen."""
        told = [record["count"] for record in self.outcomes.get(message, [])]
        return sum(told) if told else max([1, *(record["count"] for record in self.wires.get(message, []))])

    def most_writes(self, message):
        """How often it may have been executed: the highest that anything told."""
        noted = [record["count"] for record in self.wires.get(message, [])]
        return max([self.writes(message), len(self.attempts[message]), *noted])

    def answer(self, message):
        """What PUBLISH answered to an acknowledged message."""
        for record in self.outcomes.get(message, []):
            if record["code"] == ACKNOWLEDGED:
                return record["value"]
        return None

    def acknowledged_at(self, message):
        """When the first success reply was there."""
        return min(r["t"] for r in self.outcomes[message] if r["code"] == ACKNOWLEDGED)

    def entries(self, message):
        """Ids of every entry known to hold the message: those in the log, and what XADD answered."""
        found = set(self.log.get(message, []))
        for record in self.outcomes.get(message, []):
            if record["code"] == ACKNOWLEDGED:
                found.add(entry_of(record))
        found.discard((0, 0))
        return found

    def ids_seen(self, message, scope):
        """Ids under which the producer and this scope knew the message; the log may have them no more."""
        key = (message, scope)
        records = [*self.outcomes.get(message, []), *self.receives.get(key, []), *self.damaged_receives.get(key, [])]
        return {entry_of(record) for record in records} - {(0, 0)}

    def pending_of(self, message, scope):
        """The scope's pending entries that hold, or held, the message."""
        return [
            record
            for record in self.pending
            if record["scope"] == scope
            and (
                message_of(record) == message
                or (record["producer"] == NO_MESSAGE and entry_of(record) in self.ids_seen(message, scope))
            )
        ]

    def is_shell(self, message, scope):
        """Whether an entry of it came back, or is pending, without its content."""
        if any((scope, entry) in self.tombstones for entry in self.ids_seen(message, scope)):
            return True
        return any(record["producer"] == NO_MESSAGE for record in self.pending_of(message, scope))

    # -------------------------------------------------------------------------------- what is known of a scope

    def absence_is_proven(self):
        """Whether every part of the arm's drain barrier was reached, in every scope."""
        parts = [(SENTINELS_SEEN, scope) for scope in range(self.scopes)]
        of_groups = [(part, scope) for part in (CAUGHT_UP, PENDING_SETTLED) for scope in range(self.scopes)]
        if self.is_stream and not self.is_reader:
            parts += of_groups
        elif any(self.barrier.get(part) == 0 for part in of_groups):
            return False
        if self.is_stream:
            parts.append((LOG_WAS_READ, -1))
        return self.producers_are_done and all(self.barrier.get(part) == 1 for part in parts)

    def somebody_was_alive(self, scope, since):
        """Whether a consumer of the scope was alive at any moment from ``since`` to the end."""
        for header, records in self.journals:
            times = [record["t"] for record in records]
            if header["scope"] != scope or not times:
                continue
            if max(times) >= since and min(times) <= self.end:
                return True
        return False

    def gaps(self, scope):
        """Pub/Sub: per process of the scope, the stretches in which it had no connection known to be good.

        A connection is good until the last message that arrived on it had been *sent*: what was sent later may have
        been cut off behind it, however long the client took to write the arrival down.
        """
        begins, lasts = {}, {}
        for record in self.every:
            if record["scope"] == scope and record["kind"] == SUBSCRIBED:
                begins.setdefault(record["actor"], {}).setdefault(record["count"], record["t"])
        for record in self.every:
            if record["scope"] == scope and record["kind"] == RECEIVE and record["detail"] == INTACT:
                lasts[record["actor"], record["count"]] = self.sent_at(record)
        found = {}
        for actor, connections in begins.items():
            since, found[actor] = -(10**30), []
            for connection in sorted(connections, key=lambda number: connections[number]):
                moment = connections[connection]
                found[actor].append((since, moment))
                since = max(moment, lasts.get((actor, connection), moment))
            found[actor].append((since, 10**30))
        return found

    def gap_at(self, scope, moment):
        """The stretch around ``moment`` in which nobody of the scope was known to be connected, if it lies in one."""
        begin, end = -(10**30), 10**30
        for gaps in self.gaps(scope).values():
            around = [gap for gap in gaps if gap[0] <= moment <= gap[1]]
            if not around:
                return None
            begin, end = max(begin, around[0][0]), min(end, around[0][1])
        return begin, end

    def sent_at(self, receive):
        """When the received message had been sent first; a sentinel, which comes last, counts when it arrived."""
        attempts = self.attempts.get(message_of(receive), [])
        return min([receive["t"], *(attempt["t"] for attempt in attempts)])

    # -------------------------------------------------------------------------------- fate

    def fate(self, message, scope):
        """The first of the definitions that matches."""
        outcome = self.outcome(message)
        key = (message, scope)
        received = len(self.receives.get(key, []))
        if key in self.damaged_receives:
            return "phantom"
        if outcome == "rejected" and received:
            return "rejected-but-delivered"
        handed_out = received or message in self.log
        if outcome == "acknowledged" and handed_out and self.is_stuck(message, scope):
            return "stuck"
        if received:
            return "delivered"
        return self.fate_of_unreceived(message, scope, outcome)

    def is_stuck(self, message, scope):
        pending = self.pending_of(message, scope)
        return any(self.pending_for(record, message, scope) >= self.stuck_after for record in pending)

    def pending_for(self, pending, message, scope):
        """At least how long: claiming resets the server's idle time, so the scope's first receive counts as well."""
        receives = self.receives.get((message, scope), [])
        since_first = pending["t"] - receives[0]["t"] if receives else 0
        return max(pending["aux"], since_first)

    def fate_of_unreceived(self, message, scope, outcome):
        if outcome != "acknowledged" and message not in self.log:
            return "absent"
        if not self.is_entitled(message, scope):
            return "not-entitled"
        if outcome != "acknowledged":
            return "unread"
        if message in self.log and not self.somebody_was_alive(scope, self.acknowledged_at(message)):
            return "never-read"
        if not self.absence_is_proven():
            return "unread"
        if self.is_stream and message in self.log and self.will_still_be_read(message, scope):
            return "unread"
        return "lost"

    def is_entitled(self, message, scope):
        """Streams: some entry of the message comes after the group's start."""
        if not self.is_stream or scope not in self.starts:
            return True
        entries = self.entries(message)
        return not entries or any(entry > self.starts[scope][0] for entry in entries)

    def will_still_be_read(self, message, scope):
        """Whether the group has an entry of the message before it, or keeps one pending."""
        if self.pending_of(message, scope) or scope not in self.last_delivered:
            return True
        return any(entry > self.last_delivered[scope] for entry in self.entries(message))

    # -------------------------------------------------------------------------------- why lost, and where

    def mechanism(self, message, scope):
        return self.stream_mechanism(message, scope) if self.is_stream else self.pubsub_mechanism(message, scope)

    def pubsub_mechanism(self, message, scope):
        sent = min(record["t"] for record in self.attempts[message])
        ended = self.acknowledged_at(message)
        begins = [gap[0] for gaps in self.gaps(scope).values() for gap in gaps if sent < gap[0] <= ended]
        for moment in [sent, *sorted(begins)]:
            gap = self.gap_at(scope, moment)
            if gap is not None and any(since <= gap[1] and gap[0] <= until for since, until in self.away):
                return "server restart"
            if gap is not None:
                return "output-buffer kill" if self.was_killed(*gap) else "not connected"
        return "unexplained"

    def was_killed(self, begin, end):
        """Whether the server was seen to cut somebody off in the gap, and no fault of the link accounts for it."""
        if any(since <= end and begin <= until for since, until in self.link_faults):
            return False
        return any(begin <= moment <= end + KILL_SEEN_WITHIN for moment in self.kills)

    def stream_mechanism(self, message, scope):
        entries, last_start = self.entries(message), max(self.starts.get(scope, [])[1:], default=None)
        saved = [entry_of(r) for r in of_kind(self.records, CHECKPOINT) if r["scope"] == scope]
        if self.is_shell(message, scope):
            return "trimmed while pending"
        if message not in self.log and not self.retention_explains(message) and self.taken(message):
            return self.taken(message)[0]
        if message not in self.log and self.is_before_log(entries):
            return "trimmed unread"
        if self.settings["ack"] == "noack":
            return "NOACK"
        if message in self.log and last_start is not None and all(entry <= last_start for entry in entries):
            return "group created at $"
        if saved and self.dead[scope] and all(entry <= max(saved) for entry in entries):
            return "crash before effect"
        return "unexplained"

    def is_before_log(self, entries):
        """Whether everything that the log still holds came after; an empty log under retention was emptied by it."""
        if self.first_surviving is None:
            return self.plan["retention"] is not None
        return bool(entries) and all(entry < self.first_surviving for entry in entries)

    # -------------------------------------------------------------------------------- what was left unsettled

    def is_unsettled(self, message, scope, fate):
        """Acknowledged and delivered, and nothing will ever bring the effect."""
        key = (message, scope)
        if fate != "delivered" or self.outcome(message) != "acknowledged" or key in self.effects:
            return False
        return not (self.is_stream and self.pending_of(message, scope)) and key not in self.dead_letters

    def last_receiver(self, message, scope):
        receives = self.receives.get((message, scope), [])
        return max(((r["t"], r["actor"]) for r in receives), default=(0, None))[1]

    def unsettled_mechanism(self, message, scope, fate):
        key, stuck = (message, scope), fate == "stuck"
        done = key in self.effects
        receiver = self.last_receiver(message, scope)
        died = receiver in self.dead[scope]
        if not done and self.is_stream and self.is_shell(message, scope):
            return "trimmed while pending"
        if not done and key in self.failures:
            return "handler failed"
        if not done and key in self.suppressed:
            return "false dedup"
        if stuck and done and died:
            return "crash between effect and XACK"
        recovery = self.settings["recovery"]
        if stuck and (recovery == "none" or (recovery == "own-pending" and (died or receiver is None))):
            return "no claimer"
        if not stuck and self.is_stream and self.settings["ack"] == "noack":
            return "NOACK"
        if not done and died:
            return "crash before effect"
        rolled_back = self.is_stream and message not in self.log and self.taken(message)
        return rolled_back[0] if rolled_back else "unexplained"

    def position(self, message, scope):
        """Before the first received message of its producer, after the last, or between the two."""
        producer, sequence = message
        received = [m[1] for (m, s) in self.receives if s == scope and m[0] == producer]
        if not received or sequence > max(received):
            return "postfix"
        return "prefix" if sequence < min(received) else "middle"

    # -------------------------------------------------------------------------------- duplicates and order

    def causes(self, message, scope):
        """One cause for each receive beyond the first."""
        receives = self.receives.get((message, scope), [])
        if not self.is_stream:
            return self.causes_of_pushes(message, receives)
        found = []
        for number, record in enumerate(receives):
            if number == 0:
                continue
            found.append(self.cause(message, scope, record, receives[:number]))
        return found

    def causes_of_pushes(self, message, receives):
        """First the overlaps, then as many retries as there were, then whatever is left."""
        by_pattern = len([record for record in receives if record["code"] == PATTERN])
        overlaps = min(by_pattern, len(receives) - by_pattern) if self.plan["pattern_overlap"] else 0
        left = max(0, len(receives) - 1 - overlaps)
        retries = min(left, self.most_writes(message) - 1) if left else 0
        return (
            ["overlapping subscription"] * overlaps + ["producer retry"] * retries + ["redelivery"] * (left - retries)
        )

    def cause(self, message, scope, record, earlier):
        if entry_of(record) not in {entry_of(one) for one in earlier}:
            return "producer retry"
        for acknowledged in self.acks.get((message, scope), []):
            if entry_of(acknowledged) == entry_of(record) and acknowledged["t"] < record["t"]:
                return "after XACK"
        return "redelivery"

    def reordered_rows(self):
        """(message, scope) of the first deliveries that came after a later message of their lane."""
        firsts = [(some[0], message, scope) for (message, scope), some in self.receives.items()]
        firsts.sort(key=lambda first: first[0]["t"])
        highest, found = {}, set()
        for record, message, scope in firsts:
            lane = (scope, record["actor"], message[0])
            if message[1] < highest.get(lane, -1):
                found.add((message, scope))
            highest[lane] = max(message[1], highest.get(lane, -1))
        return found

    # -------------------------------------------------------------------------------- the account

    def rows(self):
        """One dict per owed (message, scope)."""
        reordered = self.reordered_rows()
        found = []
        for message in sorted(self.attempts):
            for scope in range(self.scopes):
                found.append(self.row(message, scope, reordered))
        return found

    def row(self, message, scope, reordered):
        key = (message, scope)
        fate, outcome, answer = self.fate(message, scope), self.outcome(message), self.answer(message)
        lost = fate == "lost"
        effects = len(self.effects.get(key, []))
        unsettled = self.is_unsettled(message, scope, fate)
        mechanism = self.mechanism(message, scope) if lost else None
        if unsettled or fate == "stuck":
            mechanism = self.unsettled_mechanism(message, scope, fate)
        if fate == "not-entitled":
            mechanism = "group created at $"
        owes_effect = outcome == "acknowledged" and fate != "not-entitled"
        return {
            "producer": message[0],
            "sequence": message[1],
            "scope": scope,
            "outcome": outcome,
            "fate": fate,
            "mechanism": mechanism,
            "position": self.position(message, scope) if lost else None,
            "receives": len(self.receives.get(key, [])),
            "effects": effects,
            "log_entries": len(self.log.get(message, [])),
            "causes": self.causes(message, scope),
            "reordered": key in reordered,
            "recovered": fate == "delivered" and outcome == "indeterminate",
            "effect_missing": owes_effect and effects == 0,
            "silent": lost and not self.is_stream and answer is not None and answer >= 1,
            "detectable": lost and not self.is_stream and answer == 0,
            "beyond_contract": lost and mechanism == "unexplained" and not self.is_stream,
            "unsettled": unsettled,
            "false_dedup": key in self.suppressed and effects == 0,
            "dead_lettered": key in self.dead_letters,
            "shell": self.is_stream and self.is_shell(message, scope),
        }

    def account(self, with_rows):
        rows = self.rows()
        causes = [cause for row in rows for cause in row["causes"]]
        stuck = [row for row in rows if row["fate"] == "stuck"]
        found = {
            "arm": self.name,
            "attempted": len(self.attempts),
            "outcomes": tally((self.outcome(m) for m in self.attempts), ("acknowledged", "rejected", "indeterminate")),
            "wire_attempts": sum(self.writes(message) for message in self.attempts),
            "owed": len(rows),
            "fates": tally((row["fate"] for row in rows), FATES),
            "foreign_receives": len(self.foreign_receives),
            "stuck_effect_done": len([row for row in stuck if row["effects"]]),
            "duplicated": len(causes),
            "duplicates_by_cause": tally(causes, ()),
            "duplicate_effects": sum(max(0, row["effects"] - 1) for row in rows),
            "missing_effects": len([row for row in rows if row["effect_missing"]]),
            "reordered": len([row for row in rows if row["reordered"]]),
            "recovered": len([row for row in rows if row["recovered"]]),
            "promised": len([r for r in rows if r["outcome"] == "acknowledged" and r["fate"] != "not-entitled"]),
            "lost_by_mechanism": tally((row["mechanism"] for row in rows if row["fate"] == "lost"), ()),
            "unsettled_by_mechanism": tally(
                (row["mechanism"] for row in rows if row["fate"] == "stuck" or row["unsettled"]), ()
            ),
            "unsettled_effects": len([row for row in rows if row["unsettled"]]),
            "suppressed_effects": sum(len(some) for some in self.suppressed.values()),
            "false_dedup": len([row for row in rows if row["false_dedup"]]),
            "dead_lettered": len([row for row in rows if row["dead_lettered"]]),
            "failed_handlings": sum(len(some) for some in self.failures.values()),
            "refused_acknowledgements": len([r for r in of_kind(self.records, ACK) if r["value"] == 0]),
            "load": self.load(),
            "lost_by_position": tally((row["position"] for row in rows if row["position"]), ()),
            "lost_silently": len([row for row in rows if row["silent"]]),
            "lost_detectably": len([row for row in rows if row["detectable"]]),
            "lost_contract_view": len([row for row in rows if row["beyond_contract"]]),
            "log_entries": self.count_log(),
            "log_duplicates": self.count_log_duplicates(),
            "durability": self.durability(),
            "gone_by_mechanism": tally((taken[0] if taken else "unexplained" for taken in self.gone().values()), ()),
            "lost_log_ns": self.lost_log_ns(),
            "publish": self.publish_audit(),
            # Acknowledgements that one consumer noted at one moment were one call.
            "acknowledgement_calls": len({(r["actor"], r["t"]) for r in of_kind(self.records, ACK)}),
            "dedup_requests": self.dedup_requests(rows),
            "dedup_memory_bytes": sum(record["value"] for record in of_kind(self.every, DEDUP_KEPT)),
            "handling_half_ns": self.handling_half_ns(),
            "latency": self.latency(rows),
        }
        if with_rows:
            found["rows"] = rows
        return found

    def load(self):
        """Effects per member of scopes that several share; a successor (``r1``) works for its predecessor."""
        found = {}
        for header, _ in self.journals:
            if self.plan["consumers_per_scope"] > 1:
                name = header["name"]
                digits = name.rstrip("0123456789")
                member = digits[:-1] if digits.endswith("r") and digits != name else name
                made = [r for some in self.effects.values() for r in some if r["actor"] == header["actor"]]
                known = [record for record in made if message_of(record) in self.attempts]
                found[member] = found.get(member, 0) + len(known)
        return found

    def dedup_requests(self, rows):
        """One for each effect, made or held back, where SET NX is asked before; none of its own for a script."""
        if self.plan["dedup"] not in ("set-nx", "window"):
            return 0
        return sum(row["effects"] for row in rows) + sum(len(some) for some in self.suppressed.values())

    def handling_half_ns(self):
        """Twice the median, in ns, of the times between two turns of one consumer with nothing received between."""
        acknowledges = self.plan["driver"] == "stream_group" and self.settings["ack"] != "noack"
        turns = []
        for header, _ in self.journals:
            mine = [record for record in self.every if record["actor"] == header["actor"]]
            received = sorted(record["t"] for record in of_kind(mine, RECEIVE))
            done = sorted(r["t"] for r in without_sentinels(of_kind(mine, ACK if acknowledges else EFFECT)))
            for before, after in pairwise(done):
                if received and bisect_right(received, before) == bisect_right(received, after):
                    turns.append(after - before)
        turns.sort()
        return turns[len(turns) // 2] + turns[(len(turns) - 1) // 2] if turns else 0

    def latency(self, rows):
        """In ns, from the moment when it was meant to be sent; -1: never. What nobody was owed or got is no sample."""
        times = []
        for row in rows:
            key = ((row["producer"], row["sequence"]), row["scope"])
            if key in self.receives:
                first = min(record["t"] for record in self.receives[key])
                times.append(first - self.attempts[key[0]][0]["aux"])
            elif row["outcome"] == "acknowledged" and row["fate"] != "not-entitled":
                times.append(NEVER)
        times.sort()
        arrived = [time for time in times if time < NEVER]
        found = {"samples": len(times), "max_ns": arrived[-1] if arrived else 0}
        for name, part, whole in (("p50_ns", 50, 100), ("p99_ns", 99, 100), ("p999_ns", 999, 1000)):
            if len(times) * (whole - part) >= whole:
                value = times[math.ceil(len(times) * part / whole) - 1]
                found[name] = -1 if value == NEVER else value
        return found

    def count_log(self):
        return len(of_kind(self.records, LOG_ENTRY)) if self.is_stream and self.log_was_read else None

    def count_log_duplicates(self):
        if not self.is_stream or not self.log_was_read:
            return None
        return sum(len(entries) - 1 for message, entries in self.log.items() if message in self.attempts)

    def durability(self):
        if not self.is_stream or not self.log_was_read:
            return None
        words = ("in_log_with_effect", "in_log_without_effect", "gone_with_effect", "gone_without_effect")
        cells = []
        for message in self.attempts:
            if self.outcome(message) == "acknowledged":
                place = "in_log" if message in self.log else "gone"
                done = any((message, scope) in self.effects for scope in range(self.scopes))
                cells.append(f"{place}_{'with' if done else 'without'}_effect")
        explained = [m for m in self.attempts if m not in self.log and self.retention_explains(m)]
        return tally(cells, words) | {"trimmed_by_configuration": len(explained)}

    def gone(self):
        """Acknowledged messages that the log does not hold and the retention does not explain, with what took them."""
        if not self.is_stream or not self.log_was_read:
            return {}
        acknowledged = [m for m in self.attempts if self.outcome(m) == "acknowledged"]
        missing = [m for m in acknowledged if m not in self.log and not self.retention_explains(m)]
        return {message: self.taken(message) for message in missing}

    def lost_log_ns(self):
        """From the first acknowledgement that something took to the last, or to its moment; the longest such time."""
        times = {}
        for message, taken in self.gone().items():
            if taken:
                times.setdefault(taken, []).append(self.acknowledged_at(message))
        return max([0, *(max([moment, *moments]) - min(moments) for (_, moment), moments in times.items())])

    def retention_explains(self, message):
        """Whether an acknowledged entry that is gone is older than what the arm's retention keeps."""
        retention = self.plan["retention"]
        if retention is None or self.outcome(message) != "acknowledged" or self.first_surviving is None:
            return False
        entries = self.entries(message)
        if not entries or max(entries) >= self.first_surviving:
            return False
        if retention["max_length"] is not None:
            lives = [self.younger(max(entries), cut) for why, cut, *_ in self.takes if why != "evicted"]
            return max([self.log_size, *lives]) >= retention["max_length"]
        return max(entries)[0] < self.last_surviving[0] - retention["max_age_ms"]

    def younger(self, entry, cut):
        """How many messages that were acknowledged until a cut have a higher id."""
        known = [m for m in self.attempts if self.outcome(m) == "acknowledged" and self.acknowledged_at(m) <= cut]
        return len([m for m in known if max(self.entries(m), default=(0, 0)) > entry])

    def publish_audit(self):
        if self.is_stream:
            return None
        found = {"answers_sum": 0, "received_sum": 0, "no_receiver": 0, "overstated": 0}
        for message in self.attempts:
            answer = self.answer(message)
            if answer is None:
                continue
            arrived = len([scope for scope in range(self.scopes) if (message, scope) in self.receives])
            found["answers_sum"] += answer
            found["received_sum"] += arrived
            found["no_receiver"] += answer == 0
            found["overstated"] += answer > arrived
        return found


def tally(words, always):
    """How often each word occurs; the words of ``always`` are there even with 0."""
    found = dict.fromkeys(always, 0)
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


def recount(folder, *, with_rows=False):
    """The whole account of the trial in ``folder``."""
    read = read_trial(folder)
    arms = range(len(read["trial"]["scenario"]["arms"]))
    return {
        "torn_bytes": read["torn_bytes"],
        "damaged": read["damaged"],
        "shared_actors": read["shared_actors"],
        "arms": [Arm(read, index).account(with_rows) for index in arms],
    }


if __name__ == "__main__":
    print(json.dumps(recount(sys.argv[1], with_rows="--rows" in sys.argv), indent=2))
