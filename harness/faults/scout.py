"""A scout: looks at one link from both ends, to tell requests from replies and the living from the dead.

Through the link it publishes numbers (requests) and is subscribed to a channel (what the server sends); straight to
the server it subscribes to the first and publishes to the second. So each number shows by itself whether something
passed that way, and what PUBLISH answers is whom the server counts. `Scout.leave` lets the subscriber hang up, to see
how long the server goes on counting it. Channels are our own, under a random prefix. ::

    with Scout(link, stack.server) as scout:
        …
        scout.scouting().passages

Bounds: one round every `INTERVAL_S`; nothing waits for longer than the direct connection's own timeout.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import redis
from redis.client import PubSub

from harness.faults.base import Headcount, Link, Passage, Scouting
from harness.faults.channel import Channel, ChannelEnded, tls_context
from harness.faults.resp import encode
from harness.model.errors import TrialError
from harness.model.words import Direction
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client

INTERVAL_S: Final = 0.02
_STOP_DEADLINE_S: Final = 10.0
_START_DEADLINE_S: Final = 5.0
_NUMBER: Final = re.compile(rb"<(\d+)>")
_MAX_UNREAD_BYTES: Final = 1 << 16


class _Line:
    """A connection through the link that is made anew whenever it has ended."""

    def __init__(self, link: Link, address: ServerAddress, *, greeting: bytes) -> None:
        self._address = address.through(link.host, link.port)
        self._context = tls_context(address.tls)
        self._greeting = _login(address) + greeting
        self._channel: Channel | None = None
        self._greeted = False

    def exchange(self, data: bytes) -> tuple[bytes, int | None]:
        """What has arrived, and when ``data`` was sent; ``None``: not at all, since there is no connection yet."""
        arrived, sent_ns = b"", None
        try:
            if self._channel is None:
                self._channel, self._greeted = Channel(self._address, self._context), False
            arrived = self._channel.advance()
            if self._channel.is_open:
                sent_ns = time.monotonic_ns()
                self._channel.send(data if self._greeted else self._greeting + data)
                self._greeted = True
                arrived += self._channel.advance()
        except ChannelEnded:
            self.hang_up()
        return arrived, sent_ns

    def hang_up(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


class Scout:
    """Looks at one link from a thread of its own. A context manager: started on entry, stopped on exit."""

    def __init__(self, link: Link, address: ServerAddress) -> None:
        prefix = f"pvs:{secrets.token_hex(4)}:scout"
        self._up, self._down = f"{prefix}:up", f"{prefix}:down"
        self._publisher = _Line(link, address, greeting=b"")
        self._subscriber = _Line(link, address, greeting=encode("SUBSCRIBE", self._down))
        self._direct = admin_client(address)
        open_listener: Callable[..., PubSub] = self._direct.pubsub
        self._listener = open_listener(ignore_subscribe_messages=True)
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"scout-{link.role}", daemon=True)
        self._lock = threading.Lock()
        """Guards what follows."""
        self._sent: dict[tuple[Direction, int], int] = {}
        self._arrived: dict[tuple[Direction, int], int] = {}
        self._headcounts: list[Headcount] = []
        self._lefts_ns: list[int] = []
        self._failure: Exception | None = None
        # Only the thread touches these.
        self._unread = b""
        self._number = 0
        self._is_away = False

    def start(self) -> None:
        """Begin, and return once something has passed both ways. Raises `TrialError` when it does not."""
        self._listener.subscribe(self._up)
        self._thread.start()
        deadline = time.monotonic() + _START_DEADLINE_S
        while {way for way, _ in self._copy_of_arrived()} != {Direction.REQUESTS, Direction.REPLIES}:
            if time.monotonic() > deadline or not self._thread.is_alive():
                self.stop()
                raise TrialError(f"nothing that a scout sent through its link arrived ({self._failure or 'no error'})")
            time.sleep(INTERVAL_S)

    def leave(self) -> None:
        """The subscriber hangs up, and comes back only when the server was seen not to count it any more."""
        self._leaving.set()

    def scouting(self) -> Scouting:
        """What was seen until now."""
        with self._lock:
            passages = tuple(
                Passage(way, sent_ns, self._arrived.get((way, number))) for (way, number), sent_ns in self._sent.items()
            )
            return Scouting(passages, tuple(self._headcounts), tuple(self._lefts_ns))

    def stop(self) -> None:
        """End the thread and close every connection. Idempotent."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_DEADLINE_S)
        for line in (self._publisher, self._subscriber):
            line.hang_up()
        with contextlib.suppress(redis.RedisError, OSError):
            self._listener.close()
            self._direct.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _copy_of_arrived(self) -> dict[tuple[Direction, int], int]:
        with self._lock:
            return dict(self._arrived)

    # From here on: the thread.

    def _run(self) -> None:
        try:
            while not self._stopping.wait(INTERVAL_S):
                self._number += 1
                self._scout_requests()
                self._scout_replies()
        except (redis.RedisError, OSError) as error:
            self._failure = error  # what was seen until now stays; what was not seen proves nothing

    def _scout_requests(self) -> None:
        _, sent_ns = self._publisher.exchange(encode("PUBLISH", self._up, f"<{self._number}>"))
        if sent_ns is not None:
            self._note_sent(Direction.REQUESTS, sent_ns)
        while (message := self._listener.get_message(timeout=0.0)) is not None:
            self._note_arrived(Direction.REQUESTS, str(message["data"]).encode())

    def _scout_replies(self) -> None:
        self._leave_or_return()
        asked_ns = time.monotonic_ns()
        self._note_sent(Direction.REPLIES, asked_ns)
        receivers = int(self._direct.publish(self._down, f"<{self._number}>"))
        with self._lock:
            self._headcounts.append(Headcount(asked_ns, receivers))
        if self._is_away:
            self._is_away = receivers > 0
            return
        self._unread = (self._unread + self._subscriber.exchange(b"")[0])[-_MAX_UNREAD_BYTES:]
        self._note_arrived(Direction.REPLIES, self._unread)
        self._unread = self._unread[self._unread.rfind(b"\n") + 1 :]

    def _leave_or_return(self) -> None:
        if self._leaving.is_set():
            self._leaving.clear()
            self._subscriber.hang_up()
            self._is_away = True
            with self._lock:
                self._lefts_ns.append(time.monotonic_ns())

    def _note_sent(self, way: Direction, sent_ns: int) -> None:
        with self._lock:
            self._sent[way, self._number] = sent_ns

    def _note_arrived(self, way: Direction, data: bytes) -> None:
        now_ns = time.monotonic_ns()
        with self._lock:
            for number in _NUMBER.findall(data):
                self._arrived.setdefault((way, int(number)), now_ns)


def _login(address: ServerAddress) -> bytes:
    if address.password is None:
        return b""
    user = [] if address.username is None else [address.username]
    return encode("AUTH", *user, address.password)
