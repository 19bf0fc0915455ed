"""Everything that a run is written as, on a synthetic run: complete, readable back, and true to the summary."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from report_fixture import make_summary, spoil, write_run

from harness.model.errors import EnvironmentUnavailable, InvalidFileError
from harness.model.results import RunSummary
from harness.model.words import Stance, Verdict
from harness.report.drawing import Picture
from harness.report.environment import group_environments
from harness.report.export import write_all
from harness.report.html import DETAILED_TRIALS, choose_detailed, render_report
from harness.report.json_export import read_summary, write_summary
from harness.report.junit import junit_xml

Run = tuple[RunSummary, dict[str, pd.DataFrame]]
MEGABYTES_ALLOWED = 2_000_000


@pytest.fixture(scope="module")
def run() -> Run:
    """Nine scenarios, three arms."""
    return make_summary()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of a bad day, written out."""
    summary, ledgers = make_summary(scenarios=2)
    folder = write_run(tmp_path_factory.mktemp("run"), summary, ledgers)
    write_all(folder, spoil(summary))
    return folder


def test_summary_survives_the_trip(run: Run, tmp_path: Path) -> None:
    """What is read back equals what was written, infinite latencies included."""
    summary, _ = run
    path = tmp_path / "summary.json"

    write_summary(path, summary)

    assert summary == read_summary(path)
    assert any(row.p99_ms == math.inf for row in summary.rows)


def test_summary_is_strict_json(run: Run, tmp_path: Path) -> None:
    """No parser-specific constant: infinity is the string "inf"."""
    path = tmp_path / "summary.json"
    write_summary(path, run[0])

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    assert "inf" in {row["p99_ms"] for row in content["rows"]}


@pytest.mark.parametrize(
    ("spoiled", "told"),
    [
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda _: "", "cut off"),
        (lambda _: "[1, 2]", "holds a list"),
        (lambda _: '{"name": "foreign"}', "no schema_version"),
        (lambda text: text.replace('"schema_version": 3', '"schema_version": 99', 1), "schema 99"),
        (lambda text: text.replace('"answer"', '"reply"', 1), "answer"),
        (lambda text: text.replace('"verdict": "held"', '"verdict": "maybe"', 1), "verdict"),
    ],
)
def test_a_file_that_is_no_summary_is_refused_with_the_fix(run: Run, tmp_path: Path, spoiled, told: str) -> None:
    """Truncated, empty, foreign, newer, or with other fields or words: one error that names the file."""
    path = tmp_path / "summary.json"
    write_summary(path, run[0])
    path.write_text(spoiled(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(InvalidFileError, match=told) as caught:
        read_summary(path)

    assert str(path) in caught.value.message
    assert caught.value.fix


def test_a_binary_or_missing_file_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text are an invalid file, not a crash."""
    path = tmp_path / "summary.json"
    with pytest.raises(InvalidFileError):
        read_summary(path)
    path.write_bytes(b"\xff\xfe\x00PAR1")
    with pytest.raises(InvalidFileError):
        read_summary(path)


def test_junit_has_one_case_per_guarantee(run: Run) -> None:
    """A whole good run: as many cases as guarantees, no failure, no error, free ones skipped."""
    summary, _ = run
    root = ElementTree.fromstring(junit_xml(summary))
    free = sum(known.stance is Stance.FREE for known in summary.guarantees)

    found = {name: int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert {"tests": len(summary.guarantees), "failures": 0, "errors": 0, "skipped": free} == found


def test_junit_is_red_for_what_is_not_held(run: Run) -> None:
    """A violation is a failure; inconclusive and partial are errors of type inconclusive, never a pass."""
    root = ElementTree.fromstring(junit_xml(spoil(run[0])))

    assert ["violated"] == [element.attrib["type"] for element in root.iter("failure")]
    assert ["inconclusive", "inconclusive"] == [element.attrib["type"] for element in root.iter("error")]


def test_junit_survives_what_xml_cannot_hold(run: Run) -> None:
    """A reason with control characters is still a document that parses."""
    summary, _ = run
    bad = summary.guarantees[0].model_copy(update={"verdict": Verdict.VIOLATED, "stance": Stance.REQUIRED})
    bad = bad.model_copy(update={"reason": "reply \x00\x1b[31m <&> ]]>"})

    root = ElementTree.fromstring(junit_xml(summary.model_copy(update={"guarantees": (bad,)})))

    failure = next(root.iter("failure"))
    assert "<&> ]]>" in failure.attrib["message"]


def test_trials_of_one_environment_are_listed_together(run: Run) -> None:
    """Two environments in a run are shown as two."""
    summary, _ = run
    other = summary.trials[0].environment.model_copy(update={"server": "redis 8.0.0"})
    mixed = (summary.trials[0].model_copy(update={"environment": other}), *summary.trials[1:])

    found = group_environments(summary.model_copy(update={"trials": mixed}))

    assert [("redis 8.0.0", 1), ("valkey 9.1.2", 8)] == [(use.environment.server, len(use.trials)) for use in found]


def test_every_file_of_a_run_is_written(written: Path) -> None:
    """All files that results/README.md names, and no temporary one."""
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    names = ["summary.json", "environment.json", "junit.xml", "report.html", "figures/comparison.png"]
    names += [
        f"figures/{kind}-partition-consumers-hold-7.{end}" for kind in ("timeline", "latency") for end in ("png", "svg")
    ]

    assert set() == set(names) - found
    assert [] == [name for name in found if Path(name).name.startswith(".")]


class _Page(HTMLParser):
    """What a page consists of: tags, ids, and everything that could be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "xlink:href", "src", "srcset", "action", "data") and value:
                (self.links if tag == "a" else self.loads).append(value)


def parse(text: str) -> _Page:
    """The page in ``text``."""
    page = _Page()
    page.feed(text)
    return page


def test_report_is_one_file_without_script_or_network(written: Path) -> None:
    """Nothing is loaded: images are data, references point into the page."""
    text = (written / "report.html").read_text(encoding="utf-8")
    page = parse(text)

    assert "script" not in page.tags
    assert [] == [target for target in page.loads if not target.startswith(("#", "data:"))]
    assert [] == re.findall(r"url\((?!#)[^)]*\)|@import", text)


def test_report_has_no_id_twice_and_no_dead_link(written: Path) -> None:
    """Many figures live in one page, each with ids of its own."""
    page = parse((written / "report.html").read_text(encoding="utf-8"))

    assert sorted(set(page.ids)) == sorted(page.ids)
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set() == set(inside) - set(page.ids)
    assert [] == [link for link in page.links if not link.startswith("#") and not (written / link).exists()]


def test_report_escapes_what_servers_say(written: Path) -> None:
    """Text from outside stays text."""
    text = (written / "report.html").read_text(encoding="utf-8")

    assert "during the heal &lt;b&gt;&amp;&lt;/b&gt;" in text
    assert "during the heal <b>" not in text


def test_report_says_first_what_is_wrong(written: Path) -> None:
    """The verdict, the partial run, the violation and the weakness all stand above the table."""
    text = (written / "report.html").read_text(encoding="utf-8")
    above = text[: text.index('id="comparison"')]

    for words in (
        "violated",
        "Partial run",
        "4 of 1,800 lost: trimmed unread 3",
        "own lateness p99 was 81 ms",
        "refutes",
    ):
        assert words in above


def test_every_figure_is_told_in_words(written: Path) -> None:
    """Each SVG has a title and a description for those who cannot see it."""
    text = (written / "report.html").read_text(encoding="utf-8")

    figures = re.findall(r'<svg role="img" aria-labelledby="(\S+) (\S+)"', text)
    assert 5 == len(figures)
    assert all(f'<title id="{title}">' in text and f'<desc id="{words}">' in text for title, words in figures)


def test_report_stays_small_with_many_trials_and_heavy_figures() -> None:
    """With 270 trials of 200 kB figures the page is below 2 MB, shows unsound trials, and says what it leaves out."""
    summary, _ = make_summary(trials=30, rate=5.0)
    late = summary.trials[-1].model_copy(update={"verdict": Verdict.INCONCLUSIVE, "weaknesses": ("weak on purpose",)})
    summary = summary.model_copy(update={"trials": (*summary.trials[:-1], late)})
    names = [f"{kind}-{result.trial.folder_name}" for kind in ("timeline", "latency") for result in summary.trials]
    heavy = "<svg>" + "x" * 200_000 + "</svg>"
    pictures = {name: Picture(name, name, name, heavy, b"") for name in names}

    text = render_report(summary, pictures)

    assert len(text.encode()) < MEGABYTES_ALLOWED
    assert late.trial.folder_name in [result.trial.folder_name for result in choose_detailed(summary)]
    assert DETAILED_TRIALS == text.count("<article ")
    assert "weak on purpose" in text
    assert "All other trials" in text
    assert "left out here to keep this file small" in text


def test_a_run_without_any_judged_trial_is_still_a_report(run: Run) -> None:
    """An interrupted run with nothing in it is told as that."""
    update = {"trials": (), "rows": (), "guarantees": (), "partial": True, "verdict": Verdict.INCONCLUSIVE}
    text = render_report(run[0].model_copy(update=update), {})

    assert "No trial could be judged" in text
    assert "0 of 9 planned trials" in text


def test_a_missing_run_folder_is_told(run: Run, tmp_path: Path) -> None:
    """Nothing is made up where there is no run."""
    with pytest.raises(EnvironmentUnavailable, match="no such folder"):
        write_all(tmp_path / "nowhere", run[0])
