"""A port to listen on that nobody is given by accident.

A free port out of the ephemeral range, as the system hands out for port 0, may become the local port of anybody's next
outgoing connection. For a listener that goes away and comes back, such as a proxy that is restarted, that matters:
hence a port below that range.

Nor is it free for long that counts: of two trials that look at the same moment, both may find a port free and only one
can have it. `reserve_port` therefore keeps it, by a socket that is bound and does not listen. Whoever looks for a free
port is refused it, and a server that sets ``SO_REUSEADDR``, as Redis, Sentinel, Toxiproxy and our own proxy do, can
listen on it, as often as it is restarted.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections import deque
from pathlib import Path
from typing import Final

from harness.model.errors import EnvironmentUnavailable

HOST = "127.0.0.1"
_PORTS = range(15_000, 30_000)
_TRIES = 50
_MOST_RESERVED: Final = 64
"""Of one process, at a time. A trial asks for a dozen; it is many trials in one process that would run out of files."""
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_LOWEST_EPHEMERAL_PORT = 32_768
_reserved: Final[deque[socket.socket]] = deque()


def reserve_port() -> int:
    """A `quiet_port` for a server of ours that nobody else is given while this process lives and asks for few.

    It refuses connections until that server listens. Where the system lets no second socket bind it, as those that
    come from BSD do, it is just free now.
    """
    claim = _bound()
    port = int(claim.getsockname()[1])
    claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if _can_be_shared(port):
        _keep(claim)
    else:
        claim.close()
    return port


def quiet_port() -> int:
    """A port that is free on 127.0.0.1 now and that no outgoing connection will be given.

    Somebody may take it before you do: be ready to try another.
    """
    with _bound() as claim:
        return int(claim.getsockname()[1])


def _bound() -> socket.socket:
    """A socket that has such a port for itself."""
    lowest = _lowest_ephemeral_port()
    ports = [port for port in _PORTS if port < lowest] or list(_PORTS)
    for port in random.sample(ports, k=min(_TRIES, len(ports))):
        claim = socket.socket()
        try:
            claim.bind((HOST, port))
        except OSError:
            claim.close()
        else:
            return claim
    raise EnvironmentUnavailable(f"{_TRIES} ports below {lowest} are all taken", fix="stop what holds them")


def _can_be_shared(port: int) -> bool:
    """Whether a server that sets ``SO_REUSEADDR`` may bind what we have bound."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            server.bind((HOST, port))
            return True
    return False


def _keep(claim: socket.socket) -> None:
    while len(_reserved) >= _MOST_RESERVED:
        _reserved.popleft().close()
    _reserved.append(claim)


def _lowest_ephemeral_port() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_LOWEST_EPHEMERAL_PORT
