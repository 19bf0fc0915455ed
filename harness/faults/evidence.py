"""What a sentinel's probes prove about a fault: pure functions, one per partition model.

All look at the same `Window`: what the link did before the injection, from the injection to the heal, and after it.
They are strict: whatever contradicts the fault (an answer while nothing should pass, a connection that should have
stayed and did not) makes it unproven, and the sentence says what was seen instead. So a proxy that ignores what it is
told, or a fault that does another thing than its name says, can't pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.faults.base import CallTimes, Evidence, Probe
from harness.model.words import LinkRole, ProbeResult

_ENDS = (ProbeResult.CLOSED, ProbeResult.RESET)
_MOST_QUIET_NS: Final = 2_000_000_000
"""A link that has not answered for so long, eighty pings, was silent before anything was done to it."""


@dataclass(frozen=True, slots=True)
class Window:
    """One fault as its link's sentinel saw it. Probes are in the order in which they were sent."""

    probes: tuple[Probe, ...]
    inject: CallTimes
    heal: CallTimes

    @property
    def before(self) -> tuple[Probe, ...]:
        """Probes answered before the injection began: the link as it normally is."""
        return tuple(p for p in self.probes if p.answered_ns is not None and p.answered_ns <= self.inject.before_ns)

    @property
    def connection(self) -> int | None:
        """The connection that worked when the injection began."""
        return max((probe.connection for probe in self.before), default=None)

    @property
    def struck(self) -> tuple[Probe, ...]:
        """Probes sent on that connection from the injection on and not answered before the heal began."""
        return tuple(
            p
            for p in self.probes
            if p.connection == self.connection
            and self.inject.before_ns <= p.sent_ns <= self.heal.before_ns
            and (p.answered_ns is None or p.answered_ns >= self.heal.before_ns)
        )

    @property
    def leaks(self) -> tuple[Probe, ...]:
        """Probes sent when the fault was said to be on, and answered before the heal began: nothing should pass."""
        return tuple(
            p
            for p in self.probes
            if p.sent_ns >= self.inject.after_ns and p.answered_ns is not None and p.answered_ns < self.heal.before_ns
        )

    @property
    def closings(self) -> tuple[Probe, ...]:
        """How the connection ended between injection and heal; empty if it did not."""
        return tuple(p for p in self._ended_connection() if p.ended_ns <= self.heal.before_ns)

    @property
    def late_closings(self) -> tuple[Probe, ...]:
        """How the connection ended once the heal had begun."""
        return tuple(p for p in self._ended_connection() if p.ended_ns > self.heal.before_ns)

    @property
    def attempts(self) -> tuple[Probe, ...]:
        """Attempts to connect anew that began when the fault was said to be on, and ended before the heal began."""
        return tuple(
            p
            for p in self.probes
            if p.connection != self.connection
            and p.sent_ns >= self.inject.after_ns
            and p.ended_ns <= self.heal.before_ns
            and p.result is not ProbeResult.SILENT
        )

    def first_answer(self, *, same_connection: bool) -> int | None:
        """When the first answer after the heal arrived, on the old connection or on a newer one."""
        return min(
            (
                p.answered_ns
                for p in self.probes
                if p.answered_ns is not None
                and p.answered_ns >= self.heal.before_ns
                and (p.connection == self.connection) is same_connection
            ),
            default=None,
        )

    def _ended_connection(self) -> tuple[Probe, ...]:
        return tuple(
            p
            for p in self.probes
            if p.connection == self.connection and p.result in _ENDS and p.ended_ns >= self.inject.before_ns
        )


def window(probes: Sequence[Probe], link: LinkRole, *, inject: CallTimes, heal: CallTimes) -> Window:
    """The window of a fault on ``link``; probes of other links are left out."""
    own = sorted((p for p in probes if p.link is link), key=lambda p: (p.sent_ns, p.ended_ns))
    return Window(tuple(own), inject, heal)


def slowest_answer_ns(probes: Sequence[Probe]) -> int:
    """How long the slowest answered ping took; 0 if none was."""
    return max((p.answered_ns - p.sent_ns for p in probes if p.answered_ns is not None), default=0)


def judge_hold(seen: Window) -> Evidence:
    """Silent on a connection that stays open, and after the heal that same connection gives the late answers."""
    struck = seen.struck
    trouble = _no_silence(seen)
    if trouble:
        return Evidence(None, None, trouble)
    silence = _silence(seen)
    answered = [p for p in struck if p.answered_ns is not None]
    lost = [p for p in struck if p.result in _ENDS]
    if lost or not answered:
        what = f"{len(lost)} of them ended with their connection" if lost else "none of them was ever answered"
        return Evidence(struck[0].sent_ns, None, f"{silence}; but {what}, so nothing shows that it resumed")
    first = seen.first_answer(same_connection=True)
    assert first is not None
    return Evidence(
        struck[0].sent_ns,
        first,
        f"{silence}; {len(answered)} of {_count(len(struck), 'ping')} got a late answer on the same connection, "
        f"the first {duration(first - seen.heal.before_ns)} after the heal began",
    )


def judge_drop(seen: Window) -> Evidence:
    """Silent on a connection that stays open, closed by the heal with everything on it lost; a new one answers."""
    trouble = _no_silence(seen)
    if trouble:
        return Evidence(None, None, trouble)
    struck, silence = seen.struck, _silence(seen)
    late = [p for p in struck if p.answered_ns is not None]
    if late:
        what = f"{_count(len(late), 'ping')} sent meanwhile got a late answer"
        return Evidence(None, None, f"{silence}; but {what}, so they were held and not dropped")
    first = seen.first_answer(same_connection=False)
    if not seen.late_closings or first is None:
        what = "no new connection answered" if seen.late_closings else "the connection was not closed"
        return Evidence(struck[0].sent_ns, None, f"{silence}; but after the heal {what}")
    return Evidence(
        struck[0].sent_ns,
        first,
        f"{silence}; all of them were lost when the heal closed the connection, and a new one answered "
        f"{duration(first - seen.heal.before_ns)} after the heal began",
    )


def judge_down(seen: Window) -> Evidence:
    """The connection is closed, new ones are refused, and after the heal a new one answers."""
    return _judge_closed(seen, ProbeResult.REFUSED, verb="refused")


def judge_reset(seen: Window) -> Evidence:
    """The connection is closed or reset, new ones are reset, and after the heal a new one answers."""
    return _judge_closed(seen, ProbeResult.RESET, verb="reset")


def _judge_closed(seen: Window, expected: ProbeResult, *, verb: str) -> Evidence:
    trouble = _not_closed(seen, expected, verb=verb)
    if trouble:
        return Evidence(None, None, trouble)
    begin = min(_struck_at(p, seen.inject) for p in (*seen.closings, *seen.attempts))
    closed = min(p.ended_ns for p in seen.closings)
    attempts = len(seen.attempts)
    sentence = (
        f"the open connection was {_ending(seen.closings[0])} {duration(closed - seen.inject.before_ns)} after the "
        f"injection began, and all {_count(attempts, 'new connection')} {_was(attempts)} {verb}"
    )
    first = seen.first_answer(same_connection=False)
    if first is None:
        return Evidence(begin, None, f"{sentence}; but after the heal no new connection answered")
    after = duration(first - seen.heal.before_ns)
    return Evidence(begin, first, f"{sentence}; a new one answered {after} after the heal began")


def _no_silence(seen: Window) -> str | None:
    """Why the probes don't show a silent link; ``None`` if they do."""
    trouble = _unusable(seen)
    if trouble:
        return trouble
    if seen.closings:
        after = duration(seen.closings[0].ended_ns - seen.inject.before_ns)
        return f"not shown: the connection was {_ending(seen.closings[0])} {after} after the injection began"
    if not seen.struck:
        return "not shown: no ping was sent on the open connection between the injection and the heal"
    silence, usual = seen.heal.before_ns - seen.struck[0].sent_ns, slowest_answer_ns(seen.before)
    if silence <= usual:
        return (
            f"not shown: the longest silence was {duration(silence)}, and an answer took up to {duration(usual)} "
            "before the injection"
        )
    return None


def _not_closed(seen: Window, expected: ProbeResult, *, verb: str) -> str | None:
    """Why the probes don't show a closed link; ``None`` if they do."""
    trouble = _unusable(seen)
    if trouble:
        return trouble
    if not seen.closings:
        return "not shown: the open connection was neither closed nor reset before the heal"
    others = [p for p in seen.attempts if p.result is not expected]
    if others:
        return (
            f"not shown: {len(others)} of {_count(len(seen.attempts), 'new connection')} {_was(len(others))} not "
            f"{verb} but {_ending(others[0])}; something between (a port forwarder?) may hide it"
        )
    if not seen.attempts:
        return f"not shown: no new connection was tried, so none was {verb}, before the heal"
    return None


def not_well_before(seen: Window) -> str:
    """Why the link was not seen to work when the injection began; empty if it was."""
    answers = [p.answered_ns for p in seen.before if p.answered_ns is not None]
    if not answers:
        return f"no ping was answered before the injection ({_count(len(seen.probes), 'probe')} in all)"
    quiet_ns = seen.inject.before_ns - max(answers)
    if quiet_ns > _MOST_QUIET_NS:
        return f"no ping had been answered for {duration(quiet_ns)} when the injection began"
    return ""


def _unusable(seen: Window) -> str | None:
    """What makes the probes useless for any fault; ``None`` if nothing does."""
    trouble = not_well_before(seen)
    if trouble:
        return f"not shown: {trouble}"
    if seen.leaks:
        after = duration(seen.leaks[0].sent_ns - seen.inject.after_ns)
        return (
            f"not shown: {_count(len(seen.leaks), 'ping')} sent while the fault should have been on "
            f"{_was(len(seen.leaks))} answered, the first sent {after} after the injection"
        )
    return None


def _silence(seen: Window) -> str:
    longest = seen.heal.before_ns - seen.struck[0].sent_ns
    return (
        f"{_count(len(seen.struck), 'ping')} went unanswered for up to {duration(longest)} on a connection that "
        "stayed open"
    )


def _struck_at(probe: Probe, inject: CallTimes) -> int:
    """When this probe shows at the latest that the fault was on: a ping sent before it proves that by its end only."""
    return probe.sent_ns if probe.sent_ns >= inject.before_ns else probe.ended_ns


def _ending(probe: Probe) -> str:
    return {ProbeResult.CLOSED: "closed", ProbeResult.RESET: "reset", ProbeResult.REFUSED: "refused"}.get(
        probe.result, probe.result.name.lower()
    )


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(ns: int) -> str:
    """``ns`` for humans, with the digits that mean something: ``3.02 s``, ``41 ms``, ``0.3 ms``."""
    if ns >= 1_000_000_000:
        return f"{ns / 1e9:.2f} s"
    return f"{ns / 1e6:.0f} ms" if ns >= 10_000_000 else f"{ns / 1e6:.1f} ms"
