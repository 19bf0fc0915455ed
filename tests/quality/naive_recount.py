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
* Reordered: a first delivery with a lower sequence than an earlier first delivery of the same producer in the same
  lane (scope and consumer).
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from pathlib import Path

MAGIC = b"PVSJRNL1"
RECORD = struct.Struct("<BBBbHHIHHqqQQqII")
NAMES = (
    *("kind", "code", "arm", "scope", "actor", "producer", "sequence", "count", "detail"),
    *("t", "aux", "id_ms", "id_seq", "value", "reserved", "crc"),
)
SENTINEL_BASE = 2**31

ATTEMPT, WIRE, OUTCOME, SUBSCRIBED = 1, 2, 3, 7
RECEIVE, EFFECT, ACK, TOMBSTONE, READY, END = 10, 11, 12, 13, 14, 15
PHASE, BARRIER, LOG_ENTRY, PENDING, GROUP, GROUP_START = 20, 30, 31, 32, 33, 34
TRIAL_ENDED = 5
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
        self.name = plan["name"]
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
        self.effects, self.acks = {}, {}
        for record in self.records:
            key = (message_of(record), record["scope"])
            if record["kind"] == RECEIVE and message_of(record) in self.attempts and record["detail"] == INTACT:
                self.receives.setdefault(key, []).append(record)
            elif record["kind"] == RECEIVE and message_of(record) in self.attempts and record["detail"] == DAMAGED:
                self.damaged_receives.setdefault(key, []).append(record)
            elif record["kind"] == RECEIVE:
                self.foreign_receives.append(record)
            elif record["kind"] == EFFECT and record["detail"] != 1:
                self.effects.setdefault(key, []).append(record)
            elif record["kind"] == ACK and record["value"] >= 1:
                self.acks.setdefault(key, []).append(record)
        self.tombstones = {(r["scope"], entry_of(r)) for r in of_kind(self.records, TOMBSTONE)}

    def read_server(self, read):
        self.log, self.pending = {}, []
        for record in of_kind(self.records, LOG_ENTRY):
            if record["detail"] == INTACT:
                self.log.setdefault(message_of(record), []).append(entry_of(record))
        # A pending entry whose content is gone names no message (65535, 0), but its id does.
        self.pending = of_kind(self.records, PENDING)
        self.last_delivered = {r["scope"]: entry_of(r) for r in of_kind(self.every, GROUP)}
        self.group_start = {r["scope"]: entry_of(r) for r in of_kind(self.every, GROUP_START)}
        self.barrier = {(r["code"], r["scope"]): r["value"] for r in of_kind(self.every, BARRIER)}
        # The producers' part is told once for all arms.
        done = [r["value"] for r in of_kind(read["records"], BARRIER) if r["code"] == PRODUCERS_DONE]
        self.producers_are_done = done[-1:] == [1]
        self.log_was_read = self.barrier.get((LOG_WAS_READ, -1)) == 1
        surviving = [entry_of(r) for r in of_kind(self.every, LOG_ENTRY)]
        self.first_surviving = min(surviving, default=None)

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
        """Ids of every entry known to hold the message, from whoever saw it."""
        found = set(self.log.get(message, []))
        for record in self.outcomes.get(message, []):
            found.add(entry_of(record))
        for scope in range(self.scopes):
            for record in self.receives.get((message, scope), []):
                found.add(entry_of(record))
        found.discard((0, 0))
        return found

    # -------------------------------------------------------------------------------- what is known of a scope

    def absence_is_proven(self):
        """Whether every part of the arm's drain barrier was reached, in every scope."""
        parts = [(SENTINELS_SEEN, scope) for scope in range(self.scopes)]
        if self.is_stream:
            parts += [(part, scope) for part in (CAUGHT_UP, PENDING_SETTLED) for scope in range(self.scopes)]
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
        """Pub/Sub: the stretches in which the scope had no connection known to be good.

        A connection is good until the last message that arrived on it had been *sent*: what was sent later may have
        been cut off behind it, however long the client took to write the arrival down.
        """
        begins, lasts = {}, {}
        for record in self.every:
            if record["scope"] == scope and record["kind"] == SUBSCRIBED:
                begins.setdefault(record["count"], record["t"])
        for record in self.every:
            if record["scope"] == scope and record["kind"] == RECEIVE and record["detail"] == INTACT:
                lasts[record["count"]] = self.sent_at(record)
        gaps, since = [], None
        for connection in sorted(begins, key=lambda number: begins[number]):
            gaps.append((since, begins[connection]))
            since = max(begins[connection], lasts.get(connection, begins[connection]))
        gaps.append((since, None))
        return gaps

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
        if outcome == "acknowledged" and received and self.is_stuck(message, scope):
            return "stuck"
        if received:
            return "delivered"
        return self.fate_of_unreceived(message, scope, outcome)

    def is_stuck(self, message, scope):
        entries = self.entries(message)
        return any(
            record["scope"] == scope
            and entry_of(record) in entries
            and self.pending_for(record, message, scope) >= self.stuck_after
            for record in self.pending
        )

    def pending_for(self, pending, message, scope):
        """At least how long: claiming resets the server's idle time, so the scope's first receive counts as well."""
        since_first = pending["t"] - self.receives[(message, scope)][0]["t"]
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
        if not self.is_stream or scope not in self.group_start:
            return True
        entries = self.entries(message)
        return not entries or any(entry > self.group_start[scope] for entry in entries)

    def will_still_be_read(self, message, scope):
        """Whether the group has an entry of the message before it, or keeps one pending."""
        entries = set(self.log[message])
        if any(record["scope"] == scope and entry_of(record) in entries for record in self.pending):
            return True
        if scope not in self.last_delivered:
            return True
        return any(entry > self.last_delivered[scope] for entry in entries)

    # -------------------------------------------------------------------------------- why lost, and where

    def mechanism(self, message, scope):
        return self.stream_mechanism(message, scope) if self.is_stream else self.pubsub_mechanism(message, scope)

    def pubsub_mechanism(self, message, scope):
        sent = min(record["t"] for record in self.attempts[message])
        ended = self.acknowledged_at(message)
        for begin, end in self.gaps(scope):
            if (begin is None or ended >= begin) and (end is None or sent <= end):
                return "not connected"
        return "unexplained"

    def stream_mechanism(self, message, scope):
        entries = self.entries(message)
        if any((scope, entry) in self.tombstones for entry in entries):
            return "trimmed while pending"
        if any(record["scope"] == scope and entry_of(record) in entries for record in self.pending):
            return "trimmed while pending"
        if message not in self.log and self.first_surviving and all(e < self.first_surviving for e in entries):
            return "trimmed unread"
        return "unexplained"

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
        found = []
        for number, record in enumerate(receives):
            if number == 0:
                continue
            found.append(self.cause(message, scope, record, receives[:number]))
        return found

    def cause(self, message, scope, record, earlier):
        if not self.is_stream:
            return "producer retry" if len(earlier) < self.most_writes(message) else "redelivery"
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
        mechanism = self.mechanism(message, scope) if lost else None
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
            "beyond_contract": mechanism == "unexplained" and not self.is_stream,
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
            "lost_by_mechanism": tally((row["mechanism"] for row in rows if row["mechanism"]), ()),
            "lost_by_position": tally((row["position"] for row in rows if row["position"]), ()),
            "lost_silently": len([row for row in rows if row["silent"]]),
            "lost_detectably": len([row for row in rows if row["detectable"]]),
            "lost_contract_view": len([row for row in rows if row["beyond_contract"]]),
            "log_entries": self.count_log(),
            "log_duplicates": self.count_log_duplicates(),
            "durability": self.durability(),
            "publish": self.publish_audit(),
            # Acknowledgements that one consumer noted at one moment were one call.
            "acknowledgement_calls": len({(r["actor"], r["t"]) for r in of_kind(self.records, ACK)}),
        }
        if with_rows:
            found["rows"] = rows
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
        return tally(cells, words)

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
