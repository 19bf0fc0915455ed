"""What a worker process is told: one JSON line on its standard input, so that no credential reaches a file.

After it, the conductor writes one word a line: ``go <t0>`` starts a producer's schedule at monotonic time t0,
``stop`` ends a worker in order. When the pipe closes, the conductor is gone and so is the worker.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.model.values import Arm
from harness.stack.base import ServerAddress, TlsSettings


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One producer or consumer process."""

    role: Literal["producer", "consumer"]
    name: str
    actor: int
    token: str
    arm_index: int
    arm: Arm
    address: ServerAddress
    """The client's end of the link."""
    journal_path: str
    effects_path: str
    origin_ns: int
    seed: int
    scope: int = -1
    producer: int = 0
    offsets_ns: tuple[int, ...] = ()
    """Producers: intended send times, relative to t0."""

    def to_line(self) -> str:
        """The spec as one line of JSON."""
        fields = asdict(self)
        fields["arm"] = self.arm.model_dump(mode="json")
        return json.dumps(fields)

    @classmethod
    def from_line(cls, line: str) -> WorkerSpec:
        """The reverse of `to_line`."""
        fields: dict[str, Any] = json.loads(line)
        address = fields.pop("address")
        tls = address.pop("tls")
        fields["address"] = ServerAddress(**address, tls=TlsSettings(**tls) if tls else None)
        fields["arm"] = Arm.model_validate(fields["arm"])
        fields["offsets_ns"] = tuple(fields["offsets_ns"])
        return cls(**fields)
