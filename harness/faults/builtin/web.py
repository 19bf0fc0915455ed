"""A small HTTP/1.1 server: just what clients of the proxy's API send.

Knows keep-alive, bodies by length and in chunks, and ``Expect: 100-continue``. Every request is bounded in size and in
time; anything malformed ends the connection with 400.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus

_IDLE_DEADLINE_S = 60.0
_READ_DEADLINE_S = 15.0
_HEADER_LINES = 128
_LINE_BYTES = 64 * 1024
_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class MalformedRequest(Exception):
    """What came is not HTTP, or more of it than anybody needs."""


class WebServer:
    """Serves ``handler`` on a listening socket until closed."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first request to its end."""
        self._open.add(writer)
        try:
            # A connection ends by its client, by silence, or with the server: there is no bound on its requests.
            while await self._serve_one(reader, writer):
                pass
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # The client has gone away or fallen silent: nobody is left to be told.
        finally:
            self._open.discard(writer)
            writer.close()

    def close(self) -> None:
        """End every connection that is open."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            request = await read_request(reader, writer)
        except MalformedRequest as problem:
            await _send(writer, Response(400, f"400 Bad Request: {problem}".encode(), "text/plain"), keep_alive=False)
            return False
        if request is None:
            return False
        response = await self._handler(request)
        await _send(writer, response, keep_alive=request.keep_alive, head_only=request.method == "HEAD")
        return request.keep_alive


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request, or ``None`` if the client has closed."""
    async with asyncio.timeout(_IDLE_DEADLINE_S):
        first = await _line(reader)
    if not first:
        return None
    async with asyncio.timeout(_READ_DEADLINE_S):
        method, target, version = _request_line(first)
        headers = await _headers(reader)
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(reader, headers)
    keep_alive = version != "HTTP/1.0" and headers.get("connection", "").lower() != "close"
    return Request(method, target, headers, body, keep_alive)


def _request_line(line: bytes) -> tuple[str, str, str]:
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedRequest("not an HTTP/1.1 request line")
    return words[0], words[1], words[2]


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_HEADER_LINES):
        line = await _line(reader)
        if line in (b"\r\n", b"\n"):
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise MalformedRequest("a header without a colon")
        headers[name.strip().lower()] = value.strip()
    raise MalformedRequest("too many headers")


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunked_body(reader)
    size = _size(headers.get("content-length", "0"), base=10)
    return await reader.readexactly(size)


async def _chunked_body(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:  # Ends with the last chunk, the size limit or the read deadline.
        size = _size((await _line(reader)).decode("latin-1").partition(";")[0].strip(), base=16)
        if size == 0:
            await _headers(reader)  # Trailers mean nothing here.
            return bytes(body)
        body += await reader.readexactly(size)
        await _line(reader)
        if len(body) > _BODY_BYTES:
            raise MalformedRequest("the body is too large")


def _size(text: str, *, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError as problem:
        raise MalformedRequest(f"{text!r} is no size") from problem
    if not 0 <= size <= _BODY_BYTES:
        raise MalformedRequest("the body is too large")
    return size


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readline()
    except ValueError as problem:
        raise MalformedRequest(f"a line of more than {_LINE_BYTES} bytes") from problem
    return line


async def _send(writer: asyncio.StreamWriter, response: Response, *, keep_alive: bool, head_only: bool = False) -> None:
    status = HTTPStatus(response.status)
    headers = {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), **response.headers}
    if response.content_type:
        headers["Content-Type"] = response.content_type
    if response.status != HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(len(response.body))
    if not keep_alive:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if head_only else response.body))
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(_READ_DEADLINE_S):
            await writer.drain()
