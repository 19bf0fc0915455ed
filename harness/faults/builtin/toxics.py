"""What a toxic is: its type, its stream, its attributes, and what a client may ask of them.

Attributes are frozen values with the real one's names, order and defaults (all zero). What they do to bytes is in
`harness.faults.builtin.stages`. Three kinds of attributes that crash the real server are refused here: a negative
bandwidth, a slicer without a size, and a slicer that varies by more than its size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Literal, assert_never

from harness.faults.builtin.body import Fields, as_fields, integer_field, number_field, shortest_number, text_field
from harness.faults.builtin.errors import bad_body, invalid_stream, invalid_toxic_type

Stream = Literal["upstream", "downstream"]
"""Towards the server, or towards the client."""


@dataclass(frozen=True, slots=True)
class Noop:
    """Passes everything on."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Delays by ``latency`` ± ``jitter`` milliseconds."""

    latency: int = 0
    jitter: int = 0


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Passes ``rate`` KB (of 1,000 bytes) a second; 0 holds everything until the toxic goes."""

    rate: int = 0


@dataclass(frozen=True, slots=True)
class Timeout:
    """Discards everything; closes after ``timeout`` idle milliseconds, or (0) when the toxic goes."""

    timeout: int = 0


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """Resets the connection ``timeout`` milliseconds after the first data."""

    timeout: int = 0


@dataclass(frozen=True, slots=True)
class LimitData:
    """Closes the connection after ``bytes`` bytes."""

    bytes: int = 0


@dataclass(frozen=True, slots=True)
class SlowClose:
    """Delays the closing by ``delay`` milliseconds."""

    delay: int = 0


@dataclass(frozen=True, slots=True)
class Slicer:
    """Cuts data into pieces of ``average_size`` ± ``size_variation`` bytes, ``delay`` microseconds apart."""

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0


Attributes = Noop | Latency | Bandwidth | Timeout | ResetPeer | LimitData | SlowClose | Slicer

_KINDS: dict[str, Callable[..., Attributes]] = {
    "noop": Noop,
    "latency": Latency,
    "bandwidth": Bandwidth,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "limit_data": LimitData,
    "slow_close": SlowClose,
    "slicer": Slicer,
}


@dataclass(slots=True, eq=False)
class Toxic:
    """One toxic of a proxy. Every connection of the proxy looks at the same object, so an update reaches them all."""

    name: str
    kind: str
    stream: Stream
    stream_as_written: str
    """The stream as the client spelt it: answers repeat it."""
    toxicity: float
    attributes: Attributes

    def to_json(self) -> dict[str, object]:
        """The toxic as the API shows it."""
        return {
            "attributes": asdict(self.attributes),
            "name": self.name,
            "type": self.kind,
            "stream": self.stream_as_written,
            "toxicity": shortest_number(self.toxicity),
        }


def toxic_from_body(value: object) -> Toxic:
    """The toxic that a client asks for: downstream, of toxicity 1 and named ``<type>_<stream>`` unless it says else."""
    body = as_fields(value, what="toxic")
    written = text_field(body, "stream", "downstream")
    kind = text_field(body, "type", "")
    name = text_field(body, "name", "") or f"{kind}_{written}"
    toxicity = number_field(body, "toxicity", 1.0)
    stream = _stream(written)
    if kind not in _KINDS:
        raise invalid_toxic_type()
    attributes = _merged(kind, _KINDS[kind](), body)
    return Toxic(name, kind, stream, written, toxicity, attributes)


def update_from_body(toxic: Toxic, value: object) -> tuple[Attributes, float]:
    """The attributes and toxicity of ``toxic`` after an update: what the body leaves out stays."""
    body = as_fields(value, what="toxic")
    return _merged(toxic.kind, toxic.attributes, body), number_field(body, "toxicity", toxic.toxicity)


def _stream(written: str) -> Stream:
    match written.lower():
        case "upstream":
            return "upstream"
        case "downstream":
            return "downstream"
        case _:
            raise invalid_stream()


def _merged(kind: str, base: Attributes, body: Fields) -> Attributes:
    given = as_fields(body.get("attributes"), what="attributes")
    names = [field.name for field in fields(base)]
    values = {name: integer_field(given, name, getattr(base, name)) for name in names}
    merged = _KINDS[kind](**values)
    reason = _why_refused(merged)
    if reason:
        raise bad_body(reason)
    return merged


def _why_refused(attributes: Attributes) -> str:
    match attributes:
        case Bandwidth(rate=rate) if rate < 0:
            return f"rate must be 0 (hold) or more KB/s, got {rate}"
        case Slicer(average_size=size) if size < 1:
            return f"average_size must be 1 byte or more, got {size}"
        case Slicer(average_size=size, size_variation=variation) if not 0 <= variation <= size:
            return f"size_variation must be from 0 to average_size ({size}), got {variation}"
        case Noop() | Latency() | Bandwidth() | Timeout() | ResetPeer() | LimitData() | SlowClose() | Slicer():
            return ""
        case _:
            assert_never(attributes)
