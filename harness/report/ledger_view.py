"""What figures need of a trial's ledger: times and fates of each owed message, per arm.

Figures draw single messages, so they read ``ledger.parquet``; every number that is *written* on them comes from the
`TrialResult`. A missing ledger (a trial that ended in an error) gives ``None``: that trial is shown
without figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet

from harness.model.errors import InvalidFileError
from harness.model.words import Fate

Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LEDGER_FILE = "ledger.parquet"
_COLUMNS = ["arm", "scope", "fate", "phase", "intended_ns", "send_ns", "first_receive_ns", "effects"]
_FATES = list(Fate)


@dataclass(frozen=True, slots=True)
class ArmLedger:
    """The owed messages of one arm as columns of one length, one entry per (message, scope); -1 = never received."""

    scope: npt.NDArray[np.int8]
    fate: npt.NDArray[np.uint8]
    phase: npt.NDArray[np.uint8]
    intended_ns: Times
    send_ns: Times
    first_receive_ns: Times
    effects: npt.NDArray[np.uint16]

    def fate_is(self, fate: Fate) -> Mask:
        """Which entries have this fate."""
        return np.asarray(self.fate == _FATES.index(fate))

    @property
    def undone(self) -> Mask:
        """Which entries were received and had no effect."""
        return np.asarray(self.received & (self.effects == 0))

    @property
    def doubled(self) -> Mask:
        """Which entries had more than one effect."""
        return np.asarray(self.effects > 1)

    @property
    def received(self) -> Mask:
        """Which entries were received at all."""
        return np.asarray(self.first_receive_ns >= 0)


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The ledger of one trial, split by the index of the arm."""

    arms: tuple[ArmLedger, ...]


def load_ledger(trial_folder: Path, *, arms: int) -> LedgerView | None:
    """The ledger of the trial in ``trial_folder``; ``None`` where there is none."""
    path = trial_folder / LEDGER_FILE
    if not path.exists():
        return None
    try:
        table = parquet.read_table(path, columns=_COLUMNS)
    except (pa.ArrowException, OSError) as error:
        message = f"{path}: not a ledger, or cut off: {error}"
        raise InvalidFileError(message, fix="judge the run again from its histories: harness check RUN") from error
    columns = {name: table.column(name).to_numpy() for name in _COLUMNS}
    return LedgerView(tuple(_arm(columns, columns["arm"] == index) for index in range(arms)))


def _arm(columns: dict[str, npt.NDArray[np.int64]], rows: Mask) -> ArmLedger:
    """The rows of one arm."""
    return ArmLedger(
        scope=columns["scope"][rows].astype(np.int8),
        fate=columns["fate"][rows].astype(np.uint8),
        phase=columns["phase"][rows].astype(np.uint8),
        intended_ns=columns["intended_ns"][rows],
        send_ns=columns["send_ns"][rows],
        first_receive_ns=columns["first_receive_ns"][rows],
        effects=columns["effects"][rows].astype(np.uint16),
    )
