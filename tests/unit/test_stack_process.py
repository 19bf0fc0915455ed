"""A managed process is watched while it lives and is gone when we are, however we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.model.errors import EnvironmentUnavailable
from harness.stack.process import ManagedProcess, free_port, wait_until

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(120)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(120)"
WITH_GRANDCHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(120)"])
print(child.pid, flush=True)
time.sleep(120)
"""
HARNESS = """
import os, signal, sys, threading, time
from pathlib import Path
from harness.stack import parting
from harness.stack.process import ManagedProcess
parting.kernel_tells_children = parting.kernel_tells_children and sys.argv[1] == "kernel"
log = Path(sys.argv[3]) / "child.log"
children = []
def start():
    for name in ("server", "proxy"):
        children.append(ManagedProcess.start(
            [sys.executable, "-I", "-S", "-c", "import time; time.sleep(120)"], name=name, log_path=log))
thread = threading.Thread(target=start)
thread.start()
thread.join()
print(*(child.pid for child in children), flush=True)
if sys.argv[2] == "exception":
    raise RuntimeError("on purpose")
if sys.argv[2] != "exit":
    time.sleep(120)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, deadline_s=10, what=what)


@pytest.mark.parametrize("guard", ["kernel", "watchdog"])
@pytest.mark.parametrize(
    ("end", "signal_number"),
    [
        ("exit", None),
        ("exception", None),
        ("killed", signal.SIGKILL),
        ("terminated", signal.SIGTERM),
        ("interrupted", signal.SIGINT),
    ],
)
def test_nothing_outlives_a_harness_that_ends(
    tmp_path: Path, guard: str, end: str, signal_number: signal.Signals | None
) -> None:
    """Children started from a thread that has ended live on, and die with the process, whatever ends it."""
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, guard, end, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert harness.stdout is not None
    with harness:
        children = [int(word) for word in harness.stdout.readline().split()]
        assert 2 == len(children)
        if signal_number is not None:
            assert [False, False] == [is_gone(pid) for pid in children]
            harness.send_signal(signal_number)
        harness.wait(20)
    eventually(lambda: all(is_gone(pid) for pid in children), "both children are gone")


def test_an_orphan_does_not_begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A child whose parent died before the kernel was asked ends instead of running for ever."""
    if sys.platform != "linux":
        pytest.skip("the kernel's parent-death signal exists on Linux only")
    monkeypatch.setattr("harness.stack.process.parting_hook", _hook_of_a_dead_parent)
    process = ManagedProcess.start(SLEEPER, name="orphan", log_path=tmp_path / "log")
    assert 113 == process.wait(10)


def _hook_of_a_dead_parent() -> Callable[[], None]:
    from harness.stack.parting import _kernel_hook

    return _kernel_hook(parent=2**22 - 1)


def test_stop_ends_a_process_that_listens_to_sigterm(tmp_path: Path) -> None:
    """SIGTERM is enough, and the status says so; stopping again changes nothing."""
    process = ManagedProcess.start(SLEEPER, name="sleeper", log_path=tmp_path / "log")
    assert process.poll() is None
    process.stop()
    process.stop()
    assert -signal.SIGTERM == process.poll()
    assert is_gone(process.pid)


def test_stop_kills_what_ignores_sigterm(tmp_path: Path) -> None:
    """After the grace comes SIGKILL."""
    process = ManagedProcess.start(python(DEAF), name="deaf", log_path=tmp_path / "log")
    wait_until(lambda: "deaf" in process.log_tail(), deadline_s=10, what="it ignores SIGTERM", process=process)
    process.stop(grace_s=0.05)
    assert -signal.SIGKILL == process.poll()


@pytest.mark.parametrize("end", ["stop", "kill", "by itself"])
def test_the_whole_group_ends(tmp_path: Path, end: str) -> None:
    """What the process started itself does not stay behind, also when the process ended without us."""
    process = ManagedProcess.start(python(WITH_GRANDCHILD), name="parent", log_path=tmp_path / "log")
    wait_until(lambda: process.log_tail() != "", deadline_s=10, what="the grandchild runs", process=process)
    grandchild = int(process.log_tail())
    assert not is_gone(grandchild)
    match end:
        case "stop":
            process.stop()
        case "kill":
            process.kill()
        case _:
            os.kill(process.pid, signal.SIGKILL)
            eventually(lambda: process.poll() is not None, "the process has ended")
    eventually(lambda: is_gone(grandchild), "the grandchild is gone")


def test_suspend_has_stopped_it_on_return_and_resume_continues(tmp_path: Path) -> None:
    """A suspended process does nothing until it is resumed."""
    process = ManagedProcess.start(python("import sys; sys.stdout.write(sys.stdin.readline())"), **_pipes(tmp_path))
    with process:
        process.suspend()
        assert psutil.STATUS_STOPPED == psutil.Process(process.pid).status()
        process.stdin.write(b"hello\n")
        assert process.poll() is None
        process.resume()
        assert b"hello\n" == process.stdout.readline()
        assert 0 == process.wait(10)


def test_a_process_that_has_ended_is_sent_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may belong to a stranger by now."""
    process = ManagedProcess.start(python("pass"), name="short", log_path=tmp_path / "log")
    assert 0 == process.wait(10)
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda _group, number: sent.append(number))
    process.suspend()
    process.resume()
    process.kill()
    assert [] == sent


def test_a_suspended_process_can_be_stopped(tmp_path: Path) -> None:
    """A hold by SIGSTOP that was never healed does not delay the end."""
    process = ManagedProcess.start(SLEEPER, name="sleeper", log_path=tmp_path / "log")
    process.suspend()
    process.stop()
    assert -signal.SIGTERM == process.poll()


def _pipes(folder: Path) -> dict[str, object]:
    return {"name": "echo", "log_path": folder / "log", "stdin_pipe": True, "stdout_pipe": True}


def test_output_goes_to_the_log_and_its_tail_is_bounded(tmp_path: Path) -> None:
    """Both streams are appended to one file; the tail holds the last lines only."""
    log = tmp_path / "new" / "folder" / "log"
    code = "import sys\nfor n in range(30): print('line', n, flush=True)\nprint('wrong', file=sys.stderr)"
    process = ManagedProcess.start(python(code), name="talker", log_path=log)
    assert 0 == process.wait(10)
    assert "line 29\nwrong" == process.log_tail(lines=2)
    assert 20 == len(process.log_tail().splitlines())


def test_the_environment_is_added_to_ours(tmp_path: Path) -> None:
    """A variable given for one process does not hide the others."""
    code = "import os; print(os.environ['GIVEN'], 'PATH' in os.environ, os.getcwd())"
    process = ManagedProcess.start(
        python(code), name="reader", log_path=tmp_path / "log", env={"GIVEN": "yes"}, cwd=tmp_path
    )
    assert 0 == process.wait(10)
    assert f"yes True {tmp_path}" == process.log_tail()


@pytest.mark.parametrize("program", ["/nowhere/redis-server", "/etc/hostname"])
def test_what_cannot_be_executed_is_one_clear_error(tmp_path: Path, program: str) -> None:
    """The error names the program and the fix."""
    with pytest.raises(EnvironmentUnavailable, match=program) as caught:
        ManagedProcess.start([program], name="server", log_path=tmp_path / "log")
    assert caught.value.fix


def test_waiting_for_a_process_that_ended_says_so_with_its_log(tmp_path: Path) -> None:
    """No waiting for the deadline when the process is dead, and the reason is quoted."""
    code = "import sys; sys.exit('port 1 is not for you')"
    process = ManagedProcess.start(python(code), name="server", log_path=tmp_path / "log")
    with pytest.raises(EnvironmentUnavailable) as caught:
        wait_until(lambda: False, deadline_s=60, what="it answers", process=process)
    assert "server ended with exit status 1" in str(caught.value)
    assert "port 1 is not for you" in str(caught.value)


def test_waiting_ends_at_the_deadline() -> None:
    """A condition that never holds is an error that names it, not a hang."""
    begun = time.monotonic()
    with pytest.raises(EnvironmentUnavailable, match=r"waited 0\.05 s in vain for: pigs fly"):
        wait_until(lambda: False, deadline_s=0.05, what="pigs fly")
    assert time.monotonic() - begun < 30


def test_starting_from_many_threads_gives_each_its_own(tmp_path: Path) -> None:
    """The one spawner serves callers side by side."""
    started: list[ManagedProcess] = []
    threads = [
        threading.Thread(
            target=lambda n=n: started.append(ManagedProcess.start(SLEEPER, name=f"s{n}", log_path=tmp_path / f"{n}"))
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 4 == len({process.pid for process in started})
    for process in started:
        process.kill()
    assert [-signal.SIGKILL] * 4 == [process.poll() for process in started]


def test_a_free_port_can_be_bound() -> None:
    """The number that is handed out is free on loopback."""
    import socket

    port = free_port()
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
