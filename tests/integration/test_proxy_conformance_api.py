"""The HTTP API: the same requests get the same answers from the built-in proxy and from Toxiproxy 2.12.0."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxy_conformance_rig import ENGINES, HOST, ProxyProcess, engine_command, free_port, start_proxy

pytestmark = pytest.mark.servers

PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
NOWHERE = f"{HOST}:9"


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    """One server for the module."""
    running = start_proxy(request.param, tmp_path_factory.mktemp("proxy"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def proxy(server: ProxyProcess) -> Iterator[str]:
    """The path of a proxy called ``p``; afterwards no proxy is left."""
    assert server.call("POST", "/proxies", {"name": "p", "listen": f"{HOST}:0", "upstream": NOWHERE}).status == 201
    yield "/proxies/p"
    _clear(server)


def _clear(server: ProxyProcess) -> None:
    proxies = server.call("GET", "/proxies").json()
    assert isinstance(proxies, dict)
    for name in proxies:
        server.call("DELETE", f"/proxies/{name}")


@pytest.fixture
def empty(server: ProxyProcess) -> Iterator[ProxyProcess]:
    """The server; afterwards no proxy is left."""
    yield server
    _clear(server)


def _error(message: str, status: int) -> bytes:
    return json.dumps({"error": message, "status": status}, separators=(",", ":")).encode() + b"\n"


def test_ci_has_the_real_engine() -> None:
    """Where CI has Go, the real Toxiproxy is there: otherwise the suite would be green without having compared."""
    if not (os.environ.get("CI") and shutil.which("go")):
        pytest.skip("not CI with Go on PATH")
    assert engine_command("real")


class TestVersion:
    def test_is_of_the_release(self, server: ProxyProcess) -> None:
        """``/version`` is JSON with a trailing newline and names 2.12.0 (or ``git``, a plain ``go install``)."""
        answer = server.call("GET", "/version")
        assert (answer.status, answer.content_type) == (200, "application/json;charset=utf-8")
        assert re.fullmatch(rb'\{"version": "(2\.12\.0(\+builtin)?|git)"\}\n', answer.body)


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "path", "status", "body"),
        [
            ("GET", "/nothing", 404, b"404 page not found\n"),
            ("GET", "/proxies/", 404, b"404 page not found\n"),
            ("GET", "/metrics", 404, b"404 page not found\n"),
            ("GET", "/proxies/a%2Fb", 404, b"404 page not found\n"),
            ("PUT", "/proxies", 405, b""),
            ("GET", "/reset", 405, b""),
            ("HEAD", "/proxies", 405, b""),
            ("GET", "//proxies", 301, b""),
        ],
    )
    def test_unknown_paths_and_methods(
        self, server: ProxyProcess, method: str, path: str, status: int, body: bytes
    ) -> None:
        """Paths that mean nothing are 404, methods that mean nothing there 405, doubled slashes a redirect."""
        answer = server.call(method, path)
        assert (answer.status, answer.body) == (status, body)

    def test_browsers(self, server: ProxyProcess) -> None:
        """Whatever calls itself Mozilla is refused, so that a web page can't drive the proxy."""
        answer = server.call("GET", "/version", agent="Mozilla/5.0 (X11)")
        assert (answer.status, answer.body, answer.content_type) == (403, b"User agent not allowed\n", PLAIN)

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", ""), ("POST", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/toxics"), ("POST", "/toxics")]
        + [(method, "/toxics/t") for method in ("GET", "POST", "PATCH", "DELETE")],
    )
    def test_unknown_proxy(self, server: ProxyProcess, method: str, path: str) -> None:
        """Everything about a proxy that is not there is 404."""
        answer = server.call(method, f"/proxies/nobody{path}", {} if method in ("POST", "PATCH") else None)
        assert (answer.status, answer.body, answer.content_type) == (404, _error("proxy not found", 404), PLAIN)

    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
    def test_unknown_toxic(self, server: ProxyProcess, proxy: str, method: str) -> None:
        """Everything about a toxic that is not there is 404."""
        answer = server.call(method, f"{proxy}/toxics/none", {} if method in ("POST", "PATCH") else None)
        assert (answer.status, answer.body, answer.content_type) == (404, _error("toxic not found", 404), PLAIN)

    @pytest.mark.parametrize("path", ["/proxies", "/proxies/p", "/proxies/p/toxics"])
    @pytest.mark.parametrize(
        "body", [b"", b"nonsense", b'{"name": ', b'["list"]', b'"text"', b'{"enabled": "x", "name": 1}']
    )
    def test_bad_bodies(self, server: ProxyProcess, proxy: str, path: str, body: bytes) -> None:
        """A body that is not the JSON it should be is 400 and says so; an empty one ends before it begins."""
        assert proxy
        answer = server.call("POST", path, raw=body)
        refusal = answer.json()
        assert isinstance(refusal, dict)
        assert (answer.status, refusal["status"], answer.content_type) == (400, 400, PLAIN)
        assert refusal["error"].startswith("bad request body: ")
        if not body:
            assert refusal["error"] == "bad request body: EOF"


class TestProxies:
    def test_none_at_first(self, empty: ProxyProcess) -> None:
        """A new server has an empty collection."""
        answer = empty.call("GET", "/proxies")
        assert (answer.status, answer.body, answer.content_type) == (200, b"{}", JSON)

    def test_life(self, empty: ProxyProcess) -> None:
        """Created 201, shown, listed, deleted 204, gone 404: the same bytes each time."""
        port = free_port()
        created = empty.call("POST", "/proxies", {"name": "a", "listen": f"{HOST}:{port}", "upstream": NOWHERE})
        shown = (
            f'{{"name":"a","listen":"{HOST}:{port}","upstream":"{NOWHERE}","enabled":true,"Logger":{{}},"toxics":[]}}'
        ).encode()
        assert (created.status, created.body, created.content_type) == (201, shown, JSON)
        assert empty.call("GET", "/proxies/a").body == shown
        assert empty.call("GET", "/proxies").body == b'{"a":' + shown + b"}"
        deleted = empty.call("DELETE", "/proxies/a")
        assert (deleted.status, deleted.body) == (204, b"")
        assert empty.call("DELETE", "/proxies/a").status == 404

    def test_names_match_in_any_case_and_the_rest_is_ignored(self, empty: ProxyProcess) -> None:
        """Field names match in any case, null leaves the default, and what follows the first value is ignored."""
        body = f'{{"NAME":"a","Listen":"{HOST}:0","upSTREAM":"{NOWHERE}","enabled":null,"other":[1]}} trailing'
        answer = empty.call("POST", "/proxies", raw=body.encode())
        assert answer.status == 201
        assert b'"enabled":true' in answer.body

    def test_a_name_with_escapes(self, empty: ProxyProcess) -> None:
        """A name may need escaping in a path."""
        assert empty.call("POST", "/proxies", {"name": "a b+ü", "listen": f"{HOST}:0", "upstream": "x"}).status == 201
        shown = empty.call("GET", "/proxies/a%20b+%C3%BC").json()
        assert isinstance(shown, dict)
        assert shown["name"] == "a b+ü"
        assert empty.call("DELETE", "/proxies/a%20b+%C3%BC").status == 204

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"upstream": "x:1"}, "missing required field: name"),
            ({"name": "", "upstream": "x:1"}, "missing required field: name"),
            ({"name": "a"}, "missing required field: upstream"),
        ],
    )
    def test_missing_fields(self, empty: ProxyProcess, body: dict[str, str], message: str) -> None:
        """Name and upstream are needed."""
        assert empty.call("POST", "/proxies", body).body == _error(message, 400)

    def test_same_name_twice(self, server: ProxyProcess, proxy: str) -> None:
        """A name is taken once."""
        assert proxy
        answer = server.call("POST", "/proxies", {"name": "p", "listen": f"{HOST}:0", "upstream": NOWHERE})
        assert (answer.status, answer.body, answer.content_type) == (409, _error("proxy already exists", 409), PLAIN)

    @pytest.mark.parametrize(
        ("listen", "shown"),
        [
            ("127.0.0.1:0", r"127\.0\.0\.1:[1-9]\d*"),
            ("localhost:0", r"127\.0\.0\.1:[1-9]\d*"),
            ("0.0.0.0:0", r"\[::\]:[1-9]\d*"),
            (":0", r"\[::\]:[1-9]\d*"),
            ("[::1]:0", r"\[::1\]:[1-9]\d*"),
            ("", r"\[::\]:[1-9]\d*"),
        ],
    )
    @pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
    def test_listen_shows_what_it_became(self, empty: ProxyProcess, listen: str, shown: str) -> None:
        """The answer holds the address with the real port, names and wildcards resolved, and it listens there."""
        proxy = empty.call("POST", "/proxies", {"name": "a", "listen": listen, "upstream": NOWHERE}).json()
        assert isinstance(proxy, dict)
        assert re.fullmatch(shown, proxy["listen"])
        host = "::1" if "::1" in listen else HOST
        socket.create_connection((host, int(proxy["listen"].rpartition(":")[2])), timeout=5).close()

    def test_disabled_from_the_start(self, empty: ProxyProcess) -> None:
        """A disabled proxy keeps its listen address as it was written."""
        body = {"name": "a", "listen": "localhost:0", "upstream": NOWHERE, "enabled": False}
        answer = empty.call("POST", "/proxies", body)
        assert answer.status == 201
        assert b'"listen":"localhost:0"' in answer.body
        assert b'"enabled":false' in answer.body

    @pytest.mark.parametrize(
        ("listen", "message"),
        [
            ("nowhere", "listen tcp: address nowhere: missing port in address"),
            ("1:2:3", "listen tcp: address 1:2:3: too many colons in address"),
            ("127.0.0.1:99999", "listen tcp: address 99999: invalid port"),
            ("192.0.2.1:0", "listen tcp 192.0.2.1:0: bind: cannot assign requested address"),
        ],
    )
    def test_addresses_that_cannot_be_had(self, empty: ProxyProcess, listen: str, message: str) -> None:
        """A listen address that can't be used is 500, with the reason, and leaves no proxy."""
        answer = empty.call("POST", "/proxies", {"name": "a", "listen": listen, "upstream": NOWHERE})
        assert (answer.status, answer.body, answer.content_type) == (500, _error(message, 500), PLAIN)
        assert empty.call("GET", "/proxies").body == b"{}"

    def test_port_in_use(self, empty: ProxyProcess) -> None:
        """A port in use is 500 and named."""
        listen = f"{HOST}:{empty.port}"
        answer = empty.call("POST", "/proxies", {"name": "a", "listen": listen, "upstream": NOWHERE})
        assert answer.body == _error(f"listen tcp {listen}: bind: address already in use", 500)

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_update(self, server: ProxyProcess, proxy: str, method: str) -> None:
        """What an update leaves out stays; it can't rename; disabling keeps the address."""
        before = server.call("GET", proxy).json()
        assert isinstance(before, dict)
        assert server.call(method, proxy, {}).json() == before
        after = server.call(method, proxy, {"name": "other", "upstream": "x:1", "enabled": False})
        assert (after.status, after.json()) == (200, {**before, "upstream": "x:1", "enabled": False})
        assert server.call(method, proxy, {"enabled": True}).json() == {**before, "upstream": "x:1"}

    def test_update_to_another_port(self, server: ProxyProcess, proxy: str) -> None:
        """A new listen address is listened on, and an impossible one is 500."""
        port = free_port()
        answer = server.call("POST", proxy, {"listen": f"localhost:{port}"}).json()
        assert isinstance(answer, dict)
        assert (answer["listen"], answer["enabled"]) == (f"{HOST}:{port}", True)
        socket.create_connection((HOST, port), timeout=5).close()
        refused = server.call("POST", proxy, {"listen": "nowhere"})
        assert refused.body == _error("address nowhere: missing port in address", 500)


class TestPopulate:
    def test_creates_and_keeps(self, empty: ProxyProcess) -> None:
        """Populating creates; again with the same addresses, it keeps proxies and their toxics."""
        ports = free_port(), free_port()
        body = [
            {"name": "one", "listen": f"{HOST}:{ports[0]}", "upstream": NOWHERE},
            {"name": "two", "listen": f"{HOST}:{ports[1]}", "upstream": NOWHERE, "enabled": False},
        ]
        first = empty.call("POST", "/populate", body)
        assert (first.status, first.content_type) == (201, JSON)
        empty.call("POST", "/proxies/one/toxics", {"type": "latency"})
        again = empty.call("POST", "/populate", body).json()
        assert isinstance(again, dict)
        assert ["one", "two"] == [proxy["name"] for proxy in again["proxies"]]
        assert [True, False] == [proxy["enabled"] for proxy in again["proxies"]]
        assert [1, 0] == [len(proxy["toxics"]) for proxy in again["proxies"]]

    def test_replaces_what_differs(self, empty: ProxyProcess) -> None:
        """Another upstream makes the proxy new: its toxics are gone."""
        body = {"name": "one", "listen": f"{HOST}:{free_port()}", "upstream": NOWHERE}
        empty.call("POST", "/populate", [body])
        empty.call("POST", "/proxies/one/toxics", {"type": "latency"})
        replaced = empty.call("POST", "/populate", [{**body, "upstream": "x:1"}]).json()
        assert isinstance(replaced, dict)
        assert [("x:1", [])] == [(proxy["upstream"], proxy["toxics"]) for proxy in replaced["proxies"]]

    def test_nothing(self, empty: ProxyProcess) -> None:
        """No proxies asked for, none made: the list is null."""
        answer = empty.call("POST", "/populate", [])
        assert (answer.status, answer.body) == (201, b'{"proxies":null}')

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ([{"name": "a", "upstream": "x:1"}, {"upstream": "x:1"}], "missing required field: name at proxy 2"),
            ([{"name": "a"}], "missing required field: upstream at proxy 1"),
        ],
    )
    def test_missing_fields(self, empty: ProxyProcess, body: list[object], message: str) -> None:
        """One bad entry and none is made; the answer tells which, as JSON with the error in front."""
        answer = empty.call("POST", "/populate", body)
        expected = {"error": message, "status": 400, "proxies": None}
        assert (answer.status, answer.json(), answer.content_type) == (400, expected, JSON)
        assert empty.call("GET", "/proxies").body == b"{}"

    def test_stops_at_the_first_failure(self, empty: ProxyProcess) -> None:
        """What was made before the failure stays and is told."""
        body = [
            {"name": name, "listen": listen, "upstream": "x:1"} for name, listen in (("a", f"{HOST}:0"), ("b", "x"))
        ]
        answer = empty.call("POST", "/populate", body)
        told = answer.json()
        assert isinstance(told, dict)
        assert (500, 500, "listen tcp: address x: missing port in address") == (
            answer.status,
            told["status"],
            told["error"],
        )
        assert ["a"] == [proxy["name"] for proxy in told["proxies"]]

    def test_not_a_list(self, empty: ProxyProcess) -> None:
        """An object is no list of proxies."""
        answer = empty.call("POST", "/populate", {"name": "a"})
        assert answer.status == 400
        assert b'"proxies":null' in answer.body


DEFAULTS = [
    ("noop", {}),
    ("latency", {"latency": 0, "jitter": 0}),
    ("bandwidth", {"rate": 0}),
    ("timeout", {"timeout": 0}),
    ("reset_peer", {"timeout": 0}),
    ("limit_data", {"bytes": 0}),
    ("slow_close", {"delay": 0}),
]


class TestToxics:
    @pytest.mark.parametrize(("kind", "attributes"), DEFAULTS)
    def test_defaults(self, server: ProxyProcess, proxy: str, kind: str, attributes: dict[str, int]) -> None:
        """A toxic is downstream, certain, named after type and stream, and all its attributes are 0."""
        answer = server.call("POST", f"{proxy}/toxics", {"type": kind})
        expected = {
            "attributes": attributes,
            "name": f"{kind}_downstream",
            "type": kind,
            "stream": "downstream",
            "toxicity": 1,
        }
        body = json.dumps(expected, separators=(",", ":")).encode()
        assert (answer.status, answer.body, answer.content_type) == (200, body, JSON)
        assert server.call("GET", f"{proxy}/toxics/{kind}_downstream").body == body
        assert server.call("GET", f"{proxy}/toxics").body == b"[" + body + b"]"
        deleted = server.call("DELETE", f"{proxy}/toxics/{kind}_downstream")
        assert (deleted.status, deleted.body) == (204, b"")
        assert server.call("GET", f"{proxy}/toxics").body == b"[]"

    def test_slicer(self, server: ProxyProcess, proxy: str) -> None:
        """The slicer's three attributes."""
        attributes = {"average_size": 64, "size_variation": 8, "delay": 10}
        answer = server.call("POST", f"{proxy}/toxics", {"type": "slicer", "attributes": attributes}).json()
        assert isinstance(answer, dict)
        assert answer["attributes"] == attributes

    def test_stream_in_any_case(self, server: ProxyProcess, proxy: str) -> None:
        """The stream's case does not matter, and is repeated as written."""
        answer = server.call("POST", f"{proxy}/toxics", {"type": "latency", "stream": "UpStream"}).json()
        assert isinstance(answer, dict)
        assert (answer["stream"], answer["name"]) == ("UpStream", "latency_UpStream")

    def test_upstream_toxics_are_listed_first(self, server: ProxyProcess, proxy: str) -> None:
        """The list holds the upstream's toxics, then the downstream's, each in the order of adding."""
        for name, stream in (("a", "downstream"), ("b", "upstream"), ("c", "downstream"), ("d", "upstream")):
            body = {"name": name, "type": "latency", "stream": stream}
            assert server.call("POST", f"{proxy}/toxics", body).status == 200
        listed = server.call("GET", f"{proxy}/toxics").json()
        assert isinstance(listed, list)
        assert ["b", "d", "a", "c"] == [toxic["name"] for toxic in listed]
        shown = server.call("GET", proxy).json()
        assert isinstance(shown, dict)
        assert shown["toxics"] == listed

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({"type": "nonsense"}, 400, "invalid toxic type"),
            ({}, 400, "invalid toxic type"),
            ({"type": "Latency"}, 400, "invalid toxic type"),
            (
                {"type": "latency", "stream": "sideways"},
                400,
                "stream was invalid, can be either upstream or downstream",
            ),
            ({"type": "nonsense", "name": "there"}, 400, "invalid toxic type"),
            ({"type": "latency", "name": "there"}, 409, "toxic already exists"),
            ({"type": "latency", "name": "there", "stream": "upstream"}, 409, "toxic already exists"),
        ],
    )
    def test_refused(self, server: ProxyProcess, proxy: str, body: dict[str, str], status: int, message: str) -> None:
        """Wrong type, wrong stream, and a name that either stream has already."""
        assert server.call("POST", f"{proxy}/toxics", {"type": "latency", "name": "there"}).status == 200
        answer = server.call("POST", f"{proxy}/toxics", body)
        assert (answer.status, answer.body, answer.content_type) == (status, _error(message, status), PLAIN)

    @pytest.mark.parametrize("value", [1.5, "5", True, 2**63, [1], {"x": 1}])
    def test_attributes_are_integers(self, server: ProxyProcess, proxy: str, value: object) -> None:
        """A fraction, a text, a boolean or too many bits are no attribute."""
        answer = server.call("POST", f"{proxy}/toxics", {"type": "latency", "attributes": {"latency": value}})
        assert answer.status == 400
        assert answer.body.startswith(b'{"error":"bad request body: ')
        assert server.call("GET", f"{proxy}/toxics").body == b"[]"

    @pytest.mark.parametrize("attributes", [None, {}, {"latency": None}, {"unknown": 1}, {"LATENCY": 0}])
    def test_attributes_that_change_nothing(self, server: ProxyProcess, proxy: str, attributes: object) -> None:
        """Null, nothing and unknown names leave the defaults."""
        answer = server.call("POST", f"{proxy}/toxics", {"type": "latency", "attributes": attributes}).json()
        assert isinstance(answer, dict)
        assert answer["attributes"] == {"latency": 0, "jitter": 0}

    @pytest.mark.parametrize(
        ("toxicity", "shown"), [(0.5, b"0.5"), (0, b"0"), (0.1, b"0.1"), (0.123456789, b"0.12345679"), (None, b"1")]
    )
    def test_toxicity_is_single_precision(
        self, server: ProxyProcess, proxy: str, toxicity: float | None, shown: bytes
    ) -> None:
        """Toxicity comes back as single precision prints it."""
        answer = server.call("POST", f"{proxy}/toxics", {"type": "latency", "toxicity": toxicity})
        assert answer.body.endswith(b'"toxicity":' + shown + b"}")

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_update(self, server: ProxyProcess, proxy: str, method: str) -> None:
        """An update changes the attributes and toxicity it names, and nothing else."""
        body = {"type": "latency", "name": "t", "attributes": {"latency": 5, "jitter": 2}}
        assert server.call("POST", f"{proxy}/toxics", body).status == 200
        change = {
            "name": "other",
            "type": "timeout",
            "stream": "upstream",
            "attributes": {"jitter": 1},
            "toxicity": 0.5,
        }
        answer = server.call(method, f"{proxy}/toxics/t", change)
        expected = {
            "attributes": {"latency": 5, "jitter": 1},
            "name": "t",
            "type": "latency",
            "stream": "downstream",
            "toxicity": 0.5,
        }
        assert (answer.status, answer.json()) == (200, expected)
        assert server.call(method, f"{proxy}/toxics/t", raw=b"").body == _error("bad request body: EOF", 400)

    def test_survive_disabling(self, server: ProxyProcess, proxy: str) -> None:
        """Toxics are the proxy's, not the listener's."""
        server.call("POST", f"{proxy}/toxics", {"type": "latency"})
        for enabled in (False, True):
            shown = server.call("POST", proxy, {"enabled": enabled}).json()
            assert isinstance(shown, dict)
            assert ["latency_downstream"] == [toxic["name"] for toxic in shown["toxics"]]


class TestReset:
    def test_heals_everything(self, server: ProxyProcess, proxy: str) -> None:
        """Reset enables every proxy and removes every toxic."""
        server.call("POST", f"{proxy}/toxics", {"type": "latency"})
        server.call("POST", proxy, {"enabled": False})
        answer = server.call("POST", "/reset")
        assert (answer.status, answer.body) == (204, b"")
        shown = server.call("GET", proxy).json()
        assert isinstance(shown, dict)
        assert (True, []) == (shown["enabled"], shown["toxics"])


class TestProcess:
    @pytest.mark.parametrize("engine", ENGINES)
    def test_configuration_and_metrics(self, engine: str, tmp_path: Path) -> None:
        """``-config`` creates proxies, the metrics flags open ``/metrics``, and SIGTERM ends it with 0."""
        config = tmp_path / "proxies.json"
        config.write_text(json.dumps([{"name": "c", "listen": f"{HOST}:0", "upstream": NOWHERE}]))
        server = start_proxy(
            engine, tmp_path, "--config", str(config), "-seed=7", "--proxy-metrics", "-runtime-metrics"
        )
        try:
            shown = server.call("GET", "/proxies").json()
            metrics = server.call("GET", "/metrics")
        finally:
            code = server.stop()
        assert isinstance(shown, dict)
        assert ["c"] == list(shown)
        assert (200, True) == (metrics.status, metrics.content_type.startswith("text/plain; version=0.0.4"))
        assert code == 0

    @pytest.mark.parametrize("engine", ENGINES)
    @pytest.mark.parametrize("content", ["{", "[{}]", None])
    def test_a_bad_configuration_does_not_stop_the_server(
        self, engine: str, tmp_path: Path, content: str | None
    ) -> None:
        """A configuration that can't be used is told in the log; the server serves without it."""
        config = tmp_path / "proxies.json"
        if content is not None:
            config.write_text(content)
        server = start_proxy(engine, tmp_path, "-config", str(config))
        try:
            assert server.call("GET", "/proxies").body == b"{}"
        finally:
            assert server.stop() == 0
        assert str(config) in server.log.read_text() or "Failed to populate" in server.log.read_text()

    @pytest.mark.parametrize("engine", ENGINES)
    def test_says_its_version(self, engine: str) -> None:
        """``-version`` prints one line in the form that tools look for."""
        done = subprocess.run(
            [*engine_command(engine), "-version"], capture_output=True, text=True, timeout=10, check=True
        )
        assert re.match(r"toxiproxy-server version (2\.12\.0|git)", done.stdout)
