"""Puts somebody's own consumer to the test: `check_consumer`, which the pytest plugin calls and anybody may.

::

    report = check_consumer("shop.orders:consume", guarantee="at-least-once", fault="crash-before-effect")
    assert report.held, report

The trials are those of every run: a real server, a producer of ours, the consumers as processes of their own behind
a proxy, a no-fault control beside them, the same journals, ledgers and verdicts.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import harness
from harness.check.bound import upper_bound
from harness.cli.running import PARTIAL, check_ground, judge_and_write
from harness.model.errors import UsageError, nearest
from harness.model.naming import faults_name
from harness.model.progress import ProgressEvent
from harness.model.results import ClauseResult, RunSummary
from harness.model.values import (
    Arm,
    Expectation,
    FaultPlan,
    Limits,
    OwnConsumer,
    RunPlan,
    Scenario,
    StackChoice,
    StreamSettings,
    Timeline,
    Workload,
)
from harness.model.words import (
    CrashPoint,
    FaultModel,
    Guarantee,
    LinkRole,
    Primitive,
    StackKind,
    Stance,
    Topology,
    Verdict,
    WorkerRole,
    merge_verdicts,
)
from harness.plan.planning import DEFAULT_SEED, plan_run

T = TypeVar("T")
FAMILY = "own"
ARM = "consumer"
DURABLE_IS_THE_SERVERS = "durable is a promise of the server and not of a consumer"


def _crash(point: CrashPoint) -> FaultPlan:
    return FaultPlan(model=FaultModel.CRASH, worker=WorkerRole.CONSUMER, point=point)


def _link(model: FaultModel) -> FaultPlan:
    return FaultPlan(model=model, link=LinkRole.CONSUMERS)


FAULTS: dict[str, FaultPlan] = {
    "crash-before-effect": _crash(CrashPoint.BEFORE_EFFECT),
    "crash-after-effect": _crash(CrashPoint.AFTER_EFFECT),
    "crash-after-ack": _crash(CrashPoint.AFTER_ACK),
    "kill": FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER),
    "pause": FaultPlan(model=FaultModel.PAUSE, worker=WorkerRole.CONSUMER),
    "hold": _link(FaultModel.HOLD),
    "drop": _link(FaultModel.DROP),
    "down": _link(FaultModel.DOWN),
    "reset": _link(FaultModel.RESET),
    "reply-lost": _link(FaultModel.REPLY_LOST),
    "half-open": _link(FaultModel.HALF_OPEN),
}
"""What a consumer can be put through, by the name that the mark takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerTest:
    """What a consumer is to keep, under what.

    ``claim_after_ms`` is how long its own recovery lets an entry be pending before it claims it: whoever waits for
    longer than that at the end calls it stuck.
    """

    guarantee: str | Sequence[str] = "at-least-once"
    fault: str | Sequence[str] = "kill"
    trials: int = 1
    consumers: int = 1
    rate_per_s: float = 50.0
    outage_s: float = 1.5
    claim_after_ms: int = 1_000
    seed: int = DEFAULT_SEED

    def guarantees(self) -> tuple[Guarantee, ...]:
        """The guarantees, known by name.

        Raises:
            UsageError: one is unknown, or not a consumer's to keep.
        """
        known = {guarantee.value: guarantee for guarantee in Guarantee if guarantee is not Guarantee.DURABLE}
        names = _names("guarantee", self.guarantee)
        if Guarantee.DURABLE.value in names:
            raise UsageError(DURABLE_IS_THE_SERVERS, fix=f"name one of: {', '.join(known)}")
        return tuple(_known("guarantee", name, known) for name in names)

    def faults(self) -> dict[str, FaultPlan]:
        """The faults, known by name. Raises `UsageError` where one is not."""
        return {name: _known("fault", name, FAULTS) for name in _names("fault", self.fault)}

    def check(self) -> None:
        """Refuse what cannot be played, before anything is.

        Raises:
            UsageError: the first thing that is wrong.
        """
        self.guarantees()
        self.faults()
        for word, value, least, most in (
            ("trials", self.trials, 1, 1_000),
            ("consumers", self.consumers, 1, 64),
            ("rate_per_s", self.rate_per_s, 1, 10_000),
            ("outage_s", self.outage_s, 0.2, 3_600),
            ("claim_after_ms", self.claim_after_ms, 1, 600_000),
            ("seed", self.seed, 0, 2**62),
        ):
            if not _is_between(value, least, most):
                raise UsageError(f"{word}={value!r}: out of range", fix=f"give {least} to {most}")


@dataclass(frozen=True, slots=True)
class ConsumerReport:
    """How a consumer did. It is true where it held, and its text says everything."""

    verdict: Verdict
    text: str
    folder: Path
    """The stored run, with ``report.html``."""
    summary: RunSummary

    @property
    def held(self) -> bool:
        """Whether every guarantee held in every trial, and each trial proved something."""
        return self.verdict is Verdict.HELD

    def __bool__(self) -> bool:
        return self.held

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def check_consumer(
    consumer: str | Callable[..., object], *, results: Path | str = "results", **settings: Any
) -> ConsumerReport:
    """Put ``consumer`` to the test; ``settings`` are the fields of `ConsumerTest`.

    Args:
        consumer: a function or class that is called with its `Seat`, or where it is: ``"package.module:name"``.
        results: the folder that gets the run.

    Raises:
        UsageError: the consumer cannot be imported by another process, or a setting is unknown or out of range.
        EnvironmentUnavailable: no server or no proxy is to be had.
    """
    test = read_settings(settings)
    code = importable(consumer)
    folder = _play(_plan(code, test), Path(results))
    summary = judge_and_write(folder)
    return _report(code, test, summary, folder)


def read_settings(settings: dict[str, Any]) -> ConsumerTest:
    """A `ConsumerTest` from keyword arguments.

    Raises:
        UsageError: one of them is unknown, or what it says cannot be played.
    """
    known = list(ConsumerTest.__dataclass_fields__)
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        raise UsageError(f'unknown setting "{unknown}"', fix=nearest(unknown, known))
    test = ConsumerTest(**settings)
    test.check()
    return test


def importable(consumer: str | Callable[..., object]) -> OwnConsumer:
    """Where another process finds ``consumer``.

    Raises:
        UsageError: it cannot be found there: a lambda, something made inside a function, or a name that is not.
    """
    if isinstance(consumer, str):
        module, colon, name = consumer.partition(":")
        if not colon or not module or not name:
            raise UsageError(f'consumer "{consumer}": no place to import from', fix='write "package.module:name"')
    else:
        module, name = getattr(consumer, "__module__", ""), getattr(consumer, "__qualname__", "")
        if not module or not name or "<" in name or module == "__main__":
            raise UsageError(
                f"consumer {name or consumer!r}: another process cannot import it",
                fix="define it at the top of a module; a lambda, or what a function makes, cannot be found",
            )
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"consumer {module}:{name}: {error}", fix="check the name, and sys.path") from error
    if not callable(found):
        raise UsageError(f"consumer {module}:{name}: not callable", fix="name a function or a class")
    return OwnConsumer(module=module, name=name, path=tuple(path for path in sys.path if path))


def _is_between(value: object, least: float, most: float) -> bool:
    """A mark can say anything: types are not checked for it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _names(word: str, value: str | Sequence[str]) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value)
    if not names:
        raise UsageError(f"no {word} is named", fix=f"name one, or leave {word} out")
    return tuple(dict.fromkeys(names))


def _known(word: str, name: str, known: dict[str, T]) -> T:
    if name not in known:
        raise UsageError(f'unknown {word} "{name}"', fix=nearest(str(name), sorted(known)))
    return known[name]


def _plan(code: OwnConsumer, test: ConsumerTest) -> RunPlan:
    plan = plan_run(
        [_scenario(code, test, "control"), *(_scenario(code, test, name) for name in test.faults())],
        name=FAMILY,
        trials=test.trials,
        seed=test.seed,
        stack=_stack(),
        harness_version=harness.__version__,
        repeat_command=f"check_consumer({str(code)!r}, seed={test.seed}, ...)",
    )
    # The control is about the consumer, not about chance: one will do.
    return plan.model_copy(
        update={"trials": tuple(one for one in plan.trials if one.index == 0 or not one.scenario.is_control)}
    )


def _stack() -> StackChoice:
    """Servers and proxies as for every run: the environment may name them."""
    kinds = {kind.value: kind for kind in StackKind}
    return StackChoice(
        kind=_known("STACK", os.environ.get("STACK") or StackKind.LOCAL.value, kinds),
        server_path=os.environ.get("REDIS_SERVER") or None,
        proxy_path=os.environ.get("TOXIPROXY_SERVER") or None,
    )


def _scenario(code: OwnConsumer, test: ConsumerTest, name: str) -> Scenario:
    fault = test.faults().get(name)
    arm = Arm(
        name=ARM,
        primitive=Primitive.STREAMS,
        driver="stream_group",
        topology=Topology.WORK_QUEUE if test.consumers > 1 else Topology.FAN_OUT,
        scopes=1,
        consumers_per_scope=test.consumers,
        stream=StreamSettings(claim_min_idle_ms=test.claim_after_ms),
        own_consumer=code,
    )
    return Scenario(
        name=f"{FAMILY}_{name}".replace("-", "_"),
        family=FAMILY,
        question=f"Does {code} keep {', '.join(test.guarantees())}?",
        mechanism=faults_name([fault] if fault else []),
        arms=(arm,),
        workload=Workload(rate_per_s=test.rate_per_s),
        timeline=Timeline(warm_up_s=0.5, steady_s=1.0, outage_s=test.outage_s, recovery_s=1.5),
        faults=(fault,) if fault else (),
        expectations=tuple(
            Expectation(arm=ARM, guarantee=guarantee, stance=Stance.REQUIRED) for guarantee in test.guarantees()
        ),
        limits=Limits(stuck_after_ms=max(3_000, 2 * test.claim_after_ms)),
    )


def _play(plan: RunPlan, results: Path) -> Path:
    """Play it without a view and without taking over anybody's signals."""
    from harness.trial.run import Run, write_plan

    _check_ground_once(plan.trials[0].stack)
    partial = results / "runs" / (plan.run_id + PARTIAL)
    write_plan(partial, plan)
    outcome = Run(plan, partial, jobs=2, news=_unheard, interrupted=threading.Event()).execute()
    final = partial.with_name(plan.run_id)
    partial.rename(final)
    if outcome.failures:
        (final / "failures.txt").write_text("\n".join(outcome.failures) + "\n", encoding="utf-8")
    return final


@functools.lru_cache(maxsize=4)
def _check_ground_once(stack: StackChoice) -> None:
    """Is there a proxy engine, and does it do what its faults claim? Once per process and stack."""
    scenario = _scenario(OwnConsumer(module="-", name="-"), ConsumerTest(), "control")
    plan = plan_run(
        [scenario], name="-", trials=1, seed=0, stack=stack, harness_version=harness.__version__, repeat_command="-"
    )
    check_ground(plan, say=lambda _: None)


def _unheard(_name: str, _event: ProgressEvent) -> None:
    """Nobody watches: the report says everything."""


def _report(code: OwnConsumer, test: ConsumerTest, summary: RunSummary, folder: Path) -> ConsumerReport:
    clauses = [
        (trial.trial.scenario, clause)
        for trial in summary.trials
        if not trial.trial.scenario.is_control
        for clause in trial.clauses
        if clause.stance is Stance.REQUIRED
    ]
    missing = len(clauses) < test.trials * len(test.faults()) * len(test.guarantees())
    verdict = merge_verdicts([summary.verdict, *([Verdict.INCONCLUSIVE] if missing or not clauses else [])])
    lines = [_headline(code, test, verdict)]
    for name in test.faults():
        fitting = [clause for scenario, clause in clauses if scenario.name == f"{FAMILY}_{name}".replace("-", "_")]
        lines += _lines_of(name, test, fitting)
    lines += [f"  {trial.trial.folder_name}: {trial.status_reason}" for trial in summary.trials if trial.status_reason]
    lines += [f"  weak: {text}" for trial in summary.trials for text in trial.weaknesses]
    lines += [f"  skipped: {one.scenario}: {one.reason}" for one in summary.skipped]
    lines += [f"  seed    {test.seed}", f"  report  {folder / 'report.html'}"]
    return ConsumerReport(verdict, "\n".join(dict.fromkeys(lines)), folder, summary)


def _headline(code: OwnConsumer, test: ConsumerTest, verdict: Verdict) -> str:
    said = {
        Verdict.HELD: "kept",
        Verdict.VIOLATED: "does not keep",
        Verdict.INCONCLUSIVE: "was not put to the test of",
        Verdict.ERROR: "could not be tested for",
    }
    return f"{verdict.value.upper()}  {code} {said[verdict]} {', '.join(test.guarantees())}"


def _lines_of(name: str, test: ConsumerTest, clauses: Sequence[ClauseResult]) -> list[str]:
    """Per guarantee: in how many trials of this fault it was violated, what that is worth, and what was counted."""
    lines = []
    for guarantee in test.guarantees():
        found = [clause for clause in clauses if clause.guarantee is guarantee]
        bad = [clause for clause in found if clause.verdict is Verdict.VIOLATED]
        valid = [clause for clause in found if clause.verdict in {Verdict.HELD, Verdict.VIOLATED}]
        worth = f"violated in {len(bad)} of {len(valid)} trials"
        if valid and not bad:
            worth += f" (up to {upper_bound(0, len(valid)):.0%} may still be, with 95 % confidence)"
        lines.append(f"  {name}, {guarantee}: {worth}")
        lines += [f"    {clause.reason}" for clause in (bad or found)[:3]]
    return lines
