"""A run of several families: each has its table and its figure, and everything else that a run says is shown."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from itertools import takewhile
from pathlib import Path

import pytest
from report_families import SKIPPED, make_families
from report_fixture import write_run
from rich.console import Console

from harness.model.results import RunSummary
from harness.model.words import Dedup, Mechanism, PredictionResult
from harness.report.columns import fitting_columns, needed_columns
from harness.report.export import write_all
from harness.report.figures import draw_family, draw_figures
from harness.report.findings import dedup_lines, incidents, predicted_words, predictions
from harness.report.grouping import FamilyGroup, families
from harness.report.helper import helper_drawing
from harness.report.html import render_report
from harness.report.json_export import read_summary, write_summary
from harness.report.junit import junit_xml
from harness.report.matrix import make_matrix
from harness.report.terminal import print_summary
from harness.report.trial_figures import draw_trial

SUMMARY, LEDGERS = make_families()
MEGABYTES_ALLOWED = 2_000_000


def family(name: str) -> FamilyGroup:
    """One family of the run."""
    return next(known for known in families(SUMMARY) if known.name == name)


def shown(summary: RunSummary, *, width: int) -> str:
    """What a terminal of ``width`` shows."""
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, legacy_windows=False)
    print_summary(summary, console, folder=Path("results/runs/a-run"))
    return file.getvalue()


@pytest.fixture(scope="module")
def page() -> str:
    """The report without figures."""
    return render_report(SUMMARY, {})


def test_families_stand_in_a_fixed_order_with_the_control_last() -> None:
    """Partitions first, then what the other issues added; within a family the control is the last line."""
    found = families(SUMMARY)

    assert ["partition", "link", "crash", "consume", "incident"] == [known.name for known in found]
    assert [()] * 5 == [known.groups[-1].faults for known in found]
    assert [
        "all consumers · crash before effect",
        "all consumers · crash between effect and XACK",
        "all consumers · crash after XACK",
    ] == [group.fault for group in family("crash").groups[:3]]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_line_is_too_long_and_no_number_is_cut(width: int) -> None:
    """Every row of every family is there with what it was owed and lost."""
    text = shown(SUMMARY, width=width)

    assert [] == [line for line in text.splitlines() if len(line) > width]
    assert "…" not in text.replace("… and", "")
    for row in SUMMARY.rows:
        assert any(
            row.arm in line and f" {row.owed:,} " in line and f" {row.lost:,} " in line for line in text.splitlines()
        )


def test_columns_are_there_only_where_a_family_needs_them() -> None:
    """Partitions have no doubled effects, crashes have, and dead letters belong to the consuming family."""
    names = {known.name: {column.short for column in needed_columns(known.rows)} for known in families(SUMMARY)}

    assert names["partition"].isdisjoint({"redone", "undone", "dead", "stuck", "false", "mostly by"})
    assert {"redone", "undone", "stuck", "false", "mostly by"} <= names["crash"]
    assert {"dead", "stuck"} <= names["consume"]
    assert "dead" not in names["crash"]


def test_a_narrow_screen_loses_the_least_important_columns_first() -> None:
    """What was owed and lost stays whatever the width."""
    rows = family("crash").rows
    wide = [column.short for column in fitting_columns(rows, room=200)]
    narrow = [column.short for column in fitting_columns(rows, room=30)]

    assert {"p50", "recover", "mostly by"} <= set(wide)
    assert ["owed", "lost"] == [column.short for column in fitting_columns(rows, room=1)]
    assert ["owed", "lost"] == narrow[:2]
    assert set(narrow).isdisjoint({"p50", "recover", "max"})


def test_the_matrix_has_a_cell_for_every_fault_and_arm() -> None:
    """Counts are the rows' own, what was not tried is no zero, and each mechanism has a letter."""
    matrix = make_matrix(family("crash"))
    cells = {
        (row.group.scenario, arm): cell for row in matrix.rows for arm, cell in zip(matrix.arms, row.cells, strict=True)
    }

    found = cells["crash_after_effect", "stream-queue"]
    assert found is not None
    assert (0, 3, 0) == found.counts
    assert cells["crash_kill_producers", "stream-group-lua"] is None
    control = cells["crash_control", "pubsub"]
    assert control is not None
    assert control.perfect
    assert ["a", "b", "c", "d", "e"] == list(matrix.letters.values())
    assert Mechanism.NO_CLAIMER in matrix.letters


def test_the_terminal_shows_the_matrix_whole() -> None:
    """At 80 columns in one block: a line per arm and thing that went wrong, no arm and no number is missing."""
    text = shown(SUMMARY, width=80)
    block = text[text.index("What went wrong") :].partition("\n\n")[0]
    lines = block.splitlines()
    matrix = make_matrix(family("crash"))

    assert 1 == sum(line.split()[-1:] == ["fault"] for line in lines)
    assert [1] * len(matrix.arms) == [
        sum(line.split()[:1] == [arm] and not line.startswith(" ") for line in lines) for arm in matrix.arms
    ]
    assert "e\N{NO-BREAK SPACE}no\N{NO-BREAK SPACE}claimer" in block
    for place, arm in enumerate(matrix.arms):
        begin = next(number for number, line in enumerate(lines) if line.split()[:1] == [arm])
        own = [lines[begin], *takewhile(lambda line: line.startswith(" "), lines[begin + 1 :])]
        for row in matrix.rows:
            cell = row.cells[place]
            for number in (cell.lost, cell.stuck, cell.doubled) if cell else ():
                assert not number or any(f" {number:,}" in line for line in own)


def test_the_matrix_says_missing_effects_only_where_they_are_more_than_the_lost() -> None:
    """What is lost has no effect; to say so again would hide the arms that lack effects without a loss."""
    lines = shown(SUMMARY, width=80).partition("What went wrong")[2].splitlines()
    read = lines[lines.index("stream-read-checkpoint-first") + 1]

    assert read.split()[:2] == ["effects", "missing"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_legend_explains_what_is_shown_and_nothing_else(width: int) -> None:
    """A reader is not told of columns that are not there."""
    text = shown(SUMMARY, width=width)
    legend = " ".join(text[text.index("\nowed: ") :].split("\n\n")[0].split())
    names = {name for part in legend.split(" · ") for name in part.partition(":")[0].split(", ")}
    heads = " ".join(line for line in text.splitlines() if line.startswith("arm "))

    known = {"stuck", "dup", "redone", "undone", "dead", "false", "late", "p50", "p99", "max", "recover", "no right"}
    assert {name for name in known if re.search(rf"\b{name}\b", heads)} == names & known


def test_skipped_trials_are_told_everywhere_and_pass_nowhere(page: str, tmp_path: Path) -> None:
    """In terminal, report, JUnit and JSON, each with its reason."""
    terminal = " ".join(shown(SUMMARY, width=120).split())
    root = ElementTree.fromstring(junit_xml(SUMMARY))
    suite = next(suite for suite in root if suite.attrib["name"] == "skipped")
    write_summary(tmp_path / "summary.json", SUMMARY)

    for known in SKIPPED:
        assert f"skipped {known.scenario}-{known.seed}: {known.reason}" in terminal
        assert known.reason in page
    assert [known.reason for known in SKIPPED] == [element.attrib["message"] for element in suite.iter("skipped")]
    assert ("2", "2", "0") == (suite.attrib["tests"], suite.attrib["skipped"], suite.attrib["failures"])
    assert SUMMARY.skipped == read_summary(tmp_path / "summary.json").skipped


def test_claims_are_linked_to_the_trial_that_shows_them(page: str) -> None:
    """Claim, measured, finding and evidence stand in one table; a false one is told on the terminal."""
    assert 'href="#trial-incident_partition-7"' in page
    assert 'id="trial-incident_partition-7"' in page
    assert "A twelve-minute partition lost 14,700 orders." in page
    terminal = " ".join(shown(SUMMARY, width=120).split())
    assert "The source document, 3 claims: 1 false, 1 measured, 1 true" in terminal
    told = [terminal.index(words) for words in ("false acknowledgement Streams", "measured latency", "true incident")]
    assert sorted(told) == told


def test_an_incident_shows_the_claimed_loss_beside_the_measured_one(page: str) -> None:
    """14,700 were said to be lost; here it is what each arm lost."""
    (incident,) = incidents(SUMMARY)

    assert ("incident_partition", 14_700) == (incident.group.scenario, incident.group.claimed_loss)
    assert {"pubsub": "14,700", "stream-group": ""}.items() <= {
        line.row.arm: line.claimed for line in incident.lines
    }.items()
    assert "incident_partition: pubsub 640 (14,700), stream-group 0" in " ".join(shown(SUMMARY, width=120).split())
    assert "claimed lost" in page


def test_an_incident_shows_what_is_gone_from_a_log_though_nobody_missed_it() -> None:
    """Zero lost beside zero claimed would hide it."""
    rows = tuple(
        row.model_copy(update={"gone": 69})
        if (row.scenario, row.arm) == ("incident_partition", "stream-group")
        else row
        for row in SUMMARY.rows
    )
    terminal = " ".join(shown(SUMMARY.model_copy(update={"rows": rows}), width=140).split())
    assert "incident_partition: pubsub 640 (14,700), stream-group 0, and 69 gone from its log" in terminal


def test_the_page_leads_to_each_family_and_answers_the_source_document_first(page: str) -> None:
    """Families stand in the navigation; what incidents came to stands above the tables."""
    navigation = page[page.index("<nav") : page.index("</nav>")]
    top = page[page.index('id="answer"') : page.index('id="comparison"')]

    assert [known.name for known in families(SUMMARY)] == re.findall(r'href="#family-(\w+)"', navigation)
    assert "pubsub lost <strong>640</strong> (said: 14,700)" in top
    assert "3 claims: 1 false, 1 measured, 1 true" in top


def test_the_matrix_on_the_page_has_a_line_per_arm(page: str) -> None:
    """As on the terminal: fourteen arms fit below each other and not beside each other."""
    table = page[page.index('<table class="matrix">') :].partition("</table>")[0]
    matrix = make_matrix(family("crash"))

    assert len(matrix.arms) == table.count('<th scope="row">')
    assert len(matrix.arms) * len(matrix.rows) == table.count("<td")


def test_the_figures_of_families_are_small_enough_for_the_page() -> None:
    """Five of them have to stand beside the words; dots in a hatch once took a quarter of a megabyte."""
    sizes = {known.name: len(draw_family(SUMMARY, known).svg) for known in families(SUMMARY)}

    assert max(sizes.values()) < 200_000


def test_predictions_are_listed_by_what_became_of_them(page: str) -> None:
    """Refuted ones come first on the page, with the mechanism that was named."""
    refuted = predictions(SUMMARY, PredictionResult.REFUTED)
    confirmed = predictions(SUMMARY, PredictionResult.CONFIRMED)

    assert refuted
    assert f"Confirmed: {len(confirmed)}. Refuted: {len(refuted)}." in page
    assert page.index("Predictions that this run refutes") < page.index('id="comparison"')
    noack = next(known for known in refuted if known.arm == "stream-group-noack")
    assert "violated by NOACK" == predicted_words(SUMMARY, noack)


def test_dedup_is_compared_with_the_same_arm_without_it(page: str) -> None:
    """Each strategy has a line; none is the arm that differs in nothing else."""
    lines = {line.strategy: line for line in dedup_lines(SUMMARY)}

    assert {Dedup.NONE, Dedup.SET_NX, Dedup.LUA, Dedup.WINDOW} == set(lines)
    assert ("stream-group",) == lines[Dedup.NONE].arms
    assert (2, 2) == (lines[Dedup.SET_NX].false_dedup, lines[Dedup.SET_NX].missing_effects)
    assert 0 == lines[Dedup.LUA].false_dedup
    assert 3 == lines[Dedup.NONE].duplicate_effects
    assert (pytest.approx(2.0), pytest.approx(192.0)) == (lines[Dedup.LUA].requests_each, lines[Dedup.LUA].bytes_each)
    assert "What dedup does, and what it takes" in page


def test_load_dead_letters_and_refused_acknowledgements_are_on_the_trial_page(page: str) -> None:
    """The share of each member, and a zombie's only hint."""
    assert re.search(r"consumer-0 \d+ \(3\d %\)", page)
    assert "XACKs refused: somebody else had acknowledged" in page
    assert "dead letters" in page


@pytest.mark.parametrize("name", ["link", "crash", "consume", "incident"])
def test_a_family_is_drawn_with_its_numbers_as_text(name: str) -> None:
    """Every count that is not zero stands on the figure, and its faults and arms by name."""
    chosen = family(name)
    picture = draw_family(SUMMARY, chosen)
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture.svg))

    for row in chosen.rows:
        for number in (row.lost, row.duplicate_effects):
            assert not number or f"{number:,}" in words
    assert "control" in words
    assert picture.png.startswith(b"\x89PNG")
    assert chosen.rows[0].arm in picture.description


def test_the_report_of_all_families_stays_small(tmp_path: Path) -> None:
    """Written whole, the page is below 2 MB and every link in it leads somewhere."""
    summary, ledgers = make_families(only=("consume", "incident"))
    folder = write_run(tmp_path, summary, ledgers)

    write_all(folder, summary)

    text = (folder / "report.html").read_text(encoding="utf-8")
    assert len(text.encode()) < MEGABYTES_ALLOWED
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    assert set() == set(re.findall(r'<a href="#([^"]+)"', text)) - ids
    assert (folder / "figures" / "consume-comparison.png").exists()
    assert (folder / "figures" / "incident-comparison.svg").exists()


def test_a_trial_of_ten_arms_is_one_legible_page(tmp_path: Path) -> None:
    """Low panels for many arms; several faults have a lane each; what was undone or done twice is marked."""
    summary, ledgers = make_families(only=("crash",))
    folder = write_run(tmp_path, summary, ledgers)
    result = next(known for known in summary.trials if known.trial.scenario.name == "crash_after_effect")

    timeline, latency = draw_trial(folder, result)

    words = re.findall(r"<text[^>]*>([^<]*)</text>", timeline.svg)
    assert "all consumers · crash between effect and XACK" in words
    assert any("stream-queue" in text and "effects doubled 3" in text for text in words)
    assert {"no effect", "two effects"} <= set(words)
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', timeline.svg)[1])  # type: ignore[index]
    assert height / 72 < 12.5
    assert max(len(timeline.svg), len(latency.svg)) < 250_000


def test_a_second_process_draws_the_same(tmp_path: Path) -> None:
    """What the helper draws equals what is drawn here; where it cannot, nothing is missing."""
    summary, ledgers = make_families(only=("consume",), partition=False)
    folder = write_run(tmp_path, summary, ledgers)
    (result,) = [known for known in summary.trials if known.trial.scenario.name == "consume_poison"]

    with helper_drawing(folder, (result,)) as helper:
        drawn = helper.collect()
    with helper_drawing(tmp_path / "nowhere", (result.model_copy(update={"arms": ()}),)) as other:
        nothing = other.collect()

    expected = list(draw_trial(folder, result))
    assert [picture.name for picture in expected] == [picture.name for picture in drawn[result.trial.folder_name]]
    assert [picture.png for picture in expected] == [picture.png for picture in drawn[result.trial.folder_name]]
    assert {result.trial.folder_name: []} == nothing


def test_a_helper_that_fails_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an interpreter that does not start, everything is drawn here."""
    summary, ledgers = make_families(only=("incident",), partition=False)
    folder = write_run(tmp_path, summary, ledgers)
    monkeypatch.setattr("harness.report.helper.FEWEST_TRIALS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("sys.executable", "/bin/false")

    names = [picture.name for picture in draw_figures(folder, summary, summary.trials)]

    assert 1 + 2 * len(summary.trials) == len(names)


def test_many_scenarios_of_many_arms_stay_small() -> None:
    """Five times as many scenarios: fewer trials in detail, a capped list of guarantees, and the page says so."""

    def again(number: int) -> dict[str, str]:
        return {known.trial.scenario.name: f"{known.trial.scenario.name}_{number}" for known in SUMMARY.trials}

    rows, guarantees, trials = [], [], []
    for number in range(5):
        names = again(number)
        rows += [row.model_copy(update={"scenario": names[row.scenario]}) for row in SUMMARY.rows]
        guarantees += [known.model_copy(update={"scenario": names[known.scenario]}) for known in SUMMARY.guarantees]
        for result in SUMMARY.trials:
            scenario = result.trial.scenario.model_copy(update={"name": names[result.trial.scenario.name]})
            trials.append(result.model_copy(update={"trial": result.trial.model_copy(update={"scenario": scenario})}))
    update = {"rows": tuple(rows), "guarantees": tuple(guarantees), "trials": tuple(trials), "claims": ()}

    text = render_report(SUMMARY.model_copy(update=update), {})

    assert len(text.encode()) < MEGABYTES_ALLOWED
    assert "more are in <code>summary.json</code>" in text
