"""The result of a contract as JUnit XML: one case per clause, with its numbers as properties.

Violated is a *failure*, inconclusive and error are *errors*, and what gates nothing is *skipped*: as in `junit.xml`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import groupby
from typing import assert_never

from harness.contract.result import ClauseOutcome, ContractResult
from harness.model.words import Verdict
from harness.report.contract_wording import outcome_numbers
from harness.report.junit import clean_text, count_cases, total_cases


def contract_junit(result: ContractResult) -> bytes:
    """``result`` as JUnit XML; suites in the order of the contract."""
    root = ElementTree.Element("testsuites", name=clean_text(result.contract))
    ordered = sorted(result.clauses, key=lambda one: one.clause.line)
    for scenario, outcomes in groupby(ordered, key=lambda one: one.clause.scenario):
        suite = ElementTree.SubElement(root, "testsuite", name=clean_text(scenario))
        suite.extend(_case(result, outcome) for outcome in outcomes)
        count_cases(suite)
    total_cases(root)
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _case(result: ContractResult, outcome: ClauseOutcome) -> ElementTree.Element:
    clause = outcome.clause
    name = f"{clause.arm}: {outcome.text}"
    case = ElementTree.Element("testcase", classname=clean_text(clause.scenario), name=clean_text(name), time="0")
    case.set("file", clean_text(result.contract))
    case.set("line", str(clause.line))
    properties = ElementTree.SubElement(case, "properties")
    for key, value in _properties(outcome).items():
        ElementTree.SubElement(properties, "property", name=key, value=clean_text(value))
    mark = _mark_element(outcome)
    if mark is not None:
        case.append(mark)
    return case


def _properties(outcome: ClauseOutcome) -> dict[str, str]:
    numbers = {
        "limit": outcome.clause.limit,
        "worst": outcome.worst,
        "violation_rate_lower_bound": outcome.lower_bound,
        "violation_rate_upper_bound": outcome.upper_bound,
        "confidence": outcome.clause.confidence,
        "max_violation_rate": outcome.clause.max_violation_rate,
        "trials": outcome.trials,
        "violated_trials": outcome.broken,
        "inconclusive_trials": outcome.inconclusive,
        "needed_trials": outcome.needed_trials,
        "violations": outcome.violations,
        "samples": outcome.samples,
    }
    shown = {key: f"{value:.6g}" if isinstance(value, float) else str(value) for key, value in numbers.items()}
    known = {key: value for key, value in shown.items() if numbers[key] is not None}
    return {"stance": outcome.clause.stance.value, "verdict": outcome.verdict.value, **known}


def _mark_element(outcome: ClauseOutcome) -> ElementTree.Element | None:
    """What makes the case anything but passed; ``None``: it passed."""
    reason = clean_text(outcome.reason)
    if not outcome.gates:
        return ElementTree.Element("skipped", message=f"only shown: {outcome.verdict}")
    match outcome.verdict:
        case Verdict.HELD:
            return None
        case Verdict.VIOLATED:
            element = ElementTree.Element("failure", type="violated", message=reason)
        case Verdict.INCONCLUSIVE | Verdict.ERROR:
            element = ElementTree.Element("error", type=outcome.verdict.value, message=reason)
        case _:
            assert_never(outcome.verdict)
    element.text = clean_text(f"{outcome.reason}\n{outcome_numbers(outcome)}")
    return element
