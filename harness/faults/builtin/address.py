"""Addresses as the real one reads and shows them: ``host:port``, ``[v6]:port``, ``:port``, port 0, names.

An address that cannot be used is an `ApiError` with status 500 and the sentence of a Go server, because that is what
clients of the API have always got.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import NamedTuple

from harness.faults.builtin.errors import ApiError

_LOOKUP_DEADLINE_S = 10.0
_WILDCARDS = ("", "0.0.0.0", "::")
BACKLOG = 4096
"""How many connections may wait to be accepted; the kernel cuts it to its own limit."""


class Address(NamedTuple):
    """A host, empty for all interfaces, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split_address(text: str) -> Address:
    """``text`` in its two parts; nothing at all means any port of all interfaces."""
    if not text:
        return Address("", 0)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif not colon or text.endswith("]"):
        raise ApiError(f"address {text}: missing port in address", status=500)
    elif ":" in host:
        raise ApiError(f"address {text}: too many colons in address", status=500)
    return Address(host, _port_number(port))


async def resolve(text: str) -> Address:
    """``text`` with its name looked up, IPv4 before IPv6."""
    address = split_address(text)
    if address.host in _WILDCARDS or _is_literal(address.host):
        return address
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_DEADLINE_S):
            found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as problem:
        raise ApiError(f"lookup {address.host}: no such host", status=500) from problem
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return Address(str(found[0][4][0]), address.port)


async def listen(text: str) -> socket.socket:
    """A listening socket on ``text``."""
    try:
        address = await resolve(text)
    except ApiError as problem:
        raise ApiError(f"listen tcp: {problem.message}", status=problem.status) from problem
    try:
        return _bind(address)
    except OSError as problem:
        reason = os.strerror(problem.errno).lower() if problem.errno else str(problem)
        raise ApiError(f"listen tcp {address}: bind: {reason}", status=500) from problem


def shown(listener: socket.socket) -> str:
    """The address of ``listener`` as the API shows it."""
    name = listener.getsockname()
    return str(Address(name[0], name[1]))


def _bind(address: Address) -> socket.socket:
    if address.host not in _WILDCARDS:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return _listening(family, address)
    # All interfaces means both families on one socket, as far as the machine has them.
    try:
        return _listening(socket.AF_INET6, Address("::", address.port))
    except OSError as problem:
        if problem.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return _listening(socket.AF_INET, Address("0.0.0.0", address.port))


def _listening(family: socket.AddressFamily, address: Address) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address.host != "::"))
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
    except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
        listener.close()
        raise
    return listener


def _port_number(text: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        port = int(text)
        if port <= 65535:
            return port
        raise ApiError(f"address {text}: invalid port", status=500)
    try:
        return socket.getservbyname(text, "tcp")
    except OSError as problem:
        raise ApiError(f"lookup tcp/{text}: unknown port", status=500) from problem


def _is_literal(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except OSError:
        return False
    return True
