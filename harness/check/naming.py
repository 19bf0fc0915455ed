"""An arm's name without its client preset and release, and whom a named arm speaks of.

Faults are named by `harness.model.naming`.

>>> base_name("stream-group-no-retry@6.4.0")
'stream-group'
"""

from __future__ import annotations

from harness.model.words import ClientPreset


def base_name(arm: str) -> str:
    """An arm's name without its release and its client preset."""
    return without_preset(arm.partition("@")[0])


def without_preset(arm: str) -> str:
    """An arm's name without its client preset, whatever its release."""
    name, at, release = arm.partition("@")
    for preset in ClientPreset:
        if name.endswith(f"-{preset}"):
            return name.removesuffix(f"-{preset}") + at + release
    return arm


def covers(named: str, arm: str) -> bool:
    """Whether what is said about ``named`` speaks of ``arm``: the arm itself, or a preset or a release of it."""
    return named in {arm, arm.partition("@")[0], without_preset(arm), base_name(arm)}
