"""As much of the Redis protocol as a ping needs: commands out, one reply at a time in.

>>> encode("PING", "7")
b'*2\\r\\n$4\\r\\nPING\\r\\n$1\\r\\n7\\r\\n'
>>> take_reply(b"$1\\r\\n7\\r\\n+PO")
(Reply(text='7', is_error=False), 7)
>>> take_reply(b"+PO") is None
True
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.errors import HarnessError

_MAX_BULK_BYTES = 1 << 20
_MAX_ARGUMENTS = 1 << 10
_LINE_END = b"\r\n"


class NotRedisError(HarnessError):
    """Bytes arrived that are not the Redis protocol."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: a string, a number or an error, as text."""

    text: str
    is_error: bool


def encode(*arguments: str) -> bytes:
    """A command as an array of bulk strings."""
    parts = [argument.encode() for argument in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def take_reply(data: bytes) -> tuple[Reply, int] | None:
    """The first reply in ``data`` and its length in bytes; ``None`` while it is incomplete.

    Raises:
        NotRedisError: ``data`` does not begin with a reply.
    """
    line = _line(data, 0)
    if line is None:
        return None
    mark, text, after = data[:1], line[0][1:], line[1]
    if mark in (b"+", b":", b"-"):
        return Reply(text.decode(errors="replace"), is_error=mark == b"-"), after
    if mark == b"$":
        return _bulk(data, after, _number(text, most=_MAX_BULK_BYTES))
    raise NotRedisError(f"the server sent {data[:40]!r}, which is not Redis", fix="check the server's address and TLS")


def take_command(data: bytes) -> tuple[list[str], int] | None:
    """The first command in ``data`` (an array of bulk strings) and its length; ``None`` while it is incomplete."""
    line = _line(data, 0)
    if line is None:
        return None
    if not line[0].startswith(b"*"):
        raise NotRedisError(f"a client sent {data[:40]!r}, which is no command")
    arguments: list[str] = []
    at = line[1]
    for _ in range(_number(line[0][1:], most=_MAX_ARGUMENTS)):
        found = take_reply(data[at:])
        if found is None:
            return None
        arguments.append(found[0].text)
        at += found[1]
    return arguments, at


def _line(data: bytes, begin: int) -> tuple[bytes, int] | None:
    end = data.find(_LINE_END, begin)
    return None if end < 0 else (data[begin:end], end + len(_LINE_END))


def _bulk(data: bytes, begin: int, length: int) -> tuple[Reply, int] | None:
    end = begin + length
    if len(data) < end + len(_LINE_END):
        return None
    return Reply(data[begin:end].decode(errors="replace"), is_error=False), end + len(_LINE_END)


def _number(text: bytes, *, most: int) -> int:
    if text.isdigit() and int(text) <= most:
        return int(text)
    raise NotRedisError(f"the peer sent {text[:40]!r} where a length up to {most} belongs")
