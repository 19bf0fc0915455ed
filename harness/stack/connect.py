"""How to connect to a `ServerAddress`: plain, as an ACL user, and over TLS through a link.

`open_client` is what everyone uses; `admin_client` is the harness's own connection for readiness and for reading what
the server holds, always straight to the server and never with a retry: a retried read would hide an outage, a
retried write would double an entry.

Where the address names Sentinels, `open_client` gives what ``redis.sentinel.Sentinel(…).master_for(…)`` gives: each new
connection asks them for the master and goes to it.

A link is reached under another name than the server behind it, but the server's certificate names the server.
redis-py checks it against the host it connects to; `NamedSSLConnection` checks it against the server's name.
"""

from __future__ import annotations

import socket
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from harness.stack.base import SentinelGroup, ServerAddress, TlsSettings

ADMIN_TIMEOUT_S = 5.0
ADMIN_PROTOCOL = 2
"""Every server with Streams speaks it, and the shapes of its replies do not change with the library's release."""


class NamedSSLConnection(SSLConnection):
    """A TLS connection whose certificate is checked against ``server_name`` instead of the host it connects to."""

    def __init__(self, *, server_name: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.server_name = server_name

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
        reached = self.host
        self.host = self.server_name
        try:
            return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # redis-py has no types here
        finally:
            self.host = reached


def connection_arguments(address: ServerAddress) -> dict[str, Any]:
    """The keyword arguments of ``redis.Redis`` that say where and as whom, and nothing else (no retries, no timeouts).

    A certificate's other name is no argument of ``redis.Redis``: `open_client` takes care of it.
    """
    arguments: dict[str, Any] = {"host": address.host, "port": address.port, "db": address.database}
    if address.username is not None:
        arguments["username"] = address.username
    if address.password is not None:
        arguments["password"] = address.password
    if address.tls is not None:
        arguments |= _tls_arguments(address.tls)
    return arguments


def open_client(address: ServerAddress, **settings: Any) -> redis.Redis:
    """``redis.Redis`` for ``address``; ``settings`` are its other keyword arguments. Connects on first use."""
    if address.sentinels is not None:
        return _open_master(address, address.sentinels, settings)
    client = redis.Redis(**connection_arguments(address), **settings)
    if address.tls is not None and address.tls.server_name is not None:
        client.connection_pool.connection_class = NamedSSLConnection
        client.connection_pool.connection_kwargs["server_name"] = address.tls.server_name
    return client


def admin_client(address: ServerAddress, *, timeout_s: float = ADMIN_TIMEOUT_S) -> redis.Redis:
    """The harness's own client: text replies, RESP2, no retries, an error after ``timeout_s`` of silence."""
    return open_client(
        address,
        decode_responses=True,
        protocol=ADMIN_PROTOCOL,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
    )


def _open_master(address: ServerAddress, sentinels: SentinelGroup, settings: dict[str, Any]) -> redis.Redis:
    """The client as redis-py ships it for those who ask Sentinels: ``settings`` are the only ones that are given.

    It is not made by ``redis.Redis(…)``, so it does not have that one's retries: none, unless ``settings`` say so.
    The timeouts among them also count for the Sentinels, as redis-py does it.
    """
    who = connection_arguments(address)
    del who["host"], who["port"]
    asked: Any = Sentinel(sentinels.members, **settings)  # type: ignore[no-untyped-call]  # redis-py has no types here
    client: redis.Redis = asked.master_for(sentinels.service, **who)
    return client


def _tls_arguments(tls: TlsSettings) -> dict[str, Any]:
    files = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    return {
        "ssl": True,
        "ssl_cert_reqs": "required" if tls.verify else "none",
        "ssl_check_hostname": tls.verify,
        **{name: value for name, value in files.items() if value is not None},
    }
