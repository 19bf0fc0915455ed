"""Redis Sentinel processes: they watch a master, agree that it is down, and promote one of its replicas.

(Not to be confused with `harness.faults.sentinel`, the ping connection that watches a link.) Sentinel is the server's
own program in another mode. Its state is a file that it rewrites, below the directory that it is given.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from harness.model.errors import EnvironmentUnavailable, HarnessError
from harness.stack.base import ServerAddress
from harness.stack.binaries import ServerProgram
from harness.stack.connect import admin_client
from harness.stack.ports import HOST, reserve_port
from harness.stack.process import ManagedProcess, wait_until

SERVICE = "pvs"
"""The name under which a master is watched and asked for."""
_READY_DEADLINE_S = 10.0
_ASK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What the Sentinels are told. Milliseconds, as Sentinel takes them."""

    quorum: int = 2
    down_after_ms: int = 1_500
    """A master that is silent for so long is taken for down. A Sentinel lets a second pass between two attempts to
    connect, also where the first was to the dead master and the next is to the promoted one: with a second or less it
    may take the new master for down before it has spoken to it, and promote another."""
    failover_timeout_ms: int = 60_000
    """Also how long a replica may follow an address that is not its master's before Sentinel "mends" it: our replicas
    do, since they replicate through a link."""


class RedisSentinel:
    """One Sentinel of our own. Running when made by `RedisSentinel.start`."""

    def __init__(self, process: ManagedProcess, address: ServerAddress) -> None:
        self.process = process
        self.address = address

    @classmethod
    def start(
        cls,
        program: ServerProgram,
        master: ServerAddress,
        *,
        folder: Path,
        log_path: Path,
        watch: Watch,
    ) -> RedisSentinel:
        """Start one that watches ``master``, and return once it answers. Raises `EnvironmentUnavailable`."""
        folder.mkdir(parents=True, exist_ok=True)
        port = reserve_port()
        settings = folder / "sentinel.conf"
        settings.write_text(_settings(master, port=port, folder=folder, watch=watch))
        process = ManagedProcess.start(
            [str(program.path), str(settings), "--sentinel"],
            name=f"sentinel ({program.product} {program.version})",
            log_path=log_path,
        )
        sentinel = cls(process, ServerAddress(HOST, port))
        try:
            wait_until(
                lambda: bool(sentinel.state()),
                deadline_s=_READY_DEADLINE_S,
                what=f"a Sentinel answers on port {port}",
                process=process,
            )
        except BaseException:  # an interrupt, too: nothing half-made stays, and it is raised again
            process.kill()
            raise
        return sentinel

    def master(self) -> ServerAddress | None:
        """Which server it names as the master; ``None`` when it does not answer."""
        try:
            with admin_client(self.address, timeout_s=_ASK_TIMEOUT_S) as client:
                found = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        except redis.RedisError:
            return None
        return None if found is None else ServerAddress(str(found[0]), int(found[1]))

    def state(self) -> Mapping[str, str]:
        """What it knows of the master: ``flags``, ``num-slaves``, ``num-other-sentinels``; empty without an answer."""
        try:
            with admin_client(self.address, timeout_s=_ASK_TIMEOUT_S) as client:
                found = client.execute_command("SENTINEL", "MASTER", SERVICE)
        except redis.RedisError:
            return {}
        if isinstance(found, dict):
            return {str(name): str(value) for name, value in found.items()}
        words = [str(word) for word in found]
        return dict(zip(words[::2], words[1::2], strict=False))

    def close(self) -> None:
        """End it. Idempotent."""
        self.process.kill()


def why_no_sentinel(program: ServerProgram) -> str:
    """Why this program can't be a Sentinel; empty if it can. Found out by letting it be one."""
    return _refusal(program)


@functools.cache
def _refusal(program: ServerProgram) -> str:
    with tempfile.TemporaryDirectory(prefix="pvs-sentinel-") as name:
        folder = Path(name)
        nobody = ServerAddress(HOST, reserve_port())
        try:
            probe = RedisSentinel.start(program, nobody, folder=folder, log_path=folder / "log", watch=Watch())
        except EnvironmentUnavailable as error:
            return f"{program.path} does not run as a Sentinel: {error.message}"
        except HarnessError as error:
            return error.message
        probe.close()
    return ""


def _settings(master: ServerAddress, *, port: int, folder: Path, watch: Watch) -> str:
    return "\n".join(
        [
            f"port {port}",
            f"bind {HOST}",
            f'dir "{folder}"',
            f"sentinel monitor {SERVICE} {master.host} {master.port} {watch.quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {watch.down_after_ms}",
            f"sentinel failover-timeout {SERVICE} {watch.failover_timeout_ms}",
            f"sentinel parallel-syncs {SERVICE} 1",
            "",
        ]
    )
