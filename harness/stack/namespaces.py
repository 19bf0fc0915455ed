"""Clients behind a wire on which packets can really be lost.

A proxy ends every TCP connection and starts another, so retransmission, keepalive and a SYN that nobody answers never
happen behind it. Here clients run in a network namespace of their own and reach a server of this machine through a
second namespace, the wire, that forwards packets, or discards them unseen by either end::

    this machine            wire                        clients
    198.18.x.1  ── veth ──  198.18.x.2   198.18.x.5  ── veth ──  198.18.x.6
                              └ FORWARD: DROP ┘

    with Wire.open(folder) as wire:
        server listens on wire.server_host
        worker = ManagedProcess.start(wire.clients.inside([sys.executable, …]), …)
        wire.drop(Direction.BOTH)
        lost = wire.heal()

Both namespaces are `PrivateSpace`: they end with this process, however it ends, and with them addresses, routes, rules
and the one interface on this machine, whose other end lies on the wire. Nothing is registered under a name anywhere.
The addresses are out of 198.18.0.0/15, which is set aside for benchmarks (RFC 2544).
"""

from __future__ import annotations

import contextlib
import functools
import queue
import random
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self, TypeVar

from harness.model.errors import NotPossible, TrialError
from harness.model.words import Direction
from harness.stack.private import RUN_DEADLINE_S, Kind, PrivateSpace, join_network, run, why_not

T = TypeVar("T")

_TOOLS: Final = ("ip", "iptables")
_TRIES: Final = 16
_PROBE_DEADLINE_S: Final = 5.0
_SERVER_END, _CLIENT_END = "server", "clients"
"""The names of the wire's two interfaces."""
_INCOMING: Final = {Direction.REQUESTS: _CLIENT_END, Direction.REPLIES: _SERVER_END}


@dataclass(frozen=True, slots=True)
class LostPackets:
    """How many packets a drop discarded, as the kernel counted them."""

    requests: int
    """On their way from the clients to the server."""
    replies: int

    @property
    def total(self) -> int:
        """Both ways."""
        return self.requests + self.replies


class Wire:
    """Two namespaces and what lies between them. Made by `Wire.open`; a context manager that removes them."""

    def __init__(self, wire: PrivateSpace, clients: PrivateSpace) -> None:
        self.clients = clients
        """Where clients run."""
        self._wire = wire
        self._interface = f"pvs{secrets.token_hex(4)}"
        self._network = ""
        self._dropping: set[Direction] = set()

    @classmethod
    def open(cls, folder: Path, *, name: str = "all") -> Wire:
        """Set it up, and prove by one connection that it carries bytes. Raises `NotPossible`."""
        reason = why_not(Kind.NETWORK, tools=_TOOLS)
        if reason:
            raise NotPossible(f"packets can't be dropped here: {reason}")
        log_path = folder / "logs" / "namespaces.log"
        spaces: list[PrivateSpace] = []
        try:
            for end in ("wire", "clients"):
                spaces.append(PrivateSpace.open(Kind.NETWORK, name=f"{name}-{end}", log_path=log_path))
            wire = cls(*spaces)
            wire._connect_spaces()
            wire._prove()
            wire._prove_rules()
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            for space in spaces:
                space.close()
            raise
        return wire

    @property
    def server_host(self) -> str:
        """The address of this machine that clients reach: a server has to listen on it."""
        return f"{self._network}.1"

    @property
    def client_host(self) -> str:
        """The address from which clients come."""
        return f"{self._network}.6"

    @property
    def interface(self) -> str:
        """The one interface on this machine; it goes when the wire goes."""
        return self._interface

    def drop(self, direction: Direction) -> None:
        """Discard what passes this way from now on. Neither end is told. Raises `TrialError` where no rule is taken."""
        for way, incoming in _INCOMING.items():
            if direction in (way, Direction.BOTH) and way not in self._dropping:
                self._iptables("--insert", *_rule(incoming))
                self._dropping.add(way)

    def heal(self) -> LostPackets:
        """Let everything pass again; what was discarded since `drop`. Idempotent."""
        lost = self.lost()
        for way in tuple(self._dropping):
            self._iptables("--delete", *_rule(_INCOMING[way]))
            self._dropping.discard(way)
        return lost

    def lost(self) -> LostPackets:
        """What the drop that is on has discarded until now; nothing if none is on."""
        listed = self._iptables("--list", "FORWARD", "--verbose", "--exact", "--numeric")
        counts = dict.fromkeys(_INCOMING.values(), 0)
        for line in listed.splitlines():
            words = line.split()
            # pkts bytes target prot opt in out source destination
            if len(words) > 6 and words[2] == "DROP":
                counts[words[5]] += int(words[0])
        return LostPackets(counts[_CLIENT_END], counts[_SERVER_END])

    def connect(self, port: int, *, timeout_s: float) -> socket.socket:
        """A TCP connection to the server as a client inside makes it. Raises `OSError` as such a client gets it."""
        return as_inside(self.clients, lambda: socket.create_connection((self.server_host, port), timeout=timeout_s))

    def check_alive(self) -> None:
        """Raise `TrialError` where what holds its namespaces has ended by itself: clients would be cut off for good."""
        self._wire.check_alive()
        self.clients.check_alive()

    def close(self) -> None:
        """Remove everything. Idempotent."""
        # The interface first: an end that is removed is gone at once, a namespace when the kernel comes to it.
        with contextlib.suppress(NotPossible):
            run(["ip", "link", "delete", self._interface], what="ip link")
        self.clients.close()
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect_spaces(self) -> None:
        """Interfaces, addresses and routes. Another network is tried when ours is taken."""
        peer = ["peer", "name", _SERVER_END, "netns", str(self._wire.pid)]
        run(["ip", "link", "add", self._interface, "type", "veth", *peer], what="ip link")
        self._network = self._take_network()
        there, clients = self._wire.run, self.clients.run
        peer = ["peer", "name", "wire", "netns", str(self.clients.pid)]
        there(["ip", "link", "add", _CLIENT_END, "type", "veth", *peer])
        for act, name, host in ((there, _SERVER_END, 2), (there, _CLIENT_END, 5), (clients, "wire", 6)):
            act(["ip", "address", "add", f"{self._network}.{host}/30", "dev", name])
            act(["ip", "link", "set", name, "up"])
        clients(["ip", "link", "set", "lo", "up"])
        clients(["ip", "route", "add", "default", "via", f"{self._network}.5"])
        run(["ip", "route", "add", f"{self._network}.4/30", "via", f"{self._network}.2"], what="ip route")
        there(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])

    def _take_network(self) -> str:
        """A network that nobody has. The kernel adds a route only once, so of two who try one at once one gets it."""
        reason = NotPossible("no network was tried")
        run(["ip", "link", "set", self._interface, "up"], what="ip link")
        for _ in range(_TRIES):
            network = f"198.{random.randint(18, 19)}.{random.randint(0, 255)}"
            try:
                if run(["ip", "route", "show", "root", f"{network}.0/24"], what="ip route").strip():
                    reason = NotPossible(f"the network {network}.0 is taken")
                    continue
                run(["ip", "route", "add", f"{network}.0/29", "dev", self._interface], what="ip route")
                run(["ip", "address", "add", f"{network}.1/30", "dev", self._interface], what="ip address")
                return network
            except NotPossible as error:
                reason = error
        raise reason

    def _prove(self) -> None:
        """One connection, there and back: a firewall of this machine may stand in the way."""
        with socket.create_server((self.server_host, 0)) as server:
            server.settimeout(_PROBE_DEADLINE_S)
            try:
                with self.connect(server.getsockname()[1], timeout_s=_PROBE_DEADLINE_S) as client:
                    accepted, _ = server.accept()
                    with accepted:
                        accepted.sendall(b"x")
                        arrived = client.recv(1)
            except OSError as error:
                raise NotPossible(f"no bytes pass between namespaces (a firewall?): {error}") from error
            if arrived != b"x":
                raise NotPossible("what came through the wire is not what was sent")

    def _prove_rules(self) -> None:
        """Set each rule once: what can't be done is found out now, and not in the middle of a trial."""
        try:
            self.drop(Direction.BOTH)
            self.heal()
        except TrialError as error:
            raise NotPossible(error.message) from error

    def _iptables(self, *arguments: str) -> str:
        try:
            return self._wire.run(["iptables", "--wait", "5", *arguments])
        except NotPossible as error:
            raise TrialError(f"the wire's rules are out of reach: {error.message}") from error


def as_inside(space: PrivateSpace, act: Callable[[], T]) -> T:
    """Run ``act`` on a thread of its own inside the network of ``space``; what it returns or raises is passed on.

    Raises `TrialError` where it does not return within `RUN_DEADLINE_S`.
    """
    answers: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def enter_and_act() -> None:
        try:
            join_network(space.network)
            result = act()
            answers.put(lambda: result)
        except BaseException as error:  # noqa: BLE001 - not swallowed: raised to the caller
            answers.put(functools.partial(_raise, error))

    threading.Thread(target=enter_and_act, name="inside", daemon=True).start()
    try:
        answer = answers.get(timeout=RUN_DEADLINE_S)
    except queue.Empty:
        raise TrialError(f"nothing came back from inside a network within {RUN_DEADLINE_S:g} s") from None
    return answer()


@functools.cache
def why_no_wire() -> str:
    """Why packets can't be dropped here; empty if they can. Found out by setting up a wire and using it."""
    with tempfile.TemporaryDirectory(prefix="pvs-wire-") as folder:
        try:
            Wire.open(Path(folder)).close()
        except NotPossible as error:
            return error.message
    return ""


def _raise(error: BaseException) -> NoReturn:
    raise error


def _rule(incoming: str) -> list[str]:
    return ["FORWARD", "--in-interface", incoming, "--jump", "DROP"]
