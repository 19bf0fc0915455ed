"""Gives access to the records of a history file: blocks of one kind, as numpy columns, read when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from harness.history.journal import EventKind
from harness.history.layout import (
    ARROW_SCHEMA,
    COLUMNS,
    CONTENT_KEY,
    HISTORY_SCHEMA,
    VERSION_KEY,
    ActorInfo,
    BlockInfo,
    HistoryMetadata,
)
from harness.model.errors import InvalidFileError
from harness.model.results import TrialFacts
from harness.model.values import Trial

Column = npt.NDArray[Any]
_READ_AHEAD_ROWS = 1 << 18
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that share kind, arm, scope and actor, in the order in which the actor wrote them."""

    info: BlockInfo
    columns: Mapping[str, Column]
    constants: Mapping[str, int]
    """Those of ``columns`` that hold one value in every row."""

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]


class History:
    """A trial's records. Opening reads only what the file says about itself; records are read when asked for."""

    def __init__(self, path: Path, about: HistoryMetadata, footer: pq.FileMetaData) -> None:
        self._path = path
        self._about = about
        self._footer = footer

    @property
    def trial(self) -> Trial:
        """What was to be done."""
        return self._about.trial

    @property
    def facts(self) -> TrialFacts | None:
        """How it went; ``None`` when the trial was killed before it could say."""
        return self._about.facts

    @property
    def actors(self) -> tuple[ActorInfo, ...]:
        """Who wrote, one per journal."""
        return self._about.actors

    @property
    def rows(self) -> int:
        """How many records there are."""
        return sum(block.rows for block in self._about.blocks)

    @property
    def origin_ns(self) -> int:
        """The moment on the machine's monotonic clock to which all times are relative."""
        return self._about.origin_ns

    @property
    def wall_ns(self) -> int:
        """Wall-clock time when the trial began, for display only."""
        return self._about.wall_ns

    @property
    def torn_bytes(self) -> int:
        """Bytes at the ends of journals that are no whole record."""
        return sum(actor.torn_bytes for actor in self.actors)

    @property
    def damaged(self) -> int:
        """Records whose checksum was wrong; they are not in the history."""
        return sum(actor.damaged for actor in self.actors)

    def blocks(
        self, kind: EventKind, columns: Sequence[str], *, arm: int | None = None, scope: int | None = None
    ) -> Iterator[Block]:
        """The blocks of one kind, with the named columns; the next one is read while this one is worked on.

        Raises:
            InvalidFileError: the file breaks off or is damaged inside.
        """
        wanted = [
            (group, block)
            for group, block in enumerate(self._about.blocks)
            if block.kind == kind and arm in (None, block.arm) and scope in (None, block.scope)
        ]
        with pq.ParquetFile(self._path, metadata=self._footer, memory_map=True) as file:
            if sum(block.rows for _, block in wanted) < _READ_AHEAD_ROWS:
                for group, block in wanted:
                    yield self._read(file, group, block, columns)
                return
            with ThreadPoolExecutor(1) as ahead:
                waiting: Future[Block] | None = None
                for group, block in wanted:
                    following = ahead.submit(self._read, file, group, block, columns)
                    if waiting is not None:
                        yield waiting.result()
                    waiting = following
                if waiting is not None:
                    yield waiting.result()

    def records(
        self, *kinds: EventKind, columns: Sequence[str], arm: int | None = None, scope: int | None = None
    ) -> dict[str, Column]:
        """The named columns of all records of some kinds, one block after the other (not sorted by time)."""
        parts = [block for kind in kinds for block in self.blocks(kind, columns, arm=arm, scope=scope)]
        return {
            name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, dtype=COLUMNS[name])
            for name in columns
        }

    def _read(self, file: pq.ParquetFile, group: int, block: BlockInfo, columns: Sequence[str]) -> Block:
        constants = {name: value for name in columns if (value := self._constant(group, block, name)) is not None}
        varying = [name for name in columns if name not in constants]
        arrays: dict[str, Column] = {
            name: np.broadcast_to(np.asarray(value, dtype=COLUMNS[name]), (block.rows,))
            for name, value in constants.items()
        }
        if varying:
            try:
                table = file.read_row_group(group, columns=varying)
            except (pa.ArrowException, OSError) as error:
                raise damaged_file(self._path, str(error)) from error
            arrays |= {name: table.column(name).to_numpy() for name in varying}
        return Block(block, arrays, constants)

    def _constant(self, group: int, block: BlockInfo, name: str) -> int | None:
        """The one value of a column in a row group, where the file's statistics say that there is only one."""
        if name in {"kind", "arm", "scope", "actor"}:
            return int(getattr(block, name))
        statistics = self._footer.row_group(group).column(ARROW_SCHEMA.get_field_index(name)).statistics
        if statistics is None or not statistics.has_min_max or statistics.min != statistics.max:
            return None
        return int(statistics.min)


def read_history(path: Path) -> History:
    """Open a history file.

    Raises:
        InvalidFileError: there is none, it breaks off, it is no history, or a newer release wrote it.
    """
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            footer = file.metadata
            schema = file.schema_arrow
    except FileNotFoundError as error:
        raise InvalidFileError(f"{path}: no such file", fix="name a trial's folder made by `harness run`") from error
    except (pa.ArrowException, OSError) as error:
        raise damaged_file(path, str(error)) from error
    about = _read_about(path, footer.metadata or {})
    if schema.names != ARROW_SCHEMA.names or schema.types != ARROW_SCHEMA.types:
        raise damaged_file(path, f"its columns are {', '.join(schema.names)}")
    rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    if rows != [block.rows for block in about.blocks]:
        raise damaged_file(path, "its row groups are not those that it names")
    return History(path, about, footer)


def _read_about(path: Path, metadata: Mapping[bytes, bytes]) -> HistoryMetadata:
    version = metadata.get(VERSION_KEY, b"").decode(errors="replace")
    if not (version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS):
        raise InvalidFileError(
            f"{path}: a Parquet file, but not a history made by this harness", fix="name a folder made by `harness run`"
        )
    if int(version) > HISTORY_SCHEMA:
        raise InvalidFileError(
            f"{path}: history schema {version} of a newer release, and this one reads {HISTORY_SCHEMA}",
            fix="judge it with the release that made it, or a newer one",
        )
    if int(version) < HISTORY_SCHEMA:
        raise InvalidFileError(
            f"{path}: history schema {version} of an older release, and this one reads only {HISTORY_SCHEMA}: "
            "what it means by a record may not be what is meant now",
            fix="judge it with the release that made it, or play the trial again",
        )
    try:
        return HistoryMetadata.model_validate_json(metadata.get(CONTENT_KEY, b""))
    except ValidationError as error:
        raise damaged_file(path, "what it says about itself is not readable") from error


def damaged_file(path: Path, what: str) -> InvalidFileError:
    """The error for a file that is not whole."""
    return InvalidFileError(
        f"{path}: not a whole history file ({' '.join(what.split())[:200]})",
        fix="delete it to have it made again from the trial's journals, or run the trial again",
    )
