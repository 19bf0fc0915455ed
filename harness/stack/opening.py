"""Opening a stack of whichever kind was chosen; from there on nobody asks which kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from harness.model.values import StackChoice
from harness.model.words import LinkRole, Persistence, StackKind
from harness.stack.base import RunningStack


def open_stack(
    choice: StackChoice, *, persistence: Persistence, folder: Path, roles: Sequence[LinkRole]
) -> RunningStack:
    """A stack that is up and probed, with its files and logs below ``folder``. Close it, or use it with ``with``.

    Raises:
        UsageError: the choice names something that cannot be (a program that does not run, a malformed URL).
        EnvironmentUnavailable: the server, the engine or the images are not to be had, or too old for Streams.
    """
    match choice.kind:
        case StackKind.LOCAL:
            from harness.stack.local import open_local

            return open_local(choice, persistence=persistence, folder=folder)
        case StackKind.COMPOSE:
            from harness.stack.compose import open_compose

            return open_compose(persistence=persistence, folder=folder, roles=roles)
        case StackKind.EXTERNAL:
            from harness.stack.external import open_external

            return open_external(roles=roles)
        case _:
            assert_never(choice.kind)
