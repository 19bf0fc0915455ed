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
    @options.with_run_options
    def run(given: options.RunOptions) -> None:
        from harness.cli.requests import make_request
        from harness.cli.running import start_run

        raise typer.Exit(start_run(make_request(given, names=(script.stem,), script=script)))

    return application


def _story(script: Path) -> str:
    """The script's docstring."""
    import ast

    return ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem
