"""A server to look around on, for examples and for first steps: one of our own, or the one that ``REDIS_URL`` names.

On a server of somebody else all keys and channels begin with a random prefix, and the keys are removed at the end,
however it ends. A server of our own ends with us. ::

    with open_server() as server:
        server.client.xadd(server.prefix + "orders", {"orderId": "ORD-1"})
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from harness.model.values import StackChoice
from harness.model.words import Persistence, StackKind
from harness.stack.base import RunningStack
from harness.stack.connect import admin_client
from harness.stack.given import REDIS_URL
from harness.stack.keys import remove_keys
from harness.stack.opening import open_stack


@dataclass(frozen=True, slots=True)
class OpenServer:
    """A server that is up, a client for it (text replies, no retries), and the prefix that is ours."""

    client: redis.Redis
    prefix: str
    product: str
    """e.g. ``valkey 9.1.2``."""
    is_ours: bool
    """Started by us, and stopped by us."""


@contextlib.contextmanager
def open_server(environment: Mapping[str, str] | None = None) -> Iterator[OpenServer]:
    """A server for the length of a ``with``; ``environment`` is this process's own unless given.

    Raises:
        UsageError: ``REDIS_URL`` cannot be an address.
        EnvironmentUnavailable: no server is to be had, or the one that is named does not let us in.
    """
    variables = os.environ if environment is None else environment
    with tempfile.TemporaryDirectory(prefix="harness-") as folder, _opened(variables, Path(folder)) as stack:
        is_ours = stack.kind is StackKind.LOCAL
        prefix = f"pvs:{secrets.token_hex(4)}:"
        with admin_client(stack.server) as client:
            try:
                yield OpenServer(client=client, prefix=prefix, product=stack.product, is_ours=is_ours)
            finally:
                if not is_ours:
                    remove_keys(stack.server, prefix)


def _opened(variables: Mapping[str, str], folder: Path) -> RunningStack:
    if variables.get(REDIS_URL):
        from harness.stack.external import open_external

        return open_external(roles=(), environment={REDIS_URL: variables[REDIS_URL], **_tls_of(variables)})
    choice = StackChoice(server_path=variables.get("REDIS_SERVER") or None)
    return open_stack(choice, persistence=Persistence.OFF, folder=folder, roles=())


def _tls_of(variables: Mapping[str, str]) -> dict[str, str]:
    """The TLS settings beside ``REDIS_URL``; a Toxiproxy that is named too is left alone."""
    wanted = ("REDIS_CA_FILE", "REDIS_CERT_FILE", "REDIS_KEY_FILE", "REDIS_TLS_VERIFY")
    return {name: variables[name] for name in wanted if name in variables}
