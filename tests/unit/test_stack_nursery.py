"""A nursery's children are processes like any other: pipes, log, session, exit status, and gone when it is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.stack.nursery import Nursery, NurseryChild, can_fork
from harness.stack.private import Kind, PrivateSpace, why_not

pytestmark = pytest.mark.skipif(not can_fork(), reason="only Linux has what a nursery needs")
NO_NETWORK = why_not(Kind.NETWORK)
HELPERS = str(Path(__file__).resolve().parents[1] / "helpers")


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """A nursery of the program in tests/helpers."""
    with Nursery("nursery_program", log_path=tmp_path / "nursery.log", env=_with_helpers()) as opened:
        yield opened


def _with_helpers() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    return {"PYTHONPATH": f"{HELPERS}:{root}"}


def _ask(child: NurseryChild, order: str) -> str:
    child.stdin.write(order.encode() + b"\n")
    return child.stdout.readline().decode().strip()


def test_children_answer_on_their_own_pipes(nursery: Nursery, tmp_path: Path) -> None:
    """Each child has its own standard input and output, and its log gets its standard error."""
    one, two = (nursery.start(name=name, log_path=tmp_path / f"{name}.log") for name in ("one", "two"))
    assert "first" == _ask(one, "say first")
    assert "second" == _ask(two, "say second")
    one.stdin.write(b"log for the record\n")
    one.stdin.write(b"end 0\n")
    assert one.wait(10) == 0
    assert "for the record" == one.log_tail()
    assert "" == two.log_tail()


def test_a_process_id_that_is_given_away_again(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new child has not ended with the old one's status, and the old one does not run again."""
    old = nursery.start(name="old", log_path=tmp_path / "old.log")
    old.stdin.write(b"end 3\n")
    assert 3 == old.wait(10)
    born = nursery._wait_for_pid
    monkeypatch.setattr(nursery, "_wait_for_pid", lambda: born() and old.pid)
    new = nursery.start(name="new", log_path=tmp_path / "new.log")
    assert (old.pid, None, 3) == (new.pid, new.poll(), old.poll())
    assert "there" == _ask(new, "say there")


def test_a_child_leads_a_session_of_its_own(nursery: Nursery, tmp_path: Path) -> None:
    """So that its whole group can be signalled."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log")
    pid, session, _ = (int(word) for word in _ask(child, "ids").split())
    assert (child.pid, child.pid) == (pid, session)


@pytest.mark.parametrize(
    ("order", "status", "logged"),
    [
        ("end 0", 0, ""),
        ("end 3", 3, ""),
        ("die", -signal.SIGKILL, ""),
        ("fail with this", 1, "ValueError: with this"),
        ("refuse to work", 1, "to work"),
    ],
)
def test_exit_statuses_are_those_of_a_program(
    nursery: Nursery, tmp_path: Path, order: str, status: int, logged: str
) -> None:
    """Ended in order, with a status, by SIGKILL, by an exception, by SystemExit with a message."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log")
    assert child.poll() is None
    child.stdin.write(order.encode() + b"\n")
    assert status == child.wait(10)
    assert child.log_tail(1) == logged


@pytest.mark.skipif(bool(NO_NETWORK), reason=f"no private network: {NO_NETWORK}")
def test_a_child_can_live_in_a_private_network(nursery: Nursery, tmp_path: Path) -> None:
    """It has that network's interfaces alone; its siblings, and the nursery, stay in ours."""
    space = PrivateSpace.open(Kind.NETWORK, name="private", log_path=tmp_path / "private.log")
    try:
        inside = nursery.start(name="inside", log_path=tmp_path / "inside.log", network=space.network)
        outside = nursery.start(name="outside", log_path=tmp_path / "outside.log")
        assert str(space.network.readlink()) == _ask(inside, "network")
        assert str(Path("/proc/self/ns/net").readlink()) == _ask(outside, "network")
    finally:
        space.close()


def test_a_child_that_cannot_join_says_why(nursery: Nursery, tmp_path: Path) -> None:
    """It does not work in another network than it was told to."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log", network=tmp_path / "none")
    assert child.wait(10) == 1
    assert "No such file" in child.log_tail(1)


def test_a_closed_pipe_is_seen_by_the_child(nursery: Nursery, tmp_path: Path) -> None:
    """Nobody else holds the writing end, other children included."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log")
    other = nursery.start(name="other", log_path=tmp_path / "other.log")
    child.stdin.close()
    assert child.wait(10) == 75
    assert other.poll() is None


def test_children_draw_different_numbers(nursery: Nursery, tmp_path: Path) -> None:
    """A client library's jitter must not be the same in every process."""
    children = [nursery.start(name=f"c{n}", log_path=tmp_path / f"c{n}.log") for n in range(3)]
    assert len({_ask(child, "draw") for child in children}) == 3


def test_signals_reach_a_child(nursery: Nursery, tmp_path: Path) -> None:
    """SIGKILL ends it, and a second one is harmless."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log")
    child.send(signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL
    child.kill()
    assert child.poll() == -signal.SIGKILL


def test_a_child_can_stand_still_and_go_on(nursery: Nursery, tmp_path: Path) -> None:
    """SIGSTOP is seen in the process table, SIGCONT by an answer."""
    child = nursery.start(name="child", log_path=tmp_path / "child.log")
    assert "there" == _ask(child, "say there")
    child.suspend()
    assert psutil.STATUS_STOPPED == psutil.Process(child.pid).status()
    assert child.poll() is None
    child.resume()
    assert "again" == _ask(child, "say again")


def test_closing_ends_every_child(nursery: Nursery, tmp_path: Path) -> None:
    """The kernel kills what is left when the nursery is killed."""
    children = [nursery.start(name=f"c{n}", log_path=tmp_path / f"c{n}.log") for n in range(3)]
    pids = [child.pid for child in children]
    nursery.close()
    _wait_gone(pids)
    assert [-signal.SIGKILL] * 3 == [child.poll() for child in children]
    with pytest.raises(EnvironmentUnavailable, match="late could not be started"):
        nursery.start(name="late", log_path=tmp_path / "late.log")


def test_children_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL of the process that ordered them ends the nursery and its children."""
    script = f"""
import sys, time
from pathlib import Path
from harness.stack.nursery import Nursery
nursery = Nursery("nursery_program", log_path=Path({str(tmp_path)!r}) / "nursery.log")
children = [nursery.start(name=f"c{{n}}", log_path=Path({str(tmp_path)!r}) / f"c{{n}}.log") for n in range(2)]
print(nursery._process.pid, *(child.pid for child in children), flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=_with_helpers()) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert 3 == len(pids)
        parent.kill()
    _wait_gone(pids)


def test_a_module_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    """The nursery's last words are in the message."""
    with (
        Nursery("no_such_module", log_path=tmp_path / "nursery.log") as nursery,
        pytest.raises(EnvironmentUnavailable, match="no_such_module"),
    ):
        nursery.start(name="child", log_path=tmp_path / "child.log")


def _wait_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if _runs(pid)]}"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
