"""Arms whose clients ask Sentinels for the master: where they may play, what client they get, what errors prove."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import redis
from pydantic import ValidationError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, SentinelConnectionPool, SentinelManagedConnection

from harness.cli.exploring import ExploreRequest, prepare
from harness.drivers.client import RequestCounter, classify, describe_preset, make_client
from harness.drivers.sending import send_once
from harness.model.errors import UsageError
from harness.model.values import Arm, FaultPlan, Scenario, StackChoice
from harness.model.words import ClientPreset, ErrorKind, FaultModel, LinkRole, OutcomeCode, WorkerRole
from harness.plan.arms import named_arm
from harness.plan.catalogue import find_scenarios
from harness.plan.planning import Overrides, override, plan_run
from harness.stack.base import SentinelGroup, ServerAddress
from harness.trial.spec import WorkerSpec

BASES = ("pubsub-sentinel", "stream-group-sentinel")
GROUP = SentinelGroup("orders", (("127.0.0.1", 1), ("127.0.0.1", 2)))
ASKED = ServerAddress("127.0.0.1", 3, sentinels=GROUP)


class Silent:
    """An observer that is told everything and does nothing."""

    def writing(self, nth: int) -> None: ...
    def connected(self, number: int) -> None: ...
    def disconnected(self, number: int, error: ErrorKind) -> None: ...
    def subscribed(self, number: int) -> None: ...
    def started(self, entry: tuple[int, int]) -> None: ...
    def checkpointed(self, entry: tuple[int, int]) -> None: ...


def scenario(arm: Arm, *faults: FaultPlan, replicated: bool = True) -> Scenario:
    return Scenario(
        name="mine", family="failover", question="", mechanism="", arms=(arm,), faults=faults, replicated=replicated
    )


@pytest.mark.parametrize("name", BASES)
def test_an_arm_that_asks_differs_in_nothing_else(name: str) -> None:
    """So that what its trial shows differently is due to that."""
    plain = named_arm(name.removesuffix("-sentinel"))
    assert plain.model_copy(update={"name": name, "asks_sentinel": True}) == named_arm(name)


@pytest.mark.parametrize("name", [*BASES, "pubsub-sentinel-hardened"])
def test_without_sentinels_there_is_nobody_to_ask(name: str) -> None:
    """What, where, and where to play it instead; the same from a script and from the command line."""
    said = f"{name} asks Sentinels for the master, and mine has none: play it in a scenario with replicated=True"
    with pytest.raises(ValidationError, match=said):
        scenario(named_arm(name), replicated=False)
    (control,) = find_scenarios(["server_control"])
    with pytest.raises(
        UsageError, match=f"{name} asks Sentinels for the master, and server_control has none"
    ) as caught:
        plan([override(control, Overrides(arms=(name,)))])
    assert "the failover family" in (caught.value.fix or "")


@pytest.mark.parametrize("link", [LinkRole.PRODUCERS, LinkRole.CONSUMERS, LinkRole.REPLICATION])
def test_a_fault_of_a_link_would_pass_it_by(link: LinkRole) -> None:
    """It would be called unharmed by what never struck it."""
    drop = FaultPlan(model=FaultModel.DROP, link=link)
    with pytest.raises(ValidationError, match="in mine drop of a link would not strike it: leave out the arm"):
        scenario(named_arm("stream-group-sentinel"), drop)
    assert scenario(named_arm("stream-group"), drop).faults == (drop,)


@pytest.mark.parametrize(
    "fault",
    [
        FaultPlan(model=FaultModel.FAILOVER),
        FaultPlan(model=FaultModel.HUNG_MASTER),
        FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER),
    ],
)
def test_what_strikes_servers_and_processes_strikes_it_too(fault: FaultPlan) -> None:
    """Wherever there are Sentinels."""
    for name in BASES:
        assert scenario(named_arm(name), fault).arms[0].asks_sentinel


def test_random_schedules_have_no_sentinels() -> None:
    """They are faults of links and processes on a single server."""
    request = ExploreRequest(
        arm="stream-group-sentinel",
        guarantee="at-least-once",
        budget="1",
        faults=(),
        seed=None,
        stack=StackChoice(),
        jobs=1,
        results=Path(),
        save=None,
        as_json=False,
    )
    with pytest.raises(UsageError, match="schedules are played on a single server"):
        prepare(request)


def test_the_client_is_what_redis_py_ships() -> None:
    """Made by ``master_for``: its pool, its connections, and its retries, which are none."""
    client = make_client(ASKED, ClientPreset.AS_SHIPPED, RequestCounter(Silent()))
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    assert ("orders", True, False) == (pool.service_name, pool.is_master, pool.check_connection)
    asked = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
    assert [("127.0.0.1", 1), ("127.0.0.1", 2)] == [(one["host"], one["port"]) for one in asked]
    connection = pool.make_connection()
    assert isinstance(connection, SentinelManagedConnection)
    plain = SentinelConnectionPool("orders", pool.sentinel_manager).make_connection()
    assert 0 == connection.retry.get_retries() == plain.retry.get_retries()
    assert plain.socket_timeout == connection.socket_timeout


@pytest.mark.parametrize(("preset", "retries"), [(ClientPreset.NO_RETRY, 0), (ClientPreset.HARDENED, 8)])
def test_a_preset_is_set_on_its_connections(preset: ClientPreset, retries: int) -> None:
    """And its timeouts count for the Sentinels too, as redis-py does it."""
    client = make_client(ASKED, preset, RequestCounter(Silent()))
    connection = client.connection_pool.make_connection()
    assert isinstance(connection.retry, Retry)
    assert retries == connection.retry.get_retries()
    asked = client.connection_pool.sentinel_manager.sentinels[0].connection_pool.connection_kwargs
    if preset is ClientPreset.HARDENED:
        assert 2.0 == connection.socket_timeout == asked["socket_timeout"]


def test_who_asks_is_described_as_it_is() -> None:
    """Without the retries of ``redis.Redis``."""
    plain, asking = (describe_preset(ClientPreset.AS_SHIPPED, asks_sentinel=asks) for asks in (False, True))
    assert plain.keys() == asking.keys()
    assert ("0", "10") == (asking["retries"], plain["retries"])
    assert plain["socket_timeout_s"] == asking["socket_timeout_s"]


def test_a_worker_is_told_whom_to_ask() -> None:
    """The Sentinels survive the trip through the pipe."""
    spec = WorkerSpec(
        role="producer", name="p", actor=1, token="0123abcd", arm_index=0, arm=named_arm("pubsub-sentinel"),
        address=ASKED, journal_path="j", effects_path="e", origin_ns=0, seed=1,
    )  # fmt: skip
    assert spec == WorkerSpec.from_line(spec.to_line())
    assert json.loads(spec.to_line())["address"]["sentinels"]["service"] == "orders"
    assert ASKED.through("127.0.0.1", 9).sentinels is None


def read_only() -> redis.ConnectionError:
    """As redis-py raises it on a connection that Sentinels found."""
    try:
        try:
            raise redis.ReadOnlyError("You can't write against a read only replica.")
        except redis.ReadOnlyError:
            raise redis.ConnectionError("The previous master is now a slave")  # noqa: B904  # as redis-py does it
    except redis.ConnectionError as error:
        return error


REFUSED_SENTINEL = f"No master found for 'orders' : ConnectionError('Error {errno.ECONNREFUSED} connecting.')"


@pytest.mark.parametrize(
    ("writes", "error", "kind", "outcome"),
    [
        (0, MasterNotFoundError(REFUSED_SENTINEL), ErrorKind.NO_MASTER, OutcomeCode.REJECTED),
        (1, MasterNotFoundError("No master found for 'orders'"), ErrorKind.NO_MASTER, OutcomeCode.INDETERMINATE),
        (1, read_only(), ErrorKind.READONLY, OutcomeCode.REJECTED),
        (2, read_only(), ErrorKind.READONLY, OutcomeCode.INDETERMINATE),
        (1, redis.ConnectionError("The previous master is now a slave"), ErrorKind.OTHER, OutcomeCode.INDETERMINATE),
        (
            1,
            redis.ResponseError("UNBLOCKED force unblock from blocking operation, instance state changed"),
            ErrorKind.OTHER_REPLY,
            OutcomeCode.INDETERMINATE,
        ),
    ],
)
def test_only_what_is_proven_is_rejected(writes: int, error: Exception, kind: ErrorKind, outcome: OutcomeCode) -> None:
    """Nothing written while no master was named; one write that was answered by READONLY; nothing else."""
    counter = RequestCounter(Silent())

    def call() -> object:
        for _ in range(writes):
            counter.wrote()
        raise error

    result = send_once(counter, call)  # type: ignore[arg-type]
    assert kind is classify(error)
    assert (outcome, kind, writes) == (result.outcome, result.error, result.writes)


def plan(scenarios: list[Scenario]) -> object:
    return plan_run(scenarios, name="x", trials=1, seed=1, stack=StackChoice(), harness_version="0", repeat_command="x")
