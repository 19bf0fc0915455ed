"""Journals become one history file: nothing lost, times moved to the origin, bad files refused with a fix."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from literal_history import MS, LiteralTrial, pubsub_arm, stream_arm

from harness.history.checksum import crc32_of_rows
from harness.history.journal import EventKind
from harness.history.layout import VERSION_KEY
from harness.history.table import read_history, write_history
from harness.model.errors import InvalidFileError


def written(folder: Path) -> LiteralTrial:
    """A small sane trial on disk."""
    trial = LiteralTrial(folder, [pubsub_arm(), stream_arm(scopes=2)])
    trial.sane(5)
    trial.finish()
    trial.write()
    return trial


def test_checksums_are_those_of_zlib() -> None:
    """The vectorised CRC-32 gives what zlib gives, for every record."""
    rows = np.random.default_rng(3).integers(0, 256, (500, 60)).astype(np.uint8)
    assert [zlib.crc32(row.tobytes()) for row in rows] == crc32_of_rows(rows).tolist()


def test_every_record_is_kept_and_times_are_relative(tmp_path: Path) -> None:
    """A message sent at 100 ms is at 100 ms in the history, with its intended time."""
    written(tmp_path)
    history = read_history(write_history(tmp_path))
    attempts = history.records(EventKind.ATTEMPT, columns=("sequence", "t_ns", "aux_ns", "value"), arm=0)
    assert [0, 1, 2, 3, 4, 1 << 31] == attempts["sequence"].tolist()
    assert 100 * MS == attempts["t_ns"][0] == attempts["aux_ns"][0] == attempts["value"][0]
    assert sum(actor.records for actor in history.actors) == history.rows


def test_blocks_are_homogeneous(tmp_path: Path) -> None:
    """A block of receives belongs to one arm, scope and actor."""
    written(tmp_path)
    history = read_history(write_history(tmp_path))
    blocks = list(history.blocks(EventKind.RECEIVE, ("sequence",), arm=1))
    assert [(0, 6), (1, 6)] == [(block.info.scope, block.info.rows) for block in blocks]


def test_the_same_journals_give_the_same_history(tmp_path: Path) -> None:
    """Merging again changes nothing, and leaves no temporary file."""
    written(tmp_path)
    first = write_history(tmp_path).read_bytes()
    assert first == write_history(tmp_path).read_bytes()
    assert [] == [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_killed_trial_has_no_facts(tmp_path: Path) -> None:
    """Without facts.json there is still a history."""
    trial = written(tmp_path)
    (trial.folder / "facts.json").unlink()
    assert read_history(write_history(tmp_path)).facts is None


def test_damaged_and_torn_records_are_counted(tmp_path: Path) -> None:
    """A flipped bit leaves its record out; half a record at the end is counted in bytes."""
    written(tmp_path)
    path = tmp_path / "journals" / "producer-0-0.journal"
    data = bytearray(path.read_bytes())
    data[-70] ^= 1
    path.write_bytes(bytes(data) + b"\x01" * 10)
    history = read_history(write_history(tmp_path))
    assert (10, 1) == (history.torn_bytes, history.damaged)


def truncate(path: Path) -> None:
    """The last third is missing."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def replace_by_text(path: Path) -> None:
    """Something else altogether."""
    path.write_text("not a parquet file")


def replace_by_foreign(path: Path) -> None:
    """Somebody else's Parquet file."""
    pq.write_table(pa.table({"a": [1]}), path)


def make_newer(path: Path) -> None:
    """A later release wrote it."""
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({VERSION_KEY: b"2"}), path)


def make_older(path: Path) -> None:
    """A schema of a release before."""
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({VERSION_KEY: b"0"}), path)


def make_no_number(path: Path) -> None:
    """What `str.isdigit` takes for a digit and `int` does not."""
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({VERSION_KEY: "²".encode()}), path)


def remove(path: Path) -> None:
    """Not there at all."""
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (truncate, "not a whole history"),
        (replace_by_text, "not a whole history"),
        (replace_by_foreign, "not a history made by this harness"),
        (make_newer, "history schema 2 of a newer release"),
        (make_older, "history schema 0 of an older release"),
        (make_no_number, "not a history made by this harness"),
        (remove, "no such file"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, spoil: object, told: str) -> None:
    """One clear error with the file and the fix."""
    written(tmp_path)
    path = write_history(tmp_path)
    assert callable(spoil)
    spoil(path)
    with pytest.raises(InvalidFileError) as caught:
        read_history(path)
    assert told in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.fix


def test_damage_inside_is_noticed_when_read(tmp_path: Path) -> None:
    """A file whose footer is whole but whose pages are not does not give wrong numbers."""
    written(tmp_path)
    path = write_history(tmp_path)
    data = bytearray(path.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidFileError):
        read_history(path).records(EventKind.ATTEMPT, columns=("t_ns", "sequence"))


def test_a_journal_of_another_trial_is_refused(tmp_path: Path) -> None:
    """A foreign journal in the folder would be counted as ours."""
    written(tmp_path)
    other = LiteralTrial(tmp_path, token="ffffffff")
    other.subscribe(1)
    other.folder = tmp_path / "other"
    other.write()
    stray = other.folder / "journals" / "consumer-0-0-0.journal"
    stray.rename(tmp_path / "journals" / "stray.journal")
    with pytest.raises(InvalidFileError, match="a journal of trial ffffffff"):
        write_history(tmp_path)


@pytest.mark.parametrize("missing", ["trial.json", "journals"])
def test_a_folder_that_is_no_trial_is_refused(tmp_path: Path, missing: str) -> None:
    """No trial.json, or no journals."""
    written(tmp_path)
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(InvalidFileError):
        write_history(tmp_path)
