"""What a running trial tells whoever watches: small, frozen events, cheap enough to be sent several times a second.

A watcher must be able to miss any of them: nothing is judged from progress, the journals hold the truth.

    >>> ProgressEvent(kind="phase", phase=Phase.FAULT, t_s=3.0, text="partition on").phase
    <Phase.FAULT: 'fault'>
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from harness.model.words import Phase

ProgressKind = Literal["started", "phase", "counts", "finished", "note", "failed"]


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """How far one arm has come, counted from the trial's start. ``received`` is summed over the arm's scopes."""

    sent: int = 0
    acknowledged: int = 0
    received: int = 0
    scopes: int = 1

    @property
    def outstanding(self) -> int:
        """Acknowledged messages that a scope has not received: late or lost, which only the drain can tell."""
        return max(0, self.acknowledged * self.scopes - self.received)


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """One thing worth showing about a running trial; ``t_s`` is seconds from the trial's origin."""

    kind: ProgressKind
    phase: Phase | None = None
    t_s: float = 0.0
    counts: Mapping[str, ArmCounts] = field(default_factory=dict)
    """Per arm name; empty where the event carries none."""
    text: str = ""

    def to_line(self) -> str:
        """One line of JSON: how a trial's process tells its run."""
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> ProgressEvent:
        """The reverse of `to_line`. Raises ValueError, TypeError or KeyError on anything else."""
        fields = json.loads(line)
        fields["phase"] = Phase(fields["phase"]) if fields["phase"] else None
        fields["counts"] = {arm: ArmCounts(**counts) for arm, counts in fields["counts"].items()}
        return cls(**fields)
