"""A trial that cannot be believed is never green: each reason to doubt it, planted alone, is named."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from checking import checked, judged
from comparing import recounted

from harness.check.judge import judge_trial
from harness.history.journal import EventKind
from harness.history.table import read_history, write_history
from harness.model.results import TrialResult
from harness.model.words import Verdict
from harness.selftest.clean import build
from harness.selftest.deeds import lose_on_the_way
from harness.selftest.doubt import leave_files
from harness.selftest.doubts import DOUBTS
from harness.selftest.moments import PUBSUB
from harness.selftest.plant import Target

DOUBTFUL = {doubt.name: doubt for doubt in DOUBTS if doubt.spoil_files is leave_files and not doubt.refutes}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_doubtful_trial_is_not_green(name: str) -> None:
    """The verdict is neither held nor violated, the reason is named, and the counts stay what the journals say.

    Only where two processes share a number the counts are worth nothing, since lanes have lost their meaning.
    """
    doubt = DOUBTFUL[name]
    book = build()
    doubt.plant(book)
    judgement = judged(book)
    result = judgement.result
    assert result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
    assert all(any(re.fullmatch(one, told) for told in result.weaknesses) for one in doubt.told), result.weaknesses
    if not doubt.worthless:
        assert checked(judgement) == recounted(book)


@pytest.mark.parametrize("name", [doubt.name for doubt in DOUBTS if doubt.combines])
def test_a_doubtful_trial_with_a_loss_does_not_hold_either(name: str) -> None:
    """A weakness never turns a refuted guarantee into a pass."""
    book = build()
    lose_on_the_way(Target(book, PUBSUB, 1, 20))
    next(doubt for doubt in DOUBTS if doubt.name == name).plant(book)
    assert judged(book).result.verdict is not Verdict.HELD


# ------------------------------------------------------------------------------------------------ broken journals


def judge_folder(folder: Path) -> TrialResult:
    """The result for a folder whose files were altered after they were written."""
    return judge_trial(read_history(write_history(folder))).result


def test_a_torn_record_is_counted_and_nothing_is_guessed(tmp_path: Path) -> None:
    """A consumer was killed inside its last write (its CPU time): 24 bytes of 64 are missing, 40 are left."""
    build().write(tmp_path)
    path = tmp_path / "journals" / "consumer-0-0-0.journal"
    path.write_bytes(path.read_bytes()[:-24])
    assert judge_folder(tmp_path).torn_records == 40


@pytest.mark.parametrize("kind", [EventKind.ATTEMPT, EventKind.OUTCOME, EventKind.RECEIVE, EventKind.EFFECT])
def test_a_damaged_record_never_becomes_a_finding(tmp_path: Path, kind: EventKind) -> None:
    """One bit of one record is flipped: evidence is missing, so nothing is refuted, and nothing is held."""
    book = build()
    book.write(tmp_path)
    note = book.notes(kind, arm=PUBSUB)[20]
    name = next(name for name, pages in book.journals.items() if any(one is note for one in pages.notes))
    pages = sorted(book.journals[name].notes, key=lambda one: one.t_ns)
    number = next(index for index, one in enumerate(pages) if one is note)
    path = tmp_path / "journals" / f"{name}.journal"
    data = bytearray(path.read_bytes())
    data[len(data) - 64 * (len(pages) - number) + 12] ^= 1
    path.write_bytes(data)
    result = judge_folder(tmp_path)
    assert result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
    assert "damaged" in " ".join(result.weaknesses).lower()


def test_a_phantom_needs_whole_journals(tmp_path: Path) -> None:
    """A producer's journal is missing altogether: its messages are not phantoms, the trial is broken."""
    build().write(tmp_path)
    (tmp_path / "journals" / "producer-0-1.journal").unlink()
    assert judge_folder(tmp_path).verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}


def test_a_consumer_that_never_wrote_is_not_a_pass(tmp_path: Path) -> None:
    """A scope's only consumer left no journal: nothing proves what it received."""
    build().write(tmp_path)
    (tmp_path / "journals" / "consumer-0-1-0.journal").unlink()
    assert judge_folder(tmp_path).verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}


def test_random_doubts_are_never_green() -> None:
    """Any two doubts together, too."""
    draw = random.Random(5)
    for _ in range(4):
        book = build(messages=20)
        for name in draw.sample(sorted(DOUBTFUL), 2):
            DOUBTFUL[name].plant(book)
        assert judged(book).result.verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
