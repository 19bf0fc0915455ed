"""The same arms on other releases of redis-py, each really imported by the worker processes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis
from worker_rig import rig_of, until

from harness.drivers.client import release_number
from harness.drivers.releases import environment_of, settings_of
from harness.history.journal import EventKind
from harness.model.errors import NotPossible
from harness.model.words import ClientPreset
from harness.plan.arms import named_arm
from harness.stack.base import RunningStack

pytestmark = pytest.mark.servers
RELEASES = ("5.3.1", "6.4.0", "7.4.1")


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> tuple[str, Mapping[str, str]]:
    """A release and the environment of its workers."""
    wanted = str(request.param)
    try:
        return wanted, environment_of(wanted, print)
    except NotPossible as error:
        pytest.skip(str(error))


ARMS = ["pubsub-overlap", "sharded-pubsub-hardened", "stream-group-lua", "stream-group-at-end-no-retry", "stream-read"]


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_runs_on_the_release_that_it_names(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, release: tuple[str, Mapping[str, str]], name: str
) -> None:
    """Producer and consumer say which release they run; every message arrives, and its effect is made."""
    wanted, environment = release
    with rig_of(named_arm(f"{name}@{wanted}"), stack.server, admin, tmp_path) as rig:
        rig.start("consumer", env=environment)
        producer = rig.start("producer", role="producer", scope=-1, offsets_ns=(0, 0, 0), env=environment)
        producer.tell(f"go {time.monotonic_ns()}")
        until(lambda: {0, 1, 2} <= set(rig.sequences("consumer", EventKind.RECEIVE)), "all received")
        for worker in rig.workers:
            worker.stop()
        number = release_number(wanted)
        assert [[number]] * 2 == [
            rig.records(who, EventKind.READY)["value"].tolist() for who in ("consumer", "producer")
        ]
        assert [1] == rig.records("producer", EventKind.CONNECTED)["count"].tolist()
        made = admin.llen(rig.names.effects) if "lua" in name else sum(number < 3 for number in rig.effects())
        assert (6 if "overlap" in name else 3) == made


def test_a_cut_connection_is_noticed(
    stack: RunningStack, admin: redis.Redis, tmp_path: Path, release: tuple[str, Mapping[str, str]]
) -> None:
    """The hooks on the connections are called by each release: one ends, the next one begins."""
    wanted, environment = release
    with rig_of(named_arm(f"stream-group@{wanted}"), stack.server, admin, tmp_path) as rig:
        rig.start("consumer", env=environment)
        rig.add(1)
        until(lambda: rig.effects() == [0], "the first")
        ours = next(client for client in admin.client_list() if client["cmd"].startswith("x"))
        admin.client_kill_filter(_id=ours["id"])
        rig.add(1, first=1)
        until(lambda: rig.effects() == [0, 1], "the second")
        rig.workers[0].stop()
        assert [1, 2] == rig.records("consumer", EventKind.CONNECTED)["count"].tolist()
        assert 1 in rig.records("consumer", EventKind.DISCONNECTED)["count"].tolist()


def test_a_preset_comes_to_what_the_release_makes_of_it(release: tuple[str, Mapping[str, str]]) -> None:
    """The number of retries is told by the release itself, which is the point of naming one."""
    wanted, _ = release
    told = {preset: settings_of(preset, wanted, print) for preset in ClientPreset}
    as_shipped = told[ClientPreset.AS_SHIPPED]
    assert f"redis-py {wanted}" == as_shipped["library"]
    assert ("none" if wanted == "5.3.1" else "3") == as_shipped["retries"]
    assert ["0", "8"] == [told[preset]["retries"] for preset in (ClientPreset.NO_RETRY, ClientPreset.HARDENED)]


def test_another_release_than_the_named_one_is_refused(stack: RunningStack, admin: redis.Redis, tmp_path: Path) -> None:
    """A worker whose environment was forgotten does not run under a wrong label."""
    with rig_of(named_arm("stream-group@5.3.1"), stack.server, admin, tmp_path) as rig:
        assert 1 == rig.launch("consumer").status()
        assert (
            f"asks for redis-py 5.3.1, but {redis.__version__} was imported" in (tmp_path / "consumer.log").read_text()
        )
