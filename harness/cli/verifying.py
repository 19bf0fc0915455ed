"""``harness verify``: play what a contract names, or take stored runs, and say clause by clause what became of it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import harness
from harness.cli.running import PARTIAL, play
from harness.cli.stored import load_run
from harness.contract.clauses import Clause, clauses_of, find_profile
from harness.contract.evaluate import evaluate
from harness.contract.gather import gather, notes_of
from harness.contract.names import KnownNames
from harness.contract.read import read_contract
from harness.contract.result import ContractResult
from harness.model.errors import ExitCode, HarnessError, UsageError
from harness.model.values import Arm, RunPlan, Scenario, StackChoice
from harness.model.words import Primitive, StackKind
from harness.plan.arms import known_arms, named_arm
from harness.plan.catalogue import control_of, find_scenarios, scenario_folder
from harness.plan.planning import DEFAULT_SEED, MAX_TRIALS, plan_run

CONTRACT_NAME = "guarantees.yaml"


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What the user asked for on the command line."""

    contract: Path | None
    profile: str | None
    trials: int | None
    runs: tuple[Path, ...]
    seed: int | None
    stack: StackChoice
    jobs: int
    results: Path
    as_json: bool
    junit: Path | None


def verify(request: VerifyRequest) -> ExitCode:
    """Check a contract against stored runs, or against one that is played for it."""
    if request.trials is not None and not 1 <= request.trials <= MAX_TRIALS:
        raise UsageError(f"--trials {request.trials}: out of range", fix=f"give 1 to {MAX_TRIALS}")
    scenarios = find_scenarios(["all"], slow=True)
    known = known_names(scenarios)
    contract = read_contract(request.contract or default_contract(), known)
    profile = find_profile(contract, request.profile)
    chosen = None if profile is None else frozenset(name for word in profile.scenarios for name in known.chosen(word))
    clauses = clauses_of(contract, chosen=chosen, profile=profile, trials=request.trials)
    interrupted = False
    if request.runs:
        runs = [(str(folder), load_run(folder)) for folder in request.runs]
    else:
        plan = plan_contract(request, scenarios, clauses, contract=contract.path)
        folder = request.results / "runs" / (plan.run_id + PARTIAL)
        played = play(plan, folder, jobs=request.jobs, results=request.results, quiet=request.as_json)
        runs, interrupted = [(str(played.folder), played.summary)], played.interrupted
    result = evaluate(
        clauses,
        gather(runs),
        contract=contract.path,
        profile=request.profile,
        runs=[name for name, _ in runs],
        notes=notes_of(runs),
    )
    show_result(result, request, stored=bool(request.runs))
    return ExitCode.INTERRUPTED if interrupted else ExitCode(result.exit_code)


def default_contract() -> Path:
    """The contract beside the scenarios, by a path that is short to read."""
    path = scenario_folder() / CONTRACT_NAME
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def known_names(scenarios: Sequence[Scenario]) -> KnownNames:
    """What a contract may name: the scenarios of the catalogue, and every arm that can be named or is one of theirs."""
    own = {arm.name: arm for scenario in scenarios for arm in scenario.arms}

    def primitive_of(name: str) -> Primitive | None:
        if name in own:
            return own[name].primitive
        try:
            return named_arm(name).primitive
        except HarnessError:
            return None

    families = {scenario.name: scenario.family for scenario in scenarios}
    return KnownNames(families, tuple(dict.fromkeys([*known_arms(), *own])), primitive_of)


def plan_contract(
    request: VerifyRequest, scenarios: Sequence[Scenario], clauses: Sequence[Clause], *, contract: str
) -> RunPlan:
    """The trials that ``clauses`` ask for; a control that the contract does not name comes along once."""
    wanted = {clause.scenario: clause.trials for clause in sorted(clauses, key=lambda one: one.trials)}
    if not wanted:
        raise UsageError(f"{contract}: no clause to check", fix="name another --profile, or demand something")
    named = [scenario for scenario in scenarios if scenario.name in wanted]
    asked: dict[str, list[str]] = {}
    for clause in clauses:
        asked.setdefault(clause.scenario, []).append(clause.arm)
    armed = [_with_arms(scenario, asked.get(scenario.name, [])) for scenario in [*named, *control_of(named)]]
    seed = DEFAULT_SEED if request.seed is None else request.seed
    plan = plan_run(
        _with_controls(armed),
        name=f"verify-{request.profile}" if request.profile else "verify",
        trials=max(wanted.values()),
        seed=seed,
        stack=request.stack,
        harness_version=harness.__version__,
        repeat_command=_repeat_command(request, contract, seed),
    )
    trials = tuple(trial for trial in plan.trials if trial.index < wanted.get(trial.scenario.name, 1))
    return plan.model_copy(update={"trials": trials})


def _with_arms(scenario: Scenario, names: Sequence[str]) -> Scenario:
    """``scenario`` with the arms that the contract asks of it and that it does not have by itself."""
    arms: dict[str, Arm] = {arm.name: arm for arm in scenario.arms}
    for name in names:
        if name not in arms:
            arms[name] = named_arm(name)
    return scenario.model_copy(update={"arms": tuple(arms.values())})


def _with_controls(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """``scenarios``, in which one control of each kind also has the arms that none of its controls has."""
    controls: dict[tuple[str, bool, bool], Scenario] = {}
    missing: dict[tuple[str, bool, bool], list[str]] = {}
    for scenario in scenarios:
        if scenario.is_control:
            controls.setdefault(scenario.control_key, scenario)
    for key in controls:
        members = [scenario for scenario in scenarios if scenario.control_key == key]
        there = {arm.name for scenario in members if scenario.is_control for arm in scenario.arms}
        missing[key] = [arm.name for scenario in members for arm in scenario.arms if arm.name not in there]
    return [
        _with_arms(scenario, missing[scenario.control_key])
        if scenario is controls.get(scenario.control_key)
        else scenario
        for scenario in scenarios
    ]


def _repeat_command(request: VerifyRequest, contract: str, seed: int) -> str:
    words = ["harness", "verify", contract, "--seed", str(seed)]
    for option, value in (("--profile", request.profile), ("--trials", request.trials)):
        if value is not None:
            words += [option, str(value)]
    if request.stack.kind is not StackKind.LOCAL:
        words += ["--stack", request.stack.kind]
    if request.stack.proxy_engine != "auto":
        words += ["--engine", request.stack.proxy_engine]
    return shlex.join(words)


def show_result(result: ContractResult, request: VerifyRequest, *, stored: bool) -> None:
    """Everywhere that somebody looks: terminal or JSON, JUnit, GitHub; beside a run that was played for it as well."""
    from harness.report.atomic import write_bytes, write_text
    from harness.report.contract_junit import contract_junit
    from harness.report.contract_terminal import print_contract
    from harness.report.json_export import to_json

    if request.as_json:
        sys.stdout.write(to_json(result))
    else:
        print_contract(result)
    if request.junit is not None:
        write_bytes(request.junit, contract_junit(result))
    if not stored:
        write_text(Path(result.runs[0]) / "contract.json", to_json(result))
        write_bytes(Path(result.runs[0]) / "contract.junit.xml", contract_junit(result))
        if not request.as_json:
            print(f"report: {Path(result.runs[0]) / 'report.html'}")
    tell_github(result, commands=sys.stderr if request.as_json else sys.stdout)


def tell_github(result: ContractResult, *, commands: TextIO) -> None:
    """The step's summary and the annotations, where the environment says that GitHub listens."""
    from harness.model.errors import EnvironmentUnavailable
    from harness.report.github import annotation_lines, step_summary

    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        try:
            with Path(page).open("a", encoding="utf-8") as file:
                file.write(step_summary(result))
        except OSError as error:
            raise EnvironmentUnavailable(
                f"cannot write GITHUB_STEP_SUMMARY {page}: {error.strerror or error}",
                fix="unset it, or make it writable",
            ) from error
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in annotation_lines(result):
            print(line, file=commands)


def print_schema() -> None:
    """The JSON Schema of contracts."""
    from harness.contract.schema import json_schema

    sys.stdout.write(json_schema())
