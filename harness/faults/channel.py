"""One connection to a Redis server that never blocks: it connects, shakes hands and reads as far as it can.

The sentinel must notice the moment at which something happens to its connection, also while that connection is being
made; so nothing here waits. `Channel.advance` is called again and again and says what arrived; how a connection ended
is told by a `ChannelEnded` that carries the `ProbeResult`.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import ssl

from harness.model.errors import EnvironmentUnavailable
from harness.model.words import ProbeResult
from harness.stack.base import ServerAddress, TlsSettings

_CHUNK_BYTES = 65_536


class ChannelEnded(Exception):
    """The connection is over; ``result`` says how."""

    def __init__(self, result: ProbeResult) -> None:
        super().__init__(result.name)
        self.result = result


class Channel:
    """A connection from its first SYN to its end."""

    def __init__(self, address: ServerAddress, context: ssl.SSLContext | None) -> None:
        self._address = address
        self._context = context
        self._made = False
        self._open = False
        self._unsent = b""
        self._socket = _begin(address)

    @property
    def is_open(self) -> bool:
        """Whether bytes can be exchanged: connected and, where asked for, TLS agreed."""
        return self._open

    def wait(self, timeout_s: float) -> None:
        """Return when there may be something to do, at the latest after ``timeout_s``."""
        if isinstance(self._socket, ssl.SSLSocket) and self._open and self._socket.pending():
            return
        wants_write = not self._made or bool(self._unsent)
        _ready(self._socket, select.POLLIN | (select.POLLOUT if wants_write else 0), timeout_s)

    def send(self, data: bytes) -> None:
        """Hand ``data`` to the kernel, now or, should its buffer be full, at the next `advance`."""
        self._unsent += data
        self._flush()

    def advance(self) -> bytes:
        """Do what can be done without waiting; what arrived. Raises `ChannelEnded`."""
        if not self._made:
            self._finish_connect()
        if self._made and not self._open:
            self._finish_handshake()
        if not self._open:
            return b""
        self._flush()
        return self._receive()

    def close(self) -> None:
        """Close the socket. Idempotent."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _finish_connect(self) -> None:
        if not _ready(self._socket, select.POLLOUT, 0):
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code or _is_connected_to_itself(self._socket):
            raise ChannelEnded(_result_of(OSError(code or errno.ECONNREFUSED, ""), made=False))
        self._made = True
        if self._context is None:
            self._open = True
        else:
            name = _server_name(self._address)
            self._socket = self._context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)

    def _finish_handshake(self) -> None:
        assert isinstance(self._socket, ssl.SSLSocket)
        try:
            self._socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except ssl.SSLCertVerificationError as error:
            raise EnvironmentUnavailable(
                f"the server's certificate is not trusted: {error.verify_message}",
                fix="name the certificate authority that signed it",
            ) from error
        except OSError as error:
            raise ChannelEnded(_result_of(error, made=True)) from error
        self._open = True

    def _flush(self) -> None:
        if not self._unsent or not self._open:
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            raise ChannelEnded(_result_of(error, made=True)) from error

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        except OSError as error:
            raise ChannelEnded(_result_of(error, made=True)) from error
        if not data:
            raise ChannelEnded(ProbeResult.CLOSED)
        return data


def tls_context(settings: TlsSettings | None) -> ssl.SSLContext | None:
    """What TLS needs to know, once for all connections; ``None`` for plain text."""
    if settings is None:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if not settings.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ValueError) as error:
        raise EnvironmentUnavailable(
            f"the TLS files cannot be used: {error}", fix="check the paths of the certificates and the key"
        ) from error
    return context


def _begin(address: ServerAddress) -> socket.socket:
    """A socket on its way to ``address``; an immediate refusal is found by the first `Channel.advance`."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise EnvironmentUnavailable(
            f"{address.host}:{address.port} cannot be resolved: {error}", fix="check the host name"
        ) from error
    connection = socket.socket(family, kind, protocol)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    code = connection.connect_ex(target)
    if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
        connection.close()
        raise ChannelEnded(_result_of(OSError(code, ""), made=False))
    return connection


def _server_name(address: ServerAddress) -> str:
    tls = address.tls
    return address.host if tls is None or tls.server_name is None else tls.server_name


def _is_connected_to_itself(connection: socket.socket) -> bool:
    """A connect to a free port of one's own host can meet itself: nobody listens there."""
    try:
        return bool(connection.getsockname() == connection.getpeername())
    except OSError:
        return False


def _ready(connection: socket.socket, events: int, timeout_s: float) -> bool:
    """Whether one of ``events``, or an error, came up within ``timeout_s``."""
    poll = select.poll()
    poll.register(connection, events)
    return bool(poll.poll(timeout_s * 1000))


def _result_of(error: OSError, *, made: bool) -> ProbeResult:
    """RST in any guise is a reset; whatever keeps a connection from being made is a refusal; the rest is an end."""
    if not isinstance(error, ssl.SSLError) and error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return ProbeResult.RESET
    return ProbeResult.CLOSED if made else ProbeResult.REFUSED
