"""Power loss: what was synced is there, what was not is gone; and nothing of it outlives its user."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from leftovers import is_gone, loop_devices_of, mounts_of

from harness.model.errors import NotPossible
from harness.model.words import Persistence
from harness.stack import disk as disks
from harness.stack import power
from harness.stack.binaries import choose_program
from harness.stack.connect import admin_client
from harness.stack.disk import Disk
from harness.stack.ports import reserve_port
from harness.stack.power import PowerSupply
from harness.stack.process import wait_until
from harness.stack.restartable import Place

REASON = power.why_not()
pytestmark = [pytest.mark.servers, pytest.mark.skipif(bool(REASON), reason=f"power can't be cut here: {REASON}")]

RECORDS = 200
WRITER = """
import os, sys, time
folder, sync = sys.argv[1], sys.argv[2] == "synced"
log = os.open(folder + "/records", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
for number in range(int(sys.argv[3])):
    os.write(log, b"%08d\\n" % number)
    if sync:
        os.fsync(log)
print("written", flush=True)
time.sleep(120)
"""
HARNESS = """
import sys, time
from pathlib import Path
from harness.model.words import Persistence
from harness.stack.binaries import choose_program
from harness.stack.ports import reserve_port
from harness.stack.power import PowerSupply
from harness.stack.restartable import Place
folder = Path(sys.argv[1])
place = Place(reserve_port(), folder / "server", folder / "server.log")
supply = PowerSupply.open(choose_program(None), place, persistence=Persistence.AOF_EVERYSEC)
supply.server.start()
supply.cut()
supply.server.start()
print(supply.server.process.pid, supply.disk._space.pid, flush=True)
if sys.argv[2] == "exception":
    raise RuntimeError("on purpose")
time.sleep(120)
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk.create(tmp_path / "disk", size_mb=32, log_path=tmp_path / "disk.log")
    yield made
    made.close()


@pytest.mark.parametrize(("mode", "survivors"), [("unsynced", 0), ("synced", RECORDS)])
def test_what_was_synced_survives_and_nothing_else(disk: Disk, mode: str, survivors: int) -> None:
    """The control of the emulation: the same records, with fsync each and with none at all."""
    command = disk.inside([sys.executable, "-I", "-c", WRITER, str(disk.mount_point), mode, str(RECORDS)])
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert b"written\n" == writer.stdout.readline()
        before = (disk.path / "records").read_bytes()
        writer.kill()
    after_the_cut = disk.cut()
    try:
        records = after_the_cut.path / "records"
        assert RECORDS == len(before.splitlines())
        assert survivors == (len(records.read_bytes().splitlines()) if records.exists() else 0)
    finally:
        after_the_cut.close()


def test_a_disk_is_seen_inside_only_and_leaves_nothing(tmp_path: Path) -> None:
    """No mount in the machine's own table, no image file, and after the end no loop device either."""
    disk = Disk.create(tmp_path / "disk", size_mb=8, log_path=tmp_path / "disk.log")
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert 1 == len(loop_devices_of(tmp_path))
    (disk.path / "file").write_text("x")
    assert [] == list((tmp_path / "disk").iterdir())
    disk = disk.cut()
    disk.close()
    disk.close()
    wait_until(lambda: not loop_devices_of(tmp_path), deadline_s=10, what="the loop device is free")
    assert ["disk", "disk.log"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_full_disk_takes_no_more(disk: Disk) -> None:
    """Filled to the last block, and as empty as before once the ballast is gone."""
    before = disk.free_bytes()
    assert before - 65536 < disk.fill() <= before
    with pytest.raises(OSError, match="No space left"):
        (disk.path / "more").write_bytes(b"x" * 8192)
    disk.drain()
    disk.drain()
    assert before - 65536 < disk.free_bytes()


def test_a_mount_that_fails_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that is no file system: one sentence, no holder, no loop device, no file."""
    monkeypatch.setattr(disks, "run", lambda *_, **__: "")
    with pytest.raises(NotPossible, match="mount failed"):
        Disk.create(tmp_path / "disk", size_mb=8, log_path=tmp_path / "disk.log")
    wait_until(lambda: not loop_devices_of(tmp_path), deadline_s=10, what="the loop device is free")
    assert [] == list(tmp_path.glob(".disk-*"))


@dataclass
class Written:
    """What a writer was told, and what the server then had."""

    acknowledged: int
    survived: int
    proven: bool


def write_and_fail(folder: Path, persistence: Persistence, *, cut: bool, seconds: float) -> Written:
    """XADD one at a time until the server is taken away in the middle of it; then count what came back."""
    place = Place(reserve_port(), folder / "server", folder / "server.log")
    acknowledged: list[str] = []
    with PowerSupply.open(choose_program(None), place, persistence=persistence) as supply:
        supply.server.start()

        def write() -> None:
            with admin_client(supply.server.address) as client:
                while True:
                    try:
                        acknowledged.append(str(client.xadd("log", {"number": len(acknowledged)})))
                    except redis.RedisError:
                        return

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(seconds)
        proven = True
        if cut:
            proven = supply.cut().is_proven
        else:
            supply.server.kill()
        writer.join(20)
        supply.server.start()
        with admin_client(supply.server.address) as client:
            held = {str(entry) for entry, _ in client.xrange("log")}
    return Written(len(acknowledged), len(held & set(acknowledged)), proven)


def test_power_loss_takes_nothing_under_always(tmp_path: Path) -> None:
    """Every acknowledged entry had been synced before its reply."""
    seen = write_and_fail(tmp_path, Persistence.AOF_ALWAYS, cut=True, seconds=1.0)
    assert seen.proven
    assert seen.acknowledged > 20
    assert seen.acknowledged == seen.survived


def test_power_loss_takes_nearly_everything_under_no(tmp_path: Path) -> None:
    """What nobody synced was in the page cache only."""
    seen = write_and_fail(tmp_path, Persistence.AOF_NO, cut=True, seconds=1.0)
    assert seen.proven
    assert seen.survived < 0.5 * seen.acknowledged


def test_power_loss_takes_the_last_moments_under_everysec(tmp_path: Path) -> None:
    """Something is lost, and something older than two seconds is not."""
    seen = write_and_fail(tmp_path, Persistence.AOF_EVERYSEC, cut=True, seconds=3.5)
    assert seen.proven
    assert 0 < seen.survived < seen.acknowledged
    assert seen.survived > (1 - 2.5 / 3.5) * 0.5 * seen.acknowledged


@pytest.mark.parametrize("persistence", [Persistence.AOF_NO, Persistence.AOF_ALWAYS])
def test_sigkill_alone_takes_nothing(tmp_path: Path, persistence: Persistence) -> None:
    """The page cache survives the process, so a crash of the server says nothing about fsync."""
    seen = write_and_fail(tmp_path, persistence, cut=False, seconds=0.5)
    assert seen.acknowledged > 20
    assert seen.acknowledged == seen.survived


def test_sigkill_under_everysec_takes_at_most_what_waited_for_an_fsync(tmp_path: Path) -> None:
    """While an fsync is slow the server puts off even its writes, so a busy disk may cost the last few of them."""
    seen = write_and_fail(tmp_path, Persistence.AOF_EVERYSEC, cut=False, seconds=0.5)
    assert seen.acknowledged > 20
    assert 0.5 * seen.acknowledged < seen.survived <= seen.acknowledged


def test_a_cut_that_cuts_nothing_is_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were everything flushed before the copy, the control would show it."""
    monkeypatch.setattr(Disk, "_stop_writing", Disk.sync)
    place = Place(reserve_port(), tmp_path / "server", tmp_path / "server.log")
    with PowerSupply.open(choose_program(None), place, persistence=Persistence.AOF_NO) as supply:
        cut = supply.cut()
    assert (True, False, False) == (cut.synced_kept, cut.unsynced_gone, cut.is_proven)


@pytest.mark.parametrize("end", ["killed", "terminated", "exception"])
def test_nothing_outlives_a_harness_that_ends(tmp_path: Path, end: str) -> None:
    """Server, holder, mount, loop device and image are gone, whatever ended the harness."""
    command = [sys.executable, "-c", HARNESS, str(tmp_path), end]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as harness:
        assert harness.stdout is not None
        pids = [int(word) for word in harness.stdout.readline().split()]
        assert 2 == len(pids)
        if end != "exception":
            assert mounts_of(tmp_path)
            harness.send_signal(signal.SIGKILL if end == "killed" else signal.SIGTERM)
        harness.wait(20)
    wait_until(lambda: all(is_gone(pid) for pid in pids), deadline_s=10, what="the processes are gone")
    wait_until(lambda: not mounts_of(tmp_path), deadline_s=10, what="nothing is mounted")
    wait_until(lambda: not loop_devices_of(tmp_path), deadline_s=10, what="no loop device is left")
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".log"]
