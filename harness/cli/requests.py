"""From the options of the command line to a `RunRequest`."""

from __future__ import annotations

from pathlib import Path

from harness.cli.options import EngineOption, RunOptions, StackOption
from harness.cli.running import RunRequest
from harness.model.values import StackChoice
from harness.model.words import StackKind
from harness.plan.planning import Overrides


def make_request(
    given: RunOptions, *, names: tuple[str, ...], slow: bool = False, script: Path | None = None
) -> RunRequest:
    """Gather what was given; nothing is checked here that a room further in checks."""
    choice = stack_choice(given.stack, server=given.server, engine=given.engine, toxiproxy=given.toxiproxy)
    overrides = Overrides(
        duration_s=given.duration,
        rate_per_s=given.rate,
        outage_s=given.outage,
        arms=tuple(given.arm or ()),
        real_time=given.real_time,
    )
    return RunRequest(
        names=names,
        overrides=overrides,
        trials=given.trials,
        seed=given.seed,
        stack=choice,
        jobs=given.jobs,
        results=given.results,
        as_json=given.as_json,
        slow=slow,
        script=script,
    )


def stack_choice(
    stack: StackOption, *, server: Path | None, engine: EngineOption, toxiproxy: Path | None
) -> StackChoice:
    """Where the servers come from."""
    return StackChoice(
        kind=StackKind(stack.value),
        server_path=str(server) if server else None,
        proxy_engine=engine.value,
        proxy_path=str(toxiproxy) if toxiproxy else None,
    )
