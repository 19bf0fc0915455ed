"""Which messages are lost, doubled or late when Redis Pub/Sub or Redis Streams meets a fault?

The public names, for scenario scripts and for other people's tests. They are loaded when first used, so that
``harness --help`` does not pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.cli.consumer_check import ConsumerReport, check_consumer, read_settings
    from harness.model.errors import EnvironmentUnavailable, HarnessError
    from harness.model.values import (
        Arm,
        Expectation,
        FaultPlan,
        Limits,
        Prediction,
        Scenario,
        SourceClaim,
        Timeline,
        Workload,
    )
    from harness.model.words import (
        CrashPoint,
        Direction,
        FaultModel,
        Guarantee,
        LinkRole,
        Mechanism,
        Members,
        Persistence,
        ReplicationCut,
        Stance,
        Verdict,
        WorkerRole,
    )
    from harness.plan.arms import named_arm
    from harness.plan.building import CRASH_ARMS, breaks, family_control, fault_scenario, guess, holds, select_arms
    from harness.plan.failover import (
        FAILOVER_ARMS,
        FAILOVER_SENTINEL_ARMS,
        FAILOVER_TIMELINE,
        FAILOVER_WAITING_ARMS,
        FAILOVER_WORKLOAD,
        INCIDENT_FAILOVER_ARMS,
        INCIDENT_FAILOVER_CLAIMS,
        INCIDENT_FAILOVER_WORKLOAD,
        failover_arms,
        failover_scenario,
    )
    from harness.plan.network import (
        NETWORK_ARMS,
        NETWORK_LONG,
        NETWORK_TIMELINE,
        NETWORK_WORKLOAD,
        network_scenario,
    )
    from harness.plan.partition import control_scenario, partition_scenario, predict, predict_streams
    from harness.plan.persistence import (
        REMEDY_WORKLOAD,
        SERVER_ARMS,
        SERVER_TIMELINE,
        SERVER_WORKLOAD,
        remedy_arms,
        server_death,
    )
    from harness.stack.visit import OpenServer, open_server
    from harness.trial.seat import Seat

__version__ = "0.1.0"

_HOMES = {
    "CRASH_ARMS": "harness.plan.building",
    "Arm": "harness.model.values",
    "ConsumerReport": "harness.cli.consumer_check",
    "CrashPoint": "harness.model.words",
    "Direction": "harness.model.words",
    "EnvironmentUnavailable": "harness.model.errors",
    "Expectation": "harness.model.values",
    "FaultModel": "harness.model.words",
    "FaultPlan": "harness.model.values",
    "FAILOVER_ARMS": "harness.plan.failover",
    "FAILOVER_SENTINEL_ARMS": "harness.plan.failover",
    "FAILOVER_TIMELINE": "harness.plan.failover",
    "FAILOVER_WAITING_ARMS": "harness.plan.failover",
    "FAILOVER_WORKLOAD": "harness.plan.failover",
    "NETWORK_ARMS": "harness.plan.network",
    "NETWORK_LONG": "harness.plan.network",
    "NETWORK_TIMELINE": "harness.plan.network",
    "NETWORK_WORKLOAD": "harness.plan.network",
    "network_scenario": "harness.plan.network",
    "ReplicationCut": "harness.model.words",
    "INCIDENT_FAILOVER_ARMS": "harness.plan.failover",
    "INCIDENT_FAILOVER_CLAIMS": "harness.plan.failover",
    "INCIDENT_FAILOVER_WORKLOAD": "harness.plan.failover",
    "failover_arms": "harness.plan.failover",
    "failover_scenario": "harness.plan.failover",
    "Guarantee": "harness.model.words",
    "HarnessError": "harness.model.errors",
    "Limits": "harness.model.values",
    "LinkRole": "harness.model.words",
    "Mechanism": "harness.model.words",
    "OpenServer": "harness.stack.visit",
    "Members": "harness.model.words",
    "Persistence": "harness.model.words",
    "Prediction": "harness.model.values",
    "SERVER_ARMS": "harness.plan.persistence",
    "SERVER_TIMELINE": "harness.plan.persistence",
    "SERVER_WORKLOAD": "harness.plan.persistence",
    "Scenario": "harness.model.values",
    "Seat": "harness.trial.seat",
    "SourceClaim": "harness.model.values",
    "Stance": "harness.model.words",
    "Timeline": "harness.model.values",
    "Verdict": "harness.model.words",
    "WorkerRole": "harness.model.words",
    "Workload": "harness.model.values",
    "breaks": "harness.plan.building",
    "check_consumer": "harness.cli.consumer_check",
    "control_scenario": "harness.plan.partition",
    "family_control": "harness.plan.building",
    "fault_scenario": "harness.plan.building",
    "guess": "harness.plan.building",
    "holds": "harness.plan.building",
    "named_arm": "harness.plan.arms",
    "open_server": "harness.stack.visit",
    "partition_scenario": "harness.plan.partition",
    "predict": "harness.plan.partition",
    "predict_streams": "harness.plan.partition",
    "read_settings": "harness.cli.consumer_check",
    "select_arms": "harness.plan.building",
    "REMEDY_WORKLOAD": "harness.plan.persistence",
    "remedy_arms": "harness.plan.persistence",
    "server_death": "harness.plan.persistence",
}

__all__ = [
    "CRASH_ARMS",
    "FAILOVER_ARMS",
    "FAILOVER_SENTINEL_ARMS",
    "FAILOVER_TIMELINE",
    "FAILOVER_WAITING_ARMS",
    "FAILOVER_WORKLOAD",
    "INCIDENT_FAILOVER_ARMS",
    "INCIDENT_FAILOVER_CLAIMS",
    "INCIDENT_FAILOVER_WORKLOAD",
    "NETWORK_ARMS",
    "NETWORK_LONG",
    "NETWORK_TIMELINE",
    "NETWORK_WORKLOAD",
    "REMEDY_WORKLOAD",
    "SERVER_ARMS",
    "SERVER_TIMELINE",
    "SERVER_WORKLOAD",
    "Arm",
    "ConsumerReport",
    "CrashPoint",
    "Direction",
    "EnvironmentUnavailable",
    "Expectation",
    "FaultModel",
    "FaultPlan",
    "Guarantee",
    "HarnessError",
    "Limits",
    "LinkRole",
    "Mechanism",
    "Members",
    "OpenServer",
    "Persistence",
    "Prediction",
    "ReplicationCut",
    "Scenario",
    "Seat",
    "SourceClaim",
    "Stance",
    "Timeline",
    "Verdict",
    "WorkerRole",
    "Workload",
    "__version__",
    "breaks",
    "check_consumer",
    "control_scenario",
    "failover_arms",
    "failover_scenario",
    "family_control",
    "fault_scenario",
    "guess",
    "holds",
    "named_arm",
    "network_scenario",
    "open_server",
    "partition_scenario",
    "predict",
    "predict_streams",
    "read_settings",
    "remedy_arms",
    "run_example",
    "run_script",
    "select_arms",
    "server_death",
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
