"""``report.html``: one file that answers first and then shows everything the answer rests on.

It needs no network and no script, prints, follows the reader's light or dark preference, and stays below 2 MB: where a
run has more trials or figures than fit, it says which it leaves out and where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup

from harness.model.naming import MODEL_MEANING, fault_name
from harness.model.results import ClaimResult, RunSummary, TrialResult
from harness.model.words import FaultModel, PredictionResult, Verdict
from harness.report import findings, side_by_side, wording
from harness.report.columns import Column, needed_columns
from harness.report.drawing import Picture
from harness.report.environment import group_environments
from harness.report.failover_lines import COLUMNS as FAILOVER_COLUMNS
from harness.report.failover_lines import TITLE as FAILOVER_TITLE
from harness.report.failover_lines import failover_lines
from harness.report.figure_names import figure_name
from harness.report.grouping import FamilyGroup, families, scenario_groups
from harness.report.guarantee_tables import by_scenario, guarantee_tables
from harness.report.matrix import MATRIX_FAMILIES, Matrix, make_matrix
from harness.report.server_losses import NOTE, TITLE, death_counts, server_losses
from harness.report.trial_tables import TrialTables, lost_of, trial_tables

DETAILED_TRIALS = 24
FEWEST_DETAILED = 6
FILE_BYTES = 1_920_000
"""How large the file may become; figures get what its words leave."""
WORD_BYTES = 1_300_000
"""Where the words take more, fewer trials are shown in detail."""
_BRIEF_TRIALS = 1_000
_MOST_PREDICTIONS = 200


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure as the page shows it: inside it, or as a link to its file."""

    name: str
    svg: Markup
    embedded: bool


@dataclass(frozen=True, slots=True)
class TrialPage(TrialTables):
    """One trial as the page shows it."""

    result: TrialResult
    timeline: ShownFigure | None
    latency: ShownFigure | None


@dataclass(frozen=True, slots=True)
class FamilyPage:
    """One family as the page shows it: a table, and the figure that suits it."""

    family: FamilyGroup
    columns: tuple[Column, ...]
    matrix: Matrix | None
    figure: ShownFigure | None
    caption: str


_CAPTIONS = {
    "partition": (
        "Left: lost messages as a share of what was owed during the outage (acknowledged while the fault was on, times"
        " recipients); above 100 % the loss outlasts the fault, until subscribers are back. Right: the worst delay of"
        " the messages that arrived; the cross marks arms whose lost messages never did."
    ),
    "matrix": (
        "Each cell is one arm under one fault. The length of a bar is its number on a logarithmic scale; the letter is"
        " the mechanism behind most of it."
    ),
    "persistence": (
        "One column for each way to die. Messages on an axis that is logarithmic above one, and"
        " the seconds of the stream's acknowledged log that are gone. Pub/Sub keeps no log. The other scenarios of the"
        " family are in its table."
    ),
    "bars": (
        "What was lost, done twice and never done per scenario and arm, on an axis that is logarithmic above one, and"
        " the worst delay of what arrived. Effects of lost messages are missing, too."
    ),
}


def choose_detailed(summary: RunSummary, *, most: int = DETAILED_TRIALS) -> tuple[TrialResult, ...]:
    """The trials to show in detail, in the order of the run: what is not sound first, then one of each scenario."""
    seen: set[str] = set()
    ranked: list[tuple[int, int, TrialResult]] = []
    for place, result in enumerate(summary.trials):
        name = result.trial.scenario.name
        sound = result.verdict is Verdict.HELD and not result.weaknesses and result.status == "complete"
        ranked.append(
            (0 if not sound and name not in seen else 1 if name not in seen else 2 if not sound else 3, place, result)
        )
        seen.add(name)
    chosen = sorted(ranked, key=lambda entry: entry[:2])[:most]
    return tuple(result for _, _, result in sorted(chosen, key=lambda entry: entry[1]))


def render_report(summary: RunSummary, pictures: Mapping[str, Picture]) -> str:
    """The page for ``summary``; ``pictures`` by name, as `harness.report.figures` makes them."""
    detailed = choose_detailed(summary)
    words = _render(summary, {}, detailed)
    while len(words.encode()) > WORD_BYTES and len(detailed) > FEWEST_DETAILED:
        detailed = choose_detailed(summary, most=len(detailed) * 2 // 3)
        words = _render(summary, {}, detailed)
    return _render(summary, _fit(pictures, detailed, room=FILE_BYTES - len(words.encode())), detailed)


def _render(summary: RunSummary, shown: Mapping[str, ShownFigure], detailed: tuple[TrialResult, ...]) -> str:
    """The page with those figures and trials in it."""
    pages = [_page(result, shown) for result in detailed]
    template = _environment().get_template("report.html.j2")
    return template.render(
        summary=summary,
        css=Markup(_load_css()),
        verdict=wording.verdict_mark(summary.verdict),
        sure=wording.how_sure(summary),
        complete=sum(result.status == "complete" for result in summary.trials),
        engines=_engines(summary),
        scenarios=list(dict.fromkeys(row.scenario for row in summary.rows)),
        families=[_family(family, shown) for family in families(summary)],
        most_predictions=_MOST_PREDICTIONS,
        predictions={result: findings.predictions(summary, result) for result in PredictionResult},
        incidents=findings.incidents(summary),
        claims=findings.sorted_claims(summary.claims),
        server_lines=server_losses(summary),
        server_note=NOTE,
        server_title=TITLE,
        model_sets=side_by_side.model_sets(summary),
        models_note=side_by_side.NOTE,
        models_title=side_by_side.TITLE,
        failover_lines=failover_lines(summary),
        failover_columns=FAILOVER_COLUMNS,
        failover_title=FAILOVER_TITLE,
        dedup_lines=findings.dedup_lines(summary),
        claim_links={claim.evidence: _evidence_name(claim) for claim in summary.claims},
        detailed_names={result.trial.folder_name for result in detailed},
        findings=wording.open_findings(summary),
        failed=[result for result in summary.trials if result.status not in ("complete", "skipped")],
        refuted=wording.refuted(summary),
        weaknesses=[(result.trial.folder_name, text) for result in summary.trials for text in result.weaknesses],
        guarantee_tables=guarantee_tables(summary),
        detailed=pages,
        brief=[result for result in summary.trials if result not in detailed],
        brief_limit=_BRIEF_TRIALS,
        models=_models(summary),
        environments=group_environments(summary),
    )


def _family(family: FamilyGroup, shown: Mapping[str, ShownFigure]) -> FamilyPage:
    """One family with its columns and its figure."""
    has_matrix = family.name in MATRIX_FAMILIES
    caption = _caption(family)
    return FamilyPage(
        family=family,
        columns=needed_columns(family.rows),
        matrix=make_matrix(family) if has_matrix else None,
        figure=shown.get(figure_name(family.name)),
        caption=_CAPTIONS[caption],
    )


def _caption(family: FamilyGroup) -> str:
    """Which of the captions belongs to the figure that `harness.report.figures` draws of ``family``."""
    if family.name == "partition":
        return "partition"
    if family.name in MATRIX_FAMILIES:
        return "matrix"
    return "persistence" if death_counts(family.rows) else "bars"


def _evidence_name(claim: ClaimResult) -> str:
    """The folder of the trial behind a claim, whatever path leads there."""
    return claim.evidence.rstrip("/").rpartition("/")[2]


def _models(summary: RunSummary) -> list[FaultModel]:
    """The models of all faults of the run, in the order of their definition."""
    used = {plan.model for group in scenario_groups(summary) for plan in group.faults}
    used |= {FaultModel.NONE for group in scenario_groups(summary) if not group.faults}
    return [model for model in FaultModel if model in used]


def _environment() -> jinja2.Environment:
    """Templates that escape everything and fail on anything undefined, with our wording as their functions."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["groupby_scenario"] = by_scenario
    environment.filters["break_names"] = _break_names
    environment.globals.update(
        claims_sentence=findings.claims_sentence,
        finding_mark=findings.finding_mark,
        guarantee_of=wording.find_guarantee,
        lost_of=lost_of,
        microseconds=wording.microseconds,
        predicted_words=findings.predicted_words,
        model_meaning=MODEL_MEANING,
        guarantee_meaning=wording.GUARANTEE_MEANING,
        bound_sentence=wording.bound_sentence,
        count=wording.count,
        fault_name=fault_name,
        guarantee_mark=wording.guarantee_mark,
        milliseconds=wording.milliseconds,
        percent=wording.percent,
        plural=wording.plural,
        ratio=wording.ratio,
        row_mark=wording.row_mark,
        seconds=wording.seconds,
        verdict_mark=wording.verdict_mark,
    )
    return environment


def _load_css() -> str:
    """The style sheet, as it goes into the page."""
    loader = jinja2.PackageLoader("harness.report", "templates")
    source, _, _ = loader.get_source(jinja2.Environment(autoescape=True), "report.css")
    return source


def _fit(pictures: Mapping[str, Picture], detailed: Sequence[TrialResult], *, room: int) -> dict[str, ShownFigure]:
    """All figures; embedded as long as they fit, those of unsound trials first."""
    order = sorted(detailed, key=lambda result: result.verdict is Verdict.HELD)
    names = [name for name in pictures if not name.startswith(("timeline-", "latency-"))]
    names += [f"timeline-{result.trial.folder_name}" for result in order]
    names += [f"latency-{result.trial.folder_name}" for result in order]
    left = room
    shown: dict[str, ShownFigure] = {}
    for name in names:
        picture = pictures.get(name)
        if picture is None:
            continue
        size = len(picture.svg.encode())
        embedded = size <= left
        left -= size if embedded else 0
        # Our own renderer made this SVG; every text in it was escaped there.
        shown[name] = ShownFigure(name, Markup(picture.svg) if embedded else Markup(""), embedded)
    return shown


def _page(result: TrialResult, shown: Mapping[str, ShownFigure]) -> TrialPage:
    """One trial with its figures."""
    name = result.trial.folder_name
    tables = trial_tables(result)
    fields = {field: getattr(tables, field) for field in TrialTables.__dataclass_fields__}
    return TrialPage(
        **fields, result=result, timeline=shown.get(f"timeline-{name}"), latency=shown.get(f"latency-{name}")
    )


def _break_names(name: str) -> Markup:
    """``name`` with a place to break after each hyphen, for narrow columns."""
    return Markup("<wbr>").join(part + "-" for part in name.split("-")[:-1]) + Markup("<wbr>") + name.split("-")[-1]


def _engines(summary: RunSummary) -> str:
    """Server, fault injector and client of the first trial, for the header."""
    if not summary.trials:
        return "nothing ran"
    known = summary.trials[0].environment
    return f"{known.server} · {known.proxy_engine} · {known.client}"
