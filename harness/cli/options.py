"""The options that ``harness run`` and a scenario script share, written once: the fields of `RunOptions`.

`with_run_options` gives a verb one option per field and hands it the whole as ``given``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_type_hints

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
RealTime = Annotated[
    bool,
    typer.Option("--real-time", help="Incidents last as long as they did, instead of compressed."),
]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What was given on the command line, one field per option."""

    outage: Outage = None
    duration: Duration = None
    rate: Rate = None
    real_time: RealTime = False
    seed: Seed = None
    trials: Trials = 1
    arm: Arms = None
    jobs: Jobs = 2
    stack: Stack = StackOption.LOCAL
    server: Server = None
    engine: Engine = EngineOption.AUTO
    toxiproxy: Toxiproxy = None
    results: Results = Path("results")
    as_json: AsJson = False


def with_run_options(verb: Callable[..., None]) -> Callable[..., None]:
    """``verb`` as a command that also takes every option of `RunOptions`, which it gets as its argument ``given``."""
    hints = get_type_hints(RunOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(RunOptions)
    ]
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(verb, eval_str=True).parameters.items()
        if name != "given"
    ]

    @functools.wraps(verb)
    def command(**values: object) -> None:
        given = {parameter.name: values.pop(parameter.name) for parameter in shared}
        verb(**values, given=RunOptions(**given))  # type: ignore[arg-type]  # typer has converted them

    parameters = [*own, *shared]
    # Typer reads the signature and the annotations; it has no other way to be told of options.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
