"""One master, two replicas, three Sentinels: all processes of our own, on 127.0.0.1, each in its own directory.

Each replica follows the master by a path that may be somebody else's: `harness.faults` puts a proxy link there, so that
replication can be held or dropped. Ports are chosen first, so that the links can be made before the servers are::

    layout = Layout.choose(folder)
    with open_replication(program, layout, persistence=Persistence.OFF, paths=(link_1, link_2)) as stack:
        stack.master.kill()
        failover = stack.wait_failover(deadline_s=20)

A replica announces its true address, so Sentinel and clients see servers and not links. Once Sentinel has promoted one
replica, it lets the others follow it straight: the links end with the first master's reign.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from harness.model.errors import NotPossible, TrialError
from harness.model.words import Persistence
from harness.stack.base import SentinelGroup, ServerAddress
from harness.stack.binaries import ServerProgram
from harness.stack.connect import admin_client
from harness.stack.ports import HOST, reserve_port
from harness.stack.process import wait_until
from harness.stack.profiles import profile_settings
from harness.stack.redis_sentinel import SERVICE, RedisSentinel, Watch, why_no_sentinel
from harness.stack.restartable import Place, RestartableServer

REPLICAS = 2
SENTINELS = 3
_READY_DEADLINE_S = 60.0
_ASK_TIMEOUT_S = 1.0
_ROLE_MASTER = "master"


@dataclass(frozen=True, slots=True)
class Layout:
    """Ports and directories, chosen before anything is started. The first server is the master to begin with."""

    folder: Path
    ports: tuple[int, ...]

    @classmethod
    def choose(cls, folder: Path) -> Layout:
        """Free ports that no outgoing connection will be given."""
        ports: list[int] = []
        while len(ports) < 1 + REPLICAS:
            port = reserve_port()
            if port not in ports:
                ports.append(port)
        return cls(folder.resolve(), tuple(ports))

    @property
    def master(self) -> ServerAddress:
        """The first master's address."""
        return ServerAddress(HOST, self.ports[0])

    def place(self, index: int) -> Place:
        """Where server ``index`` lives."""
        name = f"server-{index}"
        return Place(self.ports[index], self.folder / name, self.folder / "logs" / f"{name}.log")


@dataclass(frozen=True, slots=True)
class Failover:
    """A change of masters that was seen. Times are monotonic ns."""

    old: ServerAddress
    new: ServerAddress
    named_ns: int
    """A majority of the Sentinels named the new one."""
    promoted_ns: int
    """The new one said of itself that it is the master."""


class ReplicatedStack:
    """Servers and Sentinels that run. Made by `open_replication`; a context manager that ends all of them."""

    def __init__(self, servers: Sequence[RestartableServer], sentinels: Sequence[RedisSentinel], folder: Path) -> None:
        self.servers = tuple(servers)
        self.sentinels = tuple(sentinels)
        self.folder = folder

    @property
    def master(self) -> RestartableServer:
        """The server that most Sentinels name. Raises `TrialError` when they don't agree on one of ours."""
        named = self.named()
        for server in self.servers:
            if 2 * named.count(server.address) > len(self.sentinels):
                return server
        raise TrialError(f"the Sentinels don't agree on a master: {', '.join(map(_spelled, named))}")

    @property
    def replicas(self) -> tuple[RestartableServer, ...]:
        """All others, running or not."""
        master = self.master
        return tuple(server for server in self.servers if server is not master)

    @property
    def sentinel_group(self) -> SentinelGroup:
        """The Sentinels as clients are told of them."""
        return SentinelGroup(SERVICE, tuple((one.address.host, one.address.port) for one in self.sentinels))

    def named(self) -> list[ServerAddress | None]:
        """Which server each Sentinel names as the master; ``None``: it does not answer."""
        return [sentinel.master() for sentinel in self.sentinels]

    def wait_failover(self, old: ServerAddress, *, deadline_s: float) -> Failover:
        """Wait until another server than ``old`` is named by most Sentinels and says itself that it is the master.

        Raises `TrialError` when that does not happen in time: what would be counted then is no failover.
        """
        deadline = time.monotonic() + deadline_s
        named_ns = 0
        while time.monotonic() < deadline:
            new = self._majority()
            if new is not None and new != old:
                named_ns = named_ns or time.monotonic_ns()
                if role_of(new) == _ROLE_MASTER:
                    return Failover(old, new, named_ns, time.monotonic_ns())
            time.sleep(0.01)
        seen = "was named but did not say that it is the master" if named_ns else "was named by most Sentinels"
        raise TrialError(f"no failover within {deadline_s:g} s: no other server than {_spelled(old)} {seen}")

    def wait_replica(self, server: RestartableServer, *, deadline_s: float) -> None:
        """Wait until ``server`` follows the master and is up to date with it, e.g. an old master that came back."""
        wait_until(
            lambda: _follows(server.address, self.master.address),
            deadline_s=deadline_s,
            what=f"{server.name} follows the master",
        )

    def close(self) -> None:
        """End every process; Sentinels first, so that they don't promote one while the servers go. Idempotent."""
        for sentinel in self.sentinels:
            sentinel.close()
        for server in self.servers:
            server.resume()
            server.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _majority(self) -> ServerAddress | None:
        named = self.named()
        return next((it for it in named if it is not None and 2 * named.count(it) > len(named)), None)


def open_replication(
    program: ServerProgram,
    layout: Layout,
    *,
    persistence: Persistence,
    paths: Sequence[tuple[str, int]] | None = None,
    settings: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> ReplicatedStack:
    """Start everything; return once both replicas are online and every Sentinel knows all the others.

    ``paths``: by which host and port each replica reaches the master; straight where none are given. ``settings`` are
    added to the profile's, e.g. ``min-replicas-to-write``. Raises `EnvironmentUnavailable`, or `NotPossible` where the
    program can't be a Sentinel.
    """
    reason = why_no_sentinel(program)
    if reason:
        raise NotPossible(reason)
    paths = paths if paths is not None else [(HOST, layout.ports[0])] * REPLICAS
    told = {**profile_settings(persistence), "repl-diskless-sync-delay": "0", **(settings or {})}
    servers = [_server(program, layout, index, told, paths) for index in range(1 + REPLICAS)]
    sentinels: list[RedisSentinel] = []
    with ExitStack() as on_failure:
        on_failure.callback(lambda: ReplicatedStack(servers, sentinels, layout.folder).close())
        for server in servers:
            server.start()
        wait_until(
            lambda: _online(layout.master) == REPLICAS,
            deadline_s=_READY_DEADLINE_S,
            what=f"{REPLICAS} replicas are online",
            process=servers[-1].process,
        )
        for index in range(SENTINELS):
            folder, log_path = layout.folder / f"sentinel-{index}", layout.folder / "logs" / f"sentinel-{index}.log"
            sentinels.append(
                RedisSentinel.start(program, layout.master, folder=folder, log_path=log_path, watch=watch or Watch())
            )
        wait_until(
            lambda: all(_knows_all(sentinel) for sentinel in sentinels),
            deadline_s=_READY_DEADLINE_S,
            what="the Sentinels know each other",
            process=sentinels[-1].process,
            interval_s=0.05,
        )
        on_failure.pop_all()
    return ReplicatedStack(servers, sentinels, layout.folder)


def role_of(address: ServerAddress) -> str | None:
    """``master`` or ``slave``, as the server says itself (ROLE); ``None`` when it does not answer."""
    try:
        with admin_client(address, timeout_s=_ASK_TIMEOUT_S) as client:
            return str(client.execute_command("ROLE")[0])
    except redis.RedisError:
        return None


def _server(
    program: ServerProgram,
    layout: Layout,
    index: int,
    settings: Mapping[str, str],
    paths: Sequence[tuple[str, int]],
) -> RestartableServer:
    own = {"replica-announce-ip": HOST, "replica-announce-port": str(layout.ports[index])}
    if index > 0:
        own["replicaof"] = " ".join(map(str, paths[index - 1]))
    return RestartableServer(program, layout.place(index), settings={**settings, **own}, name=f"server-{index}")


def _online(master: ServerAddress) -> int:
    """How many replicas the master feeds."""
    found = _replication(master)
    lines = [value for name, value in found.items() if name.startswith("slave") and isinstance(value, dict)]
    return sum(1 for line in lines if line.get("state") == "online")


def _follows(replica: ServerAddress, master: ServerAddress) -> bool:
    found, feeding = _replication(replica), _replication(master)
    return (
        found.get("role") == "slave"
        and found.get("master_link_status") == "up"
        and found.get("slave_repl_offset") == feeding.get("master_repl_offset")
    )


def _replication(address: ServerAddress) -> Mapping[str, object]:
    try:
        with admin_client(address, timeout_s=_ASK_TIMEOUT_S) as client:
            found: Mapping[str, object] = client.info("replication")
    except redis.RedisError:
        return {}
    return found


def _knows_all(sentinel: RedisSentinel) -> bool:
    state = sentinel.state()
    expected = {"num-slaves": str(REPLICAS), "num-other-sentinels": str(SENTINELS - 1), "flags": _ROLE_MASTER}
    return all(state.get(name) == value for name, value in expected.items())


def _spelled(address: ServerAddress | None) -> str:
    return "no answer" if address is None else f"{address.host}:{address.port}"
