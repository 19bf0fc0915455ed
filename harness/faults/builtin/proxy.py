"""One proxy: a listener, its connections, and the toxics that act on them.

Contract: when ``stop`` has returned, the port is free and every connection is closed. A change of toxics acts on
all connections before the call returns.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Literal

from harness.faults.builtin import address
from harness.faults.builtin.connection import Connection
from harness.faults.builtin.errors import ApiError, toxic_already_exists, toxic_not_found
from harness.faults.builtin.link import Alarm, Link
from harness.faults.builtin.toxics import Attributes, ResetPeer, Stream, Toxic

_CONNECT_DEADLINE_S = 30.0
_CLOSE_ROUNDS = 10
STREAMS: tuple[Stream, Stream] = ("upstream", "downstream")

Counted = Literal["received", "sent"]
ByteCounts = Counter[tuple[Counted, Stream]]


class LoopClock:
    """The clock and timers of the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now_ns(self) -> int:
        """Now, ns on the loop's monotonic clock."""
        return int(self._loop.time() * 1e9)

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> Alarm:
        """Call ``callback`` at ``when_ns``."""
        return self._loop.call_at(when_ns / 1e9, callback)


class Pair:
    """A client's connection, the one to the server that belongs to it, and the two links between them."""

    def __init__(self, proxy: Proxy, client: Connection) -> None:
        self.links: dict[Stream, Link] = {}
        self._proxy = proxy
        self._client = client
        self._server: Connection | None = None
        self._open = {client}
        self._is_aborted = False
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def abort(self) -> None:
        """Close both connections now."""
        self._is_aborted = True
        self._connecting.cancel()
        for connection in list(self._open):
            connection.abort()

    def lost(self, connection: Connection) -> None:
        """``connection`` is closed."""
        self._open.discard(connection)
        if self._server is None:
            self._connecting.cancel()
        if not self._open:
            self._proxy.forget(self)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            host, port = address.split_address(self._proxy.upstream)
            # Without happy eyeballs: cancelling those can leave the winner's socket open (CPython 3.11).
            async with asyncio.timeout(_CONNECT_DEADLINE_S):
                await loop.create_connection(lambda: Connection(self._connected, self.lost), host or "localhost", port)
        except (OSError, TimeoutError, UnicodeError, ApiError):
            self._client.abort()

    def _connected(self, server: Connection) -> None:
        if self._is_aborted or self._client not in self._open:
            server.abort()
            return
        self._server = server
        self._open.add(server)
        up = self._proxy.new_link(source=self._client, sink=server)
        down = self._proxy.new_link(source=server, sink=self._client)
        self._client.outbound, server.inbound = up, up
        server.outbound, self._client.inbound = down, down
        if self._proxy.has_reset_peer():
            self._client.reset_on_close()
            server.reset_on_close()
        self.links = {"upstream": up, "downstream": down}
        for stream, link in self.links.items():
            link.begin(self._proxy.chains[stream])


class Proxy:
    """See the module's docstring. ``dice`` decides toxicity, jitter and slices."""

    def __init__(self, *, name: str, listen: str, upstream: str, dice: random.Random) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self.chains: dict[Stream, list[Toxic]] = {stream: [] for stream in STREAMS}
        self._dice = dice
        self._clock = LoopClock()
        self._server: asyncio.Server | None = None
        self._pairs: set[Pair] = set()
        self._closed_bytes: ByteCounts = Counter()

    def to_json(self) -> dict[str, object]:
        """The proxy as the API shows it. The empty ``Logger`` is there because the real one lets it slip out."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": self.toxics_json(),
        }

    def toxics_json(self) -> list[dict[str, object]]:
        """The toxics, those of the upstream first."""
        return [toxic.to_json() for stream in STREAMS for toxic in self.chains[stream]]

    # Listening.

    async def differs(self, *, listen: str, upstream: str) -> bool:
        """Whether the proxy would have to begin again to have these addresses. A port of 0 always differs."""
        resolved = str(await address.resolve(listen))
        return self.listen != resolved or self.upstream != upstream

    async def start(self) -> None:
        """Listen. Does nothing if it does already."""
        if self.enabled:
            return
        listener = await address.listen(self.listen)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listener, backlog=address.BACKLOG)
        self.listen = address.shown(listener)
        self.enabled = True

    async def stop(self) -> None:
        """Listen no more and close every connection."""
        self.enabled = False
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            pair.abort()
        # An aborted transport closes its socket in the loop's next round; one just being accepted, a few rounds later.
        for _ in range(_CLOSE_ROUNDS):
            await asyncio.sleep(0)
            if not self._pairs:
                break

    async def update(self, *, listen: str, upstream: str, enabled: bool) -> None:
        """Change what differs; a new address closes every connection."""
        if await self.differs(listen=listen, upstream=upstream):
            await self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled and not self.enabled:
            await self.start()
        elif self.enabled and not enabled:
            await self.stop()

    def _accept(self) -> Connection:
        return Connection(self._accepted, lambda _: None)

    def _accepted(self, client: Connection) -> None:
        if not self.enabled:  # Accepted by the kernel just before the listener closed.
            client.abort()
            return
        pair = Pair(self, client)
        client.on_lost = pair.lost
        self._pairs.add(pair)

    # What pairs ask.

    def new_link(self, *, source: Connection, sink: Connection) -> Link:
        """A link without toxics."""
        return Link(source=source, sink=sink, clock=self._clock, dice=self._dice)

    def has_reset_peer(self) -> bool:
        """Whether connections that open now are to be reset when they close."""
        return any(isinstance(toxic.attributes, ResetPeer) for chain in self.chains.values() for toxic in chain)

    def forget(self, pair: Pair) -> None:
        """Both connections of ``pair`` are closed."""
        self._pairs.discard(pair)
        for stream, link in pair.links.items():
            self._closed_bytes["received", stream] += link.received_bytes
            self._closed_bytes["sent", stream] += link.sent_bytes

    def byte_counts(self) -> ByteCounts:
        """Bytes of all connections that have ended, as the real one counts them."""
        return self._closed_bytes

    # Toxics.

    def find_toxic(self, name: str) -> Toxic:
        """The toxic called ``name``, on whichever stream."""
        for chain in self.chains.values():
            for toxic in chain:
                if toxic.name == name:
                    return toxic
        raise toxic_not_found()

    def add_toxic(self, toxic: Toxic) -> None:
        """Add ``toxic`` behind those of its stream."""
        if any(other.name == toxic.name for chain in self.chains.values() for other in chain):
            raise toxic_already_exists()
        self.chains[toxic.stream].append(toxic)
        self._on_links(toxic.stream, Link.add, toxic)

    def update_toxic(self, toxic: Toxic, *, attributes: Attributes, toxicity: float) -> None:
        """Give ``toxic`` new settings; its toxicity is rolled again for every connection."""
        toxic.attributes, toxic.toxicity = attributes, toxicity
        self._on_links(toxic.stream, Link.update, toxic)

    def remove_toxic(self, toxic: Toxic) -> None:
        """Take ``toxic`` away."""
        self.chains[toxic.stream].remove(toxic)
        self._on_links(toxic.stream, Link.remove, toxic)

    def remove_all_toxics(self) -> None:
        """Take every toxic away."""
        for stream in STREAMS:
            for toxic in list(self.chains[stream]):
                self.remove_toxic(toxic)

    def _on_links(self, stream: Stream, change: Callable[[Link, Toxic], None], toxic: Toxic) -> None:
        for pair in list(self._pairs):
            if stream in pair.links:
                change(pair.links[stream], toxic)
