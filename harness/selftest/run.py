"""Runs the self-test: every history is written, judged as a stored run would be, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.selftest.case import Case
from harness.selftest.cases import all_cases
from harness.selftest.clean import make_trial
from harness.selftest.examine import Finding, examine
from harness.selftest.result import SelftestResult, SelftestRow

DEFAULT_SEED = 1
DEFAULT_ROUNDS = 8
MAX_ROUNDS = 1_000


def _keep_silent(_done: int, _all: int) -> None:
    """What is said of the progress if nobody asks."""


def run_selftest(
    *, seed: int = DEFAULT_SEED, rounds: int = DEFAULT_ROUNDS, say: Callable[[int, int], None] = _keep_silent
) -> SelftestResult:
    """Plant every violation class, alone and with others, and see whether exactly that is found.

    ``say`` is told after every history how many of how many were judged.
    """
    cases = list(all_cases(seed=seed, rounds=rounds))
    findings = []
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            findings.append(examine(case.prepare(Path(folder))))
        say(len(findings), len(cases))
    rows = _rows(list(zip(cases, findings, strict=True)))
    return SelftestResult(seed=seed, rounds=rounds, trials=len(cases), ok=all(row.ok for row in rows), rows=rows)


def _rows(examined: Iterable[tuple[Case, Finding]]) -> tuple[SelftestRow, ...]:
    """One row per name: the same class in several arms is one. What begins with the same words stands together."""
    together: dict[str, list[tuple[Case, Finding]]] = {}
    for case, finding in examined:
        together.setdefault(case.name, []).append((case, finding))
    kinds = list(dict.fromkeys(_kind(name) for name in together))
    names = [arm.name for arm in make_trial().scenario.arms]
    return tuple(
        SelftestRow(
            name=name,
            arms=tuple(names[arm] for case, _ in parts for arm in case.arms),
            planted=sum(finding.planted for _, finding in parts),
            found=sum(finding.found for _, finding in parts),
            verdict=" / ".join(dict.fromkeys(finding.verdict.value for _, finding in parts)),
            ok=not any(finding.problems for _, finding in parts),
            problems=tuple(problem for _, finding in parts for problem in finding.problems),
        )
        for name, parts in sorted(together.items(), key=lambda item: kinds.index(_kind(item[0])))
    )


def _kind(name: str) -> str:
    return name.partition(":")[0]
