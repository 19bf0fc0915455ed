"""A stored run in, its findings out."""

from __future__ import annotations

from harness.lint.arms import judge_arm
from harness.lint.facts import Limits, ServerFacts
from harness.lint.finding import Finding, Point, Where
from harness.lint.house import judge_output_buffer
from harness.lint.persistence import judge_persistence
from harness.lint.stored import StoredRun, StoredServer
from harness.model.words import Mechanism, Primitive

NOT_PERMITTED = "CONFIG GET"
"""The key under which a stored environment says that settings could not be read."""


def judge_stored(run: StoredRun, limits: Limits) -> list[Finding]:
    """Every point, by arm or by server."""
    findings = [finding for arm in run.arms for finding in judge_arm(arm, limits)]
    if not run.servers:
        findings.append(Where(Point.PERSISTENCE, run.name).unknown("no trial says which server it had"))
    for server in run.servers:
        facts = server_facts(server)
        findings += [*judge_persistence(facts), *_eviction(facts), *_output_buffer(run, facts)]
    findings.append(Where(Point.REPLICATION, run.name).does_not_apply("the run's servers stood alone"))
    return findings


def server_facts(server: StoredServer) -> ServerFacts:
    """Stored settings as facts: the same judgements as on a live server."""
    settings = server.settings
    append_only = settings.get("appendonly")
    return ServerFacts(
        name=server.name,
        append_only=None if append_only is None else append_only == "yes",
        append_fsync=settings.get("appendfsync"),
        save=settings.get("save"),
        max_memory=int(settings["maxmemory"]) if settings.get("maxmemory", "").isdigit() else None,
        eviction_policy=settings.get("maxmemory-policy"),
        output_buffer_limits=settings.get("client-output-buffer-limit"),
        denied={"CONFIG": "the run could not read its server's settings"} if NOT_PERMITTED in settings else {},
    )


def _eviction(server: ServerFacts) -> list[Finding]:
    policy = server.eviction_policy
    if not (server.max_memory and policy and policy.startswith("allkeys-")):
        return []
    return [Where(Point.MEMORY, server.name).fails(f"maxmemory-policy {policy}: a whole stream may be evicted")]


def _output_buffer(run: StoredRun, server: ServerFacts) -> list[Finding]:
    """Of the arms that subscribe; what was cut off in the run fails."""
    subscribers = [stored for stored in run.arms if stored.arm.primitive is Primitive.PUBSUB]
    here = Where(Point.OUTPUT_BUFFER, server.name)
    if not subscribers:
        return [here.does_not_apply("no arm subscribes")]
    cut_off = sum(s.counts.because_of(Mechanism.OUTPUT_BUFFER_KILL) for s in subscribers if s.counts is not None)
    if cut_off:
        return [here.fails(f"{cut_off:,} messages were lost because a subscriber was cut off by its limit")]
    return judge_output_buffer(server)
