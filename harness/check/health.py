"""Whether the journals can be believed at all, before anything in them is.

What is found here is about the harness, not about Redis. A journal with a hole, a clock that ran backwards or two
processes with one number make every count of the trial worthless: its verdict is ``error``. A torn record at the end
of a journal may hide one event: the trial is inconclusive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.check.arm import JudgedArm
from harness.check.deaths import actors_that, seen_to_die
from harness.check.timeline import Timeline
from harness.history.journal import EventKind
from harness.history.layout import ActorInfo
from harness.history.table import History
from harness.model.words import ProcessEvent, Verdict


@dataclass(frozen=True, slots=True)
class Weakness:
    """One reason not to believe a trial, and what it does to every verdict in it."""

    text: str
    verdict: Verdict


def check_health(history: History, timeline: Timeline, arms: Sequence[JudgedArm]) -> list[Weakness]:
    """Everything that is wrong with the records themselves."""
    errors = [
        *_actor_errors(history.actors),
        *_missing_journals(history),
        *_vanished_processes(history),
        *_arm_errors(history, timeline, arms),
    ]
    found = [Weakness(text, Verdict.ERROR) for text in errors]
    torn = [actor for actor in history.actors if actor.torn_bytes]
    found += [
        Weakness(f"the journal of {actor.name} ends in a torn record ({actor.torn_bytes} bytes)", Verdict.INCONCLUSIVE)
        for actor in torn
    ]
    return found


def _actor_errors(actors: Sequence[ActorInfo]) -> Iterable[str]:
    numbered = Counter(actor.actor for actor in actors if actor.role != "effects")
    for number, count in numbered.items():
        if count > 1:
            names = ", ".join(actor.name for actor in actors if actor.actor == number and actor.role != "effects")
            yield f"{count} processes wrote as actor {number}: {names}"
    for actor in actors:
        if actor.damaged:
            yield f"{actor.damaged} records in the journal of {actor.name} are damaged"
        if actor.backwards:
            yield f"the clock of {actor.name} ran backwards {actor.backwards} times"
        if actor.strangers:
            yield f"{actor.strangers} records in the journal of {actor.name} carry another actor's number"


def _missing_journals(history: History) -> Iterable[str]:
    """Whose records are not there at all, in a trial that is said to be complete."""
    if history.facts is None or history.facts.status != "complete":
        return
    written = Counter((str(actor.role), actor.arm, actor.scope) for actor in history.actors)
    for number, arm in enumerate(history.trial.scenario.arms):
        wanted = {("producer", number, -1): arm.producers, ("effects", number, -1): 1}
        wanted |= {("consumer", number, scope): arm.consumers_per_scope for scope in range(arm.scopes)}
        for (role, of, scope), count in wanted.items():
            there = written[role, of, scope]
            if there < count:
                where = f" of scope {scope}" if scope >= 0 else ""
                yield f"{arm.name}: only {there} of {count} {role} journals{where} are there"


def _vanished_processes(history: History) -> Iterable[str]:
    """Processes that were seen to start, were not seen to die, and left no journal: what they did is unknown.

    One that was killed at once may have had no time to begin its journal; it did nothing then.
    """
    if history.facts is None or history.facts.status != "complete":
        return
    wrote = {actor.actor for actor in history.actors}
    vanished = actors_that(history, ProcessEvent.STARTED) - seen_to_die(history) - wrote
    for actor in sorted(vanished):
        yield f"the process with number {actor} was started and did not die, but left no journal"


def _arm_errors(history: History, timeline: Timeline, arms: Sequence[JudgedArm]) -> Iterable[str]:
    for judged in arms:
        name, arm = judged.result.arm, judged.ledger.arm
        strays = judged.ledger.messages.stray_outcomes
        if strays:
            yield f"{name}: {strays} outcomes of messages without an attempt: a producer's journal has a hole"
        if judged.stray_effects:
            yield f"{name}: {judged.stray_effects} effects of messages never received: a consumer's journal has a hole"
        told = timeline.log_sizes.get(arm)
        noted = sum(block.info.rows for block in history.blocks(EventKind.LOG_ENTRY, ("arm",), arm=arm))
        if told is not None and told != noted:
            yield f"{name}: the log had {told} entries when it was read, but {noted} were noted"
        yield from _replica_errors(history, name, arm=arm)


def _replica_errors(history: History, name: str, *, arm: int) -> Iterable[str]:
    """Replicas of which not as many entries were noted as their reading came to, sentinels and damaged ones counted."""
    reads = history.records(EventKind.REPLICA_READ, columns=("scope", "value"), arm=arm)
    for number, told in zip(reads["scope"].tolist(), reads["value"].tolist(), strict=True):
        blocks = history.blocks(EventKind.REPLICA_ENTRY, ("arm",), arm=arm, scope=number)
        noted = sum(block.info.rows for block in blocks)
        if noted and told < 0:
            yield f"{name}: replica {number} did not follow and was not read, but {noted} entries of it were noted"
        elif told >= 0 and told != noted:
            yield f"{name}: replica {number} had {told} entries when it was read, but {noted} were noted"
