"""What the producers know: for each message its intended and actual send, its outcome, and what PUBLISH answered.

A message is acknowledged if any attempt was, else indeterminate if any was, else rejected. An attempt without an
outcome (its producer was killed inside the call) is indeterminate: nothing is called rejected without proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.check.dense import NEVER, Located, MessageIndex, Tally, first_wins, lengths_of
from harness.check.ledger import Messages
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.table import Block, History
from harness.model.message import SENTINEL_BASE
from harness.model.words import OutcomeCode, Primitive

Array = npt.NDArray[Any]
_ACKNOWLEDGED, _REJECTED, _INDETERMINATE = (
    OutcomeCode.ACKNOWLEDGED.value,
    OutcomeCode.REJECTED.value,
    OutcomeCode.INDETERMINATE.value,
)


def read_messages(history: History, timeline: Timeline, *, arm: int) -> Messages:
    """Read an arm's attempts and outcomes, and how often its log holds each message."""
    primitive = history.trial.scenario.arms[arm].primitive
    attempts = _read_attempts(history, arm)
    outcomes = _read_outcomes(history, arm, attempts, answers=primitive is Primitive.PUBSUB)
    index = attempts.index
    return Messages(
        index=index,
        intended_ns=attempts.intended_ns,
        send_ns=attempts.send_ns,
        outcome_ns=outcomes.moment_ns,
        outcome=outcomes.code,
        publish_answer=outcomes.answer,
        log_entries=count_log(history, index, arm=arm) if primitive is Primitive.STREAMS else None,
        phase=_phases_of(index, attempts.intended_ns, timeline.phase_begins()),
        writes=outcomes.writes,
        own_lateness_p99_ns=attempts.own_lateness_p99_ns,
        stray_outcomes=outcomes.stray,
    )


@dataclass(frozen=True, slots=True)
class _Attempts:
    index: MessageIndex
    counts: Array
    intended_ns: Array
    send_ns: Array
    own_lateness_p99_ns: int


def _read_attempts(history: History, arm: int) -> _Attempts:
    index = _index_of(history, arm)
    tally = Tally(index.size)
    send, intended = np.full(index.size, NEVER, dtype=np.int64), np.full(index.size, NEVER, dtype=np.int64)
    lateness = Worst(index.size)
    columns = ("producer", "sequence", "t_ns", "aux_ns", "value")
    for block in history.blocks(EventKind.ATTEMPT, columns, arm=arm):
        located = index.locate(block["producer"], block["sequence"])
        tally.add(located)
        first = first_wins(send, located, located.pick(block["t_ns"]), earlier=_unset)
        intended[first.where] = first.pick(block["aux_ns"])
        lateness.add(first.pick(block["t_ns"]) - first.pick(block["value"]))
    tally.check(f"attempts of arm {arm}")
    index = index.restricted(tally.counts > 0)
    return _Attempts(index, tally.counts, intended, send, lateness.p99())


def _unset(_values: Array, current: Array) -> npt.NDArray[np.bool_]:
    """The first record of a message is kept, whatever its time."""
    unset: npt.NDArray[np.bool_] = current == NEVER
    return unset


def _index_of(history: History, arm: int) -> MessageIndex:
    highest: dict[int, int] = {}
    rows: dict[int, int] = {}
    for block in history.blocks(EventKind.ATTEMPT, ("producer", "sequence"), arm=arm):
        sequence = block["sequence"]
        real = sequence < SENTINEL_BASE
        single = "producer" in block.constants
        producers = [block.constants["producer"]] if single else np.unique(block["producer"]).tolist()
        for producer in producers:
            of_producer = sequence[real] if single else sequence[real & (block["producer"] == producer)]
            if len(of_producer):
                highest[producer] = max(highest.get(producer, 0), int(of_producer.max()))
                rows[producer] = rows.get(producer, 0) + len(of_producer)
    return MessageIndex.of_lengths(lengths_of(highest, rows))


class Worst:
    """The largest values of a stream, as many as its 99th percentile can need, in little memory.

    ``most`` is how many values there will be at most; a percentile of fewer is still exact.
    """

    def __init__(self, most: int) -> None:
        self._room = most // 100 + 2
        self._largest = np.empty(0, dtype=np.int64)
        self._floor = -NEVER
        self._count = 0

    def add(self, values: Array) -> None:
        """Take in some values."""
        self._count += len(values)
        self._largest = np.concatenate([self._largest, values[values > self._floor]])
        surplus = len(self._largest) - self._room
        if surplus > 0:
            self._largest.partition(surplus)
            self._largest = self._largest[surplus:].copy()
            self._floor = int(self._largest.min()) - 1

    def p99(self) -> int:
        """The 99th percentile (order statistic), or the worst where fewer than 100 values cannot support it."""
        if not self._count:
            return 0
        above = self._count - -(-self._count * 99 // 100) if self._count >= 100 else 0
        return int(np.sort(self._largest)[-1 - above])


@dataclass(slots=True)
class _Outcomes:
    code: npt.NDArray[np.uint8]
    moment_ns: Array
    answer: npt.NDArray[np.int32] | None
    counts: Tally
    writes: int = 0
    stray: int = 0

    def add(self, block: Block, located: Located) -> None:
        """Take in one block of outcomes."""
        code, moment = located.pick(block["code"]), located.pick(block["t_ns"])
        if located.is_run and not self.counts.counts[located.where].any():
            self.code[located.where], self.moment_ns[located.where] = code, moment
            if self.answer is not None:
                answers = located.pick(block["value"])
                self.answer[located.where] = np.where(code == _ACKNOWLEDGED, answers, -1)
        else:
            self._merge(block, located, code)
        self.counts.add(located)
        self.writes += int(located.pick(block["count"]).sum(dtype=np.int64))
        self.stray += located.foreign

    def _merge(self, block: Block, located: Located, code: Array) -> None:
        """The careful way, for messages with several outcomes: the first acknowledgement, else the last outcome."""
        where, rows = located.expand()
        moments = block["t_ns"][rows]
        for better, over in ((_REJECTED, (0, _REJECTED)), (_INDETERMINATE, (0, _REJECTED, _INDETERMINATE))):
            chosen = (code == better) & np.isin(self.code[where], over)
            self.code[where[chosen]], self.moment_ns[where[chosen]] = better, moments[chosen]
        chosen = np.flatnonzero((code == _ACKNOWLEDGED) & (self.code[where] != _ACKNOWLEDGED))[::-1]
        self.code[where[chosen]], self.moment_ns[where[chosen]] = _ACKNOWLEDGED, moments[chosen]
        if self.answer is not None:
            self.answer[where[chosen]] = block["value"][rows][chosen]


def _read_outcomes(history: History, arm: int, attempts: _Attempts, *, answers: bool) -> _Outcomes:
    index = attempts.index
    outcomes = _Outcomes(
        code=np.zeros(index.size, dtype=np.uint8),
        moment_ns=np.full(index.size, NEVER, dtype=np.int64),
        answer=np.full(index.size, -1, dtype=np.int32) if answers else None,
        counts=Tally(index.size),
    )
    columns = ("producer", "sequence", "code", "count", "t_ns", *(("value",) if answers else ()))
    for block in history.blocks(EventKind.OUTCOME, columns, arm=arm):
        outcomes.add(block, index.locate(block["producer"], block["sequence"]))
    outcomes.counts.check(f"outcomes of arm {arm}")
    known = (outcomes.code >= _ACKNOWLEDGED) & (outcomes.code <= _INDETERMINATE)
    unanswered = outcomes.counts.counts < attempts.counts
    doubtful = (attempts.counts > 0) & ((unanswered & (outcomes.code != _ACKNOWLEDGED)) | ~known)
    outcomes.code[doubtful] = _INDETERMINATE
    silent = (attempts.counts > 0) & (outcomes.counts.counts == 0)
    outcomes.writes += _writes_without_outcome(history, arm, index, silent)
    return outcomes


def _writes_without_outcome(history: History, arm: int, index: MessageIndex, silent: npt.NDArray[np.bool_]) -> int:
    """Writes of messages whose producer never came back to tell: the attempt implies one, repeats were noted."""
    most = dict.fromkeys(np.flatnonzero(silent).tolist(), 1)
    for block in history.blocks(EventKind.WIRE, ("producer", "sequence", "count"), arm=arm):
        where, rows = index.locate(block["producer"], block["sequence"]).expand()
        for address, count in zip(where.tolist(), block["count"][rows].tolist(), strict=True):
            if silent[address]:
                most[address] = max(most[address], count)
    return sum(most.values())


def count_log(history: History, index: MessageIndex, *, arm: int) -> Array:
    """How many intact entries of the arm's log hold each message."""
    tally = Tally(index.size)
    for block in history.blocks(EventKind.LOG_ENTRY, ("producer", "sequence", "detail"), arm=arm):
        located = index.locate(block["producer"], block["sequence"])
        if block["detail"].any():
            located = located.select(located.pick(block["detail"]) == 0)
        tally.add(located)
    tally.check(f"log entries of arm {arm}")
    return tally.counts


def _phases_of(index: MessageIndex, intended_ns: Array, begins: Array) -> npt.NDArray[np.uint8]:
    """Index of the phase that contains each intended time; what comes before the first belongs to the first."""
    phase = np.zeros(len(intended_ns), dtype=np.uint8)
    started = [(number, begin) for number, begin in enumerate(begins.tolist()) if number and begin != NEVER]
    for entry in index.ranges:
        times, part = intended_ns[entry.span], phase[entry.span]
        if bool((times[1:] >= times[:-1]).all()):
            for number, begin in started:
                part[np.searchsorted(times, begin) :] = number
            continue
        for number, begin in started:
            part[times >= begin] = number
    return phase
