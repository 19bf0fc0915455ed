"""The rows of a run in the order in which people read them: family by family, scenario by scenario, arm by arm.

A run may hold several families at once; each has a table and a figure of its own. Within the partitions, scenarios are
ordered link by link and model by model, and with lost packets outage by outage, its models together; elsewhere by what
the fault does. The control comes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.naming import MODEL_MEANING, family_place, family_title, faults_name
from harness.model.results import GuaranteeSummary, RunSummary, ScenarioRow
from harness.model.values import FaultPlan, Scenario, SourceClaim
from harness.model.words import CrashPoint, Direction, FaultModel, LinkRole

_LINKS: list[LinkRole | None] = [
    LinkRole.CONSUMERS,
    LinkRole.ONE_CONSUMER,
    LinkRole.PRODUCERS,
    LinkRole.REPLICATION,
    None,
]
_MODELS = list(FaultModel)
_POINTS: list[CrashPoint | None] = [None, *CrashPoint]
_DIRECTIONS = list(Direction)
_PLACE_OF_CONTROL = 99


@dataclass(frozen=True, slots=True)
class ScenarioGroup:
    """One scenario with its rows, one per arm."""

    scenario: str
    family: str
    faults: tuple[FaultPlan, ...]
    claims: tuple[SourceClaim, ...]
    rows: tuple[ScenarioRow, ...]

    @property
    def fault(self) -> str:
        """What is broken, in words."""
        return faults_name(self.faults)

    @property
    def meaning(self) -> str:
        """What the faults physically do."""
        models = list(dict.fromkeys(plan.model for plan in self.faults)) or [FaultModel.NONE]
        return "; ".join(MODEL_MEANING[model] for model in models)

    @property
    def link(self) -> LinkRole | None:
        """The link of the first fault, if it strikes one."""
        return self.faults[0].link if self.faults else None

    @property
    def outage_s(self) -> float:
        """Seconds that the fault was on."""
        return self.rows[0].outage_s

    @property
    def claimed_loss(self) -> int | None:
        """How many messages the source document says were lost; ``None`` where it gives no number above zero."""
        return max((claim.claimed_loss for claim in self.claims if claim.claimed_loss), default=None)


@dataclass(frozen=True, slots=True)
class FamilyGroup:
    """The scenarios of one family."""

    name: str
    groups: tuple[ScenarioGroup, ...]

    @property
    def title(self) -> str:
        """What they have in common."""
        return family_title(self.name)

    @property
    def rows(self) -> tuple[ScenarioRow, ...]:
        """The rows of all its scenarios."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of all its scenarios, each once, in the order of first use."""
        return tuple(dict.fromkeys(row.arm for row in self.rows))


def families(summary: RunSummary) -> tuple[FamilyGroup, ...]:
    """The families of the run, in the order in which they are shown."""
    groups = scenario_groups(summary)
    names = sorted({group.family for group in groups}, key=family_place)
    return tuple(FamilyGroup(name, tuple(group for group in groups if group.family == name)) for name in names)


def scenario_groups(summary: RunSummary) -> tuple[ScenarioGroup, ...]:
    """All scenarios of the run that have rows, families in order."""
    scenarios = {result.trial.scenario.name: result.trial.scenario for result in summary.trials}
    rows: dict[str, list[ScenarioRow]] = {}
    for row in summary.rows:
        rows.setdefault(row.scenario, []).append(row)
    groups = [_group(name, tuple(found), scenarios.get(name)) for name, found in rows.items()]
    return tuple(sorted(groups, key=_place))


def _group(name: str, rows: tuple[ScenarioRow, ...], scenario: Scenario | None) -> ScenarioGroup:
    """The faults come from the plan; a summary without its trials still has the first fault in its rows."""
    first = rows[0]
    faults: tuple[FaultPlan, ...] = ()
    if scenario is not None:
        faults = scenario.faults
    elif first.fault is not None:
        faults = (first.fault,)
    elif first.link is not None:
        faults = (FaultPlan(model=first.model, link=first.link),)
    return ScenarioGroup(name, first.family, faults, scenario.claims if scenario else (), rows)


def _place(group: ScenarioGroup) -> tuple[tuple[int, str], tuple[int, ...]]:
    """Sorts by family, then by what is broken; what compares equal stays in the order of the run."""
    family = family_place(group.family)
    if not group.faults:
        return family, (_PLACE_OF_CONTROL,)
    plan = group.faults[0]
    link, model = _LINKS.index(plan.link), _MODELS.index(plan.model)
    if group.family == "partition":
        return family, (link, model)
    if group.family == "network":
        counterpart = plan.model is not FaultModel.PACKET_DROP
        return family, (link, int(group.outage_s), _DIRECTIONS.index(plan.direction), counterpart, model)
    return family, (model, _POINTS.index(plan.point), link, _DIRECTIONS.index(plan.direction), plan.cycles)


def in_scenario_order(summary: RunSummary, results: Sequence[GuaranteeSummary]) -> list[GuaranteeSummary]:
    """``results`` in the order of `scenario_groups`."""
    place = {group.scenario: number for number, group in enumerate(scenario_groups(summary))}
    return sorted(results, key=lambda known: place.get(known.scenario, len(place)))
