"""A link that loses one reply: the request was executed, and who sent it never hears of it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

from harness.stack.base import ServerAddress

CHUNK = 1 << 16


class LossyLink:
    """Carries bytes both ways; the reply to the first request that holds ``word`` is dropped and its connection cut."""

    def __init__(self, server: ServerAddress, word: bytes) -> None:
        self._server = server
        self._word = word
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = ServerAddress("127.0.0.1", int(self._listener.getsockname()[1]))
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        upstream = (self._server.host, self._server.port)
        with client, socket.create_connection(upstream) as server, contextlib.suppress(OSError):
            self._carry_both(client, server)

    def _carry_both(self, client: socket.socket, server: socket.socket) -> None:
        """Until either side ends."""
        struck = False
        while True:
            readable, _, _ = select.select([client, server], [], [])
            for side in readable:
                data = side.recv(CHUNK)
                if not data:
                    return
                if side is client:
                    struck = self.lost == 0 and self._word in data
                    server.sendall(data)
                elif struck:
                    self.lost += 1
                    return
                else:
                    client.sendall(data)
