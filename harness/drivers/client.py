"""redis-py, set up as an arm's preset says, with an observer on its connections.

The presets:

``as-shipped``
    what ``redis.Redis(host, port)`` gives: the defaults of the installed release.
``no-retry``
    the defaults, but every error reaches the application at once.
``hardened``
    short socket timeouts, capped exponential back-off, keepalive; a Pub/Sub subscriber also pings its own
    connection and replaces it after two seconds of silence.

An arm that asks Sentinels has what ``redis.sentinel.Sentinel(…).master_for(…)`` gives, with the same settings. That is
not ``redis.Redis``, and has none of its retries: as shipped, every error reaches the application at once.

A request may be written to a socket more than once inside one call, because redis-py retries. The observer is told
before each write, so that a retry that made two entries is seen as two attempts, and so that a message is called
rejected only when nothing was ever written.
"""

from __future__ import annotations

import errno
import sys
from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from harness.drivers.base import ConnectionObserver
from harness.model.words import ClientPreset, ErrorKind
from harness.stack.base import SentinelGroup, ServerAddress
from harness.stack.connect import open_client

HARDENED_TIMEOUT_S = 2.0
HARDENED_RETRIES = 8
_REQUESTS = (b"XADD", b"PUBLISH")
_BREAKS = (redis.ConnectionError, redis.TimeoutError, OSError)
"""What ends a connection (socket.timeout is an OSError)."""
_REPLY_KINDS = {
    "OOM": ErrorKind.OOM,
    "READONLY": ErrorKind.READONLY,
    "NOREPLICAS": ErrorKind.NOREPLICAS,
    "MISCONF": ErrorKind.MISCONF,
    "LOADING": ErrorKind.LOADING,
    "NOAUTH": ErrorKind.AUTH,
    "WRONGPASS": ErrorKind.AUTH,
    "NOPERM": ErrorKind.AUTH,
    "NOGROUP": ErrorKind.NOGROUP,
}
_REPLY_CLASSES = {
    "OutOfMemoryError": ErrorKind.OOM,
    "ReadOnlyError": ErrorKind.READONLY,
    "NoPermissionError": ErrorKind.AUTH,
}
"""Error replies that redis-py gives a class, by name, since not every release has all of them: it takes the first word
out of their text."""
_RETRIED_ERRORS: dict[str, Any] = (
    {"retry_on_error": [redis.ConnectionError, redis.TimeoutError]} if redis.__version__.startswith("5.") else {}
)
"""redis-py 5 repeats a command only after the errors that are named; later releases do without being told."""
PROOF_OF_REJECTION = frozenset(
    {
        ErrorKind.OOM,
        ErrorKind.READONLY,
        ErrorKind.NOREPLICAS,
        ErrorKind.MISCONF,
        ErrorKind.LOADING,
        ErrorKind.AUTH,
    }
)
"""Error replies that prove that the command was not executed."""


_CONNECTION_SETTINGS = ("retry", "socket_timeout", "socket_connect_timeout", "socket_keepalive")
_PLAIN = ServerAddress("localhost", 1)
_ASKING = ServerAddress("localhost", 1, sentinels=SentinelGroup("-", (("localhost", 1),)))
"""Addresses of nobody, for a client that is only looked at."""


class RequestCounter:
    """Counts the socket writes of the current request and numbers this process's connections."""

    def __init__(self, observer: ConnectionObserver) -> None:
        self.observer = observer
        self.writes = 0
        self.connections = 0
        self._sending = False

    def begin(self) -> None:
        """A message is about to be sent: from here on, the requests that carry one are counted."""
        self.writes = 0
        self._sending = True

    def wrote(self) -> None:
        """The request is about to be written once more. A consumer's own XADD (a dead letter) sends no message."""
        if not self._sending:
            return
        self.writes += 1
        self.observer.writing(self.writes)


def make_client(address: ServerAddress, preset: ClientPreset, counter: RequestCounter) -> redis.Redis:
    """A client of ``address`` set up as ``preset`` says; what its connections do is told to ``counter``."""
    return observe(open_client(address, decode_responses=True, **preset_arguments(preset)), counter)


def observe(client: redis.Redis, counter: RequestCounter) -> redis.Redis:
    """The same client, whose connections tell ``counter`` what they do. It must not have connected yet."""
    pool = client.connection_pool
    pool.connection_class = _observed(pool.connection_class, counter)
    return client


def preset_arguments(preset: ClientPreset) -> dict[str, Any]:
    """The keyword arguments of ``redis.Redis`` that make up a preset."""
    match preset:
        case ClientPreset.AS_SHIPPED:
            return {}
        case ClientPreset.NO_RETRY:
            return {"retry": Retry(NoBackoff(), 0)}
        case ClientPreset.HARDENED:
            return {
                "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), HARDENED_RETRIES),
                "socket_timeout": HARDENED_TIMEOUT_S,
                "socket_connect_timeout": 1.0,
                "socket_keepalive": True,
                **_RETRIED_ERRORS,
            }


def release_number(release: str) -> int:
    """A release as one number for a journal: ``"7.4.1"`` → 7004001; zero where it is none of three numbers."""
    words = release.split(".")
    if len(words) < 3 or not all(word.isdigit() for word in words[:3]):
        return 0
    major, minor, patch = (int(word) for word in words[:3])
    return major * 1_000_000 + minor * 1_000 + patch


def describe_preset(preset: ClientPreset, *, asks_sentinel: bool = False) -> dict[str, str]:
    """What a preset comes to with the installed release: for the report. Nothing is connected to."""
    client = open_client(_ASKING if asks_sentinel else _PLAIN, **preset_arguments(preset))
    settings = client.connection_pool.connection_kwargs
    if asks_sentinel:  # its pool is told nothing but the preset: the rest is what its connections have by default
        connection = client.connection_pool.make_connection()
        settings = {name: getattr(connection, name, None) for name in _CONNECTION_SETTINGS}
    retry = settings.get("retry")
    backoff = getattr(retry, "_backoff", None)
    described = {
        "library": f"redis-py {redis.__version__}",
        "retries": str(getattr(retry, "_retries", "unknown")) if isinstance(retry, Retry) else "none",
        "backoff": _describe_backoff(backoff),
        "socket_timeout_s": str(settings.get("socket_timeout")),
        "socket_connect_timeout_s": str(settings.get("socket_connect_timeout")),
        "keepalive": str(settings.get("socket_keepalive")),
        "resp": str(settings.get("protocol") or "library default"),
    }
    client.close()
    return described


def _describe_backoff(backoff: object) -> str:
    """Class and parameters of a redis-py back-off."""
    if backoff is None:
        return "none"
    parameters = {name.strip("_"): value for name, value in vars(backoff).items()}
    inner = ", ".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    return f"{type(backoff).__name__}({inner})"


def _observed(base: type[Any], counter: RequestCounter) -> type[Any]:
    """A subclass of redis-py's connection class ``base`` that reports to ``counter``."""

    class ObservedConnection(base):  # type: ignore[misc]  # the base is whichever class this release's pool picked
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            self.number = 0
            self.last_error: BaseException | None = None
            self.register_connect_callback(self._note_connected)

        def _note_connected(self, _connection: object) -> None:
            self.last_error = None
            counter.connections += 1
            self.number = counter.connections
            counter.observer.connected(self.number)

        def disconnect(self, *arguments: Any, **keywords: Any) -> None:
            alive = self._sock is not None and self.number > 0
            # redis-py gives up a connection while it handles what went wrong with it, and does not say what.
            handled = sys.exc_info()[1]
            super().disconnect(*arguments, **keywords)
            if alive:
                error = keywords.get("error") or (arguments[0] if arguments else None) or self.last_error
                error = error or (handled if isinstance(handled, _BREAKS) else None)
                kind = classify(error) if isinstance(error, BaseException) else ErrorKind.NONE
                counter.observer.disconnected(self.number, kind)

        def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            if _is_request(command):
                if not self._sock:  # connect first: a connection that is refused is not a write
                    self._connect_only()
                counter.wrote()
            super().send_packed_command(command, check_health)

        def _connect_only(self) -> None:
            """Connect without the health check, which redis-py 5 makes in another place."""
            if hasattr(self, "connect_check_health"):
                self.connect_check_health(check_health=False)
            else:
                self.connect()

        def read_response(self, *arguments: Any, **keywords: Any) -> Any:
            try:
                return super().read_response(*arguments, **keywords)
            except _BREAKS as error:
                self.last_error = error
                raise

    return ObservedConnection


def _is_request(command: Any) -> bool:
    """Whether a packed command is one that sends a message (and not a handshake)."""
    first = command[0] if isinstance(command, list | tuple) and command else command
    data = first if isinstance(first, bytes) else str(first).encode()
    return any(name in data[:32] for name in _REQUESTS)


def classify(error: BaseException) -> ErrorKind:
    """Which kind of error this is, from the exception and what caused it.

    A connection that Sentinels found answers a READONLY by closing itself and raising a ``ConnectionError`` in its
    place: the reply is still there, as what that one was raised in the handling of.
    """
    if isinstance(error, redis.ResponseError):
        named = _REPLY_CLASSES.get(type(error).__name__)
        return named or _REPLY_KINDS.get(str(error).split(" ", 1)[0], ErrorKind.OTHER_REPLY)
    if isinstance(error, MasterNotFoundError):
        return ErrorKind.NO_MASTER
    if isinstance(error, redis.ConnectionError) and isinstance(error.__context__, redis.ReadOnlyError):
        return ErrorKind.READONLY
    if isinstance(error, redis.BusyLoadingError):
        return ErrorKind.LOADING
    if isinstance(error, redis.AuthenticationError):
        return ErrorKind.AUTH
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return ErrorKind.TIMEOUT
    numbered = _first_errno(error)
    if numbered == errno.ECONNREFUSED:
        return ErrorKind.REFUSED
    if numbered in {errno.ECONNRESET, errno.EPIPE}:
        return ErrorKind.RESET
    if isinstance(error, redis.ConnectionError):
        return ErrorKind.EOF if "closed by server" in str(error).lower() else ErrorKind.OTHER
    return ErrorKind.OTHER


def _first_errno(error: BaseException) -> int | None:
    """The errno of the OSError at the bottom of a chain of exceptions, at most eight deep."""
    current: BaseException | None = error
    for _ in range(8):
        if current is None:
            break
        if isinstance(current, OSError) and current.errno is not None:
            return current.errno
        current = current.__cause__ or current.__context__
    text = str(error)
    for number in (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE):
        if f"Error {number} " in text:
            return number
    return None
