"""What can happen to the files of a trial after they were written: torn, damaged, gone."""

from __future__ import annotations

from pathlib import Path

from harness.history.journal import RECORD_BYTES, EventKind
from harness.selftest.book import Book
from harness.selftest.doubt import Finds
from harness.selftest.moments import PUBSUB

TORN_BYTES = 24
VICTIM = "consumer-0-0-0"
"""The only consumer of the Pub/Sub arm's first scope."""
_DAMAGED_NUMBER = 12


def tear_last_record(_book: Book, folder: Path) -> None:
    """The victim was killed inside its last write, which tells its CPU time: 24 of 64 bytes are missing."""
    path = _journal(folder)
    path.write_bytes(path.read_bytes()[:-TORN_BYTES])


def damage_receive(book: Book, folder: Path) -> None:
    """One bit of one of the victim's receives is flipped."""
    notes = sorted(book.journals[VICTIM].notes, key=lambda note: note.t_ns)
    number = [index for index, note in enumerate(notes) if note.kind is EventKind.RECEIVE][_DAMAGED_NUMBER]
    path = _journal(folder)
    data = bytearray(path.read_bytes())
    data[len(data) - RECORD_BYTES * (len(notes) - number) + 12] ^= 1
    path.write_bytes(data)


def expect_damaged_receive(_book: Book) -> Finds:
    """The receive is missing, so it looks lost; its effect is there, and betrays that it is not."""
    found = {"fates.lost": 1, "fates.delivered": -1, "lost_by_position.middle": 1, "lost_by_mechanism.unexplained": 1}
    found |= {"lost_silently": 1, "lost_contract_view": 1, "publish.received_sum": -1, "publish.overstated": 1}
    return {PUBSUB: found}


def remove_journal(_book: Book, folder: Path) -> None:
    """The victim's journal is not there at all."""
    _journal(folder).unlink()


def _journal(folder: Path) -> Path:
    return folder / "journals" / f"{VICTIM}.journal"
