"""``python scenarios/NAME.py``: the options of ``harness run`` for one script."""

from __future__ import annotations

from pathlib import Path

import typer

from harness.cli import options
from harness.cli.app import EXIT_CODES


def script_app(path: str) -> typer.Typer:
    """An application that runs the script at ``path``; its docstring is the help text."""
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    script = Path(path)

    @application.command(help=_story(script), epilog=EXIT_CODES)
    def run(
        outage: options.Outage = None,
        duration: options.Duration = None,
        rate: options.Rate = None,
        seed: options.Seed = None,
        trials: options.Trials = 1,
        arm: options.Arms = None,
        jobs: options.Jobs = 2,
        stack: options.Stack = options.StackOption.LOCAL,
        server: options.Server = None,
        engine: options.Engine = options.EngineOption.AUTO,
        toxiproxy: options.Toxiproxy = None,
        results: options.Results = Path("results"),
        as_json: options.AsJson = False,
    ) -> None:
        from harness.cli.requests import make_request
        from harness.cli.running import start_run

        request = make_request(
            names=(script.stem,),
            outage=outage,
            duration=duration,
            rate=rate,
            seed=seed,
            trials=trials,
            arms=tuple(arm or ()),
            jobs=jobs,
            stack=stack,
            server=server,
            engine=engine,
            toxiproxy=toxiproxy,
            results=results,
            as_json=as_json,
            script=script,
        )
        raise typer.Exit(start_run(request))

    return application


def _story(script: Path) -> str:
    """The script's docstring."""
    import ast

    return ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem
