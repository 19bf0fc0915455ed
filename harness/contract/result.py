"""What became of a contract: the values that the terminal, JSON, JUnit and GitHub show."""

from __future__ import annotations

from harness.contract.clauses import Clause
from harness.model.values import Frozen
from harness.model.words import Verdict

CONTRACT_SCHEMA = 1


class ClauseOutcome(Frozen):
    """One clause, set against all trials of its scenario."""

    clause: Clause
    text: str
    """The demand in words."""
    gates: bool
    """Whether it counts towards the verdict: what is free does not."""
    verdict: Verdict
    trials: int
    """Conclusive ones."""
    broken: int
    """Of these: in which the demand was not met (the guarantee refuted, the limit passed)."""
    inconclusive: int
    lower_bound: float | None
    """The lowest and the highest rate of broken trials that this still allows, each at the clause's confidence;
    ``None`` without trials."""
    upper_bound: float | None
    needed_trials: int | None
    """How many trials it takes to show ``max_violation_rate``, if no more are broken; ``None``: enough, or no rate."""
    worst: float | None
    """Of a limit: the worst value of all trials; infinite: not delivered, or not back by the end; ``None``: none was
    observed."""
    violations: int
    samples: int
    reason: str


class ContractResult(Frozen):
    """A contract, set against runs."""

    schema_version: int = CONTRACT_SCHEMA
    contract: str
    profile: str | None
    runs: tuple[str, ...]
    """The folders that were looked at."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the runs, such as that one is partial."""
    verdict: Verdict
    exit_code: int
    clauses: tuple[ClauseOutcome, ...]
    """Worst first; those that only inform last."""

    def count(self, verdict: Verdict) -> int:
        """How many clauses that gate came to ``verdict``."""
        return sum(one.gates and one.verdict is verdict for one in self.clauses)
