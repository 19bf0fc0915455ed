"""Reading and writing JSON the way clients of a Go server expect it.

The first JSON value of a body counts and what follows it is ignored; names match in any case; ``null`` and unknown
names leave a field as it was; a number with a fraction is no integer, and a boolean is no number. Everything wrong
is an `ApiError` with status 400.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

from harness.faults.builtin.errors import bad_body

Fields = Mapping[str, object]
"""One JSON object, its names in lower case."""

_INT64_LIMIT = 1 << 63
_SPACE = " \t\r\n"


def _refuse_constant(name: str) -> object:
    raise ValueError(f"invalid number {name}")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(body: bytes) -> object:
    """The first JSON value of ``body``."""
    text = body.decode("utf-8", errors="replace").lstrip(_SPACE)
    if not text:
        raise bad_body("EOF")
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as problem:
        raise bad_body(str(problem)) from problem
    return value


def as_fields(value: object, *, what: str) -> Fields:
    """``value`` as an object; ``null`` is one without fields."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_body(f"{what} must be an object, got {_kind(value)}")
    return {str(name).lower(): field for name, field in value.items()}


def text_field(fields: Fields, name: str, default: str) -> str:
    """The string called ``name``."""
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise bad_body(f"{name} must be a string, got {_kind(value)}")
    return value


def boolean_field(fields: Fields, name: str, *, default: bool) -> bool:
    """The boolean called ``name``."""
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad_body(f"{name} must be true or false, got {_kind(value)}")
    return value


def number_field(fields: Fields, name: str, default: float) -> float:
    """The number called ``name``, in single precision as the real one keeps it."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_body(f"{name} must be a number, got {_kind(value)}")
    return _single_precision(name, value)


def integer_field(fields: Fields, name: str, default: int) -> int:
    """The 64-bit integer called ``name``."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_body(f"{name} must be an integer, got {_kind(value)}")
    if not -_INT64_LIMIT <= value < _INT64_LIMIT:
        raise bad_body(f"{name} must fit in 64 bits, got {value}")
    return value


def render(value: object) -> bytes:
    """``value`` as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def shortest_number(value: float) -> int | float:
    """The shortest decimal that single precision reads back as ``value``; 1.0 becomes 1."""
    if value.is_integer() and abs(value) < _INT64_LIMIT:
        return int(value)
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        if _to_single(short) == value:
            return short
    return value


def _single_precision(name: str, value: float) -> float:
    try:
        return _to_single(value)
    except OverflowError as problem:
        raise bad_body(f"{name} is too large: {value}") from problem


def _to_single(value: float) -> float:
    narrowed: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return narrowed


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return f"number {value}"
        case list():
            return "an array"
        case _:
            return "an object"
