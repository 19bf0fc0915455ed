"""The command line of toxiproxy-server, in the way Go programs spell flags: ``-port 1``, ``--port 1``, ``-port=1``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

USAGE = """Usage of the built-in proxy (speaks the HTTP API of toxiproxy-server 2.12.0):
  -config string
        JSON file containing proxies to create on startup
  -host string
        Host for the API to listen on (default "localhost")
  -port string
        Port for the API to listen on, 0 for a free one (default "8474")
  -proxy-metrics
        enable the proxies' byte counters at /metrics
  -runtime-metrics
        enable facts about the process at /metrics
  -seed int
        Seed of toxicity, jitter and slices (default: from the system)
  -version
        print the version
"""


class FlagError(Exception):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The command line, read."""

    host: str = "localhost"
    port: str = "8474"
    config: str = ""
    seed: int | None = None
    proxy_metrics: bool = False
    runtime_metrics: bool = False
    version: bool = False
    help: bool = False


_TEXTS = ("host", "port", "config")
_SWITCHES = ("proxy-metrics", "runtime-metrics", "version", "help", "h")
_TRUTHS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


def parse_flags(arguments: Sequence[str]) -> Flags:
    """``arguments`` as `Flags`. A later flag wins over an earlier one."""
    flags = Flags()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word.strip("-") == "":
            raise FlagError(f"unexpected argument: {word}")
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        if name in _SWITCHES:
            flags = _with_switch(flags, name, on=_truth(name, value) if equals else True)
            continue
        if name not in (*_TEXTS, "seed"):
            raise FlagError(f"flag provided but not defined: -{name}")
        if not equals:
            if not rest:
                raise FlagError(f"flag needs an argument: -{name}")
            value = rest.pop(0)
        flags = _with_value(flags, name, value)
    return flags


def _with_value(flags: Flags, name: str, value: str) -> Flags:
    match name:
        case "host":
            return replace(flags, host=value)
        case "port":
            return replace(flags, port=value)
        case "config":
            return replace(flags, config=value)
        case _:
            return replace(flags, seed=_integer(name, value))


def _with_switch(flags: Flags, name: str, *, on: bool) -> Flags:
    match name:
        case "proxy-metrics":
            return replace(flags, proxy_metrics=on)
        case "runtime-metrics":
            return replace(flags, runtime_metrics=on)
        case "version":
            return replace(flags, version=on)
        case _:
            return replace(flags, help=on)


def _truth(name: str, value: str) -> bool:
    if value.lower() not in _TRUTHS:
        raise FlagError(f'invalid boolean value "{value}" for -{name}')
    return _TRUTHS[value.lower()]


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as problem:
        raise FlagError(f'invalid value "{value}" for flag -{name}: not an integer') from problem
