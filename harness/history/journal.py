"""The journal: what one process wrote down, as fixed-size binary records that survive its SIGKILL.

A journal is a file: 8 bytes of magic, a 4-byte little-endian length, that many bytes of JSON (`JournalHeader`), then
records of 64 bytes. Each record is written by its own unbuffered ``write`` on a file opened with ``O_APPEND``, so
everything that returned from `Journal.write` is in the kernel when the process dies, and several processes may
append to one file. Each carries a CRC-32, so a record torn by a full disk or damaged later is noticed, counted and
never guessed at.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "producer.journal"
    >>> header = JournalHeader(token="a1b2c3d4", actor=1, role="producer", arm=0, scope=-1, name="p0", pid=1,
    ...                        origin_ns=0, wall_ns=0)
    >>> with Journal.create(path, header) as journal:
    ...     journal.write(EventKind.ATTEMPT, t_ns=5, producer=0, sequence=1, aux_ns=4)
    >>> read_journal(path).records["sequence"].tolist()
    [1]

Which fields an event fills is told beside it in `EventKind`; what is not named there is zero.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from harness.model.errors import InvalidFileError, unreadable_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAGIC = b"PVSJRNL1"
RECORD_BYTES = 64
_LAYOUT = struct.Struct("<BBBbHHIHHqqQQqI")
_CRC = struct.Struct("<I")
_MAX_HEADER_BYTES = 1 << 20

FIELDS = (
    ("kind", "u1"),
    ("code", "u1"),
    ("arm", "u1"),
    ("scope", "i1"),
    ("actor", "<u2"),
    ("producer", "<u2"),
    ("sequence", "<u4"),
    ("count", "<u2"),
    ("detail", "<u2"),
    ("t_ns", "<i8"),
    ("aux_ns", "<i8"),
    ("id_ms", "<u8"),
    ("id_seq", "<u8"),
    ("value", "<i8"),
    ("reserved", "<u4"),
    ("crc", "<u4"),
)
"""Name and numpy type of each field of a record, in order: 64 bytes."""


class EventKind(IntEnum):
    """What happened. ``t_ns`` is always the moment, on the machine's monotonic clock."""

    # producers
    ATTEMPT = 1  # before the client is called: producer, sequence, aux_ns = intended send time,
    #              value = earliest moment the producer was free to send it (max of intended and end of last call)
    WIRE = 2  # before the 2nd, 3rd ... write of the same request to a socket: producer, sequence, count = n
    OUTCOME = 3  # after the call: producer, sequence, code = OutcomeCode, count = writes to a socket in all,
    #              value = PUBLISH's answer, or how many replicas (WAIT) or fsyncs (WAITAOF) confirmed the XADD
    #              (else -1), id_ms/id_seq = entry id (XADD), detail = ErrorKind
    # connections, of producers and consumers: count = number of the connection in this process
    CONNECTED = 4
    DISCONNECTED = 5  # the client noticed or decided that a connection is over: detail = ErrorKind
    ERROR = 6  # an exception reached the application: detail = ErrorKind
    SUBSCRIBED = 7  # a subscription (or, Streams, the group) was confirmed: count = connection number
    # consumers
    RECEIVE = 10  # producer, sequence, code = ReceiveTag, detail = ContentCheck, count = connection number,
    #               id_ms/id_seq (Streams), value = delivery count (0: not told), sentinels included
    EFFECT = 11  # in the arm's effects journal: producer, sequence, id_ms/id_seq; detail = 1: suppressed as duplicate
    ACK = 12  # after XACK: producer, sequence, id_ms/id_seq, value = XACK's answer
    TOMBSTONE = 13  # a pending entry whose content was trimmed away: id_ms/id_seq
    READY = 14  # set up and about to work: value = redis-py's release, 7.4.1 as 7004001
    END = 15  # finished in order: value = messages handled
    CRASHING = 16  # right before a consumer kills itself: code = CrashPointCode; producer, sequence, id_ms/id_seq
    FAILED = 17  # the handler failed (poison): producer, sequence, id_ms/id_seq, value = delivery count
    DEAD_LETTER = 18  # moved to the dead-letter stream and acknowledged: same fields
    HANDLED = 19  # one handling while told to be slow, and the first after: value = ns it took, code = 1 slow / 0 not
    # conductor
    PHASE = 20  # a phase begins: code = index in PHASES; index len(PHASES) = the trial ended
    INJECT = 21  # the injecting call: t_ns before, aux_ns after; detail = index of the fault in the scenario
    HEAL = 22  # the healing call: same fields
    EFFECT_OBSERVED = 23  # the sentinel saw that the fault took effect: detail = index of the fault
    HEAL_OBSERVED = 24  # the sentinel saw that it ended: same
    PROBE = 25  # one sentinel ping: t_ns sent, aux_ns = answered (0: not), code = ProbeResult, detail = link index
    CHECKPOINT = 26  # (a consumer's) the id that an XREAD reader saved: id_ms/id_seq
    PROCESS = 27  # what a worker process was seen to do: code = ProcessEvent, arm, scope, detail = its actor
    SERVER_STAT = 28  # a counter of INFO changed: code = ServerStat, value = its new value
    # drain and the server's own account, taken on a direct connection after the drain
    BARRIER = 30  # code = BarrierPart, arm, scope, value = 1 reached / 0 not
    LOG_ENTRY = 31  # an entry of the stream: producer, sequence, id_ms/id_seq, detail = ContentCheck
    PENDING = 32  # a pending entry: scope, id_ms/id_seq, aux_ns = idle time, count = deliveries; producer, sequence
    #               where the entry is still in the log (else 65535, 0)
    GROUP = 33  # a group at the end: scope, id_ms/id_seq = last delivered id, value = pending entries
    GROUP_START = 34  # a group when created, or a reader that began without a checkpoint: scope, id_ms/id_seq = its
    #                   start id. By the conductor, or by the consumer that created it
    LOG_READ = 35  # the whole stream was read: value = entries; aux_ns = MEMORY USAGE in bytes
    CPU = 36  # a worker ended: value = its user + system time in ns
    DEDUP_KEPT = 37  # what the arm's dedup marks take at the end: value = bytes, aux_ns = number of marks
    REPLICA_ENTRY = 38  # an entry of the stream on a replica, as LOG_ENTRY; scope = the replica's number
    REPLICA_READ = 39  # a replica's whole stream was read: scope = its number, value = entries, -1 = it does not follow


class BarrierPart(IntEnum):
    """What the drain waits for; a part not reached makes absence unproven."""

    PRODUCERS_DONE = 1  # every producer went through its schedule
    SENTINELS_SEEN = 2  # per scope: one sentinel of every producer arrived
    CAUGHT_UP = 3  # per scope: the group's last delivered id is the stream's last
    PENDING_SETTLED = 4  # per scope: nothing pending, or only what claiming did not settle
    LOG_READ = 5  # per arm: full XRANGE


Role = Literal["producer", "consumer", "effects", "conductor"]


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """Who wrote the journal. ``scope`` is -1 for those without one; ``actor`` is unique within the trial."""

    token: str
    actor: int
    role: Role
    arm: int
    scope: int
    name: str
    pid: int
    origin_ns: int
    """The trial's origin on the monotonic clock: times are shown relative to it."""
    wall_ns: int
    """Wall-clock time when the journal was made, for display only."""


class Journal:
    """An open journal, for one process to append to."""

    def __init__(self, descriptor: int, *, actor: int, arm: int, scope: int) -> None:
        self._descriptor = descriptor
        self._actor = actor
        self._arm = arm
        self._scope = scope

    @classmethod
    def create(cls, path: Path, header: JournalHeader) -> Self:
        """Make a new journal; an existing file is an error (a second process with the same name)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        text = json.dumps(asdict(header)).encode()
        _write_all(descriptor, MAGIC + struct.pack("<I", len(text)) + text)
        return cls(descriptor, actor=header.actor, arm=header.arm, scope=header.scope)

    @classmethod
    def join(cls, path: Path, *, actor: int, arm: int, scope: int) -> Self:
        """Append to a journal that somebody else made (the effects of an arm)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return cls(descriptor, actor=actor, arm=arm, scope=scope)

    def write(
        self,
        kind: EventKind,
        *,
        t_ns: int,
        producer: int = 0,
        sequence: int = 0,
        code: int = 0,
        count: int = 0,
        detail: int = 0,
        aux_ns: int = 0,
        entry: tuple[int, int] = (0, 0),
        value: int = 0,
        arm: int | None = None,
        scope: int | None = None,
    ) -> None:
        """Append one record; when this returns, the kernel has it. ``count`` and ``detail`` saturate at 65535."""
        body = _LAYOUT.pack(
            kind,
            code,
            self._arm if arm is None else arm,
            self._scope if scope is None else scope,
            self._actor,
            producer,
            sequence,
            min(count, 0xFFFF),
            detail,
            t_ns,
            aux_ns,
            entry[0],
            entry[1],
            value,
            0,
        )
        _write_all(self._descriptor, body + _CRC.pack(zlib.crc32(body)))

    def close(self) -> None:
        """Close the file; harmless when repeated."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _write_all(descriptor: int, data: bytes) -> None:
    """Write ``data`` in one call; a short write (disk full) is an error, since the rest would tear a record."""
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(28, f"only {written} of {len(data)} bytes of a journal record were written")


@dataclass(frozen=True, slots=True)
class ReadJournal:
    """A journal as read back: ``records`` is a structured array with the names of `FIELDS`."""

    header: JournalHeader
    records: npt.NDArray[np.void]
    torn_bytes: int
    """Bytes at the end that are no whole record."""
    damaged: int
    """Whole records whose checksum is wrong; they are left out of ``records``."""


def read_header(path: Path, data: bytes) -> tuple[JournalHeader, int]:
    """The header in ``data`` and the offset of the first record.

    Raises:
        InvalidFileError: ``data`` is not the beginning of a journal.
    """
    if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + 4:
        raise InvalidFileError(f"{path}: not a journal (wrong magic)", fix="name a folder made by `harness run`")
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    begin = len(MAGIC) + 4
    if length > _MAX_HEADER_BYTES or begin + length > len(data):
        raise InvalidFileError(f"{path}: the journal ends inside its header", fix="delete this trial and run it again")
    try:
        header = JournalHeader(**json.loads(data[begin : begin + length]))
    except (ValueError, TypeError) as error:
        raise InvalidFileError(f"{path}: unreadable journal header: {error}", fix="run the trial again") from error
    return header, begin + length


def read_journal(path: Path) -> ReadJournal:
    """Read a whole journal; what is torn or damaged is counted, not guessed.

    Raises:
        InvalidFileError: the file is not a journal, or cannot be read.
    """
    import numpy as np

    from harness.history.checksum import crc32_of_rows

    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable_file(path, error) from error
    header, begin = read_header(path, data)
    whole = (len(data) - begin) // RECORD_BYTES
    torn = len(data) - begin - whole * RECORD_BYTES
    records = np.frombuffer(data, dtype=np.dtype(list(FIELDS)), count=whole, offset=begin)
    raw = np.frombuffer(data, dtype=np.uint8, count=whole * RECORD_BYTES, offset=begin).reshape(whole, RECORD_BYTES)
    good = crc32_of_rows(raw[:, : RECORD_BYTES - 4]) == records["crc"]
    return ReadJournal(header, records[good], torn, int(whole - good.sum()))
