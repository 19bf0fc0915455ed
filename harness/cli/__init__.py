"""The command line: thin verbs over the other rooms. Everything heavy is imported inside the verb that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from harness.model.errors import ExitCode, HarnessError


def main() -> NoReturn:
    """The ``harness`` command."""
    from harness.cli.app import app

    finish(lambda: app(prog_name="harness", standalone_mode=True))


def run_scenario_script(path: str) -> NoReturn:
    """``python scenarios/NAME.py [OPTIONS]``: the options of ``harness run`` without the name."""
    from harness.cli.script import script_app

    application = script_app(path)
    finish(lambda: application(prog_name=f"python {path}", standalone_mode=True))


def finish_example(work: Callable[[], object]) -> NoReturn:
    """`finish`, for a script that is no scenario: a SIGTERM cleans up as Ctrl-C does."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    finish(work)


def finish(work: Callable[[], object]) -> NoReturn:
    """Do ``work`` and end the process; errors become one message and their exit code, never a traceback.

    ``HARNESS_DEBUG=1`` shows the traceback of an internal error.
    """
    try:
        work()
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.HELD)
    except Exception as error:
        if os.environ.get("HARNESS_DEBUG"):
            raise
        print(f"harness: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print("  fix: this is a bug; run again with HARNESS_DEBUG=1 and report what it prints", file=sys.stderr)
        sys.exit(ExitCode.INTERNAL)
    sys.exit(ExitCode.HELD)
