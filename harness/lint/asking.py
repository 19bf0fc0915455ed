"""A guest who only asks: the few read commands of the lint, and nothing else can be sent through it.

Each question gives an answer, or `Denied` with the reason in a few words; only what makes every further question
useless (the connection, the login) is raised, as one clear error. Replies that are no UTF-8 are kept, not refused:
names and contents on a server of somebody else are what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.model.errors import EnvironmentUnavailable
from harness.stack.base import ServerAddress
from harness.stack.connect import ADMIN_PROTOCOL, ADMIN_TIMEOUT_S, open_client
from harness.stack.preflight import login_error
from harness.stack.redacting import without_secrets

Answer = TypeVar("Answer")
READ_COMMANDS = (
    "INFO",
    "CONFIG GET",
    "SCAN",
    "XINFO STREAM",
    "XINFO GROUPS",
    "XINFO CONSUMERS",
    "XPENDING",
    "XREVRANGE",
    "MEMORY USAGE",
)
"""All that the lint ever sends, besides what opens a connection."""


class Denied(Exception):
    """The server did not answer a question; the message says why, in a few words."""


class Gone(Denied):
    """There is no such stream."""


class Guest:
    """One connection to a server of somebody else; ``denied`` remembers what it did not answer, by command."""

    def __init__(self, address: ServerAddress) -> None:
        self.denied: dict[str, str] = {}
        self._address = address
        self._client = open_client(
            address,
            decode_responses=True,
            encoding_errors="surrogateescape",
            protocol=ADMIN_PROTOCOL,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ADMIN_TIMEOUT_S,
            socket_connect_timeout=ADMIN_TIMEOUT_S,
        )

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def info(self, section: str | None = None) -> Mapping[str, Any]:
        """INFO, or one section of it."""
        command = f"INFO {section}" if section else "INFO"
        fields: Mapping[str, Any] = self._ask(
            command, lambda: self._client.info(section) if section else self._client.info()
        )
        return fields

    def config(self, name: str) -> str | None:
        """One setting; ``None``: this server has none of that name."""
        found: Mapping[str, str] = self._ask("CONFIG", lambda: self._client.config_get(name))
        value = found.get(name)
        return None if value is None else str(value)

    def scan(self, cursor: int, *, pattern: str, count: int) -> tuple[int, list[str]]:
        """One step of SCAN over the streams."""
        reply = self._ask("SCAN", lambda: self._client.scan(cursor, match=pattern, count=count, _type="stream"))
        return int(reply[0]), [str(key) for key in reply[1]]

    def stream(self, key: str) -> Mapping[str, Any]:
        """XINFO STREAM."""
        fields: Mapping[str, Any] = self._ask("XINFO STREAM", lambda: self._client.xinfo_stream(key))
        return fields

    def groups(self, key: str) -> list[Mapping[str, Any]]:
        """XINFO GROUPS."""
        rows: list[Mapping[str, Any]] = self._ask("XINFO GROUPS", lambda: self._client.xinfo_groups(key))
        return rows

    def consumers(self, key: str, group: str) -> list[Mapping[str, Any]]:
        """XINFO CONSUMERS."""
        rows: list[Mapping[str, Any]] = self._ask("XINFO CONSUMERS", lambda: self._client.xinfo_consumers(key, group))
        return rows

    def pending(self, key: str, group: str, *, count: int, idle_ms: int | None = None) -> list[Mapping[str, Any]]:
        """XPENDING: the pending entries with the lowest ids, of those that were left alone for ``idle_ms``."""
        rows: list[Mapping[str, Any]] = self._ask(
            "XPENDING", lambda: self._client.xpending_range(key, group, min="-", max="+", count=count, idle=idle_ms)
        )
        return rows

    def newest_ids(self, key: str, *, count: int) -> list[str]:
        """The ids of the newest entries."""
        entries = self._ask("XREVRANGE", lambda: self._client.xrevrange(key, count=count))
        return [str(entry[0]) for entry in entries]

    def memory(self, key: str) -> int | None:
        """MEMORY USAGE with the server's own few samples."""
        size = self._ask("MEMORY USAGE", lambda: self._client.memory_usage(key))
        return None if size is None else int(size)

    def _ask(self, command: str, question: Callable[[], Any]) -> Any:  # redis-py's replies have no types
        """The answer. Raises `Denied`, or a `HarnessError` where nothing can be asked at all."""
        try:
            return question()
        except redis.RedisError as error:
            denied = self._denied(command, error)
            self.denied.setdefault(command, str(denied))
            raise denied from error

    def _denied(self, command: str, error: redis.RedisError) -> Denied:
        hopeless = login_error(error, self._address)
        if hopeless is not None:
            raise hopeless from error
        said = without_secrets(str(error), self._address.password)
        if isinstance(error, redis.exceptions.InvalidResponse):
            raise EnvironmentUnavailable(
                f"what answers at {self._address.host}:{self._address.port} is no Redis: {said[:200]}",
                fix="correct the address in REDIS_URL; if it speaks TLS only, write rediss://",
            ) from error
        if isinstance(error, redis.exceptions.NoPermissionError) or said.upper().startswith("NOPERM"):
            return Denied(f"no permission for {command}")
        if "unknown command" in said.lower() or "unknown subcommand" in said.lower():
            return Denied(f"this server has no {command}")
        if "no such key" in said.lower():
            return Gone("no such stream")
        if said.upper().startswith("WRONGTYPE"):
            return Denied("it is no stream")
        return Denied(f"{command} was refused: {said[:200]}")


def or_none(question: Callable[[], Answer]) -> Answer | None:
    """The answer, or ``None`` where it was denied: the guest remembers why."""
    try:
        return question()
    except Denied:
        return None
