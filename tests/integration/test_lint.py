"""``harness lint`` as its users run it: on servers that are healthy, sick, shy or none, and on the reference run."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from harness.lint.facts import Limits
from harness.lint.finding import Point, Result
from harness.lint.live import judge_live
from harness.lint.reading import read_facts
from harness.lint.walking import MAX_STREAMS
from harness.model.values import StackChoice
from harness.model.words import Persistence
from harness.stack.connect import admin_client
from harness.stack.local import LocalStack, open_local
from harness.stack.process import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cr3t"
READING = {
    "info", "config|get", "scan", "xinfo|stream", "xinfo|groups", "xinfo|consumers", "xpending", "xrevrange",
    "memory|usage",
}  # fmt: skip
CONNECTING = {"auth", "hello", "select", "client|setinfo"}
VOUCHED = ("--skip", "dead-letter", "--skip", "idempotent-effects")


@dataclass(frozen=True)
class Linted:
    """What one run of the command came to."""

    code: int
    out: str
    err: str

    def results(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Result and evidence by point and place, from the JSON."""
        rows: list[dict[str, Any]] = json.loads(self.out)["findings"]
        return {(row["point"], row["where"]): (row["result"], row["evidence"]) for row in rows}


def lint(*arguments: str, url: str | None = None) -> Linted:
    """``harness lint`` in a process of its own; no traceback and no password, whatever happens."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REDIS_")}
    environment |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"} | ({"REDIS_URL": url} if url else {})
    done = subprocess.run(
        [sys.executable, "-m", "harness", "lint", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    return Linted(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalStack]:
    """An empty server of our own, with the append-only file on."""
    with open_local(StackChoice(), persistence=Persistence.AOF_EVERYSEC, folder=tmp_path) as stack:
        yield stack


@pytest.fixture
def client(server: LocalStack) -> Iterator[redis.Redis]:
    with admin_client(server.server) as opened:
        yield opened


def url(server: LocalStack, who: str = "") -> str:
    return f"redis://{who}127.0.0.1:{server.server.port}"


def make_healthy(client: redis.Redis, key: str = "orders") -> None:
    """A group from 0 whose one consumer acknowledges what it reads; a MAXLEN far above what an outage needs."""
    client.xgroup_create(key, "billing", "0", mkstream=True)
    for number in range(40):
        client.xadd(key, {"n": number}, maxlen=20, approximate=False)
        reply: Any = client.xreadgroup("billing", "worker", {key: ">"})
        client.xack(key, "billing", *[entry for entry, _ in reply[0][1]])


@pytest.mark.servers
def test_a_healthy_server_ends_with_0_once_what_cannot_be_seen_is_vouched_for(
    server: LocalStack, client: redis.Redis
) -> None:
    """Nothing fails; without --skip the two points that no server shows make it 3, and group-start stays unknown.

    The outage that is asked for is short because this stream grows by thousands a second.
    """
    make_healthy(client)
    client.config_set("maxmemory", "100mb")
    linted = lint("--json", "--max-outage", "0.000001", url=url(server))
    results = linted.results()
    name = json.loads(linted.out)["checked"]
    assert 3 == linted.code
    assert ("holds", "appendonly yes, appendfsync everysec") == _short(results["persistence", name])
    assert "holds" == results["acknowledgement", "orders / billing"][0]
    assert "holds" == results["pending", "orders / billing"][0]
    assert "holds" == results["consumers", "orders / billing"][0]
    assert "holds" == results["retention", "orders"][0]
    assert "holds" == results["memory", "orders"][0]
    assert "does not apply" == results["replication", name][0]
    assert "does not apply" == results["output-buffer", name][0]
    unknown = {point for (point, _), (result, _) in results.items() if result == "unknown"}
    assert {"group-start", "dead-letter", "idempotent-effects"} == unknown
    vouched = lint(*VOUCHED, "--skip", "group-start", "--max-outage", "0.000001", url=url(server))
    assert 0 == vouched.code
    assert "you vouch for it" in vouched.out


def _short(answer: tuple[str, str]) -> tuple[str, str]:
    return answer[0], answer[1].split(":")[0]


@pytest.mark.servers
def test_only_commands_that_read_are_sent(server: LocalStack, client: redis.Redis) -> None:
    """The server's own counts of commands before and after; and not one key was changed."""
    make_healthy(client)
    client.xreadgroup("billing", "gone", {"orders": ">"})
    client.xadd("orders", {"n": 1})
    client.xreadgroup("billing", "gone", {"orders": ">"})
    client.set("theirs", "1")
    before, changes = _calls(client), client.info("persistence")["rdb_changes_since_last_save"]
    assert lint(url=url(server)).code in {1, 3}
    sent = {name for name, calls in _calls(client).items() if calls > before.get(name, 0)} - {"info"}
    assert READING - {"info"} <= sent
    assert set() == sent - READING - CONNECTING
    assert changes == client.info("persistence")["rdb_changes_since_last_save"]


def _calls(client: redis.Redis) -> dict[str, int]:
    counts: dict[str, Any] = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in counts.items()}


@pytest.mark.servers
def test_a_sick_server_fails_point_by_point(tmp_path: Path) -> None:
    """Nothing persistent, eviction of streams, NOACK, trimmed unread and while pending, no limit for subscribers."""
    with (
        open_local(StackChoice(), persistence=Persistence.OFF, folder=tmp_path) as server,
        admin_client(server.server) as client,
    ):
        for setting, value in {
            "maxmemory": "100mb",
            "maxmemory-policy": "allkeys-lru",
            "client-output-buffer-limit": "pubsub 0 0 0",
        }.items():
            client.config_set(setting, value)
        client.publish("news", "hello")
        wait_until(lambda: _uptime(client) >= 1, deadline_s=10, what="the server is a second old")
        for number in range(30):
            client.xadd("events", {"n": number}, maxlen=5, approximate=False)
        client.xgroup_create("events", "fast", "0")
        client.xreadgroup("fast", "worker", {"events": ">"}, noack=True)
        client.xgroup_create("events", "slow", "0")
        client.xreadgroup("slow", "worker", {"events": ">"}, count=2)
        for number in range(30):
            client.xadd("events", {"n": number}, maxlen=5, approximate=False)
        linted = lint("--json", url=url(server))
        results = linted.results()
    name = json.loads(linted.out)["checked"]
    assert 1 == linted.code
    assert "a restart of the server loses every stream" in results["persistence", name][1]
    assert ("fails", True) == (
        results["acknowledgement", "events / fast"][0],
        "not one XACK in 2 XREADGROUPs: NOACK (a heuristic" in results["acknowledgement", "events / fast"][1],
    )
    assert ("fails", "fails") == (results["retention", "events"][0], results["memory", "events"][0])
    assert "before fast had read them" in results["retention", "events"][1]
    assert "allkeys-lru" in results["memory", "events"][1]
    assert "no limit for pubsub clients" in results["output-buffer", name][1]


def _uptime(client: redis.Redis) -> int:
    return int(client.info("server")["uptime_in_seconds"])


@pytest.mark.servers
def test_a_group_that_waits_at_the_end_is_not_taken_for_noack(server: LocalStack, client: redis.Redis) -> None:
    """Created at $, it stands at a fresh id and its consumer polls in vain: where it began is unknown, no more."""
    wait_until(lambda: _uptime(client) >= 1, deadline_s=10, what="the server is a second old")
    client.xadd("orders", {"n": 1})
    client.xgroup_create("orders", "billing", "$")
    client.xreadgroup("billing", "worker", {"orders": ">"})
    results = lint("--json", url=url(server)).results()
    assert "unknown" == results["acknowledgement", "orders / billing"][0]
    assert "unknown" == results["group-start", "orders / billing"][0]
    client.xgroup_delconsumer("orders", "billing", "worker")
    assert "created at $ or at an id" in lint("--json", url=url(server)).results()["group-start", "orders / billing"][1]


@pytest.mark.servers
def test_what_is_left_pending_fails_once_it_is_old(server: LocalStack, client: redis.Redis) -> None:
    """With a limit of one millisecond: the entry, and the consumer who left it."""
    client.xadd("orders", {"n": 1})
    client.xgroup_create("orders", "billing", "0")
    client.xreadgroup("billing", "worker", {"orders": ">"})
    limits = Limits(idle_ms=1)
    wait_until(
        lambda: client.xinfo_consumers("orders", "billing")[0]["idle"] > 10, deadline_s=5, what="the worker is idle"
    )
    findings = judge_live(read_facts(server.server, pattern="orders", limits=limits), limits)
    found = {finding.point: finding for finding in findings}
    assert (Result.FAILS, Result.FAILS) == (found[Point.PENDING].result, found[Point.CONSUMERS].result)
    assert "nobody returns to them" in found[Point.PENDING].evidence
    assert "worker alone 1" in found[Point.CONSUMERS].evidence
    asked = lint("--json", "--max-idle", "0.001", url=url(server)).results()
    assert ("fails", "fails") == tuple(asked[point, "orders / billing"][0] for point in ("pending", "consumers"))
    assert Result.HOLDS is found[Point.GROUP_START].result


@pytest.mark.servers
@pytest.mark.parametrize(
    ("rights", "unknown"),
    [
        ("~* +info +scan +xinfo +xpending +xrevrange +memory|usage", "no permission for CONFIG"),
        ("~* +config|get +scan +xinfo +xpending +xrevrange", "no permission for INFO"),
        ("~* +info +config|get +scan +xinfo", "no permission for XPENDING"),
        ("~* +info +config|get +scan", "no permission for XINFO STREAM"),
        ("~other:* +info +config|get +scan +xinfo +xpending", "no permission for XINFO STREAM"),
        ("~* +info +config|get +xinfo", "no permission for SCAN"),
        ("", "no permission for INFO"),
    ],
)
def test_a_user_with_few_rights_is_told_what_cannot_be_known(
    server: LocalStack, client: redis.Redis, rights: str, unknown: str
) -> None:
    """Unknown with the command that is forbidden; never a guess, an error, or a green result."""
    make_healthy(client)
    client.xadd("orders", {"n": 1})
    client.xreadgroup("billing", "worker", {"orders": ">"})
    client.publish("news", "hello")
    execute: Callable[..., object] = client.execute_command
    execute("ACL", "SETUSER", "guest", "reset", "on", f">{SECRET}", *rights.split())
    linted = lint("--json", url=url(server, f"guest:{SECRET}@"))
    evidence = [text for result, text in linted.results().values() if result == "unknown"]
    assert [text for text in evidence if unknown in text]
    assert 0 != linted.code
    assert "" == linted.err


@pytest.mark.servers
def test_a_server_without_streams_holds_nothing(server: LocalStack) -> None:
    """Nothing was judged, so nothing is green."""
    linted = lint(*VOUCHED, "--json", url=url(server))
    assert 3 == linted.code
    assert ("unknown", "no such stream: nothing to judge") == linted.results()["retention", "streams *"]


@pytest.mark.servers
def test_a_stream_is_chosen_by_name_or_pattern(server: LocalStack, client: redis.Redis) -> None:
    """A name needs no SCAN; a name that is none, and a key of another type, are said to be so."""
    make_healthy(client)
    make_healthy(client, "other")
    client.set("text", "1")
    assert {"orders"} == _streams(lint("--json", "--stream", "orders", url=url(server)))
    assert {"other"} == _streams(lint("--json", "--stream", "o?her", url=url(server)))
    for name, reason in (("nowhere", "no such stream"), ("text", "it is no stream")):
        linted = lint("--json", "--stream", name, url=url(server))
        assert ("unknown", reason) == linted.results()["retention", name]
        assert 3 == linted.code


def _streams(linted: Linted) -> set[str]:
    return {where for point, where in linted.results() if point == "retention"}


@pytest.mark.servers
def test_names_and_contents_of_others_do_not_matter(server: LocalStack, client: redis.Redis) -> None:
    """Bytes that are no text, markup, control characters: shown harmlessly."""
    execute: Callable[..., object] = client.execute_command
    execute("XADD", b"\xff\xfe[red]\x1b[31m", "*", b"\x00\xff", b"\xfe\xfd")
    execute("XGROUP", "CREATE", b"\xff\xfe[red]\x1b[31m", b"\xffgroup", "0")
    linted = lint(url=url(server))
    assert 3 == linted.code
    assert r"\xff\xfe[red]\x1b[31m" in linted.out
    assert "\x1b" not in linted.out


@pytest.mark.servers
def test_too_many_streams_are_not_passed_over_in_silence(server: LocalStack, client: redis.Redis) -> None:
    """The bound is said."""
    for number in range(MAX_STREAMS + 1):
        client.xadd(f"s:{number}", {"n": 1})
    linted = lint("--json", url=url(server))
    assert ("unknown", f"only {MAX_STREAMS} streams were looked at") == linted.results()["retention", "streams *"]
    assert MAX_STREAMS + 1 == len(_streams(linted))


@pytest.mark.servers
def test_a_replica_shows_who_must_be_asked(server: LocalStack, tmp_path: Path) -> None:
    """The primary fails without min-replicas-to-write and holds with it; the replica refers to its primary."""
    folder = tmp_path / "replica"
    with (
        open_local(StackChoice(), persistence=Persistence.OFF, folder=folder) as replica,
        admin_client(server.server) as client,
        admin_client(replica.server) as second,
    ):
        client.config_set("repl-diskless-sync-delay", "0")
        execute: Callable[..., object] = second.execute_command
        execute("REPLICAOF", "127.0.0.1", str(server.server.port))
        wait_until(
            lambda: second.info("replication")["master_link_status"] == "up", deadline_s=30, what="it replicates"
        )
        assert "fails" == _replication(lint("--json", url=url(server)))
        client.config_set("min-replicas-to-write", "1")
        assert "holds" == _replication(lint("--json", url=url(server)))
        assert "unknown" == _replication(lint("--json", url=url(replica)))


def _replication(linted: Linted) -> str:
    (found,) = [result for (point, _), (result, _) in linted.results().items() if point == "replication"]
    return found


@pytest.mark.servers
def test_a_refused_login_is_one_clear_error(server: LocalStack, client: redis.Redis) -> None:
    """A wrong password and a missing one: exit code 4, the user named, the password not."""
    execute: Callable[..., object] = client.execute_command
    execute("ACL", "SETUSER", "guest", "reset", "on", f">{SECRET}", "~*", "+@all")
    wrong = lint(url=url(server, f"guest:{SECRET}x@"))
    assert (4, True) == (wrong.code, "does not accept the password of user guest" in wrong.err)
    client.config_set("requirepass", SECRET)
    missing = lint(url=url(server))
    assert (4, True) == (missing.code, "asks for a password" in missing.err)
    assert "fix:" in missing.err


def test_nobody_there_is_one_clear_error() -> None:
    """Exit code 4, and the address."""
    port = free_port()
    linted = lint(url=f"redis://guest:{SECRET}@127.0.0.1:{port}")
    assert (4, True) == (linted.code, f"127.0.0.1:{port} is not to be reached" in linted.err)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x46", b""])
def test_what_is_no_redis_is_one_clear_error(answer: bytes) -> None:
    """Something else answers, or hangs up."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        linted = lint(url=f"redis://127.0.0.1:{listener.server_address[1]}")
        listener.shutdown()
    assert 4 == linted.code, linted.err
    assert "fix:" in linted.err


@pytest.mark.parametrize(
    ("arguments", "server_url", "said"),
    [
        ((), None, "REDIS_URL is not set"),
        ((), f"http://guest:{SECRET}@host", "not an address that can be used"),
        (("--max-outage", "-1"), "redis://127.0.0.1:1", "--max-outage -1"),
        (("--max-outage", "nan"), "redis://127.0.0.1:1", "--max-outage nan"),
        (("--max-idle", "0"), "redis://127.0.0.1:1", "--max-idle 0"),
        (("--skip", "dead-leter"), "redis://127.0.0.1:1", 'did you mean "dead-letter"'),
        (("--stream", ""), "redis://127.0.0.1:1", "--stream is empty"),
        (("nowhere",), None, "nowhere: not a run"),
        (("results/reference", "--stream", "x"), None, "--stream is for a live server"),
    ],
)
def test_bad_input_is_a_usage_error(arguments: tuple[str, ...], server_url: str | None, said: str) -> None:
    """Exit code 2, the value, the fix."""
    linted = lint(*arguments, url=server_url)
    assert (2, True) == (linted.code, said in linted.err), linted.err
    assert "fix:" in linted.err


def test_the_reference_run_is_linted_arm_by_arm() -> None:
    """Its settings and its counts: Streams acknowledge after the effect, but nothing is persistent or deduplicated."""
    linted = lint("results/reference", "--json")
    results = linted.results()
    assert 1 == linted.code
    assert "holds" == results["acknowledgement", "stream-group"][0]
    assert ("fails", True) == (
        results["acknowledgement", "pubsub"][0],
        "1,802 in 9 trials" in results["acknowledgement", "pubsub"][1],
    )
    assert "holds" == results["group-start", "stream-queue"][0]
    assert "fails" == results["idempotent-effects", "stream-group"][0]
    assert "fails" == results["persistence", "valkey 9.1.2"][0]
    assert [] == [place for place, (result, _) in results.items() if result == "unknown"]


def test_a_damaged_run_is_one_clear_error(tmp_path: Path) -> None:
    """The file is named."""
    folder = tmp_path / "trials" / "x-1"
    folder.mkdir(parents=True)
    (folder / "trial.json").write_text('{"run_id": 5', encoding="utf-8")
    linted = lint(str(tmp_path))
    assert (2, True) == (linted.code, str(folder / "trial.json") in linted.err)
