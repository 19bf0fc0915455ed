"""Faults of what a server stores: no memory, no room on its disk, fsyncs that take long.

=============  ====================================================  ========================================
fault          while it is on                                        the heal
=============  ====================================================  ========================================
out-of-memory  writes are refused with OOM (noeviction)              the limit is lifted
eviction       keys are evicted (allkeys-lru), a stream goes whole   the limit is lifted; what went is gone
disk-full      the append-only file can't be written: MISCONF, or,   room again; a server that ended is
               under appendfsync always, the server ends itself      started anew
slow-fsync     every fsync takes so much longer                      fsyncs are as they were
=============  ====================================================  ========================================
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Final

import redis

from harness.faults.base import DrawStyle, Evidence
from harness.faults.evidence import duration
from harness.faults.server_base import Deed, Proof, Seen, deed_since
from harness.faults.server_evidence import judge_aof_refused, judge_counter, judge_ended_itself
from harness.model.errors import TrialError
from harness.model.words import FaultModel
from harness.stack import power
from harness.stack.base import ServerAddress
from harness.stack.connect import admin_client
from harness.stack.fsync import FsyncDelay, Slowed, why_no_delay
from harness.stack.power import PowerSupply

_NO_LIMIT: Final = "0"
_NOEVICTION: Final = "noeviction"
_EVICTING: Final = "allkeys-lru"
_FULL_BELOW_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The memory limit is set to one byte less than is in use, so that every write is refused."""

    server: ServerAddress
    model: ClassVar = FaultModel.OUT_OF_MEMORY
    style: ClassVar = DrawStyle(
        label="out of memory",
        description="The server's memory limit is below its use, and it refuses writes; the heal lifts the limit.",
    )

    def why_not(self) -> str:
        """Nothing, where the server is ours to configure."""
        return ""

    def inject(self) -> Deed:
        """Set policy and limit."""
        return _limit(self.server, policy=_NOEVICTION, keep_of_data=1.0)

    def heal(self) -> Deed:
        """Lift the limit."""
        return _no_limit(self.server)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """INFO errorstats counted writes that were refused. Without anybody writing there is none."""
        what = "commands refused with OOM"
        return judge_counter(seen, inject=inject, heal=heal, counter=lambda sight: sight.oom_errors, what=what)


@dataclass(frozen=True, slots=True)
class Eviction:
    """The memory limit leaves room for a share of the data only, and keys are evicted down to it."""

    server: ServerAddress
    keep_of_data: float = 0.5
    model: ClassVar = FaultModel.EVICTION
    style: ClassVar = DrawStyle(
        label="eviction",
        description="The server's memory limit is below its use, and it evicts keys; the heal lifts the limit.",
    )

    def why_not(self) -> str:
        """Nothing, where the server is ours to configure."""
        return ""

    def inject(self) -> Deed:
        """Set policy and limit."""
        return _limit(self.server, policy=_EVICTING, keep_of_data=self.keep_of_data)

    def heal(self) -> Deed:
        """Lift the limit and forbid evictions again."""
        return _no_limit(self.server)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """INFO counted evicted keys."""
        what = "keys evicted"
        return judge_counter(seen, inject=inject, heal=heal, counter=lambda sight: sight.evicted_keys, what=what)


@dataclass(frozen=True, slots=True)
class DiskFull:
    """A file of ours takes the last block of the server's disk."""

    supply: PowerSupply
    model: ClassVar = FaultModel.DISK_FULL
    style: ClassVar = DrawStyle(
        label="disk full",
        description="There is no room for the append-only file; the heal makes room again.",
    )

    def why_not(self) -> str:
        """A disk of our own, which needs Linux, root, loop devices and the tools of ext4."""
        return power.why_not()

    def inject(self) -> Deed:
        """Fill it."""
        begin = time.monotonic_ns()
        self.supply.disk.fill()
        left = self.supply.disk.free_bytes()
        full = Proof(left < _FULL_BELOW_BYTES, f"{left:,} bytes were left on the disk")
        return deed_since(begin, full)

    def heal(self) -> Deed:
        """Make room, and start a server that ended itself."""
        begin = time.monotonic_ns()
        self.supply.disk.drain()
        if not self.supply.server.is_running:
            self.supply.server.start()
        return deed_since(begin)

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """INFO told of a failed write, or, as it must under appendfsync always, the server ended."""
        found = judge_aof_refused(seen, inject=inject, heal=heal)
        if found.observed_to_ns is not None:
            return found
        died = judge_ended_itself(seen, inject=inject, heal=heal)
        if died.observed_to_ns is not None:
            return died
        sentence = f"{found.sentence}; nor was it seen to end itself: {died.sentence}"
        return Evidence(found.observed_from_ns, None, sentence)


@dataclass(frozen=True, slots=True)
class SlowFsync:
    """Every fsync takes ``delay_ms`` longer. The server has to have been started with ``delay.env``."""

    delay: FsyncDelay
    delay_ms: int = 1_500
    model: ClassVar = FaultModel.SLOW_FSYNC
    style: ClassVar = DrawStyle(
        label="slow fsync",
        description="Every fsync of the server takes longer; the heal lets them be as they were.",
    )

    def why_not(self) -> str:
        """A C compiler, and a dynamically linked server."""
        return why_no_delay()

    def inject(self) -> Deed:
        """Slow them down from now on."""
        begin = time.monotonic_ns()
        self.delay.set(self.delay_ms)
        return deed_since(begin)

    def heal(self) -> Deed:
        """Let them be as they were. What the library counted is the proof."""
        begin = time.monotonic_ns()
        slowed = self.delay.slowed()
        self.delay.set(0)
        return deed_since(begin, _proof_of(slowed, self.delay_ms * 1_000_000))

    def evidence(self, seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
        """The library in front of the C library says so itself: a slowed fsync shows nowhere else for certain."""
        proofs = (*inject.proofs, *heal.proofs)
        if not proofs or not all(proof.holds for proof in proofs):
            return Evidence(None, None, f"not shown: {proofs[0].sentence if proofs else 'nothing was counted'}")
        after = next((it for it in seen.sights if it.asked_ns >= heal.times.after_ns), None)
        sentence = "; ".join(proof.sentence for proof in proofs)
        if after is None:
            return Evidence(inject.times.after_ns, None, f"{sentence}; but the server was not seen afterwards")
        return Evidence(inject.times.after_ns, after.answered_ns, sentence)


def _proof_of(slowed: Slowed, delay_ns: int) -> Proof:
    """At least one fsync was called meanwhile, and took so long, by the library's own clock."""
    if not slowed.calls:
        return Proof(False, "no fsync was slowed")
    if slowed.longest_ns < delay_ns:
        return Proof(False, f"{slowed.calls:,} fsyncs were to be slowed, and none was seen to take the time")
    return Proof(True, f"{slowed.calls:,} fsyncs were slowed, the longest took {duration(slowed.longest_ns)}")


def _limit(server: ServerAddress, *, policy: str, keep_of_data: float) -> Deed:
    begin = time.monotonic_ns()
    try:
        with admin_client(server) as client:
            memory = client.info("memory")
            used, data = int(memory["used_memory"]), int(memory["used_memory_dataset"])
            limit = max(1, used - 1 - int(data * (1 - keep_of_data)))
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", limit)
    except redis.RedisError as error:
        raise TrialError(f"the server took no memory limit: {error}") from error
    return deed_since(begin)


def _no_limit(server: ServerAddress) -> Deed:
    """Back to what the settings profiles say."""
    begin = time.monotonic_ns()
    try:
        with admin_client(server) as client:
            client.config_set("maxmemory", _NO_LIMIT)
            client.config_set("maxmemory-policy", _NOEVICTION)
    except redis.RedisError as error:
        raise TrialError(f"the server's memory limit could not be lifted: {error}") from error
    return deed_since(begin)
