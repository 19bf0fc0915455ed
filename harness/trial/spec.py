"""What a worker process is told: one JSON line on its standard input, so that no credential reaches a file.

After it, the conductor writes one order a line. When the pipe closes, the conductor is gone and so is the worker.

``go <t0>``
    a producer's schedule starts at monotonic time t0
``crash <code>``
    at the next message the consumer kills itself at that point (`CrashPointCode`)
``slow <ms>``
    from now on each message takes the consumer so long; 0: as usual
``stop``
    end in order
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.model.values import Arm
from harness.stack.base import SentinelGroup, ServerAddress, TlsSettings


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
    """The client's end of the link; or the Sentinels that it asks instead."""
    journal_path: str
    effects_path: str
    origin_ns: int
    seed: int
    scope: int = -1
    member: str = ""
    """Consumers: the name under which their group knows them; a process that takes over from a dead one has its."""
    producer: int = 0
    offsets_ns: tuple[int, ...] = ()
    """Producers: intended send times, relative to t0."""
    first_sequence: int = 0
    """Producers: the sequence of the first of them; a process that takes over from a dead one goes on counting."""
    poison: tuple[int, ...] = ()
    """Producers: the sequences whose handling is to fail."""
    padding_bytes: int = 0

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
        tls, sentinels = address.pop("tls"), address.pop("sentinels")
        fields["address"] = ServerAddress(
            **address, tls=TlsSettings(**tls) if tls else None, sentinels=_sentinels(sentinels)
        )
        fields["arm"] = Arm.model_validate(fields["arm"])
        fields["offsets_ns"] = tuple(fields["offsets_ns"])
        fields["poison"] = tuple(fields["poison"])
        return cls(**fields)


def _sentinels(fields: dict[str, Any] | None) -> SentinelGroup | None:
    if fields is None:
        return None
    return SentinelGroup(fields["service"], tuple((host, port) for host, port in fields["members"]))
