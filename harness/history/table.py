"""The history of a trial: all its journals in one Parquet file, from which everything is judged.

`write_history` turns a trial's folder into its ``history.parquet``; `read_history` opens one. Nothing is interpreted
here: each record is kept as it was written, with its times moved to the trial's origin. What the journals themselves
reveal about their soundness (torn or damaged records, clocks that ran backwards, two processes with one number) is
kept with them, for the checker to weigh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from harness.history.journal import EventKind, JournalHeader, ReadJournal, read_journal
from harness.history.layout import (
    COLUMNS,
    HISTORY_SCHEMA,
    TIMES_IN_AUX,
    TIMES_IN_VALUE,
    ActorInfo,
    BlockInfo,
)
from harness.history.reading import Block, History, read_history
from harness.history.writing import HistoryWriter
from harness.model.errors import InvalidFileError, unreadable_file
from harness.model.results import TrialFacts
from harness.model.values import Frozen, Trial

__all__ = ["HISTORY_SCHEMA", "Block", "History", "read_history", "write_history"]

HISTORY_NAME = "history.parquet"
Records = npt.NDArray[np.void]
Model = TypeVar("Model", bound=Frozen)


def write_history(trial_folder: Path, *, into: Path | None = None) -> Path:
    """Merge ``journals/*.journal`` (with ``trial.json`` and, where it is, ``facts.json``) into ``history.parquet``.

    The folder of a killed trial is fine: what its processes wrote down is there. The file appears when it is whole.

    Raises:
        InvalidFileError: there is no ``trial.json``, no journal, or a file that is not what it should be.
        EnvironmentUnavailable: the file cannot be written.
    """
    target = (into or trial_folder) / HISTORY_NAME
    trial = read_stored(trial_folder / "trial.json", Trial)
    if trial is None:
        raise InvalidFileError(
            f"{trial_folder}: not a trial (no trial.json in it)", fix="name a trial's folder made by `harness run`"
        )
    facts = read_stored(trial_folder / "facts.json", TrialFacts)
    journals = [_Source.read(path, trial) for path in sorted((trial_folder / "journals").glob("*.journal"))]
    sources = [source for source in journals if source is not None]
    if not sources:
        raise InvalidFileError(f"{trial_folder}: no journals in it", fix="run the trial again")
    clock = _clock_of(sources)
    with HistoryWriter(target) as writer:
        backwards = _write_blocks(writer, sources, clock.origin_ns)
        actors = [source.describe(clock.origin_ns, backwards) for source in sources]
        writer.finish(trial=trial, facts=facts, actors=actors, origin_ns=clock.origin_ns, wall_ns=clock.wall_ns)
    return target


def read_stored(path: Path, model: type[Model]) -> Model | None:
    """A value stored as JSON; ``None`` when there is no such file.

    Raises:
        InvalidFileError: the file is not one of these.
    """
    try:
        return model.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable_file(path, error) from error
    except (ValidationError, UnicodeDecodeError) as error:
        first = " ".join(str(error).splitlines()[:3])
        raise InvalidFileError(f"{path}: not readable: {first}", fix="delete this trial and run it again") from error


@dataclass(frozen=True, slots=True)
class _Source:
    """One journal."""

    journal: ReadJournal

    @classmethod
    def read(cls, path: Path, trial: Trial) -> _Source | None:
        """Read a journal; ``None`` for one whose process was killed before it had written anything."""
        if path.stat().st_size == 0:
            return None
        journal = read_journal(path)
        if journal.header.token != trial.token:
            raise InvalidFileError(
                f"{path}: a journal of trial {journal.header.token}, not of {trial.token}",
                fix="remove the file that does not belong into this folder",
            )
        return cls(journal)

    @property
    def header(self) -> JournalHeader:
        """Who wrote it."""
        return self.journal.header

    def describe(self, origin_ns: int, backwards: dict[int, int]) -> ActorInfo:
        """What is kept about this journal."""
        header, records = self.journal.header, self.journal.records
        times = records["t_ns"]
        own = records["actor"] == header.actor
        return ActorInfo(
            actor=header.actor,
            role=header.role,
            arm=header.arm,
            scope=header.scope,
            name=header.name,
            pid=header.pid,
            records=len(records),
            first_ns=int(times.min()) - origin_ns if len(times) else 0,
            last_ns=int(times.max()) - origin_ns if len(times) else 0,
            torn_bytes=self.journal.torn_bytes,
            damaged=self.journal.damaged,
            backwards=0 if header.role in {"effects", "conductor"} else backwards.get(header.actor, 0),
            strangers=0 if header.role == "effects" else int(len(records) - own.sum()),
        )


def _clock_of(sources: Sequence[_Source]) -> JournalHeader:
    """The header that tells the trial's origin: the conductor's, or, if it never got that far, anybody's."""
    return next((source.header for source in sources if source.header.role == "conductor"), sources[0].header)


def _write_blocks(writer: HistoryWriter, sources: Sequence[_Source], origin_ns: int) -> dict[int, int]:
    """Write all records, grouped; per actor, how often its clock went backwards within one kind of record."""
    backwards: dict[int, int] = {}
    records = np.concatenate([source.journal.records for source in sources])
    for block, rows in _groups(records):
        columns: dict[str, npt.NDArray[Any]] = {name: rows[name].copy() for name in COLUMNS}
        _move_to_origin(_known_kind(block.kind), columns, origin_ns)
        writer.write(block, columns)
        times = columns["t_ns"]
        steps_back = int(np.count_nonzero(times[1:] < times[:-1]))
        backwards[block.actor] = backwards.get(block.actor, 0) + steps_back
    return backwards


def _known_kind(kind: int) -> EventKind:
    try:
        return EventKind(kind)
    except ValueError as error:
        raise InvalidFileError(
            f"a journal holds records of the unknown kind {kind}", fix="judge it with the release that made it"
        ) from error


def _groups(records: Records) -> Iterator[tuple[BlockInfo, Records]]:
    """Records that share kind, arm, scope and actor, each group in the order of writing."""
    if not len(records):
        return
    keys = [records[name] for name in ("actor", "scope", "arm", "kind")]
    ordered = records[np.lexsort(keys)]
    changed = np.zeros(len(ordered), dtype=bool)
    for name in ("kind", "arm", "scope", "actor"):
        changed[1:] |= ordered[name][1:] != ordered[name][:-1]
    edges = [0, *np.flatnonzero(changed).tolist(), len(ordered)]
    for begin, end in pairwise(edges):
        first = ordered[begin]
        names = ("kind", "arm", "scope", "actor")
        yield BlockInfo(rows=end - begin, **{name: int(first[name]) for name in names}), ordered[begin:end]


def _move_to_origin(kind: EventKind, columns: dict[str, npt.NDArray[Any]], origin_ns: int) -> None:
    """Make the moments in ``columns`` relative to the origin, in place."""
    columns["t_ns"] -= origin_ns
    if kind in TIMES_IN_AUX:
        columns["aux_ns"] -= origin_ns
    if kind in TIMES_IN_VALUE:
        columns["value"] -= origin_ns
    if kind is EventKind.PROBE:
        columns["aux_ns"][columns["aux_ns"] != 0] -= origin_ns
