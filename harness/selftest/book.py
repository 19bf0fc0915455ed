"""A trial's journals in memory, record by record, so that they can be altered before they are written.

`Book.write` turns the notes into what a trial leaves behind: ``trial.json``, ``facts.json`` and journals.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.history.journal import EventKind, Journal, JournalHeader
from harness.model.message import SENTINEL_BASE
from harness.model.results import TrialFacts
from harness.model.values import Trial


@dataclass(slots=True)
class Note:
    """One journal record that is to be written; the fields are those of `Journal.write`."""

    kind: EventKind
    t_ns: int
    arm: int
    scope: int
    actor: int
    producer: int = 0
    sequence: int = 0
    code: int = 0
    count: int = 0
    detail: int = 0
    aux_ns: int = 0
    entry: tuple[int, int] = (0, 0)
    value: int = 0

    @property
    def message(self) -> tuple[int, int]:
        """Which message of its arm the note speaks of."""
        return (self.producer, self.sequence)


@dataclass(slots=True)
class Pages:
    """One journal: its header and its notes."""

    header: JournalHeader
    notes: list[Note] = field(default_factory=list)
    keep_order: bool = False
    """Write the notes as they stand instead of in order of time."""


@dataclass(slots=True)
class Book:
    """All journals of one trial, in memory."""

    trial: Trial
    facts: TrialFacts | None
    journals: dict[str, Pages] = field(default_factory=dict)

    def notes(self, *kinds: EventKind, **wanted: Any) -> list[Note]:
        """Every note of one of ``kinds`` (all, when none is named) whose fields have the wanted values."""
        found = [note for pages in self.journals.values() for note in pages.notes if _matches(note, kinds, wanted)]
        return sorted(found, key=lambda note: note.t_ns)

    def remove(self, *kinds: EventKind, **wanted: Any) -> int:
        """Delete the notes that `notes` would find; how many there were."""
        removed = 0
        for pages in self.journals.values():
            kept = [note for note in pages.notes if not _matches(note, kinds, wanted)]
            removed += len(pages.notes) - len(kept)
            pages.notes = kept
        return removed

    def add_beside(self, beside: Note, note: Note) -> None:
        """Put ``note`` into the journal that holds ``beside``."""
        self.pages_of(beside).notes.append(note)

    def repeat(self, original: Note, *, after_ns: int, **changes: Any) -> Note:
        """Write ``original`` once more, ``after_ns`` later and with some fields changed."""
        again = replace(original, t_ns=original.t_ns + after_ns, **changes)
        self.add_beside(original, again)
        return again

    def pages_of(self, note: Note) -> Pages:
        """The journal that holds ``note``."""
        return next(pages for pages in self.journals.values() if any(one is note for one in pages.notes))

    def sequences(self, arm: int, producer: int) -> list[int]:
        """What this producer attempted, sentinels excluded."""
        attempts = self.notes(EventKind.ATTEMPT, arm=arm, producer=producer)
        return [note.sequence for note in attempts if note.sequence < SENTINEL_BASE]

    def write(self, folder: Path) -> Path:
        """Write the trial's folder and return it."""
        (folder / "journals").mkdir(parents=True, exist_ok=True)
        (folder / "trial.json").write_text(self.trial.model_dump_json(indent=2))
        if self.facts is not None:
            (folder / "facts.json").write_text(self.facts.model_dump_json(indent=2))
        for name, pages in self.journals.items():
            _write_pages(folder / "journals" / f"{name}.journal", pages)
        return folder


def _matches(note: Note, kinds: tuple[EventKind, ...], wanted: dict[str, Any]) -> bool:
    return (not kinds or note.kind in kinds) and all(getattr(note, name) == value for name, value in wanted.items())


def _write_pages(path: Path, pages: Pages) -> None:
    notes = pages.notes if pages.keep_order else sorted(pages.notes, key=lambda note: note.t_ns)
    Journal.create(path, pages.header).close()
    # Records of an effects journal carry the consumer that wrote them, so each is appended under its own actor.
    writers: dict[int, Journal] = {}
    for note in notes:
        if note.actor not in writers:
            writers[note.actor] = Journal.join(path, actor=note.actor, arm=note.arm, scope=note.scope)
        writers[note.actor].write(
            note.kind,
            t_ns=note.t_ns,
            producer=note.producer,
            sequence=note.sequence,
            code=note.code,
            count=note.count,
            detail=note.detail,
            aux_ns=note.aux_ns,
            entry=note.entry,
            value=note.value,
            arm=note.arm,
            scope=note.scope,
        )
    for writer in writers.values():
        writer.close()
