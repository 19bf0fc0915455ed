"""What ran, for the report: server, proxy, client and machine of one trial."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

import redis

from harness.drivers.client import describe_preset
from harness.drivers.releases import settings_of
from harness.faults.links import Links
from harness.model.results import TrialEnvironment
from harness.model.values import Arm, Trial
from harness.stack.base import RunningStack

NOT_STARTED = "none was started"


def describe(trial: Trial, stack: RunningStack, links: Links, say: Callable[[str], None]) -> TrialEnvironment:
    """The surroundings of a trial whose stack is up. Other releases of the client are fetched where an arm asks.

    Raises:
        NotPossible: a release that an arm asks for cannot be had.
    """
    environment = describe_unopened(trial)
    other = {_client_of(arm): arm for arm in trial.scenario.arms if arm.client_release is not None}
    settings = {
        name: settings_of(arm.client, arm.client_release, say, asks_sentinel=arm.asks_sentinel)
        for name, arm in sorted(other.items())
    }
    return environment.model_copy(
        update={
            "client_settings": {**environment.client_settings, **settings},
            "stack": stack.kind,
            "server": stack.product,
            "server_settings": dict(stack.settings),
            "proxy_engine": links.engine,
        }
    )


def describe_unopened(trial: Trial) -> TrialEnvironment:
    """What is known where no stack came up."""
    presets = {_client_of(arm): arm for arm in trial.scenario.arms if arm.client_release is None}
    return TrialEnvironment(
        stack=trial.stack.kind,
        server=NOT_STARTED,
        proxy_engine=NOT_STARTED,
        client=f"redis-py {redis.__version__}",
        client_settings={
            name: describe_preset(arm.client, asks_sentinel=arm.asks_sentinel) for name, arm in sorted(presets.items())
        },
        python=platform.python_version(),
        platform=platform.platform(),
        cpu_count=os.cpu_count() or 1,
    )


def _client_of(arm: Arm) -> str:
    """``hardened@6.4.0``, ``as-shipped, asks Sentinels``: arms with one name here have one client."""
    release = f"@{arm.client_release}" if arm.client_release else ""
    return f"{arm.client}{release}{', asks Sentinels' * arm.asks_sentinel}"
