"""``junit.xml``: the verdicts for CI systems, one case per scenario × arm × guarantee.

A violated required guarantee is a failure. Inconclusive is an *error* of type ``inconclusive``, never a pass: CI must
not be green on a run that proved nothing. A guarantee nobody asked for is skipped, with its numbers as properties; so
is a trial that this machine or server cannot play, with the reason.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import groupby
from pathlib import Path
from typing import assert_never

from harness.model.results import GuaranteeSummary, RunSummary
from harness.model.words import Stance, Verdict
from harness.report.atomic import write_bytes
from harness.report.grouping import in_scenario_order
from harness.report.wording import bound_sentence, guarantee_mark

# XML 1.0 has no way to write these, not even escaped; a server's error text may hold them.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, summary: RunSummary) -> None:
    """Write the verdicts of ``summary`` to ``path``, completely or not at all."""
    write_bytes(path, junit_xml(summary))


def junit_xml(summary: RunSummary) -> bytes:
    """The verdicts of ``summary`` as JUnit XML."""
    root = ElementTree.Element("testsuites", name=clean_text(summary.name))
    for scenario, results in groupby(in_scenario_order(summary, summary.guarantees), key=lambda known: known.scenario):
        root.append(_suite(scenario, list(results), summary))
    if summary.skipped:
        root.append(_skipped_suite(summary))
    if summary.partial:
        root.append(_partial_suite(summary))
    total_cases(root)
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _suite(scenario: str, results: list[GuaranteeSummary], summary: RunSummary) -> ElementTree.Element:
    """One scenario."""
    suite = ElementTree.Element("testsuite", name=clean_text(scenario), timestamp=clean_text(summary.created_utc))
    for result in results:
        suite.append(_case(result))
    count_cases(suite)
    return suite


def _case(result: GuaranteeSummary) -> ElementTree.Element:
    """One guarantee of one arm."""
    name = f"{result.arm}: {result.guarantee.value}"
    case = ElementTree.Element("testcase", classname=clean_text(result.scenario), name=clean_text(name), time="0")
    properties = ElementTree.SubElement(case, "properties")
    for key, value in _properties(result).items():
        ElementTree.SubElement(properties, "property", name=key, value=clean_text(value))
    mark = _mark_element(result)
    if mark is not None:
        case.append(mark)
    return case


def _properties(result: GuaranteeSummary) -> dict[str, str]:
    """The numbers behind one case."""
    return {
        "stance": result.stance.value,
        "trials": str(result.trials),
        "violated_trials": str(result.violated),
        "inconclusive_trials": str(result.inconclusive),
        "violation_rate_upper_bound_95": "" if result.upper_bound is None else f"{result.upper_bound:.6f}",
        "violations": str(result.violations),
        "samples": str(result.samples),
        "mark": guarantee_mark(result).word,
        "prediction": result.prediction.value,
    }


def _mark_element(result: GuaranteeSummary) -> ElementTree.Element | None:
    """What makes the case anything but passed; ``None``: it passed."""
    text = f"{result.reason}\n{bound_sentence(result)}"
    if result.stance is Stance.FREE:
        return ElementTree.Element("skipped", message=clean_text(f"not asked for: {guarantee_mark(result).word}"))
    match result.verdict:
        case Verdict.HELD:
            return None
        case Verdict.VIOLATED:
            element = ElementTree.Element("failure", type="violated", message=clean_text(result.reason))
        case Verdict.INCONCLUSIVE:
            element = ElementTree.Element("error", type="inconclusive", message=clean_text(result.reason))
        case Verdict.ERROR:
            element = ElementTree.Element("error", type="error", message=clean_text(result.reason))
        case _:
            assert_never(result.verdict)
    element.text = clean_text(text)
    return element


def _skipped_suite(summary: RunSummary) -> ElementTree.Element:
    """A case per trial that could not be played here, with the reason."""
    suite = ElementTree.Element("testsuite", name="skipped", timestamp=clean_text(summary.created_utc))
    for known in summary.skipped:
        name = f"trial with seed {known.seed}"
        case = ElementTree.SubElement(suite, "testcase", classname=clean_text(known.scenario), name=name, time="0")
        ElementTree.SubElement(case, "skipped", message=clean_text(known.reason))
    count_cases(suite)
    return suite


def _partial_suite(summary: RunSummary) -> ElementTree.Element:
    """A case of its own for a run that is not whole, so that CI cannot overlook it."""
    suite = ElementTree.Element("testsuite", name="run", timestamp=clean_text(summary.created_utc))
    case = ElementTree.SubElement(suite, "testcase", classname="run", name="all planned trials are complete", time="0")
    complete = sum(result.status == "complete" for result in summary.trials)
    message = f"{complete} of {summary.planned_trials} planned trials are complete"
    ElementTree.SubElement(case, "error", type="inconclusive", message=message)
    count_cases(suite)
    return suite


def count_cases(suite: ElementTree.Element) -> None:
    """Set the totals that the format wants as attributes of a suite."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def total_cases(root: ElementTree.Element) -> None:
    """Set the totals over all suites."""
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))


def clean_text(text: str) -> str:
    """``text`` without what XML cannot hold."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
