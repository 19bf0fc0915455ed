"""Plays schedules for ``harness explore``: real trials in one run that grows, each judged as soon as it has ended."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.check.clauses import mechanisms_of
from harness.check.judge import judge_stored, weigh_against_controls
from harness.explore.outcome import Outcome, Spent
from harness.model.progress import ProgressEvent
from harness.model.results import TrialResult
from harness.model.values import RunPlan, Scenario, StackChoice, Trial
from harness.model.words import Guarantee, Verdict
from harness.trial.run import Run, write_plan


@dataclass(slots=True)
class Player:
    """A run to which every batch adds its trials. Repeats of one schedule differ by their seed alone."""

    folder: Path
    guarantee: Guarantee
    stack: StackChoice
    seed: int
    jobs: int
    interrupted: threading.Event
    plan_of: Callable[[tuple[Trial, ...]], RunPlan]
    """The run's plan, given its trials."""
    _trials: list[Trial] = field(default_factory=list)
    _repeats: dict[str, int] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _control: TrialResult | None = None

    def __call__(self, scenarios: Sequence[Scenario]) -> list[Outcome]:
        """One trial of each, in a batch.

        Raises:
            Spent: the user interrupted it; trials that were under way are kept, and say that they are partial.
        """
        if self.interrupted.is_set():
            raise Spent("interrupted")
        trials = [self._trial(scenario) for scenario in scenarios]
        self._trials += trials
        write_plan(self.folder, self.plan_of(tuple(self._trials)))
        batch = self.plan_of(tuple(trials))
        outcome = Run(batch, self.folder, jobs=self.jobs, news=_unheard, interrupted=self.interrupted).execute()
        if outcome.interrupted:
            raise Spent("interrupted")
        return [self._outcome(scenario, trial) for scenario, trial in zip(scenarios, trials, strict=True)]

    @property
    def played(self) -> tuple[Trial, ...]:
        """Every trial so far."""
        return tuple(self._trials)

    def _trial(self, scenario: Scenario) -> Trial:
        key = scenario.model_dump_json()
        if key not in self._names:
            shrunk = scenario.name in self._names.values()
            self._names[key] = f"{scenario.name}_smaller_{len(self._names):03d}" if shrunk else scenario.name
        index = self._repeats[key] = self._repeats.get(key, -1) + 1
        named = scenario.model_copy(update={"name": self._names[key]})
        batch = self.plan_of(())
        return Trial(
            run_id=batch.run_id,
            token=secrets.token_hex(4),
            scenario=named,
            seed=self.seed + index,
            index=index,
            stack=self.stack,
        )

    def _outcome(self, scenario: Scenario, trial: Trial) -> Outcome:
        result = judge_stored(self.folder, trial, write=True)
        if result is None:
            return Outcome(scenario, Verdict.ERROR, "nothing of the trial was kept", trial.folder_name)
        if scenario.is_control:
            self._control = result
        elif self._control is not None:
            result = weigh_against_controls([self._control, result])[1]
        clause = next(one for one in result.clauses if one.guarantee is self.guarantee)
        if result.status != "complete":
            return Outcome(scenario, Verdict.ERROR, result.status_reason or result.status, trial.folder_name)
        mechanisms = mechanisms_of(result.arms)
        mechanism = mechanisms.most_common(1)[0][0].value if mechanisms else ""
        told = mechanism if clause.measured is Verdict.VIOLATED else ""
        return Outcome(scenario, clause.measured, clause.reason, trial.folder_name, told)


def _unheard(_name: str, _event: ProgressEvent) -> None:
    """Nobody watches single trials: what a search says is one line per schedule."""
