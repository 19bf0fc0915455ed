"""One TCP connection of the proxy as an asyncio protocol: the source of one link and the sink of the other.

The write buffer's limits are zero, so ``is_writable`` means that the kernel has taken everything: back-pressure reaches
the other side as early as in a proxy that writes blockingly, and nothing is lost in between unseen.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import cast

from harness.faults.builtin.link import Link

_LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Reads for ``outbound``, writes for ``inbound``; both are set before it is first resumed."""

    def __init__(self, on_made: Callable[[Connection], None], on_lost: Callable[[Connection], None]) -> None:
        self.outbound: Link | None = None
        self.inbound: Link | None = None
        self._on_made = on_made
        self.on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._is_writable = True
        self._is_ended = False
        self._early = b""
        """What came before there was a link: asyncio of Python 3.11.2 does not heed a pause that early."""

    @property
    def is_writable(self) -> bool:
        """Whether the kernel has taken everything written so far, and may take more."""
        return self._is_writable and self._transport is not None and not self._transport.is_closing()

    # What a link asks for.

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, unless the peer has closed; what came early goes first."""
        if self._transport is not None and not self._is_ended:
            self._transport.resume_reading()
        early, self._early = self._early, b""
        if self.outbound is not None and early:
            self.outbound.receive(early)
        if self.outbound is not None and early and self._is_ended:
            self.outbound.source_ended()

    def write(self, data: bytes) -> None:
        """Send ``data``; into nothing, if the connection has just broken and is about to be told lost."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close both directions."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close both directions at once, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    def reset_on_close(self) -> None:
        """Make closing send RST and not FIN."""
        if self._transport is None:
            return
        with contextlib.suppress(OSError):  # The peer may be gone already.
            sock = cast(socket.socket, self._transport.get_extra_info("socket"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is read before both links are there."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)
        self._transport.pause_reading()
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
        if self.outbound is not None and not self._early:
            self.outbound.receive(data)
            return
        self._early += data
        if self._transport is not None:  # A pause that was not heeded has to be said again, from a reading state.
            self._transport.resume_reading()
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer sends no more; the transport stays, because what was sent may still have to be answered."""
        self._end()
        return True

    def pause_writing(self) -> None:
        """The kernel's buffer is full."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._is_writable = True
        if self.inbound is not None:
            self.inbound.pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it ended changes nothing
        """The connection is gone, by the peer's doing or ours."""
        if self.inbound is not None:
            self.inbound.sink_lost()
        self._end()
        self.on_lost(self)

    def _end(self) -> None:
        self._is_ended = True
        if self.outbound is not None:
            self.outbound.source_ended()
