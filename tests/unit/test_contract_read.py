"""A contract with mistakes names each of them at once: file, line, the value, and the nearest word that is right."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from contract_trials import KNOWN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harness.cli.verifying import known_names
from harness.contract.clauses import clauses_of, find_profile
from harness.contract.located import MOST_BYTES, load_located
from harness.contract.read import Contract, parse_contract, read_contract
from harness.contract.schema import json_schema
from harness.model.errors import ExitCode, InvalidFileError, UsageError
from harness.model.words import Stance
from harness.plan.catalogue import find_scenarios

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "scenarios" / "guarantees.yaml"
PUBLISHED = ROOT / "docs" / "guarantees.schema.json"

GOOD = """\
version: 1
defaults: {trials: 3, confidence: 0.9, min_samples: 10}
profiles:
  fast: {scenarios: [cut], trials: 1, max_violation_rate: 0.5}
scenarios:
  cut:
    pubsub:
      expected_not_to_hold: [at-least-once]
    group:
      required: [at-least-once, durable]
      available: 0.6
      trials: 5
      budgets:
        lost: 0
        recovery_ms: {read: 500}
        p99_ms: {warm-up: 20, whole: 9.5}
  stall:
    group: {free: [ordered]}
"""


def parsed(text: str) -> Contract:
    return parse_contract(text.encode(), name="c.yaml", known=KNOWN)


def errors(text: str | bytes) -> list[str]:
    """The lines of the message that refuses ``text``."""
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidFileError) as caught:
        parse_contract(content, name="c.yaml", known=KNOWN)
    assert ExitCode.USAGE == caught.value.exit_code
    return caught.value.message.splitlines()


def test_a_list_of_wrong_words_is_not_called_empty() -> None:
    """One mistake is told once."""
    (line,) = errors(GOOD.replace("[at-least-once, durable]", "[at-least-onse]"))
    assert 'c.yaml:10: unknown guarantee "at-least-onse" (did you mean "at-least-once"?)' == line


def test_every_demand_becomes_a_clause_with_its_line_and_terms() -> None:
    """Terms of an arm go before the defaults."""
    clauses = clauses_of(parsed(GOOD), chosen=None, profile=None, trials=None)
    expected = [
        ("cut", "pubsub", "at-least-once", "expected-not-to-hold", 8, 3),
        ("cut", "group", "at-least-once", "required", 10, 5),
        ("cut", "group", "durable", "required", 10, 5),
        ("cut", "group", "available >= 60 %", "required", 11, 5),
        ("cut", "group", "lost <= 0", "required", 14, 5),
        ("cut", "group", "reads back <= 500 ms", "required", 15, 5),
        ("cut", "group", "p99 <= 9.5 ms", "required", 16, 5),
        ("cut", "group", "p99 in warm-up <= 20 ms", "required", 16, 5),
        ("stall", "group", "ordered", "free", 18, 3),
    ]
    assert expected == [(one.scenario, one.arm, one.text, one.stance, one.line, one.trials) for one in clauses]
    assert {(0.9, None, 10)} == {(one.confidence, one.max_violation_rate, one.min_samples) for one in clauses}


def test_a_profile_goes_before_the_arm_and_the_command_line_before_both() -> None:
    """Only the profile's scenarios are checked."""
    contract = parsed(GOOD)
    profile = find_profile(contract, "fast")
    chosen = frozenset({"cut"})
    clauses = clauses_of(contract, chosen=chosen, profile=profile, trials=None)
    assert {("cut", 1, 0.5)} == {(one.scenario, one.trials, one.max_violation_rate) for one in clauses}
    assert {7} == {one.trials for one in clauses_of(contract, chosen=chosen, profile=profile, trials=7)}


def test_an_unknown_profile_names_the_nearest() -> None:
    """Which is a mistake of the command line."""
    with pytest.raises(UsageError, match='no profile "fats"\n  fix: did you mean "fast"'):
        find_profile(parsed(GOOD), "fats")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """Names, keys, words, numbers and contradictions, each at its own line."""
    text = """\
version: 2
default: {trials: 3}
profiles:
  fast:
    scenarios: [cutt, stall]
    trials: 0
scenarios:
  cuts:
    group: {required: [at-least-once]}
  cut:
    grup: {required: [at-least-once]}
    pubsub:
      requierd: [at-least-once]
      required: [at-lest-once, durable]
    group:
      required:
        - at-least-once
      free:
        - at-least-once
      available: 1.5
      max_violation_rate: 0
      budgets:
        lost: "0"
        p99_ms: {stedy: 5}
        recovery_ms: 12
"""
    expected = [
        "c.yaml:1: version is 2: should be 1",
        'c.yaml:2: unknown key "default" (did you mean "defaults"?)',
        'c.yaml:5: unknown scenario or family "cutt" (did you mean "cut"?)',
        'c.yaml:5: profile "fast" names stall, of which this contract says nothing',
        "c.yaml:6: profiles.fast.trials is 0: should be greater than or equal to 1",
        'c.yaml:8: unknown scenario "cuts" (did you mean "cut"?)',
        'c.yaml:11: unknown arm "grup" (did you mean "group"?)',
        'c.yaml:13: unknown key "requierd" (did you mean "required"?)',
        'c.yaml:14: unknown guarantee "at-lest-once" (did you mean "at-least-once"?)',
        'c.yaml:14: "durable" cannot be asked of pubsub: pubsub keeps nothing that could be durable',
        'c.yaml:19: "at-least-once" is free here, and required as well: group can have it once',
        "c.yaml:20: scenarios.cut.group.available is 1.5: should be less than or equal to 1",
        "c.yaml:21: scenarios.cut.group.max_violation_rate is 0: should be greater than 0",
        'c.yaml:23: scenarios.cut.group.budgets.lost is "0": should be a valid integer',
        'c.yaml:24: unknown key "stedy" (did you mean "steady"?)',
        "c.yaml:25: scenarios.cut.group.budgets.recovery_ms has to be a mapping (key: value), not 12",
    ]
    assert expected == errors(text)


def test_what_demands_nothing_is_told_once_and_all_of_it_at_once() -> None:
    """A key without a value, an empty list, a budget without a limit: each at its own line, with the way out."""
    text = """\
version:
defaults:
  trials:
profiles:
  fast:
    scenarios: []
  slow:
    scenarios:
  none:
scenarios:
  crash: {}
  stall:
  cut:
    pubsub:
      required: []
      expected_not_to_hold:
      free: []
      available:
      max_violation_rate:
      budgets:
    group:
      required: [at-least-once, ]
      budgets: {}
  crash_again: &again
    group:
      budgets:
        lost:
        recovery_ms: {}
        p99_ms: {}
"""
    without, leave = "has no value: write one", ", or leave the key out"
    required, free = (f"{key} names no guarantee: add one, e.g. [at-least-once]{leave}" for key in ("required", "free"))
    pubsub, budgets = "scenarios.cut.pubsub", "scenarios.crash_again.group.budgets"
    expected = [
        f"c.yaml:1: version {without}",
        f"c.yaml:3: defaults.trials {without}{leave}",
        'c.yaml:6: profile "fast" names no scenario: add one, a family, or "all"',
        f"c.yaml:8: profiles.slow.scenarios {without}",
        "c.yaml:9: profiles.none has to be a mapping (key: value), not null",
        'c.yaml:11: crash names no arm: add one, e.g. "stream-group: {required: [at-least-once]}"',
        "c.yaml:12: scenarios.stall has to be a mapping (key: value), not null",
        f"c.yaml:15: {required}",
        f"c.yaml:16: {pubsub}.expected_not_to_hold {without}{leave}",
        f"c.yaml:17: {free}",
        f"c.yaml:18: {pubsub}.available {without}{leave}",
        f"c.yaml:19: {pubsub}.max_violation_rate {without}{leave}",
        f"c.yaml:20: {pubsub}.budgets {without}{leave}",
        "c.yaml:23: scenarios.cut.group.budgets limits nothing: add a limit, e.g. on lost",
        'c.yaml:24: unknown scenario "crash_again" (did you mean "crash"?)',
        f"c.yaml:27: {budgets}.lost {without}{leave}",
        f"c.yaml:28: {budgets}.recovery_ms limits nothing: add a limit, e.g. on read",
        f"c.yaml:29: {budgets}.p99_ms limits nothing: add a limit, e.g. on whole",
    ]
    assert expected == errors(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "c.yaml:1: the file has to be a mapping (key: value), not null"),
        ("[1]", "c.yaml:1: the file has to be a mapping (key: value), not [1]"),
        ("a: [1\nb: 2\n", "c.yaml:2: not YAML: expected ',' or ']', but got ':'"),
        ("a: 1\n\n\n  b: 2\n", "c.yaml:4: not YAML: mapping values are not allowed here"),
        ("version: 1\nversion: 1\n", 'c.yaml:2: "version" stands here a second time (first in line 1)'),
        ("version: 1\n1: 2\n", 'c.yaml:2: a key has to be text, not "1"'),
        ("version: 1\n[a]: 2\n", "c.yaml:2: a key has to be text, not a list"),
        ("version: *x\n", "c.yaml:1: not YAML: found undefined alias 'x'"),
        ("version: 1\nx: &x\n  - *x\n", "c.yaml:2: an alias stands inside of its own anchor"),
        ("version: 1\n<<: {a: 1}\n", "c.yaml:2: merge keys (<<) are not read: use an alias for the whole value"),
        ("version: !!int x\n", 'c.yaml:1: not a number: "x"'),
        ("version: !new x\n", 'c.yaml:1: a value of a kind that is not read here: !new "x"'),
        ("version: 1\n--- \nversion: 1\n", "c.yaml:2: not YAML: but found another document"),
        (b"version: 1\n# \xff\n", "c.yaml:2: not UTF-8 (byte 13): save it as UTF-8"),
        ("version: 1\nscenarios: {}\n", "c.yaml:2: scenarios names no scenario: nothing is demanded of any"),
        (
            "version: 1\nscenarios: {cut: {}}\n",
            'c.yaml:2: cut names no arm: add one, e.g. "stream-group: {required: [at-least-once]}"',
        ),
        (
            "version: 1\nscenarios:\n  cut:\n    group: {trials: 3}\n",
            'c.yaml:4: nothing is demanded of group: add e.g. "required: [at-least-once]"',
        ),
        ("version: 1\n", 'c.yaml:1: "scenarios" is missing'),
        ("[" * 2_000, "c.yaml:1: nested too deeply: a contract has at most 40 levels"),
        ("a: " + "[" * 60 + "]" * 60, "c.yaml:1: nested too deeply: a contract has at most 40 levels"),
        ("version: .nan\nscenarios: {cut: {group: {available: .nan}}}\n", None),
    ],
)
def test_what_is_not_a_contract_is_refused_with_its_line(text: str | bytes, expected: str | None) -> None:
    """YAML that is none, YAML of a kind that is not read, and mappings that say nothing."""
    found = errors(text)
    assert expected is None or expected in found


def test_aliases_that_grow_without_end_are_cut_short() -> None:
    """Nine lines that would be a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    found = errors("\n".join(lines))
    assert any("more than 50,000 values" in line for line in found)


def test_a_huge_file_is_not_parsed() -> None:
    """A contract that nobody wrote by hand."""
    assert 1 == len(load_located(b"#" * (MOST_BYTES + 1)).problems)


def test_a_missing_file_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(InvalidFileError, match="No such file or directory"):
        read_contract(tmp_path / "none.yaml", KNOWN)
    with pytest.raises(InvalidFileError, match="cannot be read"):
        read_contract(tmp_path, KNOWN)


SIGNS = [*"[]{}:,-&*!|>%@`#\"'\n\t ?", "\x00", "\ud7ff", "\u2028", "  ", "---\n", "&a", "*a", "<<:"]
WORDS = ["version: 1\n", "scenarios:", "cut:", "group:", "required:", "at-least-once", "0x", "1e999", ".inf"]
TAGS = ["%YAML 1.1\n", "!!int ", "!!python/object:x "]
PIECES = st.sampled_from([*SIGNS, *WORDS, *TAGS])


@settings(max_examples=200, deadline=2_000, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.lists(PIECES, max_size=40).map("".join),
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 30), st.lists(PIECES, max_size=4).map("".join)).map(
            lambda cut: GOOD[: cut[0]] + cut[2] + GOOD[cut[0] + cut[1] :]
        ),
        st.text(max_size=60),
    )
)
def test_two_hundred_odd_files_are_read_or_refused_with_lines(text: str) -> None:
    """Never anything but a contract, or an error of ours of which every line names a line of the file."""
    try:
        parsed(text)
    except InvalidFileError as error:
        lines = error.message.splitlines()
        assert all(line.startswith("c.yaml:") or line.startswith("... and") for line in lines), lines


def test_the_shipped_contract_is_valid_and_its_profiles_choose_something() -> None:
    """Read with the names of the real catalogue."""
    known = known_names(find_scenarios(["all"], slow=True))
    contract = read_contract(SHIPPED, known)
    for name in ("fast", "full"):
        profile = find_profile(contract, name)
        assert profile is not None
        chosen = frozenset(found for word in profile.scenarios for found in known.chosen(word))
        assert clauses_of(contract, chosen=chosen, profile=profile, trials=None)


def test_the_published_schema_is_the_codes() -> None:
    """To renew it: harness verify --schema > docs/guarantees.schema.json."""
    assert json_schema() == PUBLISHED.read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text(encoding="utf-8")))


BY_SHAPE = {
    GOOD: True,
    SHIPPED.read_text(encoding="utf-8"): None,
    GOOD.replace("version: 1", "version: 2"): False,
    GOOD.replace("lost: 0", "lost: -1"): False,
    GOOD.replace("lost: 0", 'lost: "0"'): False,
    GOOD.replace("lost: 0", "lost: 0.5"): False,
    GOOD.replace("lost: 0", "lots: 0"): False,
    GOOD.replace("available: 0.6", "available: 0"): False,
    GOOD.replace("at-least-once", "sometimes"): False,
    GOOD.replace("max_violation_rate: 0.5", "max_violation_rate: 1"): False,
    GOOD.replace("warm-up", "warm_up"): False,
    GOOD.replace("trials: 5", "trials: 1001"): False,
    GOOD.replace("[ordered]", "ordered"): False,
    GOOD.replace("scenarios: [cut]", "scenarios: []"): False,
    GOOD.replace("[ordered]", "[]"): False,
    GOOD.replace("[ordered]", ""): False,
    GOOD.replace("{free: [ordered]}", "{}"): False,
    GOOD.replace("{free: [ordered]}", "{trials: 2}"): False,
    GOOD.replace("{free: [ordered]}", ""): False,
    GOOD.replace("group: {free: [ordered]}", "{}"): False,
    GOOD.replace("{free: [ordered]}", "{budgets: {}}"): False,
    GOOD.replace("{free: [ordered]}", "{budgets: }"): False,
    GOOD.replace("{free: [ordered]}", "{free: [ordered], budgets: {lost: }}"): False,
    GOOD.replace("{free: [ordered]}", "{available: 0.5}"): True,
    GOOD.replace("{read: 500}", "{}"): False,
    GOOD.replace("{warm-up: 20, whole: 9.5}", "{}"): False,
    GOOD.replace("trials: 5", "trials:"): False,
    GOOD.replace("defaults: {trials: 3, confidence: 0.9, min_samples: 10}", "defaults: {}"): True,
    "version: 1\nscenarios: {}": False,
    "version: 1": False,
}


@pytest.mark.parametrize(("text", "expected"), BY_SHAPE.items(), ids=range(len(BY_SHAPE)))
def test_the_schema_and_the_code_agree(text: str, expected: bool | None) -> None:
    """An editor marks what the harness refuses, as far as it is a matter of shape."""
    data = YAML(typ="safe", pure=True).load(text)
    by_schema = jsonschema.Draft202012Validator(json.loads(json_schema())).is_valid(data)
    assert (expected is not False) == by_schema
    if expected is not None:
        try:
            parsed(text)
            by_code = True
        except InvalidFileError:
            by_code = False
        assert expected == by_code


def test_the_shipped_contract_demands_what_its_scenarios_do() -> None:
    """It may leave out and add; it does not contradict what a scenario says of its own arms."""
    scenarios = find_scenarios(["all"], slow=True)
    contract = read_contract(SHIPPED, known_names(scenarios))
    said = {
        (one.scenario, one.arm, one.text): one.stance
        for one in clauses_of(contract, chosen=None, profile=None, trials=None)
    }
    wanted = {
        (scenario.name, one.arm, one.guarantee.value): one.stance
        for scenario in scenarios
        for one in scenario.expectations
    }
    both = said.keys() & wanted.keys()
    assert len(both) > 200
    assert [] == [key for key in both if said[key] is not wanted[key] and Stance.FREE not in (said[key], wanted[key])]


def test_every_family_is_in_the_shipped_contract_with_its_control() -> None:
    """And the fast profile has one of each."""
    scenarios = find_scenarios(["all"], slow=True)
    contract = read_contract(SHIPPED, known_names(scenarios))
    fast = find_profile(contract, "fast")
    assert fast is not None
    known = known_names(scenarios)
    for named in (set(contract.file.scenarios), {name for word in fast.scenarios for name in known.chosen(word)}):
        families = {scenario.family for scenario in scenarios if scenario.name in named and not scenario.is_control}
        controls = {scenario.family for scenario in scenarios if scenario.name in named and scenario.is_control}
        assert {"partition", "link", "crash", "consume", "incident", "server"} <= families
        assert families <= controls
    assert {one.family for one in scenarios} == {one.family for one in scenarios if one.name in contract.file.scenarios}


def test_what_a_failover_has_to_keep_is_what_every_replica_confirmed() -> None:
    """Everything else is chance, or has to be lost: the lag is made."""
    scenarios = find_scenarios(["all"], slow=True)
    contract = read_contract(SHIPPED, known_names(scenarios))
    struck = {one.name for one in scenarios if one.replicated and one.faults}
    clauses = [one for one in clauses_of(contract, chosen=None, profile=None, trials=None) if one.scenario in struck]
    assert struck == {one.scenario for one in clauses}
    required = {(one.scenario, one.arm) for one in clauses if one.stance is Stance.REQUIRED}
    assert {("failover_wait", "stream-group-wait-2")} == required
