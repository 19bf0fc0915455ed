"""``ledger.parquet``: one row per owed (message, scope), for whoever wants to look behind a number.

Columns are described in ``docs``' page on result files and in `COLUMNS`; codes are indexes into the closed sets of
`harness.model.words`, so the table needs no text. Drain sentinels are not in it. A moment that did not come is -1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.check.dense import NEVER, chunks
from harness.check.ledger import ArmLedger, Ledger, ScopeLedger
from harness.model.errors import EnvironmentUnavailable, InvalidFileError

if TYPE_CHECKING:
    import pandas as pd

LEDGER_SCHEMA: Final = 1
VERSION_KEY: Final = b"harness_ledger_schema"
Array = npt.NDArray[Any]

COLUMNS: Final = {
    "arm": "u1",
    "scope": "i1",
    "producer": "u2",
    "sequence": "u4",
    "outcome": "u1",
    "fate": "u1",
    "mechanism": "u1",
    "phase": "u1",
    "intended_ns": "i8",
    "send_ns": "i8",
    "outcome_ns": "i8",
    "first_receive_ns": "i8",
    "receives": "u2",
    "effects": "u2",
    "log_entries": "u2",
    "publish_answer": "i4",
    "flags": "u2",
    "position": "u1",
}
"""Name and numpy type of every column. Counts that exceed 65,535 are shown as 65,535."""

_SCHEMA: Final = pa.schema(
    [pa.field(name, pa.from_numpy_dtype(kind), nullable=False) for name, kind in COLUMNS.items()],
    metadata={VERSION_KEY: str(LEDGER_SCHEMA)},
)


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write the ledger, completely or not at all.

    Raises:
        EnvironmentUnavailable: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with pq.ParquetWriter(temporary, _SCHEMA, compression="zstd", compression_level=1) as writer:
            for columns in _parts(ledger):
                arrays = [pa.array(columns[name]) for name in COLUMNS]
                writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))
        temporary.replace(path)
    except OSError as error:
        raise EnvironmentUnavailable(
            f"cannot write {path}: {error.strerror or error}",
            fix="free some space there, or make the folder writable",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_ledger(path: Path) -> pd.DataFrame:
    """Read a ledger as a data frame with the columns of `COLUMNS`.

    Raises:
        InvalidFileError: there is none, it breaks off, it is no ledger, or a newer release wrote it.
    """
    fix = "make it again with `harness check`"
    try:
        table = pq.read_table(path)
    except FileNotFoundError as error:
        raise InvalidFileError(f"{path}: no such file", fix=fix) from error
    except (pa.ArrowException, OSError) as error:
        raise InvalidFileError(f"{path}: not a whole ledger ({' '.join(str(error).split())[:200]})", fix=fix) from error
    version = (table.schema.metadata or {}).get(VERSION_KEY, b"").decode(errors="replace")
    if not version.isdigit() or table.schema.names != list(COLUMNS):
        raise InvalidFileError(f"{path}: a Parquet file, but not a ledger made by this harness", fix=fix)
    if int(version) != LEDGER_SCHEMA:
        raise InvalidFileError(f"{path}: ledger schema {version}, this release reads {LEDGER_SCHEMA}", fix=fix)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _parts(ledger: Ledger) -> Iterator[dict[str, Array]]:
    """The table in stretches of at most a million rows."""
    for arm in ledger.arms:
        for scope in arm.scopes:
            for entry in arm.messages.index.ranges:
                for begin, end in chunks(entry.length):
                    part = slice(entry.offset + begin, entry.offset + end)
                    columns = _rows(arm, scope, part)
                    columns["producer"] = np.full(end - begin, entry.producer)
                    columns["sequence"] = np.arange(begin, end)
                    yield _attempted_only(arm, columns, part)


def _rows(arm: ArmLedger, scope: ScopeLedger, part: slice) -> dict[str, Array]:
    messages, size = arm.messages, part.stop - part.start
    answer, entries = messages.publish_answer, messages.log_entries
    return {
        "arm": np.full(size, arm.arm),
        "scope": np.full(size, scope.scope),
        "outcome": messages.outcome[part],
        "fate": scope.fate[part],
        "mechanism": scope.mechanism[part],
        "phase": messages.phase[part],
        "intended_ns": messages.intended_ns[part],
        "send_ns": messages.send_ns[part],
        "outcome_ns": _moments(messages.outcome_ns[part]),
        "first_receive_ns": _moments(scope.first_receive_ns[part]),
        "receives": _saturated(scope.receives[part]),
        "effects": _saturated(scope.effects[part]),
        "log_entries": _saturated(entries[part]) if entries is not None else np.zeros(size),
        "publish_answer": answer[part] if answer is not None else np.full(size, -1),
        "flags": scope.flags[part],
        "position": scope.position[part],
    }


def _attempted_only(arm: ArmLedger, columns: dict[str, Array], part: slice) -> dict[str, Array]:
    typed = {name: columns[name].astype(kind, copy=False) for name, kind in COLUMNS.items()}
    attempted = arm.messages.index.attempted
    if attempted is None:
        return typed
    return {name: column[attempted[part]] for name, column in typed.items()}


def _moments(times: Array) -> Array:
    return np.where(times == NEVER, -1, times)


def _saturated(counts: Array) -> Array:
    return np.minimum(counts.astype(np.int64), 0xFFFF)
