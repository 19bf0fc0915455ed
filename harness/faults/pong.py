"""A server that answers pings, in a thread of this process: what self-probes put behind a proxy.

It speaks just enough of the Redis protocol for a `harness.faults.sentinel.Sentinel`, so that a proxy can be tried
before there is a server::

    with PongServer() as server:
        print(server.address.port)
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self

from harness.faults.resp import NotRedisError, take_command
from harness.stack.base import ServerAddress

_POLL_S = 0.05
_JOIN_DEADLINE_S = 2.0
_CHUNK_BYTES = 65_536


class PongServer:
    """Listens on a free loopback port from its making to its `close`; answers on every connection at once."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._unread: dict[socket.socket, bytes] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="pong-server", daemon=True)
        self._thread.start()

    @property
    def address(self) -> ServerAddress:
        """Where it listens."""
        return ServerAddress("127.0.0.1", self._listener.getsockname()[1])

    def close(self) -> None:
        """Close the listener and every connection. Idempotent."""
        self._stopping.set()
        self._thread.join(_JOIN_DEADLINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            for key, _ in self._selector.select(_POLL_S):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._answer(key.fileobj)
        for client in list(self._unread):
            self._drop(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            self._unread[client] = b""
            self._selector.register(client, selectors.EVENT_READ)

    def _answer(self, client: socket.socket) -> None:
        try:
            chunk = client.recv(_CHUNK_BYTES)
            replies, self._unread[client] = _replies(self._unread[client] + chunk)
            client.sendall(replies)
        except (OSError, NotRedisError):
            chunk = b""
        if not chunk:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._unread[client]
        client.close()


def _replies(data: bytes) -> tuple[bytes, bytes]:
    """The replies to all whole commands in ``data``, and what is left of it."""
    replies = b""
    while (found := take_command(data)) is not None:
        arguments, length = found
        text = arguments[1].encode() if len(arguments) > 1 else b"PONG"
        replies += b"$%d\r\n%s\r\n" % (len(text), text)
        data = data[length:]
    return replies, data
