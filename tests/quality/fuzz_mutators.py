"""Spoils valid inputs: texts, trees of plain data, bytes and journals. Everything follows from the given `Random`."""

from __future__ import annotations

import copy
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

from harness.history.journal import MAGIC, RECORD_BYTES

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**40, 0.0, -0.5, 1e308, 1e-308),
    *(float("inf"), float("-inf"), float("nan"), "", " ", "x", "\x00", "\ud800", "é\u202e", "a" * 5_000, "1", "null"),
    *([], {}, [[]], [None], {"": 0}, {"x": {"y": []}}, "../../etc/passwd", "%s{0}", "at-least-once", "pubsub"),
)
ODD_TEXT = (
    "\x00",
    "\t",
    "\r",
    "\n\n",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a ",
    "!!",
    "|",
    ">",
    "'",
    '"',
    "#",
    "\ufeff",
)
EDGES = (0, 1, -1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, -(2**63))


def spoil_tree(tree: Any, draw: random.Random) -> Any:
    """A copy of ``tree`` in which a few values, keys or branches are not what they were."""
    spoilt = [copy.deepcopy(tree)]
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        container, key = draw.choice(_places(spoilt))
        draw.choice(_TREE_DEEDS)(container, key, draw)
    return spoilt[0] if spoilt else None


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found = []
    waiting = [tree]
    while waiting:
        branch = waiting.pop()
        for key in list(branch) if isinstance(branch, dict) else range(len(branch)):
            found.append((branch, key))
            if isinstance(branch[key], dict | list):
                waiting.append(branch[key])
    return found or [([None], 0)]


def _replace(branch: Any, key: Any, draw: random.Random) -> None:
    branch[key] = copy.deepcopy(draw.choice(ODD))


def _remove(branch: Any, key: Any, _: random.Random) -> None:
    if len(branch) > 1 or isinstance(branch, dict):
        del branch[key]


def _rename(branch: Any, key: Any, draw: random.Random) -> None:
    if isinstance(branch, dict):
        branch[spoil_text(str(key), draw)] = branch.pop(key)


def _repeat(branch: Any, key: Any, draw: random.Random) -> None:
    if isinstance(branch, list):
        branch.extend([branch[key]] * draw.choice((1, 3, 200)))


def _swap(branch: Any, key: Any, draw: random.Random) -> None:
    other = draw.choice(list(branch) if isinstance(branch, dict) else range(len(branch)))
    branch[key], branch[other] = branch[other], branch[key]


def _nudge(branch: Any, key: Any, draw: random.Random) -> None:
    value = branch[key]
    if isinstance(value, bool):
        branch[key] = not value
    elif isinstance(value, int | float):
        branch[key] = draw.choice((-value, value + 1, value * 1000, value / 1000, str(value), [value]))
    elif isinstance(value, str):
        branch[key] = spoil_text(value, draw)


_TREE_DEEDS: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    *(_replace, _replace, _remove, _rename, _repeat, _swap, _nudge, _nudge),
)


def spoil_text(text: str, draw: random.Random) -> str:
    """``text`` with signs or lines removed, doubled, moved or replaced, or cut off."""
    lines = text.split("\n")
    place, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    at = draw.randrange(len(text) + 1)
    match draw.randrange(8):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + draw.choice(ODD_TEXT) + text[at:]
        case 2:
            return text[:at] + text[at + draw.choice((1, 1, 2, 20)) :]
        case 3:
            lines[place], lines[other] = lines[other], lines[place]
        case 4:
            lines[place] = draw.choice((" ", "  ", "    ")) + lines[place]
        case 5:
            lines.insert(place, lines[other])
        case 6:
            del lines[place]
        case _:
            return (
                text[:at]
                + chr(draw.choice((0, 7, 27, 127, 160, 0x2028, 0x1F600, draw.randrange(32, 0xD7FF))))
                + text[at + 1 :]
            )
    return "\n".join(lines)


def spoil_bytes(data: bytes, draw: random.Random) -> bytes:
    """``data`` torn, flipped, overwritten, doubled or lengthened."""
    spoilt = bytearray(data)
    at = draw.randrange(len(data) + 1)
    match draw.randrange(7):
        case 0:
            return data[:at]
        case 1 | 2:
            for _ in range(draw.choice((1, 1, 8, 200))):
                if spoilt:
                    spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
        case 3:
            spoilt[at : at + 16] = draw.randbytes(16)
        case 4:
            spoilt += draw.randbytes(draw.choice((1, 63, 64, 65, 1_000)))
        case 5:
            del spoilt[at : at + draw.choice((1, 8, 64, 500))]
        case _:
            return draw.choice((b"", b"PAR1", MAGIC, draw.randbytes(100), data * 2, data[::-1]))
    return bytes(spoilt)


def lie_in_records(data: bytes, draw: random.Random) -> bytes:
    """A journal in which fields of some records say something else, each with a checksum that is right."""
    (length,) = struct.unpack_from("<I", data, len(MAGIC))
    begin = len(MAGIC) + 4 + length
    spoilt = bytearray(data)
    count = (len(data) - begin) // RECORD_BYTES
    for _ in range(draw.choice((1, 1, 3, 30)) if count else 0):
        at = begin + RECORD_BYTES * draw.randrange(count)
        offset, kind = draw.choice(_FIELDS)
        size = struct.calcsize(kind)
        value = draw.choice(EDGES) if draw.random() < 0.7 else draw.getrandbits(8 * size)
        struct.pack_into("<" + kind, spoilt, at + offset, value % (1 << (8 * size)))
        struct.pack_into("<I", spoilt, at + RECORD_BYTES - 4, zlib.crc32(spoilt[at : at + RECORD_BYTES - 4]))
    return bytes(spoilt)


_FIELDS = (
    *((0, "B"), (1, "B"), (2, "B"), (3, "B"), (4, "H"), (6, "H"), (8, "I"), (12, "H"), (14, "H")),
    *((16, "Q"), (24, "Q"), (32, "Q"), (40, "Q"), (48, "Q")),
)
