"""From the options of the command line to a `RunRequest`."""

from __future__ import annotations

from pathlib import Path

from harness.cli.options import EngineOption, StackOption
from harness.cli.running import RunRequest
from harness.model.values import StackChoice
from harness.model.words import StackKind
from harness.plan.planning import Overrides


def make_request(
    *,
    names: tuple[str, ...],
    outage: float | None,
    duration: float | None,
    rate: float | None,
    seed: int | None,
    trials: int,
    arms: tuple[str, ...],
    jobs: int,
    stack: StackOption,
    server: Path | None,
    engine: EngineOption,
    toxiproxy: Path | None,
    results: Path,
    as_json: bool,
    script: Path | None = None,
) -> RunRequest:
    """Gather what was given; nothing is checked here that a room further in checks."""
    choice = StackChoice(
        kind=StackKind(stack.value),
        server_path=str(server) if server else None,
        proxy_engine=engine.value,
        proxy_path=str(toxiproxy) if toxiproxy else None,
    )
    overrides = Overrides(duration_s=duration, rate_per_s=rate, outage_s=outage, arms=arms)
    return RunRequest(
        names=names,
        overrides=overrides,
        trials=trials,
        seed=seed,
        stack=choice,
        jobs=jobs,
        results=results,
        as_json=as_json,
        script=script,
    )
