"""Whether a server that is not ours lets us do what a trial does, found out before the trial by doing it once.

Every command is tried on one key and one channel under a random prefix of our own, and the key is removed. A server
that is out of reach, wants another password, forbids a command, has no Streams or takes no writes is told apart here,
so that each gets one clear error instead of a trial full of odd counts.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from typing import NoReturn

import redis
from redis.client import PubSub

from harness.model.errors import EnvironmentUnavailable, HarnessError, UsageError
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client
from harness.stack.inspection import no_streams, read_product
from harness.stack.redacting import without_secrets

ACL_RULE = (
    "~pvs:* &pvs:* +ping +scan +unlink +xadd +xgroup +xreadgroup +xack +xautoclaim +xrange +xpending +xinfo "
    "+memory|usage +publish +subscribe +unsubscribe +client|setinfo +info +config|get"
)
"""What a user needs; the last three are asked for the report only and may be left out."""
_OLD = "use a server of Redis 6.2 or newer, or any Valkey"


def check_access(address: ServerAddress) -> None:
    """Do once what a trial does. Raises `EnvironmentUnavailable` or `UsageError`: what is wrong, and the fix."""
    name = f"pvs:{secrets.token_hex(4)}:probe"
    with admin_client(address) as client:
        step = "PING"
        try:
            client.ping()
            for step, act in _steps(client, name):  # noqa: B007  # read on failure
                act()
        except redis.RedisError as error:
            if step != "PING":
                with contextlib.suppress(redis.RedisError):
                    client.unlink(name)
            _explain(error, step, address, client)


def _steps(client: redis.Redis, name: str) -> list[tuple[str, Callable[[], object]]]:
    """Removing comes first: a user who may not remove is not let write."""
    group, consumer = "probe", "probe"
    return [
        ("SCAN", lambda: client.scan(match=name, count=1)),
        ("UNLINK", lambda: client.unlink(name)),
        ("XADD", lambda: client.xadd(name, {"probe": "1"}, maxlen=1)),
        ("XGROUP", lambda: client.xgroup_create(name, group, "0")),
        ("XREADGROUP", lambda: client.xreadgroup(group, consumer, {name: ">"}, count=1)),
        ("XPENDING", lambda: client.xpending(name, group)),
        ("XAUTOCLAIM", lambda: client.xautoclaim(name, group, consumer, min_idle_time=0)),
        ("XACK", lambda: client.xack(name, group, "0-1")),
        ("XRANGE", lambda: client.xrange(name, count=1)),
        ("XINFO", lambda: client.xinfo_groups(name)),
        ("UNLINK", lambda: client.unlink(name)),
        ("PUBLISH", lambda: client.publish(name, "probe")),
        ("SUBSCRIBE", lambda: _subscribe(client, name)),
    ]


def _subscribe(client: redis.Redis, channel: str) -> None:
    open_subscriber: Callable[[], PubSub] = client.pubsub
    with open_subscriber() as subscriber:
        subscriber.subscribe(channel)
        subscriber.get_message(timeout=5.0)


def login_error(error: redis.RedisError, address: ServerAddress) -> HarnessError | None:
    """What to raise where nothing can be asked at all: login, loading, reach, database; ``None``: another error."""
    said = without_secrets(str(error), address.password)
    where = f"{address.host}:{address.port}"
    if isinstance(error, redis.AuthenticationError):
        return _refused_login(said, where, address)
    if isinstance(error, redis.exceptions.BusyLoadingError):
        return EnvironmentUnavailable(f"the server at {where} is still loading its data", fix="wait for it")
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return _unreachable(said, where, address)
    if "DB index" in said:
        return UsageError(f"the server at {where} has no such database: {said}", fix="correct the number in REDIS_URL")
    return None


def _explain(error: redis.RedisError, step: str, address: ServerAddress, client: redis.Redis) -> NoReturn:
    """Raise what a user can act upon."""
    hopeless = login_error(error, address)
    if hopeless is not None:
        raise hopeless from error
    said = without_secrets(str(error), address.password)
    if "unknown command" in said.lower():
        raise no_streams(read_product(client), [step], fix=_OLD) from error
    if isinstance(error, redis.exceptions.NoPermissionError) or said.startswith("NOPERM"):
        raise _forbidden(said, step, address) from error
    raise _unwilling(error, said, step, f"{address.host}:{address.port}") from error


def _refused_login(said: str, where: str, address: ServerAddress) -> HarnessError:
    who = f"user {address.username}" if address.username else "the default user"
    if address.password is None:
        return EnvironmentUnavailable(f"the server at {where} asks for a password ({said})", fix="put it in REDIS_URL")
    return EnvironmentUnavailable(
        f"the server at {where} does not accept the password of {who} ({said})",
        fix="correct user and password in REDIS_URL; percent-encode :, /, @ and # in them",
    )


def _unreachable(said: str, where: str, address: ServerAddress) -> HarnessError:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        fix = (
            "set REDIS_CA_FILE to the certificate of its authority, use the name that its certificate carries, "
            "or, only where nobody can listen in, set REDIS_TLS_VERIFY=0"
        )
    elif address.tls is not None:
        fix = (
            "check host and port, and that TLS is spoken there: without TLS write redis://; "
            "a server that wants a certificate from us gets it by REDIS_CERT_FILE and REDIS_KEY_FILE"
        )
    else:
        fix = "check host and port, and that the server runs; if it speaks TLS only, write rediss://"
    return EnvironmentUnavailable(f"the server at {where} is not to be reached: {said}", fix=fix)


def _forbidden(said: str, step: str, address: ServerAddress) -> HarnessError:
    who = address.username or "default"
    return EnvironmentUnavailable(
        f"user {who} is not permitted what a trial needs, {step}: {said}",
        fix=f"on the server: ACL SETUSER {who} {ACL_RULE}",
    )


def _unwilling(error: redis.RedisError, said: str, step: str, where: str) -> HarnessError:
    if isinstance(error, redis.exceptions.ClusterError | redis.exceptions.ClusterDownError | redis.exceptions.AskError):
        return EnvironmentUnavailable(
            f"the server at {where} is part of a cluster, which is not supported: {said}",
            fix="give the address of a server that stands alone",
        )
    if isinstance(error, redis.ReadOnlyError):
        return EnvironmentUnavailable(f"the server at {where} is a replica: {said}", fix="give its primary's address")
    return EnvironmentUnavailable(
        f"the server at {where} does not do {step} as it should: {said}",
        fix="check that a Redis or Valkey server runs there and takes writes",
    )
