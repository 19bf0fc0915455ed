"""Opening a stack of whichever kind was chosen; from there on nobody asks which kind it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import assert_never

from harness.model.errors import NotPossible
from harness.model.values import FaultPlan, StackChoice
from harness.model.words import FaultModel, LinkRole, Persistence, StackKind
from harness.stack.base import RunningStack
from harness.stack.breakable import Breaks, open_breakable, what_breaks


def open_stack(
    choice: StackChoice,
    *,
    persistence: Persistence,
    settings: Mapping[str, str] | None = None,
    folder: Path,
    roles: Sequence[LinkRole],
    faults: Sequence[FaultPlan] = (),
) -> RunningStack:
    """A stack that is up and probed, with its files and logs below ``folder``. Close it, or use it with ``with``.

    ``settings`` are the server's, beyond those of the profile ``persistence`` or instead of them. ``faults``: what the
    trial will do to it; a server that is to be struck down has to be one that can come back.

    Raises:
        NotPossible: settings are asked for of a server that is not ours, or a fault that this stack or this machine
            cannot have.
        UsageError: the choice names something that cannot be (a program that does not run, a malformed URL).
        EnvironmentUnavailable: the server, the engine or the images are not to be had, or too old for Streams.
    """
    breaks = what_breaks(faults)
    if breaks is not Breaks.NOTHING and choice.kind is not StackKind.LOCAL:
        raise NotPossible(
            "it strikes the server itself, which has to be a process of our own on this machine",
            fix="play it with --stack local",
        )
    match choice.kind:
        case StackKind.LOCAL if breaks is not Breaks.NOTHING:
            return open_breakable(
                choice,
                persistence=persistence,
                settings=settings,
                folder=folder,
                breaks=breaks,
                slows_fsync=any(plan.model is FaultModel.SLOW_FSYNC for plan in faults),
            )
        case StackKind.LOCAL:
            from harness.stack.local import open_local

            return open_local(choice, persistence=persistence, settings=settings, folder=folder)
        case StackKind.COMPOSE:
            from harness.stack.compose import open_compose

            return open_compose(persistence=persistence, settings=settings, folder=folder, roles=roles)
        case StackKind.EXTERNAL:
            from harness.stack.external import open_external

            if settings:
                raise NotPossible(
                    f"it needs a server with {', '.join(f'{name} {value}' for name, value in settings.items())}, and "
                    "the settings of a server given by an address are not ours to change",
                    fix="play it on a server of our own: --stack local or --stack compose",
                )
            return open_external(roles=roles)
        case _:
            assert_never(choice.kind)
