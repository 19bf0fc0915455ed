"""Writes a history file, block by block, under a temporary name until it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.history.layout import (
    ARROW_SCHEMA,
    BLOCK_ROWS,
    COLUMNS,
    CONTENT_KEY,
    HISTORY_SCHEMA,
    VERSION_KEY,
    ActorInfo,
    BlockInfo,
    HistoryMetadata,
    writer_options,
)
from harness.model.errors import EnvironmentUnavailable
from harness.model.results import TrialFacts
from harness.model.values import Trial

Column = npt.NDArray[Any]


class HistoryWriter:
    """A history file being written. It appears under its name when `finish` has been called, and not before::

    with HistoryWriter(path) as writer:
        writer.write(BlockInfo(kind=EventKind.ATTEMPT, arm=0, scope=-1, actor=1, rows=3), {"sequence": ...})
        writer.finish(trial=trial, facts=None, actors=actors, origin_ns=0, wall_ns=0)
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}")
        self._blocks: list[BlockInfo] = []
        try:
            self._writer = pq.ParquetWriter(self._temporary, ARROW_SCHEMA, **writer_options())
        except OSError as error:
            raise _cannot_write(path, error) from error

    def write(self, block: BlockInfo, columns: Mapping[str, Column]) -> None:
        """Append rows that share the block's kind, arm, scope and actor; columns that are not given are zero."""
        constants = {"kind": block.kind, "arm": block.arm, "scope": block.scope, "actor": block.actor}
        for begin in range(0, block.rows, BLOCK_ROWS):
            rows = min(BLOCK_ROWS, block.rows - begin)
            arrays = [
                np.full(rows, constants.get(name, 0), dtype=kind)
                if name in constants or name not in columns
                else np.ascontiguousarray(columns[name][begin : begin + rows], dtype=kind)
                for name, kind in COLUMNS.items()
            ]
            self._write_group(arrays, rows)
            self._blocks.append(block.model_copy(update={"rows": rows}))

    def finish(
        self, *, trial: Trial, facts: TrialFacts | None, actors: Sequence[ActorInfo], origin_ns: int, wall_ns: int
    ) -> None:
        """Write what the file says about itself, and give it its name."""
        about = HistoryMetadata(
            trial=trial,
            facts=facts,
            actors=tuple(actors),
            blocks=tuple(self._blocks),
            origin_ns=origin_ns,
            wall_ns=wall_ns,
        )
        try:
            self._writer.add_key_value_metadata(
                {VERSION_KEY: str(HISTORY_SCHEMA).encode(), CONTENT_KEY: about.model_dump_json().encode()}
            )
            self._writer.close()
            self._temporary.replace(self._path)
        except OSError as error:
            raise _cannot_write(self._path, error) from error

    def _write_group(self, arrays: Sequence[Column], rows: int) -> None:
        table = pa.Table.from_arrays([pa.array(array) for array in arrays], schema=ARROW_SCHEMA)
        try:
            self._writer.write_table(table, row_group_size=rows)
        except OSError as error:
            raise _cannot_write(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._writer.close()
        self._temporary.unlink(missing_ok=True)


def _cannot_write(path: Path, error: OSError) -> EnvironmentUnavailable:
    return EnvironmentUnavailable(
        f"cannot write {path}: {error.strerror or error}",
        fix="free some space there, or make the folder writable",
    )
