"""The action and the workflows: they parse, name only what exists, and the action's script does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from harness.cli.verifying import known_names
from harness.contract.clauses import find_profile
from harness.contract.read import read_contract
from harness.plan.catalogue import find_scenarios

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "verify"


def load(path: Path) -> dict[str, dict[str, object]]:
    content: dict[str, dict[str, object]] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return content


def test_the_action_uses_only_inputs_that_it_declares() -> None:
    """And every input is used."""
    text = (ACTION / "action.yml").read_text(encoding="utf-8")
    assert set(load(ACTION / "action.yml")["inputs"]) == set(re.findall(r"inputs\.([a-z-]+)", text))


def test_no_script_of_the_action_is_built_of_inputs() -> None:
    """Expressions inside of a script are how workflows are taken over."""
    steps = load(ACTION / "action.yml")["runs"]["steps"]
    assert isinstance(steps, list)
    assert [] == [step["run"] for step in steps if "${{" in step.get("run", "")]


def test_the_workflow_names_a_contract_and_profiles_that_exist() -> None:
    """It would be red for the wrong reason otherwise."""
    text = (ROOT / ".github" / "workflows" / "verify.yml").read_text(encoding="utf-8")
    assert "uses: ./.github/actions/verify" in text
    contract = read_contract(ROOT / "scenarios" / "guarantees.yaml", known_names(find_scenarios(["all"], slow=True)))
    for profile in ("fast", "unprivileged"):
        assert f"'{profile}'" in text
        assert find_profile(contract, profile) is not None


def test_the_documents_show_what_works(tmp_path: Path) -> None:
    """The example of docs/contract.md is a contract, and docs/ci.md shows YAML with real options."""
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "contract.md").read_text(encoding="utf-8"), re.DOTALL)
    assert 1 == len(examples)
    (tmp_path / "c.yaml").write_text(examples[0], encoding="utf-8")
    read_contract(tmp_path / "c.yaml", known_names(find_scenarios(["all"], slow=True)))
    snippets = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(encoding="utf-8"), re.DOTALL)
    assert ["jobs", "contract"] == [next(iter(YAML(typ="safe", pure=True).load(text))) for text in snippets]


@pytest.mark.parametrize(
    ("environment", "code", "words"),
    [
        ({}, 0, "verify --junit results/contract.junit.xml"),
        (
            {"CONTRACT": "my contract.yaml", "PROFILE": "fast", "TRIALS": "3", "ARGUMENTS": "--stack compose"},
            3,
            "verify --junit results/contract.junit.xml my contract.yaml --profile fast --trials 3 --stack compose",
        ),
        (
            {"ARGUMENTS": "$(touch broken) ; touch broken"},
            1,
            "verify --junit results/contract.junit.xml $(touch broken) ; touch broken",
        ),
    ],
)
def test_the_actions_script_hands_over_options_and_the_exit_code(
    environment: dict[str, str], code: int, words: str, tmp_path: Path
) -> None:
    """With a command in place of the harness that says what it was given."""
    command = tmp_path / "harness"
    command.write_text(f"#!{sys.executable}\nimport sys\nprint(*sys.argv[1:])\nsys.exit({code})\n", encoding="utf-8")
    command.chmod(0o755)
    output = tmp_path / "output"
    done = subprocess.run(
        ["bash", str(ACTION / "verify.sh")],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "GITHUB_OUTPUT": str(output), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (code, words + "\n", "") == (done.returncode, done.stdout, done.stderr)
    assert f"exit-code={code}\n" == output.read_text(encoding="utf-8")
    assert not (tmp_path / "broken").exists()
