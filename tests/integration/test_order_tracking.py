"""The example that newcomers run first: it prints what it says, on either kind of server, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.model.values import StackChoice
from harness.model.words import Persistence
from harness.stack.connect import admin_client
from harness.stack.local import LocalStack, open_local
from harness.stack.preflight import ACL_RULE
from harness.stack.process import free_port

pytestmark = pytest.mark.servers
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scenarios" / "order_tracking.py"
SECRET = "s3cr3t"
WAITS = """
from harness import open_server, run_example
def main():
    with open_server() as server:
        server.client.xadd(server.prefix + "mine", {"field": "value"})
        print("up", flush=True)
        input()
run_example(main)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A server of somebody else, with a user who may do what the published rule says."""
    folder = tmp_path_factory.mktemp("server")
    with open_local(StackChoice(), persistence=Persistence.OFF, folder=folder) as stack:
        with admin_client(stack.server) as client:
            execute: Callable[..., object] = client.execute_command
            execute("ACL", "SETUSER", "guest", "reset", "on", f">{SECRET}", *ACL_RULE.split())
        yield stack


def surroundings(folder: Path, **more: str) -> dict[str, str]:
    """An environment without settings of the machine's, and with temporary files in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **more}


def run(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env=surroundings(folder, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def says_what_happened(output: str) -> bool:
    """The facts that the example shows, whatever the ids are."""
    facts = (
        "sent 9 events: 3 orders, each ORDER_CREATED -> PAYMENT_PROCESSED -> ORDER_SHIPPED",
        "worker-1 read 6 and acknowledged them",
        "worker-2 read 3 and stopped before XACK",
        "pending: 3",
        "worker-1 claimed 3 of worker-2 and acknowledged them; pending: 0",
        "length: 9   groups: 1",
        "history of ORD-1002, from the stream",
        "its beginning: ORD-1001 ORDER_SHIPPED, ORD-1002 ORDER_SHIPPED, ORD-1003 ORDER_SHIPPED",
        "on: 6 of 9 events",
        "a subscriber that was there from the start received 9",
        "a subscriber that came after the last event received 0",
    )
    return [] == [fact for fact in facts if fact not in output]


def test_on_a_server_of_its_own(tmp_path: Path) -> None:
    """The whole life of one order is printed in its order; no process and no file is left."""
    done = run(tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert says_what_happened(done.stdout)
    history = done.stdout.split("history of ORD-1002")[1].split("replay of the stream")[0].split()
    assert ["ORDER_CREATED", "PAYMENT_PROCESSED", "ORDER_SHIPPED"] == [w for w in history if w.isupper()]
    assert [] == list(tmp_path.iterdir())
    assert [] == [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]


def test_as_a_guest(tmp_path: Path, server: LocalStack) -> None:
    """The published rule suffices; what was there stays, and nothing of ours does."""
    with admin_client(server.server) as client:
        client.set("theirs", "1")
        done = run(tmp_path, REDIS_URL=f"redis://guest:{SECRET}@127.0.0.1:{server.server.port}")
        assert (0, "") == (done.returncode, done.stderr)
        assert says_what_happened(done.stdout)
        assert "given by REDIS_URL" in done.stdout
        assert SECRET not in done.stdout
        assert ["theirs"] == client.keys("*")


def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    """Exit code 4, the address, a fix, no traceback."""
    port = free_port()
    done = run(tmp_path, REDIS_URL=f"redis://guest:{SECRET}@127.0.0.1:{port}")
    assert 4 == done.returncode
    assert f"127.0.0.1:{port} is not to be reached" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_an_example_that_is_stopped_still_removes_its_keys(
    tmp_path: Path, server: LocalStack, how: signal.Signals
) -> None:
    """Ended by a signal while it waits: exit code 130, and the guest's keys are gone."""
    url = f"redis://guest:{SECRET}@127.0.0.1:{server.server.port}"
    with (
        admin_client(server.server) as client,
        subprocess.Popen(
            [sys.executable, "-c", WAITS],
            env=surroundings(tmp_path, REDIS_URL=url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert "up\n" == process.stdout.readline()
        assert [key for key in client.keys("pvs:*") if key.endswith(":mine")]
        process.send_signal(how)
        assert 130 == process.wait(30)
        assert [] == client.keys("pvs:*")
