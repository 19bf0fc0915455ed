"""The edges of the built-in proxy's process: flags, addresses, HTTP, bodies, metrics, and what it imports."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from harness.faults.builtin import web
from harness.faults.builtin.address import Address, split_address
from harness.faults.builtin.body import number_field, parse, shortest_number
from harness.faults.builtin.errors import ApiError
from harness.faults.builtin.flags import FlagError, Flags, parse_flags
from harness.faults.builtin.metrics import proxy_metrics, runtime_metrics
from harness.faults.builtin.server import main
from harness.faults.builtin.web import Request, Response, WebServer


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Flags()),
        (["-host", "h", "--port", "1"], Flags(host="h", port="1")),
        (["-host=h", "--port=1", "-config=c=d"], Flags(host="h", port="1", config="c=d")),
        (["-seed", "-5"], Flags(seed=-5)),
        (["-proxy-metrics", "--runtime-metrics=false"], Flags(proxy_metrics=True)),
        (["-version=true"], Flags(version=True)),
        (["-port", "1", "-port", "2"], Flags(port="2")),
        (["-h"], Flags(help=True)),
    ],
)
def test_flags(arguments: list[str], expected: Flags) -> None:
    """Every spelling that Go's flags have."""
    assert expected == parse_flags(arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stray"], "unexpected argument: stray"),
        (["-"], "unexpected argument: -"),
        (["-nothing"], "flag provided but not defined: -nothing"),
        (["-port"], "flag needs an argument: -port"),
        (["-seed", "x"], 'invalid value "x" for flag -seed: not an integer'),
        (["-version=maybe"], 'invalid boolean value "maybe" for -version'),
    ],
)
def test_bad_flags(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A flag that means nothing is named, with the usage, and the exit code is 2."""
    with pytest.raises(FlagError, match="^" + message.replace("?", r"\?") + "$"):
        parse_flags(arguments)
    assert 2 == main(arguments)
    assert capsys.readouterr().err.startswith(message)


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Both print and end with 0; the version names the built-in proxy."""
    assert (0, 0) == (main(["-help"]), main(["-version"]))
    printed = capsys.readouterr().out
    assert "-proxy-metrics" in printed
    assert "toxiproxy-server version 2.12.0+builtin (the built-in proxy" in printed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("[::1]:80", Address("::1", 80)),
        (":80", Address("", 80)),
        ("", Address("", 0)),
        ("host:", Address("host", 0)),
    ],
)
def test_addresses(text: str, expected: Address) -> None:
    """Host and port, with brackets around IPv6."""
    assert expected == split_address(text)


def test_a_port_may_have_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's list of services tells; a bare machine has none."""
    monkeypatch.setattr(socket, "getservbyname", lambda name, protocol: {("http", "tcp"): 80}[name, protocol])
    assert Address("host", 80) == split_address("host:http")


@pytest.mark.parametrize("text", ["host", "::1", "[::1]", "host:-1", "host:65536", "host:no-such-service", "a:b:1"])
def test_bad_addresses(text: str) -> None:
    """What is no address is refused with 500, as clients know it."""
    with pytest.raises(ApiError) as refused:
        split_address(text)
    assert 500 == refused.value.status


@pytest.mark.parametrize("body", [b"[" * 100_000, b"NaN", b'{"a": Infinity}', b"9" * 5000, b"\xff"])
def test_hostile_bodies(body: bytes) -> None:
    """Deep nesting, numbers that are none and endless digits are 400, not a crash."""
    with pytest.raises(ApiError) as refused:
        parse(body)
    assert 400 == refused.value.status


@pytest.mark.parametrize(
    ("given", "shown"), [(0.0, "0"), (1.0, "1"), (0.5, "0.5"), (0.1, "0.1"), (2.0**-20, "9.536743e-07"), (-3.0, "-3")]
)
def test_shortest_number(given: float, shown: str) -> None:
    """Whole numbers lose their point, others are as short as single precision allows."""
    narrowed = number_field({"x": given}, "x", 0.0)
    assert shown == str(shortest_number(narrowed))


def exchange(sent: bytes, handler: Callable[[Request], Awaitable[Response]] | None = None) -> bytes:
    """What a client gets that sends ``sent`` and closes its side."""

    async def echo(request: Request) -> Response:
        return Response(200, request.method.encode() + b" " + request.body)

    async def run() -> bytes:
        served = WebServer(handler or echo)
        server = await asyncio.start_server(served.serve, "127.0.0.1", 0, limit=64 * 1024)
        async with asyncio.timeout(10), server:
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(sent)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
        return answer

    return asyncio.run(run())


def test_requests_follow_one_another_on_a_connection() -> None:
    """Keep-alive, bodies by length and in chunks, and an expectation that is met first."""
    answer = exchange(
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\ntw\r\n1\r\no\r\n0\r\nTrailer: t\r\n\r\n"
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nthree"
        b"GET / HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    assert [b"POST one", b"POST two"] == [part.split(b"\r\n\r\n")[1][:8] for part in answer.split(b"HTTP/1.1 200")[1:3]]
    assert b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK" in answer
    assert answer.endswith(b"Connection: close\r\n\r\nGET ")
    assert 4 == answer.count(b"200 OK")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(sent: bytes) -> None:
    """Malformed or endless requests get 400 and the connection is closed."""
    answer = exchange(sent)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close" in answer


def test_a_client_that_leaves_in_the_middle_is_no_error() -> None:
    """A body cut short is answered by nothing."""
    assert b"" == exchange(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nonly")


def test_a_silent_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that never ends is given up at its deadline."""
    monkeypatch.setattr(web, "_READ_DEADLINE_S", 0.05)

    async def run() -> bytes:
        async def never(_: Request) -> Response:
            raise AssertionError

        server = await asyncio.start_server(WebServer(never).serve, "127.0.0.1", 0)
        async with asyncio.timeout(10), server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"GET / HTTP/1.1\r\n")
            answer = await reader.read()
            writer.close()
        return answer

    assert b"" == asyncio.run(run())


def test_metrics_without_proxies() -> None:
    """The names are there from the start, and the process tells of itself."""
    assert "# TYPE toxiproxy_proxy_received_bytes_total counter" in proxy_metrics([])
    assert "process_cpu_seconds_total" in runtime_metrics()


def test_it_imports_nothing_heavy() -> None:
    """The standard library only: a trial starts several of these processes."""
    code = (
        "import sys; before = set(sys.modules); import harness.faults.builtin.server; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    foreign = {name for name in done.stdout.split() if not name.startswith(("_", "sphinxcontrib"))}
    assert {"harness"} == foreign
