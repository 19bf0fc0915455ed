"""A Toxiproxy that runs somewhere already: a place on it is found and proven for each link, and left clean.

What a link will need is tried once per role: a proxy of ours is made there under a random name, the server is pinged
through it, and it is removed. Nothing of others on that Toxiproxy is read or touched.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import secrets

import redis

from harness.model.errors import EnvironmentUnavailable
from harness.stack.base import ProvidedProxy, ServerAddress
from harness.stack.connect import admin_client
from harness.stack.ports import quiet_port

DEADLINE_S = 3.0
_PORT_TRIES = 10
_START_FIX = "start Toxiproxy 2.12 there, correct TOXIPROXY_URL, or unset it: then a proxy of our own is used"


class VisitError(Exception):
    """The control API refused; the message is its answer."""


def provided_place(api: tuple[str, int], server: ServerAddress) -> ProvidedProxy:
    """Where a link in front of ``server`` can be made. Raises `EnvironmentUnavailable` with what is in the way."""
    host, port = api
    upstream = f"{_bracketed(server.host)}:{server.port}"
    name = f"harness-place-{secrets.token_hex(4)}"
    reached = _reached_host(host)
    link_port = _make(api, name, reached, upstream)
    try:
        _ping_through(server.through(reached, link_port), upstream)
    finally:
        with contextlib.suppress(OSError, VisitError):
            _call(api, "DELETE", f"/proxies/{name}")
    return ProvidedProxy(
        api_host=host,
        api_port=port,
        listen=f"{_bracketed(reached)}:{link_port}",
        client_host=reached,
        client_port=link_port,
        upstream=upstream,
        respawn=None,
    )


def _make(api: tuple[str, int], name: str, listening: str, upstream: str) -> int:
    """Make a proxy on some free port of that machine; the port."""
    refusals = []
    for _ in range(_PORT_TRIES):
        port = quiet_port()
        body = {"name": name, "listen": f"{_bracketed(listening)}:{port}", "upstream": upstream, "enabled": True}
        try:
            _call(api, "POST", "/proxies", body)
            return port
        except VisitError as error:
            refusals.append(str(error))
        except OSError as error:
            raise EnvironmentUnavailable(
                f"no Toxiproxy answers at {_bracketed(api[0])}:{api[1]}: {error}", fix=_START_FIX
            ) from error
    raise EnvironmentUnavailable(
        f"the Toxiproxy at {_bracketed(api[0])}:{api[1]} makes no proxy on {listening}: {refusals[-1]}", fix=_START_FIX
    )


def _ping_through(link: ServerAddress, upstream: str) -> None:
    try:
        with admin_client(link, timeout_s=DEADLINE_S) as client:
            client.ping()
    except redis.RedisError as error:
        raise EnvironmentUnavailable(
            f"the Toxiproxy at TOXIPROXY_URL does not lead to {upstream} by {link.host}:{link.port}: {error}",
            fix="it must reach the server under the address in REDIS_URL, and we must reach its ports: "
            "a Toxiproxy in a container needs the host's network",
        ) from error


def _call(api: tuple[str, int], method: str, path: str, body: dict[str, object] | None = None) -> None:
    """One call of the control API. Raises `VisitError` for a refusal, `OSError` where nobody answers."""
    connection = http.client.HTTPConnection(*api, timeout=DEADLINE_S)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body))
        response = connection.getresponse()
        answer = response.read(1000).decode(errors="replace").strip()
    except http.client.HTTPException as error:
        raise OSError(f"it does not speak HTTP: {error!r}") from error
    finally:
        connection.close()
    if response.status not in {200, 201, 204}:
        raise VisitError(f"{response.status} {answer}")


def _reached_host(api_host: str) -> str:
    """Where the proxy listens and is reached: no wider than its control API."""
    return "127.0.0.1" if _is_loopback(api_host) else api_host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
