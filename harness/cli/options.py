"""The options that ``harness run`` and a scenario script share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class StackOption(StrEnum):
    """``--stack``."""

    LOCAL = "local"
    COMPOSE = "compose"
    EXTERNAL = "external"


class EngineOption(StrEnum):
    """``--engine``."""

    AUTO = "auto"
    TOXIPROXY = "toxiproxy"
    BUILTIN = "builtin"


Outage = Annotated[float | None, typer.Option("--outage", help="Seconds that the fault lasts.")]
Duration = Annotated[
    float | None,
    typer.Option("--duration", help="Seconds of traffic in all, the outage included."),
]
Rate = Annotated[float | None, typer.Option("--rate", help="Messages per second and arm.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Schedule, payloads and fault times follow from it.")]
Trials = Annotated[int, typer.Option("--trials", help="Trials per scenario, each with a seed of its own.")]
Arms = Annotated[
    list[str] | None,
    typer.Option("--arm", help="Only these arms (repeatable), e.g. pubsub or stream-group-hardened."),
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, max=64, help="Trials at a time, each on a stack of its own.")]
Stack = Annotated[
    StackOption,
    typer.Option("--stack", envvar="STACK", help="local: servers of our own. compose: Docker. external: REDIS_URL."),
]
Server = Annotated[
    Path | None,
    typer.Option("--server", envvar="REDIS_SERVER", help="Local stack: this redis-server or valkey-server."),
]
Engine = Annotated[EngineOption, typer.Option("--engine", help="Which proxy injects the faults.")]
Toxiproxy = Annotated[
    Path | None,
    typer.Option("--toxiproxy", envvar="TOXIPROXY_SERVER", help="This toxiproxy-server."),
]
Results = Annotated[Path, typer.Option("--results", help="Folder for the results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON and nothing else.")]
