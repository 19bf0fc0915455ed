"""The literal trials of recovery are worth something: each rule that is broken on purpose changes what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants import Mutant, examining
from recovery_stories import STORIES, Told, told

from harness.history.table import read_history, write_history

pytestmark = pytest.mark.timeout(600)

MUTANTS = (
    Mutant(
        "nobody is awaited",
        "recovery",
        "max(moments, default=None)\n\n\ndef _done",
        "min(moments, default=None)\n\n\ndef _done",
        "one of two producers hangs for longer",
    ),
    Mutant(
        "who has nothing to send misses something",
        "silences",
        "    if not away:\n        begins",
        "    if False:\n        begins",
        "a producer has nothing to send",
    ),
    Mutant(
        "nobody is taken away",
        "recovery",
        "away = bool(plans) and",
        "away = False and",
        "a struck producer attempts nothing",
    ),
    Mutant(
        "a struck producer takes all with it",
        "recovery",
        "(everybody or place == 0)",
        "True",
        "a struck producer, and one with nothing to send",
    ),
    Mutant(
        "who has done is awaited",
        "recovery",
        "if since is None or _done_before(since, answered, times, away=away):",
        "if since is None:",
        "a producer has nothing left to send",
    ),
    Mutant(
        "one acknowledgement is enough",
        "recovery",
        "sustained & (times[place + follow] - times[place] <= bound_ns)",
        "sustained",
        "one acknowledgement, then silence",
    ),
    Mutant(
        "refusals may follow",
        "recovery",
        "[sustained & (times[place + follow] - times[place] <= bound_ns)]",
        "[(times[place + follow] - times[place] <= bound_ns)]",
        "three were left, and not all of them followed",
    ),
    Mutant(
        "all must follow at the end",
        "recovery",
        "total[place + 1] == follow",
        "total[place + 1] == SUSTAINED",
        "three were left, and all of them followed",
    ),
    Mutant(
        "one delivery is enough",
        "recovery",
        "[fresh[last[place]] - fresh[place] <= bound_ns]",
        "[fresh[place] > 0]",
        "one delivery, then silence",
    ),
    Mutant(
        "as many deliveries must follow at the end",
        "recovery",
        'np.minimum(SUSTAINED, len(sent) - np.searchsorted(sent, fresh, side="right"))',
        "SUSTAINED",
        "three were left, and all of them followed",
    ),
    Mutant(
        "who sends little has no more time",
        "silences",
        "max(LEAST_BOUND_NS, PATIENCE * SUSTAINED * (end - begin) // count)",
        "LEAST_BOUND_NS",
        "five more take long where little is sent",
    ),
    Mutant(
        "nothing is lost after the heal",
        "silences",
        "(ends - begins >= ASKED_SILENCE_NS)",
        "(np.minimum(ends, self.healed_ns) - begins >= ASKED_SILENCE_NS)",
        "asks: a silence across the heal",
    ),
    Mutant(
        "the fault never ends",
        "silences",
        "long = (begins < self.healed_ns) & ",
        "long = ",
        "asks: a silence after the heal",
    ),
    Mutant("the first silence counts", "silences", "ends[long][-1]", "ends[long][0]", "asks: a second silence"),
    Mutant(
        "what is refused to the end is missed by a scope",
        "silences",
        "if not len(later) and self.any_from(NEVER):",
        "if not len(later):",
        "asks: refused for good",
    ),
    Mutant(
        "half of a silence counts",
        "silences",
        "long |= crosses & (ends - begins >= max(half, bound_ns))",
        "pass",
        "two stray deliveries",
    ),
    Mutant(
        "any silence across the heal counts",
        "silences",
        "crosses & (ends - begins >= max(half, bound_ns))",
        "crosses & (ends - begins >= np.minimum(half // 3, bound_ns))",
        "a short silence across the heal",
    ),
    Mutant(
        "a usual pause across the heal counts",
        "silences",
        "max(half, bound_ns)",
        "half",
        "a usual pause across the heal",
    ),
    Mutant(
        "a scope to which nothing is sent misses something",
        "silences",
        "awaited: Array = np.maximum(moments, since",
        "awaited: Array = moments if True else (since",
        "there was nothing to read",
    ),
    Mutant(
        "what was lost is awaited for ever",
        "silences",
        "np.where(arrived == NEVER, overtaken, arrived)",
        "arrived",
        "there was nothing to read",
    ),
    Mutant(
        "a scope that has got all is awaited",
        "recovery",
        "if since is not None and awaited.any_from(since):",
        "if since is not None:",
        "the last of all comes in the fault",
    ),
    Mutant(
        "to whom nothing comes has to be quick",
        "backlog",
        "if not _anything_from(messages, scope, since_ns):",
        "if False:",
        "writes never come back",
    ),
    Mutant(
        "no silence lasts to the end",
        "silences",
        "later = np.array([self._outage.traffic_end_ns])",
        "pass",
        "asks: heard of no more",
    ),
    Mutant(
        "a backlog goes before reads are back",
        "recovery",
        "max(healed, read or 0)",
        "healed",
        "one delivery, then silence",
    ),
    Mutant(
        "the quick one of a reply begins the calm",
        "backlog",
        "np.cumsum(latency <= limit_ns)",
        "np.cumsum(arrived - messages.intended_ns[order] <= limit_ns)",
        "backlog: slow and quick in one reply",
    ),
    Mutant(
        "what arrived is settled",
        "backlog",
        "    if settled is None and not len(pending):\n",
        "    if True:\n",
        "backlog: acknowledged late",
    ),
    Mutant(
        "a dead letter settles nothing",
        "backlog",
        "(EventKind.ACK, EventKind.DEAD_LETTER)",
        "(EventKind.ACK,)",
        "backlog: dead letters",
    ),
    Mutant(
        "the last acknowledgement counts",
        "backlog",
        "earlier=np.less)",
        "earlier=lambda new, old: (old == NEVER) | (new > old))",
        "backlog: acknowledged by a zombie",
    ),
    Mutant(
        "what nobody acknowledged is pending",
        "backlog",
        "np.where(settled == NEVER, arrivals.first_ns, settled)",
        "settled",
        "backlog: answers of XACK were lost",
    ),
    Mutant(
        "what is pending is settled",
        "backlog",
        "known[pending] = NEVER",
        "known[pending[:0]] = NEVER",
        "backlog: many pending for a moment",
    ),
    Mutant(
        "stuck is no backlog",
        "backlog",
        "(Fate.STUCK, Fate.UNREAD, Fate.NEVER_READ)",
        "(Fate.UNREAD, Fate.NEVER_READ)",
        "backlog: stuck",
    ),
    Mutant(
        "unread is no backlog",
        "backlog",
        "(Fate.STUCK, Fate.UNREAD, Fate.NEVER_READ)",
        "(Fate.STUCK, Fate.NEVER_READ)",
        "backlog: unread",
    ),
    Mutant(
        "never read is no backlog",
        "backlog",
        "(Fate.STUCK, Fate.UNREAD, Fate.NEVER_READ)",
        "(Fate.STUCK, Fate.UNREAD)",
        "backlog: never read",
    ),
)


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Told]]:
    """The literal trials, written once, and what must be told of each."""
    written = {}
    for chapter in STORIES:
        trial = chapter.play(tmp_path_factory.mktemp("story")).trial
        trial.finish()
        written[chapter.about] = write_history(trial.write()), chapter.told
    return written


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.module}: {mutant.name}")
def test_a_broken_rule_changes_what_is_told(mutant: Mutant, histories: dict[str, tuple[Path, Told]]) -> None:
    """Of the trial that is about this rule."""
    path, must_be_told = histories[mutant.by]
    with examining(mutant) as broken:
        found = broken.judge_trial(read_history(path)).result.arms[0].recovery
    assert must_be_told != told(found), f"survived: {mutant.name} ({mutant.module})"
