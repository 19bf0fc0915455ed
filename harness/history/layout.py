"""The layout of ``history.parquet``: its columns, its blocks, and what it says about itself.

The file holds every record of a trial's journals. A *block* is one Parquet row group whose rows share kind, arm,
scope and actor, in the order in which that actor wrote them; so whoever wants the receives of one scope reads those
and nothing else. Times are nanoseconds from the trial's origin. `HistoryMetadata` lies in the file's own metadata and
carries the trial and its facts, so that the one file is enough to judge.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from harness.history.journal import FIELDS, EventKind, Role
from harness.model.results import TrialFacts
from harness.model.values import Frozen, Trial

HISTORY_SCHEMA: Final = 1
VERSION_KEY: Final = b"harness_history_schema"
CONTENT_KEY: Final = b"harness_history"
BLOCK_ROWS: Final = 1 << 20

COLUMNS: Final = {name: kind.removeprefix("<") for name, kind in FIELDS if name not in {"reserved", "crc"}}
"""Name and numpy type of every column: the fields of a journal record without its padding and checksum."""

ARROW_SCHEMA: Final = pa.schema(
    [pa.field(name, pa.from_numpy_dtype(kind), nullable=False) for name, kind in COLUMNS.items()]
)
DELTA_COLUMNS: Final = ("sequence", "t_ns", "aux_ns", "value", "id_ms", "id_seq")
"""Columns that grow from row to row: stored as differences."""

TIMES_IN_AUX: Final = frozenset({EventKind.ATTEMPT, EventKind.INJECT, EventKind.HEAL})
"""Kinds whose ``aux_ns`` is a moment, and not a length or a size. A PROBE's is one too, where it is not zero."""
TIMES_IN_VALUE: Final = frozenset({EventKind.ATTEMPT})


class ActorInfo(Frozen):
    """One journal: who wrote it, and how sound it is. ``actor`` is unique within a trial."""

    actor: int
    role: Role
    arm: int
    scope: int
    name: str
    pid: int
    records: int = 0
    first_ns: int = 0
    last_ns: int = 0
    """Times of the first and the last record; zero where there is none."""
    torn_bytes: int = 0
    damaged: int = 0
    backwards: int = 0
    """How often a record of this actor is earlier than the one of the same kind before it."""
    strangers: int = 0
    """Records in it that carry another actor's number."""


class BlockInfo(Frozen):
    """One row group."""

    kind: int
    arm: int
    scope: int
    actor: int
    rows: int


class HistoryMetadata(Frozen):
    """What the file says about itself."""

    trial: Trial
    facts: TrialFacts | None
    actors: tuple[ActorInfo, ...]
    blocks: tuple[BlockInfo, ...]
    origin_ns: int
    wall_ns: int


def writer_options() -> dict[str, Any]:  # keyword arguments of pyarrow, whose types are its own
    """How the columns are stored: zstd over differences for what grows, over dictionaries for what repeats."""
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [name for name in COLUMNS if name not in DELTA_COLUMNS],
        "column_encoding": dict.fromkeys(DELTA_COLUMNS, "DELTA_BINARY_PACKED"),
        "write_statistics": True,
    }
