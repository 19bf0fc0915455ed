"""The checker's own rules, each broken in one way: what the self-test has to notice.

A `Mutant` replaces one piece of source, which must occur exactly once, so that a mutant that no longer fits the code
fails loudly instead of surviving, or being killed, for the wrong reason.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken rule of one module of `harness.check`."""

    name: str
    module: str
    old: str
    new: str
    by: str
    """The violation class that shows it; only for speed: every history is tried when this one does not."""

    def source(self) -> str:
        """The module's source with the rule broken."""
        spec = find_spec(f"harness.check.{self.module}")
        assert spec is not None
        assert spec.origin is not None
        text = Path(spec.origin).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.name}: {self.old!r} is {text.count(self.old)} times in {self.module}"
        return text.replace(self.old, self.new)


class _Broken(MetaPathFinder, Loader):
    """Finds one module, and gives it the mutated source."""

    def __init__(self, name: str, source: str) -> None:
        self._name, self._source = name, source

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, f"<mutant of {self._name}>", "exec"), module.__dict__)


def _of_the_checker(name: str) -> bool:
    return name.startswith("harness.check.") or name == "harness.selftest.examine"


@contextmanager
def examining(mutant: Mutant) -> Iterator[ModuleType]:
    """`harness.selftest.examine` with a checker that has the broken rule; afterwards everything is as before."""
    kept = {name: module for name, module in sys.modules.items() if _of_the_checker(name)}
    finder = _Broken(f"harness.check.{mutant.module}", mutant.source())
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module("harness.selftest.examine")
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _of_the_checker(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in kept.items():
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)


MUTANTS = (
    # fates
    Mutant(
        "what is pending long is not stuck",
        "fates",
        ">= streams.stuck_after_ns",
        "< streams.stuck_after_ns",
        "unread: handed out a moment ago",
    ),
    Mutant(
        "the barrier is ignored",
        "fates",
        "Fate.LOST if absence_proven else Fate.UNREAD",
        "Fate.LOST",
        "unseen, not proven lost",
    ),
    Mutant(
        "rejected may be delivered",
        "fates",
        "fate[received & (messages.outcome ==",
        "fate[received & (9 ==",
        "rejected but delivered",
    ),
    Mutant("damage is nothing", "fates", "if arrivals.damaged:", "if False:", "damaged content"),
    Mutant("everybody is entitled", "fates", "if streams.entitled is None else", "if True else", "group at $"),
    Mutant("nobody passes anything over", "fates", "if streams.passed_over is not None:", "if False:", "lost: prefix"),
    Mutant(
        "what is passed over and pending is lost",
        "fates",
        "streams.passed_over[missing] & ~kept",
        "streams.passed_over[missing]",
        "unread: handed out a moment ago",
    ),
    Mutant(
        "the dead read",
        "fates",
        "[missing] > streams.last_alive_ns",
        "[missing] < streams.last_alive_ns",
        "unread: handed out a moment ago",
    ),
    Mutant("no prefix", "fates", "part[of_producer < first]", "part[of_producer > first]", "damaged record"),
    Mutant("no postfix", "fates", "part[of_producer > last]", "part[of_producer > last + 1]", "lost: postfix"),
    Mutant("a loss in the log is none", "fates", "fate[acknowledged & owed & ~in_log] = gone", "pass", "lost: middle"),
    Mutant(
        "a loss is silent, whatever was answered",
        "fates",
        "publish_answer >= 1",
        "publish_answer >= 0",
        "lost: nobody listened",
    ),
    Mutant(
        "every loss is beyond the contract", "fates", "flags[lost & unexplained]", "flags[lost]", "lost: not connected"
    ),
    Mutant("effects are never missing", "fates", "(effects == 0)", "(effects < 0)", "lost: not connected"),
    Mutant(
        "what was acknowledged is recovered",
        "fates",
        "OutcomeCode.INDETERMINATE",
        "OutcomeCode.ACKNOWLEDGED",
        "lost: not connected",
    ),
    # delivery
    Mutant(
        "a first receive is a duplicate",
        "delivery",
        "self.receives.counts > 1",
        "self.receives.counts > 0",
        "lost: not connected",
    ),
    Mutant(
        "a third receive is the first duplicate",
        "delivery",
        "self.receives.counts > 1",
        "self.receives.counts > 2",
        "twice is twice, drain or not",
    ),
    Mutant("disorder is order", "delivery", "rows[:-1] > earliest_after", "rows[:-1] < earliest_after", "reorder"),
    Mutant("lanes are one", "delivery", "if arrivals.lane is None:", "if True:", "reorder"),
    Mutant(
        "damaged copies count",
        "delivery",
        "located.select(detail == ContentCheck.INTACT.value)",
        "located",
        "phantom: of another run",
    ),
    Mutant(
        "strangers are welcome", "delivery", "self.foreign += located.foreign", "self.foreign += 0", "attempt not noted"
    ),
    Mutant(
        "only what was seen is pending long",
        "delivery",
        'np.maximum(found["aux_ns"][rows], since_first)',
        "since_first",
        "stuck: effect done",
    ),
    # duplicates
    Mutant(
        "a retry is also a redelivery",
        "duplicates",
        "again = extra & ~retried",
        "again = extra",
        "duplicate: producer retry",
    ),
    Mutant(
        "every redelivery is after XACK",
        "duplicates",
        "- before_group > 0",
        "- before_group >= 0",
        "duplicate: redelivery",
    ),
    Mutant(
        "no redelivery is after XACK",
        "duplicates",
        "- before_group > 0",
        "- before_group > 99",
        "duplicate: after XACK",
    ),
    Mutant("an overlap is also a redelivery", "duplicates", "extra -= overlapping", "pass", "duplicate: overlap"),
    Mutant(
        "patterns are everywhere",
        "duplicates",
        "if not history.trial.scenario.arms[arm].pattern_overlap:",
        "if 0:",
        "duplicate: pattern, no overlap",
    ),
    Mutant(
        "writes are not counted",
        "duplicates",
        "np.maximum(np.maximum(told, noted), attempted)",
        "attempted",
        "duplicate: producer retry",
    ),
    # effects, and what is not settled
    Mutant(
        "a suppressed effect happened",
        "effects",
        "located = located.select(~suppressed)",
        "pass",
        "duplicate: retry, effect suppressed",
    ),
    Mutant("dead letters are forgotten", "unsettled", "unsettled &= ~handling.dead.marked", "pass", "dead letter"),
    Mutant(
        "what is pending is forgotten",
        "unsettled",
        "unsettled[handling.pending.where] = False",
        "pass",
        "effect missing: still to come",
    ),
    Mutant(
        "what nobody heard of is unsettled",
        "unsettled",
        "unsettled &= messages.acknowledged",
        "pass",
        "legal: unanswered and undone",
    ),
    Mutant("no false dedup", "unsettled", "MECHANISM_CODE[Mechanism.FALSE_DEDUP]", "0", "false dedup"),
    Mutant("no handler fails", "unsettled", "MECHANISM_CODE[Mechanism.HANDLER_FAILED]", "0", "poison: failed once"),
    Mutant("there is always a claimer", "unsettled", "MECHANISM_CODE[Mechanism.NO_CLAIMER]", "0", "stuck: no claimer"),
    Mutant(
        "nobody dies before XACK",
        "unsettled",
        "MECHANISM_CODE[Mechanism.CRASH_BEFORE_ACK]",
        "0",
        "stuck: crash between effect and XACK",
    ),
    Mutant(
        "nobody dies before the effect",
        "unsettled",
        "MECHANISM_CODE[Mechanism.CRASH_BEFORE_EFFECT]",
        "0",
        "ack before effect: crash",
    ),
    Mutant(
        "nothing is trimmed while pending",
        "unsettled",
        "MECHANISM_CODE[Mechanism.TRIMMED_PENDING]",
        "0",
        "stuck: trimmed while pending",
    ),
    Mutant("NOACK explains nothing", "unsettled", "MECHANISM_CODE[Mechanism.NOACK]", "0", "effect missing: NOACK"),
    Mutant(
        "own pending entries come back",
        "unsettled",
        "died | (receiver == NOBODY)",
        "receiver == NOBODY",
        "stuck: own pending, never back",
    ),
    Mutant(
        "who did not end is alive",
        "deaths",
        "(consumers - set(ended))",
        "frozenset()",
        "lost: checkpoint before effect",
    ),
    Mutant("who says that it dies is alive", "deaths", "| set(crashed)", "", "ack before effect: crash"),
    # mechanisms of losses
    Mutant("NOACK loses nothing", "mechanism", "MECHANISM_CODE[Mechanism.NOACK]", "_UNEXPLAINED", "lost: NOACK"),
    Mutant(
        "no reader begins again",
        "mechanism",
        "MECHANISM_CODE[Mechanism.GROUP_AT_DOLLAR]",
        "_UNEXPLAINED",
        "lost: reader began again at $",
    ),
    Mutant(
        "nothing is trimmed unread",
        "mechanism",
        "MECHANISM_CODE[Mechanism.TRIMMED_UNREAD]",
        "_UNEXPLAINED",
        "lost: trimmed unread",
    ),
    Mutant(
        "no shell is lost",
        "mechanism",
        "MECHANISM_CODE[Mechanism.TRIMMED_PENDING]",
        "_UNEXPLAINED",
        "lost: trimmed while pending",
    ),
    Mutant(
        "no checkpoint runs ahead",
        "mechanism",
        "MECHANISM_CODE[Mechanism.CRASH_BEFORE_EFFECT]",
        "_UNEXPLAINED",
        "lost: checkpoint before effect",
    ),
    Mutant(
        "trimmed is what is in the log",
        "mechanism",
        "codes[~in_log & _trimmed(",
        "codes[in_log & _trimmed(",
        "lost: trimmed unread",
    ),
    Mutant(
        "a kill is seen at once",
        "gaps",
        "SEEN_WITHIN_NS = 1_000_000_000",
        "SEEN_WITHIN_NS = 0",
        "lost: output-buffer kill",
    ),
    Mutant(
        "a fault does not cut",
        "gaps",
        "if any(since <= end",
        "if False and any(since <= end",
        "lost: not connected in the fault",
    ),
    Mutant(
        "a gap begins with the arrival",
        "gaps",
        "return min(received, int(messages",
        "return max(received, int(messages",
        "lost: not connected in the fault",
    ),
    Mutant(
        "a subscriber is always there",
        "gaps",
        "(candidate <= last) &",
        "(candidate > last) &",
        "lost: not connected in the fault",
    ),
    # durability
    Mutant(
        "a short log was trimmed",
        "durability",
        "timeline.log_sizes.get(arm, 0) >= retention.max_length",
        "timeline.log_sizes.get(arm, 0) <= retention.max_length",
        "lost: trimmed unread",
    ),
    Mutant(
        "the young are trimmed",
        "durability",
        "older &= ids[0][gone] < np.uint64(max(",
        "older &= ids[0][gone] > np.uint64(max(",
        "gone from the log: too young",
    ),
    Mutant(
        "retention explains holes",
        "durability",
        "precedes((ids[0][gone], ids[1][gone]), ends[0])",
        "ids[0][gone] > 0",
        "lost: NOACK, gone from the log",
    ),
    Mutant(
        "durability is read off any log",
        "durability",
        "log_read:\n        return None",
        "log_read and False:\n        return None",
        "drain: log not read",
    ),
    # what a server takes
    Mutant(
        "only what came later was taken",
        "server_loss",
        "found: Bools = outcomes <= cause.before_ns",
        "found: Bools = outcomes > cause.before_ns",
        "lost: server restart",
    ),
    Mutant(
        "a cut may leave holes",
        "server_loss",
        "return found & ~self._spared(cause, gone) if found.any() else found",
        "return found",
        "lost: a hole in the log",
    ),
    Mutant(
        "a cut keeps only what is younger",
        "server_loss",
        "return ~follows(ids, _highest(",
        "return follows(ids, _highest(",
        "lost: server restart",
    ),
    Mutant(
        "what the next life wrote is a hole in the one before",
        "server_loss",
        "self._messages.acknowledged & (self._messages.outcome_ns <= cause.cut_ns)",
        "self._messages.acknowledged",
        "lost: server restart",
    ),
    Mutant(
        "an eviction picks its entries",
        "server_loss",
        "return follows(ids, self._ends[0]) if self._ends is not None else",
        "return",
        "lost: a hole in the log",
    ),
    Mutant(
        "an eviction cuts off the end",
        "server_loss",
        "if cause.mechanism is Mechanism.EVICTED:",
        "if False:",
        "lost: evicted",
    ),
    Mutant(
        "nothing is ever evicted",
        "server_loss",
        "found += [Forgetting(Mechanism.EVICTED, moment, moment) for moment in _evictions(history)]",
        "pass",
        "lost: evicted",
    ),
    Mutant(
        "a failover takes nothing",
        "server_loss",
        "if fault.plan.model in FAILOVERS:",
        "if False:",
        "lost: un-replicated",
    ),
    Mutant(
        "a failover that nobody saw takes",
        "server_loss",
        "        if fault.observed_from_ns is None:\n            continue\n        mechanism",
        "        mechanism",
        "failover without evidence",
    ),
    Mutant(
        "who hangs is deposed at once",
        "server_loss",
        "fault.plan.model is FaultModel.HUNG_MASTER or fault.plan.old_returns",
        "fault.plan.old_returns",
        "lost: acknowledged by a deposed master",
    ),
    Mutant(
        "who comes back follows at once",
        "server_loss",
        "fault.plan.model is FaultModel.HUNG_MASTER or fault.plan.old_returns",
        "fault.plan.model is FaultModel.HUNG_MASTER",
        "lost: acknowledged by a deposed master",
    ),
    Mutant(
        "an answer is written down at once",
        "server_loss",
        "WRITTEN_DOWN_NS: Final = 100_000_000",
        "WRITTEN_DOWN_NS: Final = 0",
        "lost: acknowledged by a deposed master",
    ),
    Mutant(
        "the dead acknowledge until somebody follows",
        "server_loss",
        "fault.plan.model is FaultModel.HUNG_MASTER or fault.plan.old_returns",
        "True",
        "lost: acknowledged by the new master",
    ),
    Mutant(
        "the dead acknowledge when clients have gone",
        "server_loss",
        "cut_ns, max(healed_ns, last_ns),",
        "cut_ns, timeline.end_ns,",
        "lost: acknowledged by the new master",
    ),
    Mutant(
        "the dead are forgotten at once",
        "server_loss",
        "cut_ns, max(healed_ns, last_ns),",
        "cut_ns, last_ns,",
        "lost: acknowledged by the dead master",
    ),
    Mutant(
        "the dead answer over any connection",
        "server_loss",
        "led_ns=last_ns, stood_ns=cut_ns",
        "stood_ns=cut_ns",
        "lost: acknowledged by the new master",
    ),
    Mutant(
        "a deposed master goes on for ever",
        "server_loss",
        "fault.observed_to_ns + WRITTEN_DOWN_NS",
        "timeline.end_ns",
        "lost: acknowledged by the new master",
    ),
    Mutant(
        "whoever answers, it was the deposed master",
        "server_loss",
        "late = found & (outcomes > cause.led_ns)",
        "late = found & False",
        "lost: acknowledged by the new master",
    ),
    Mutant(
        "nobody is led to the deposed master",
        "connections",
        "older = (times <= known.until_ns) | (times < min(known.later_ns, default=NEVER))",
        "older = times < -NEVER",
        "lost: acknowledged by a deposed master",
    ),
    Mutant(
        "a count that stands still evicts",
        "server_loss",
        "if count > before)",
        "if count < before)",
        "lost: evicted",
    ),
    Mutant(
        "always forgets",
        "server_loss",
        "        Persistence.AOF_EVERYSEC: Mechanism.UNFSYNCED,\n",
        "        Persistence.AOF_EVERYSEC: Mechanism.UNFSYNCED,\n"
        "        Persistence.AOF_ALWAYS: Mechanism.UNFSYNCED,\n",
        "lost: fsynced, unexplained",
    ),
    Mutant(
        "a power loss without persistence is the disk's",
        "server_loss",
        "        Persistence.OFF: Mechanism.SERVER_RESTART,\n        Persistence.RDB: Mechanism.UNFSYNCED,",
        "        Persistence.OFF: Mechanism.UNFSYNCED,\n        Persistence.RDB: Mechanism.UNFSYNCED,",
        "lost: never to be synced",
    ),
    Mutant(
        "a kill forgets what was written",
        "server_loss",
        "        Persistence.AOF_EVERYSEC: Mechanism.SERVER_RESTART,\n",
        "        Persistence.AOF_EVERYSEC: Mechanism.SERVER_RESTART,\n"
        "        Persistence.AOF_NO: Mechanism.SERVER_RESTART,\n",
        "lost: written, unexplained",
    ),
    Mutant(
        "a new master is the old one restarted",
        "server_loss",
        "DEATHS: Final = frozenset({",
        "DEATHS: Final = frozenset({FaultModel.FAILOVER, ",
        "lost: subscriber of a master that was failed over",
    ),
    Mutant(
        "a server that nobody saw dead was away",
        "server_loss",
        "if fault.plan.model in DEATHS and fault.observed_from_ns is not None",
        "if fault.plan.model in DEATHS",
        "restart without evidence",
    ),
    Mutant(
        "a subscriber outlives its server",
        "gaps",
        "restarted=was_away(timeline, begin, end)",
        "restarted=False",
        "lost: subscriber of a server that restarted",
    ),
    Mutant(
        "what was taken was trimmed",
        "mechanism",
        "codes[by_server] = forgotten[by_server]",
        "pass",
        "lost: server restart",
    ),
    # producers
    Mutant(
        "no answer is a refusal",
        "messages",
        "outcomes.code[doubtful] = _INDETERMINATE",
        "outcomes.code[doubtful] = 2",
        "legal: killed before the reply",
    ),
    # guarantees
    Mutant(
        "absence needs no proof",
        "guarantees",
        "(finding.absent and barrier.reached)",
        "finding.absent",
        "unseen, not proven lost",
    ),
    Mutant(
        "twice is allowed", "guarantees", "(scope.effects > 1)", "(scope.effects > 2)", "twice is twice, drain or not"
    ),
    Mutant(
        "refused effects are allowed",
        "guarantees",
        "rejected & (scope.effects > 0)",
        "rejected & (scope.effects > 9)",
        "rejected but delivered",
    ),
    Mutant("nothing is enough", "guarantees", "finding.samples == 0", "finding.samples < 0", "nothing sent at all"),
    Mutant(
        "what nobody was promised is owed",
        "guarantees",
        "messages.acknowledged & ~scope.with_fate(Fate.NOT_ENTITLED)",
        "messages.acknowledged",
        "group at $",
    ),
    Mutant("lag is delivery", "guarantees", "doubt = finding.doubt", 'doubt = ""', "unread: the drain saw no lag"),
    Mutant(
        "phantoms are fine",
        "guarantees",
        "_Finding(phantoms, lost + stuck",
        "_Finding(0, lost + stuck",
        "attempt not noted",
    ),
    Mutant(
        "stuck is fine", "guarantees", "lost + stuck + forgotten, owed", "lost + forgotten, owed", "stuck: effect done"
    ),
    Mutant("forgotten is fine", "guarantees", "lost + stuck + forgotten, owed", "lost + stuck, owed", "effect missing"),
    Mutant(
        "the trimmed are missed",
        "guarantees",
        "gone_without_effect - table.trimmed_by_configuration",
        "gone_without_effect",
        "lost: trimmed unread",
    ),
    # what makes a trial worthless
    Mutant(
        "an unproven fault is proven",
        "weakness",
        "if fault.observed_from_ns is None:",
        "if False:",
        "fault without effect",
    ),
    Mutant("an endless fault ended", "weakness", "elif fault.observed_to_ns is None:", "elif False:", "heal missing"),
    Mutant(
        "no fault is missing",
        "weakness",
        "if len(timeline.faults) < len(planned):",
        "if False:",
        "fault never injected",
    ),
    Mutant(
        "being late is fine", "weakness", "result.own_lateness_p99_ms <= limit_ms", "True", "producer behind schedule"
    ),
    Mutant("silence is a test", "weakness", "if result.attempted_in_fault == 0:", "if False:", "fault without effect"),
    Mutant(
        "refusal is a test",
        "weakness",
        "if result.acknowledged_in_fault:",
        "if True:",
        "nothing acknowledged in the fault",
    ),
    Mutant(
        "acknowledged later is acknowledged meanwhile",
        "weakness",
        "all(_leaves_producers(plan) for plan in faults) and",
        "False and",
        "nothing acknowledged before the heal",
    ),
    Mutant(
        "what came after the heal came before it",
        "condense",
        "messages.acknowledged & (messages.outcome_ns >= begin) & (messages.outcome_ns <= end)",
        "messages.acknowledged & (messages.outcome_ns >= begin)",
        "nothing acknowledged before the heal",
    ),
    Mutant(
        "a call lasts for ever",
        "condense",
        "lived_ns.get(block.info.actor, -NEVER)",
        "NEVER",
        "died before the fault, in a call",
    ),
    Mutant(
        "whose death was seen lived on",
        "deaths",
        "lived[actor] = max(moment, lived.get(actor, moment))",
        "lived[actor] = 2 * moment",
        "died before the fault, in a call",
    ),
    Mutant(
        "the struck need no promise",
        "weakness",
        "return _nothing_at_stake(guarantee, result, faults)",
        'return ""',
        "struck down before anything was promised",
    ),
    Mutant(
        "what was before is not at stake",
        "weakness",
        "if all(plan.model in _TAKES_WHAT_WAS for plan in faults) and keeps",
        "if False and keeps",
        "nothing acknowledged in a failover",
    ),
    Mutant(
        "any fault takes what was before",
        "weakness",
        "all(plan.model in _TAKES_WHAT_WAS for plan in faults) and keeps",
        "keeps",
        "nothing acknowledged in the fault",
    ),
    Mutant(
        "a failover takes nothing that was before",
        "weakness",
        "        FaultModel.FAILOVER,\n",
        "",
        "nothing acknowledged in a failover",
    ),
    Mutant(
        "Pub/Sub keeps what it had",
        "weakness",
        "and keeps and result",
        "and result",
        "nothing acknowledged in a failover",
    ),
    Mutant(
        "nothing can be lost",
        "weakness",
        "and keeps and result.acknowledged_before_fault:",
        "and keeps:",
        "nothing acknowledged before a failover",
    ),
    Mutant(
        "what comes later was before",
        "condense",
        "self._messages.outcome_ns < injected)",
        "self._messages.outcome_ns > injected)",
        "nothing acknowledged before a failover",
    ),
    Mutant(
        "what nobody answered was acknowledged before",
        "condense",
        "self._messages.acknowledged & (self._messages.outcome_ns < injected)",
        "(self._messages.outcome_ns < injected)",
        "nothing acknowledged before a failover",
    ),
    Mutant("two may share a number", "health", "if count > 1:", "if count > 2:", "two processes with one number"),
    Mutant("damage is overlooked", "health", "if actor.damaged:", "if False:", "damaged record"),
    Mutant("clocks may run backwards", "health", "if actor.backwards:", "if False:", "two processes with one number"),
    Mutant("torn journals are whole", "health", "if actor.torn_bytes]", "if False]", "journal torn mid-record"),
    Mutant("no journal is missing", "health", "if there < count:", "if False:", "journal gone"),
    Mutant("effects come from nowhere", "health", "if judged.stray_effects:", "if False:", "journal gone"),
    Mutant("outcomes come from nowhere", "health", "        if strays:", "        if False:", "attempt not noted"),
    Mutant(
        "the log is as long as it likes", "health", "told is not None and told != noted", "False", "log entry not noted"
    ),
    Mutant(
        "replicas are as long as they like",
        "health",
        "told >= 0 and told != noted",
        "False",
        "replica's entry not noted",
    ),
    Mutant("doubts spoil nothing", "clauses", "    if not doubts:\n", "    if True:\n", "log entry not noted"),
    # the drain
    Mutant(
        "producers are always done",
        "timeline",
        "if _producers_done(arm, noted) else",
        "if True else",
        "drain: producers not done",
    ),
    Mutant(
        "sentinels are not needed",
        "timeline",
        "if not noted.get((BarrierPart.SENTINELS_SEEN, arm, scope)):",
        "if False:",
        "drain: sentinels not seen",
    ),
    Mutant(
        "groups have always caught up",
        "timeline",
        "(BarrierPart.CAUGHT_UP, arm, scope), unsaid)",
        "0, True)",
        "drain: group not caught up",
    ),
    Mutant(
        "nothing is on its way",
        "timeline",
        "(BarrierPart.PENDING_SETTLED, arm, scope), unsaid)",
        "0, True)",
        "drain: pending not settled",
    ),
    Mutant("the log need not be read", "timeline", "if streams and not log_read:", "if False:", "drain: log not read"),
)
