"""The evidence of a fault that comes and goes: a flapping link has to be seen to flap, every single time.

Pure, like the evidence of one injection (`harness.faults.evidence`), which it asks once for each cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.faults.base import CallTimes, Evidence, Probe
from harness.model.words import ProbeResult


def judge_cycles(
    judge: Callable[..., Evidence],
    probes: Sequence[Probe],
    cycles: Sequence[tuple[CallTimes, CallTimes]],
    *,
    planned: int,
) -> Evidence:
    """The evidence of a fault that came and went ``planned`` times: every time has to be proven.

    ``judge`` is a fault's ``evidence``, ``cycles`` the times of its injections and heals. Each cycle is judged by what
    was sent after the heal before it, and as it stood when the next began. The whole is on from the first effect to
    the last heal.
    """
    if planned == 1 and len(cycles) == 1:
        return judge(probes, inject=cycles[0][0], heal=cycles[0][1])
    if len(cycles) != planned:
        return Evidence(None, None, f"not shown: {len(cycles)} of {planned} cycles took place")
    found = []
    for number, (inject, heal) in enumerate(cycles):
        since_ns = cycles[number - 1][1].after_ns if number else 0
        own = [probe for probe in probes if probe.sent_ns >= since_ns]
        if number + 1 < len(cycles):
            own = seen_until(own, cycles[number + 1][0].before_ns)
        found.append(judge(own, inject=inject, heal=heal))
        if found[-1].observed_from_ns is None:
            return Evidence(None, None, f"cycle {number + 1} of {planned}: {found[-1].sentence}")
        if found[-1].observed_to_ns is None:
            return Evidence(found[0].observed_from_ns, None, f"cycle {number + 1} of {planned}: {found[-1].sentence}")
    return Evidence(
        found[0].observed_from_ns,
        found[-1].observed_to_ns,
        f"seen to come and go {planned} times; the last time, {found[-1].sentence}",
    )


def seen_until(probes: Sequence[Probe], moment_ns: int) -> list[Probe]:
    """The probes as they stood at ``moment_ns``: what ended later was still under way."""
    return [
        replace(probe, answered_ns=None, ended_ns=moment_ns, result=ProbeResult.SILENT)
        if probe.ended_ns > moment_ns
        else probe
        for probe in probes
        if probe.sent_ns <= moment_ns
    ]
