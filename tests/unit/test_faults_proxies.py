"""Proxies that a stack brings, played by a small HTTP server: which are taken, and what a wedge leads to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.faults.proxies import VisitedProxy, refusal
from harness.model.errors import EnvironmentUnavailable
from harness.stack.base import ProvidedProxy


@contextlib.contextmanager
def claiming(version: str) -> Iterator[ProvidedProxy]:
    """A control API that only says a version."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"version": version}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield ProvidedProxy("127.0.0.1", server.server_port, "127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:2", respawn=None)
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("2.12.0", "toxiproxy 2.12.0"),
        ("git", "toxiproxy git"),
        ("2.12.0+builtin", "builtin (Toxiproxy 2.12.0 API)"),
    ],
)
def test_a_fitting_version_is_taken(version: str, name: str) -> None:
    """2.12 was measured, a build without a version has to show what it does, and the built-in one is named as such."""
    assert None is refusal(version)
    with claiming(version) as provided:
        assert name == VisitedProxy(provided).engine


@pytest.mark.parametrize(
    ("version", "reason"),
    [("2.13.0", "no limit"), ("2.5.0", "only 2.12"), ("2.1200.0", "no limit"), ("v2", "only 2.12")],
)
def test_another_version_is_refused(version: str, reason: str) -> None:
    """A proxy on which a hold might hold nothing is not used, whoever brings it."""
    with claiming(version) as provided, pytest.raises(EnvironmentUnavailable, match=reason):
        VisitedProxy(provided)


def test_a_proxy_that_is_not_ours_is_not_restarted() -> None:
    """A guest does not kill its host's processes."""
    with claiming("2.12.0") as provided, pytest.raises(EnvironmentUnavailable, match="not ours"):
        VisitedProxy(provided).respawn()


def test_an_address_where_nothing_answers_is_an_error() -> None:
    """The address is in the message."""
    with claiming("2.12.0") as provided:
        pass
    with pytest.raises(EnvironmentUnavailable, match=str(provided.api_port)):
        VisitedProxy(provided)
