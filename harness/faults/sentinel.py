"""The sentinel: one connection of our own through a link, which shows what a fault really did to that link.

Every 25 ms it sends a ping that carries its own number, without waiting for the answers of earlier ones: under a hold
pings queue up and are all answered at the heal, under a drop they vanish. It always reads, reconnects when it is
closed, and writes down how every ping ended (`harness.faults.base.Probe`)::

    with Sentinel(link, stack.server, on_probe=journal_it) as sentinel:
        heal = fault.heal(link)
        sentinel.wait_answered(heal.before_ns, deadline_s=5)
        fault.evidence(sentinel.probes(), inject=inject, heal=heal)

Contract: every ping becomes exactly one probe, in the order in which they ended; one that is still under way when the
sentinel stops is SILENT. Bounds: no wait is longer than the interval; `MAX_OUTSTANDING` pings at a time (no more are
sent until one ends, so that nothing ever waits for room in a buffer).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from harness.faults.base import Probe, Route
from harness.faults.channel import Channel, ChannelEnded, tls_context
from harness.faults.resp import NotRedisError, Reply, encode, take_reply
from harness.model.errors import EnvironmentUnavailable, TrialError
from harness.model.words import ProbeResult
from harness.stack.base import ServerAddress

INTERVAL_NS: Final = 25_000_000
MAX_OUTSTANDING: Final = 512
_START_DEADLINE_S: Final = 5.0
_STOP_DEADLINE_S: Final = 2.0
_MAX_UNREAD_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Ping:
    """A ping under way. ``token`` comes back in its answer."""

    sent_ns: int
    token: str


def _ignore(probe: Probe) -> None:
    """What happens to a probe if nobody asked for it."""


class Sentinel:
    """Pings one link from a thread of its own. A context manager: started on entry, stopped on exit."""

    def __init__(
        self,
        link: Route,
        address: ServerAddress,
        *,
        interval_ns: int = INTERVAL_NS,
        padding_bytes: int = 0,
        on_probe: Callable[[Probe], None] = _ignore,
        enter: Callable[[], None] | None = None,
    ) -> None:
        """``enter`` is called first on the sentinel's thread, e.g. to move it into a network namespace."""
        self._role = link.role
        self._address = address.through(link.host, link.port)
        self._context = tls_context(address.tls)
        self._interval_ns = interval_ns
        self._padding = "x" * padding_bytes
        self._on_probe = on_probe
        self._enter = enter
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sentinel-{link.role}", daemon=True)
        self._news = threading.Condition()
        """Guards what follows; notified whenever a probe ended or the thread failed."""
        self._ended: list[Probe] = []
        self._under_way: deque[_Ping] = deque()
        self._connection = 0
        self._failure: Exception | None = None
        # Only the thread touches these.
        self._channel: Channel | None = None
        self._unread = b""
        self._greeting_due = False
        self._auth_due = False
        self._has_answered = False
        self._next_ns = 0

    def start(self, *, deadline_s: float = _START_DEADLINE_S) -> None:
        """Begin to ping and return at the first answer. Raises `EnvironmentUnavailable` when there is none."""
        begin = time.monotonic_ns()
        self._thread.start()
        try:
            answered = self.wait_answered(begin, deadline_s=deadline_s)
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            self.stop()
            raise
        if answered is None:
            seen = sorted({probe.result.name.lower() for probe in self.probes()})
            self.stop()
            raise EnvironmentUnavailable(
                f"no ping through the link of the {self._role}, {self._address.host}:{self._address.port}, was "
                f"answered within {deadline_s:g} s ({', '.join(seen) or 'nothing happened'})",
                fix="check that the server behind the link answers PING",
            )

    def stop(self, *, deadline_s: float = _STOP_DEADLINE_S) -> None:
        """End the thread and close the connection; pings under way become SILENT. Idempotent."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            raise TrialError(f"the sentinel of the {self._role} did not stop within {deadline_s:g} s")

    def wait_answered(self, after_ns: int, *, deadline_s: float) -> int | None:
        """Wait for the answer to a ping sent at ``after_ns`` or later; when it came. ``None``: not within the deadline.

        With the beginning of a heal for ``after_ns`` this says that the link works again, and that the fate of every
        ping sent during the fault is settled: answers keep the order of the pings.

        Raises:
            HarnessError: the sentinel can't do its work, e.g. since the server refused its password.
        """
        with self._news:
            self._news.wait_for(
                lambda: self._failure is not None or self._first_answer(after_ns) is not None, timeout=deadline_s
            )
            if self._failure is not None:
                raise self._failure
            return self._first_answer(after_ns)

    def probes(self) -> tuple[Probe, ...]:
        """All probes until now; pings under way are in it as SILENT until now."""
        with self._news:
            now = time.monotonic_ns()
            return (*self._ended, *(self._probe(ping, ProbeResult.SILENT, now) for ping in self._under_way))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _first_answer(self, after_ns: int) -> int | None:
        found = None
        for probe in reversed(self._ended):
            if probe.ended_ns < after_ns:
                break
            if probe.answered_ns is not None and probe.sent_ns >= after_ns:
                found = probe.answered_ns
        return found

    # From here on: the thread.

    def _run(self) -> None:
        self._next_ns = time.monotonic_ns()
        try:
            if self._enter is not None:
                self._enter()
            while not self._stopping.is_set():
                self._step()
            self._end_all(ProbeResult.SILENT)
        except Exception as error:  # noqa: BLE001 - not swallowed: raised to whoever waits for an answer
            with self._news:
                self._failure = error
                self._news.notify_all()
        finally:
            self._hang_up()

    def _step(self) -> None:
        try:
            self._act()
            self._wait()
            if self._channel is not None:
                self._read(self._channel)
        except ChannelEnded as ended:
            self._lose(ended.result)

    def _act(self) -> None:
        """Connect or ping if it is time."""
        now = time.monotonic_ns()
        if now < self._next_ns:
            return
        # A tick that comes late moves the schedule: catching up would be a burst.
        planned = self._next_ns + self._interval_ns
        self._next_ns = planned if planned > now else now + self._interval_ns
        if self._channel is None:
            self._connect(now)
        elif not self._greeting_due and len(self._under_way) < MAX_OUTSTANDING:
            self._channel.send(encode("PING", self._ping(now).token))

    def _connect(self, now: int) -> None:
        """Begin a connection. Its first ping is under way from now on, though it is written when there is a line."""
        self._ping(now)
        with self._news:
            self._connection += 1
        self._unread = b""
        self._greeting_due, self._auth_due, self._has_answered = True, False, False
        self._channel = Channel(self._address, self._context)

    def _ping(self, now: int) -> _Ping:
        ping = _Ping(now, f"{self._role}-{now}{self._padding}")
        with self._news:
            self._under_way.append(ping)
        return ping

    def _wait(self) -> None:
        timeout_s = max(0, self._next_ns - time.monotonic_ns()) / 1e9
        if self._channel is None:
            self._stopping.wait(timeout_s)
        else:
            self._channel.wait(timeout_s)

    def _read(self, channel: Channel) -> None:
        self._unread += channel.advance()
        if channel.is_open and self._greeting_due:
            self._greet(channel)
        while (found := take_reply(self._unread)) is not None:
            self._unread = self._unread[found[1] :]
            self._take(found[0])
        if len(self._unread) > _MAX_UNREAD_BYTES:
            raise NotRedisError(f"{len(self._unread)} bytes without a whole reply came through the {self._role}' link")

    def _greet(self, channel: Channel) -> None:
        """The connection stands: say who we are, if asked for, and write the ping that began with the attempt."""
        self._greeting_due = False
        if self._address.password is not None:
            self._auth_due = True
            user = [] if self._address.username is None else [self._address.username]
            channel.send(encode("AUTH", *user, self._address.password))
        channel.send(encode("PING", self._under_way[0].token))

    def _take(self, reply: Reply) -> None:
        """One reply: to AUTH if that was sent, else to the oldest ping."""
        if reply.is_error and (self._auth_due or reply.text.startswith("NOAUTH")):
            raise EnvironmentUnavailable(
                f"the server refused the sentinel of the {self._role}: {reply.text}",
                fix="check the user name and password of the server's address",
            )
        if self._auth_due:
            self._auth_due = False
            return
        ping = self._under_way[0] if self._under_way else None
        if ping is None or not (reply.is_error or reply.text == ping.token):
            raise NotRedisError(f"the link of the {self._role} delivered {reply.text[:60]!r}, which answers no ping")
        self._has_answered = True
        self._end(ping, ProbeResult.ANSWERED, time.monotonic_ns())

    def _lose(self, result: ProbeResult) -> None:
        """The connection is over, and with it every ping on it. A good one is replaced at once, a bad one on time."""
        if self._under_way:
            self._end_all(result)
        else:
            now = time.monotonic_ns()
            self._note(self._probe(_Ping(now, ""), result, now))
        self._hang_up()
        if result is ProbeResult.REFUSED:
            self._connection -= 1
        if self._has_answered:
            self._has_answered = False
            self._next_ns = time.monotonic_ns()

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _end_all(self, result: ProbeResult) -> None:
        now = time.monotonic_ns()
        for ping in tuple(self._under_way):
            self._end(ping, result, now)

    def _end(self, ping: _Ping, result: ProbeResult, now: int) -> None:
        self._note(self._probe(ping, result, now), finished=ping)

    def _note(self, probe: Probe, *, finished: _Ping | None = None) -> None:
        with self._news:
            if finished is not None:
                self._under_way.remove(finished)
            self._ended.append(probe)
            self._news.notify_all()
        self._on_probe(probe)

    def _probe(self, ping: _Ping, result: ProbeResult, now: int) -> Probe:
        return Probe(
            link=self._role,
            sent_ns=ping.sent_ns,
            answered_ns=now if result is ProbeResult.ANSWERED else None,
            ended_ns=now,
            result=result,
            connection=0 if result is ProbeResult.REFUSED else self._connection,
        )
