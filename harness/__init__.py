"""Which messages are lost, doubled or late when Redis Pub/Sub or Redis Streams meets a fault?

The public names, for scenario scripts and for other people's tests. They are loaded when first used, so that
``harness --help`` does not pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model.values import Arm, Expectation, FaultPlan, Prediction, Scenario, Timeline, Workload
    from harness.model.words import FaultModel, Guarantee, LinkRole, Stance, Verdict
    from harness.plan.arms import named_arm
    from harness.plan.partition import control_scenario, partition_scenario, predict, predict_streams
    from harness.stack.visit import OpenServer, open_server

__version__ = "0.1.0"

_HOMES = {
    "Arm": "harness.model.values",
    "Expectation": "harness.model.values",
    "FaultPlan": "harness.model.values",
    "Guarantee": "harness.model.words",
    "LinkRole": "harness.model.words",
    "OpenServer": "harness.stack.visit",
    "FaultModel": "harness.model.words",
    "Prediction": "harness.model.values",
    "Scenario": "harness.model.values",
    "Stance": "harness.model.words",
    "Timeline": "harness.model.values",
    "Verdict": "harness.model.words",
    "Workload": "harness.model.values",
    "control_scenario": "harness.plan.partition",
    "named_arm": "harness.plan.arms",
    "open_server": "harness.stack.visit",
    "partition_scenario": "harness.plan.partition",
    "predict": "harness.plan.partition",
    "predict_streams": "harness.plan.partition",
}

__all__ = [
    "Arm",
    "Expectation",
    "FaultModel",
    "FaultPlan",
    "Guarantee",
    "LinkRole",
    "OpenServer",
    "Prediction",
    "Scenario",
    "Stance",
    "Timeline",
    "Verdict",
    "Workload",
    "__version__",
    "control_scenario",
    "named_arm",
    "open_server",
    "partition_scenario",
    "predict",
    "predict_streams",
    "run_example",
    "run_script",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def run_script(path: str) -> None:
    """Run the scenario script at ``path`` by itself, with the options of ``harness run``; does not return."""
    from harness.cli import run_scenario_script

    run_scenario_script(path)


def run_example(main: Callable[[], object]) -> None:
    """Run an example's ``main``: errors become one message and their exit code, SIGTERM ends it in order."""
    from harness.cli import finish_example

    finish_example(main)
