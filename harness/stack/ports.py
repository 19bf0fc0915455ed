"""A port to listen on that nobody is given by accident.

A free port out of the ephemeral range, as the system hands out for port 0, may become the local port of anybody's next
outgoing connection. For a listener that goes away and comes back, such as a proxy that is restarted, that matters:
hence a port below that range.
"""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

from harness.model.errors import EnvironmentUnavailable

HOST = "127.0.0.1"
_PORTS = range(15_000, 30_000)
_TRIES = 50
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_LOWEST_EPHEMERAL_PORT = 32_768


def quiet_port() -> int:
    """A port that is free on 127.0.0.1 now and that no outgoing connection will be given."""
    lowest = _lowest_ephemeral_port()
    ports = [port for port in _PORTS if port < lowest] or list(_PORTS)
    for port in random.sample(ports, k=min(_TRIES, len(ports))):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port
    raise EnvironmentUnavailable(f"{_TRIES} ports below {lowest} are all taken", fix="stop what holds them")


def _lowest_ephemeral_port() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_LOWEST_EPHEMERAL_PORT
