"""The built-in proxy as a process: reads flags, listens, serves until SIGINT or SIGTERM.

It says one line when it listens (with the port, which matters when 0 was asked for), one for a configuration file, and
otherwise only what went wrong, all on standard error, so that nothing ever waits for a pipe to be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.faults.builtin import address
from harness.faults.builtin.api import VERSION, Api, Switches
from harness.faults.builtin.body import parse
from harness.faults.builtin.collection import ProxyCollection
from harness.faults.builtin.errors import ApiError
from harness.faults.builtin.flags import USAGE, FlagError, Flags, parse_flags
from harness.faults.builtin.web import WebServer

_EXIT_USAGE = 2
_EXIT_UNAVAILABLE = 4
_LINE_BYTES = 64 * 1024


def main(argv: Sequence[str]) -> int:
    """Serve as ``argv`` says.

    Returns the exit code: 0 after a signal, 2 for flags that mean nothing, 4 when the API's port is not to be had.
    """
    try:
        flags = parse_flags(argv)
    except FlagError as problem:
        print(f"{problem}\n{USAGE}", end="", file=sys.stderr)
        return _EXIT_USAGE
    if flags.help:
        print(USAGE, end="")
        return 0
    if flags.version:
        print(f"toxiproxy-server version {VERSION} (the built-in proxy of pubsub-vs-streams)")
        return 0
    _raise_file_limit()
    return asyncio.run(_serve(flags))


async def _serve(flags: Flags) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        listener = await address.listen(str(address.Address(flags.host, 0)).rpartition(":")[0] + f":{flags.port}")
    except ApiError as problem:
        _say(f"error: {problem.message}\n  fix: free the port, or choose another with -port")
        return _EXIT_UNAVAILABLE
    collection = ProxyCollection(random.Random(flags.seed))
    if flags.config:
        await _populate(collection, flags.config)
    await _serve_api(collection, flags, listener, stop)
    return 0


async def _serve_api(collection: ProxyCollection, flags: Flags, listener: socket.socket, stop: asyncio.Event) -> None:
    api = Api(collection, Switches(proxy_metrics=flags.proxy_metrics, runtime_metrics=flags.runtime_metrics))
    web = WebServer(api.answer)
    server = await asyncio.start_server(web.serve, sock=listener, limit=_LINE_BYTES)
    _say(f"built-in proxy {VERSION}: API on {address.shown(listener)}")
    try:
        await stop.wait()
    finally:
        server.close()
        web.close()
        await collection.close()


async def _populate(collection: ProxyCollection, config: str) -> None:
    """Like the real one, a configuration that cannot be used is told and leaves a server without it."""
    try:
        proxies, problem = await collection.populate(parse(Path(config).read_bytes()))
    except (OSError, ApiError) as failure:
        _say(f"error: cannot use the configuration {config}: {failure}")
        return
    _say(f"{len(proxies)} proxies from {config}" + (f"; then an error: {problem.message}" if problem else ""))


def _raise_file_limit() -> None:
    """Every proxied connection takes two descriptors, and the usual soft limit is 1,024."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
