"""Which messages are lost, doubled or late when Redis Pub/Sub or Redis Streams meets a fault?

The public names, for scenario scripts and for other people's tests. They are loaded when first used, so that
``harness --help`` does not pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.model.values import Arm, Expectation, FaultPlan, Prediction, Scenario, Timeline, Workload
    from harness.model.words import FaultModel, Guarantee, LinkRole, Stance, Verdict
    from harness.plan.arms import named_arm
    from harness.plan.partition import control_scenario, partition_scenario, predict, predict_streams

__version__ = "0.1.0"

_HOMES = {
    "Arm": "harness.model.values",
    "Expectation": "harness.model.values",
    "FaultPlan": "harness.model.values",
    "Guarantee": "harness.model.words",
    "LinkRole": "harness.model.words",
    "FaultModel": "harness.model.words",
    "Prediction": "harness.model.values",
    "Scenario": "harness.model.values",
    "Stance": "harness.model.words",
    "Timeline": "harness.model.values",
    "Verdict": "harness.model.words",
    "Workload": "harness.model.values",
    "control_scenario": "harness.plan.partition",
    "named_arm": "harness.plan.arms",
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
    "Prediction",
    "Scenario",
    "Stance",
    "Timeline",
    "Verdict",
    "Workload",
    "__version__",
    "control_scenario",
    "named_arm",
    "partition_scenario",
    "predict",
    "predict_streams",
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
