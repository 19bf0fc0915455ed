"""What a running trial tells about itself, for a live view. Shown, never judged: the journals are the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from harness.model.words import Phase

ProgressKind = Literal["started", "phase", "counts", "finished", "note"]


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Running totals of one arm. ``owed`` is acknowledged × scopes: what should have been received by now."""

    sent: int = 0
    acknowledged: int = 0
    owed: int = 0
    received: int = 0
    """First deliveries, over all scopes."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One piece of news. ``t_s`` is seconds since the trial's traffic began (negative before)."""

    kind: ProgressKind
    t_s: float = 0.0
    phase: Phase | None = None
    counts: Mapping[str, ArmCounts] = field(default_factory=dict)
    text: str = ""

    def to_line(self) -> str:
        """One line of JSON: how a trial's process tells its run."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> ProgressEvent:
        """The reverse of `to_line`."""
        fields = json.loads(line)
        fields["phase"] = Phase(fields["phase"]) if fields["phase"] else None
        fields["counts"] = {arm: ArmCounts(**counts) for arm, counts in fields["counts"].items()}
        return cls(**fields)
