"""The external stack: a guest who is let in, a guest who is not, and what a guest leaves behind."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from harness.model.errors import EnvironmentUnavailable, HarnessError, UsageError
from harness.model.values import StackChoice
from harness.model.words import CLIENT_LINKS, LinkRole, Persistence, StackKind
from harness.stack.connect import admin_client, open_client
from harness.stack.external import ExternalStack, open_external
from harness.stack.keys import remove_keys
from harness.stack.local import LocalStack, open_local
from harness.stack.preflight import ACL_RULE
from harness.stack.process import ManagedProcess, free_port, wait_until

pytestmark = pytest.mark.servers
SECRET = "s3cr3t"
NAME_IN_CERTIFICATE = "redis.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A server with users: one who may do what a trial does, and one per thing that is missing."""
    folder = tmp_path_factory.mktemp("server")
    with (
        open_local(StackChoice(), persistence=Persistence.OFF, folder=folder) as stack,
        admin_client(stack.server) as client,
    ):
        define_users(client)
        yield stack


def define_users(client: redis.Redis) -> None:
    rule = ACL_RULE.split()
    without_asking = [word for word in rule if word not in {"+info", "+config|get"}]
    execute: Callable[..., object] = client.execute_command
    for name, words in {
        "guest": rule,
        "shy": without_asking,
        "no-group": [word for word in rule if word != "+xreadgroup"],
        "no-removal": [word for word in rule if word != "+unlink"],
        "no-keys": [word for word in rule if word != "~pvs:*"],
        "no-channels": [word for word in rule if word != "&pvs:*"],
    }.items():
        execute("ACL", "SETUSER", name, "reset", "on", f">{SECRET}", *words)


def url(server: LocalStack, who: str = "", *, scheme: str = "redis", database: str = "") -> dict[str, str]:
    return {"REDIS_URL": f"{scheme}://{who}127.0.0.1:{server.server.port}{database}"}


def opened(environment: dict[str, str], roles: tuple[LinkRole, ...] = ()) -> ExternalStack:
    return open_external(roles=roles, environment=environment)


def refusal(environment: dict[str, str]) -> HarnessError:
    """The error of an attempt to open; it has a fix and shows no credential."""
    with pytest.raises(HarnessError) as caught:
        opened(environment)
    assert caught.value.fix
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_guest_may_do_nothing_but_use_the_server(server: LocalStack) -> None:
    """No capability at all; product and settings are read where that is permitted."""
    with opened(url(server, f"guest:{SECRET}@")) as stack:
        assert StackKind.EXTERNAL is stack.kind
        assert frozenset() == stack.capabilities
        assert server.product == stack.product
        assert server.settings == stack.settings
        assert server.upstream == stack.upstream


def test_a_guest_who_may_not_ask_is_told_so_and_works_all_the_same(server: LocalStack) -> None:
    """What could not be read is not guessed."""
    with opened(url(server, f"shy:{SECRET}@")) as stack:
        assert {"CONFIG GET": "not permitted"} == stack.settings
        assert "not permitted" in stack.product


def test_opening_leaves_nothing_behind(server: LocalStack) -> None:
    """No key, no user, no changed setting; what was there stays."""
    with admin_client(server.server) as client:
        client.set("theirs", "1")
        before = (client.dbsize(), client.acl_list(), client.config_get("*"))
        opened(url(server, f"guest:{SECRET}@")).close()
        assert before == (client.dbsize(), client.acl_list(), client.config_get("*"))
        client.delete("theirs")


def test_a_guest_can_remove_the_keys_of_a_trial(server: LocalStack) -> None:
    """The published rule suffices for the clean-up too."""
    with opened(url(server, f"guest:{SECRET}@")) as stack, admin_client(stack.server) as client:
        client.xadd("pvs:12345678:0:orders", {"field": "value"})
        assert 1 == remove_keys(stack.server, "pvs:12345678:")


@pytest.mark.parametrize(
    ("user", "named"),
    [("no-group", "XREADGROUP"), ("no-removal", "UNLINK"), ("no-keys", "XADD|UNLINK"), ("no-channels", "PUBLISH")],
)
def test_a_forbidden_command_is_named_with_the_rule_that_allows_it(server: LocalStack, user: str, named: str) -> None:
    """The fix is the command that the server's owner has to run; no key was left behind."""
    error = refusal(url(server, f"{user}:{SECRET}@"))
    assert isinstance(error, EnvironmentUnavailable)
    assert any(f"needs, {command}" in error.message for command in named.split("|"))
    assert f"ACL SETUSER {user} {ACL_RULE}" in error.fix
    with admin_client(server.server) as client:
        left = client.keys("pvs:*")
        client.flushall()
    assert [] == left


@pytest.mark.parametrize("who", [f"guest:{SECRET}x@", f"stranger:{SECRET}@", f"guest:{SECRET[:-1]}@"])
def test_a_wrong_password_is_named_but_not_shown(server: LocalStack, who: str) -> None:
    """The user's name is in the error, the password is not."""
    error = refusal(url(server, who))
    assert "does not accept the password" in error.message
    assert who.split(":")[0] in error.message
    assert who.split(":")[1].rstrip("@") not in str(error)


def test_a_missing_password_is_asked_for(tmp_path: Path) -> None:
    """A server that wants a password, and a URL without one."""
    with open_local(StackChoice(), persistence=Persistence.OFF, folder=tmp_path) as server:
        with admin_client(server.server) as client:
            client.config_set("requirepass", SECRET)
        assert "asks for a password" in refusal(url(server)).message
        opened(url(server, f":{SECRET}@")).close()


def test_an_unreachable_address_is_named() -> None:
    """Nobody listens there."""
    port = free_port()
    error = refusal({"REDIS_URL": f"redis://u:{SECRET}@127.0.0.1:{port}"})
    assert f"127.0.0.1:{port} is not to be reached" in error.message


def test_a_database_that_does_not_exist_is_a_usage_error(server: LocalStack) -> None:
    """The number is at fault, not the server."""
    assert isinstance(refusal(url(server, database="/4711")), UsageError)


def test_what_is_no_redis_is_an_error_and_no_hang() -> None:
    """An HTTP server answers, but not in Redis's protocol."""
    with serving(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert refusal({"REDIS_URL": f"redis://127.0.0.1:{port}"})


def test_a_server_without_streams_is_refused(tmp_path: Path) -> None:
    """Found out by trying, since a guest may not be allowed to ask."""
    with open_local(StackChoice(), persistence=Persistence.OFF, folder=tmp_path) as server:
        process = restarted_with(server, "--rename-command", "XREADGROUP", "", folder=tmp_path)
        with process:
            wait_until(lambda: answers(server), deadline_s=10, what="it answers PING", process=process)
            assert "it has no XREADGROUP" in refusal(url(server)).message


def restarted_with(server: LocalStack, *arguments: str, folder: Path) -> ManagedProcess:
    from harness.stack.binaries import choose_program

    server.process.stop()
    command = [str(choose_program(None).path), "--port", str(server.server.port), "--save", "", *arguments]
    return ManagedProcess.start(command, name="server", log_path=folder / "crippled.log", cwd=folder)


def answers(server: LocalStack) -> bool:
    with contextlib.suppress(redis.RedisError), admin_client(server.server) as client:
        return bool(client.ping())
    return False


def test_a_replica_is_refused(tmp_path: Path, server: LocalStack) -> None:
    """It takes no writes: the address of its primary is asked for."""
    with open_local(StackChoice(), persistence=Persistence.OFF, folder=tmp_path) as replica:
        with admin_client(server.server) as client:
            client.config_set("repl-diskless-sync-delay", "0")
        with admin_client(replica.server) as client:
            execute: Callable[..., object] = client.execute_command
            execute("REPLICAOF", "127.0.0.1", str(server.server.port))
            wait_until(
                lambda: client.info("replication")["master_link_status"] == "up", deadline_s=30, what="it replicates"
            )
        assert "is a replica" in refusal(url(replica)).message


@dataclass(frozen=True)
class Certificates:
    """A certificate authority, and a certificate of it for `NAME_IN_CERTIFICATE`."""

    authority: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    openssl(folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    openssl(folder, "req", "-x509", *new_key, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "key.pem", "-out",
            "cert.pem", "-subj", "/CN=server", "-addext", f"subjectAltName=DNS:{NAME_IN_CERTIFICATE}",
            "-addext", "basicConstraints=critical,CA:FALSE")  # fmt: skip
    return Certificates(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.skip(f"this openssl does not make certificates: {done.stderr.decode()[-300:]}")


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server on loopback that runs ``handle`` once per connection; yields its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                handle(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield listener.server_address[1]
        listener.shutdown()


@contextlib.contextmanager
def speaking_tls(server: LocalStack, certificates: Certificates, *, ask_client: bool = False) -> Iterator[int]:
    """TLS in front of a server that has none of its own; with ``ask_client`` a client has to show a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.authority))
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.verify_mode = ssl.CERT_REQUIRED if ask_client else ssl.CERT_NONE

    def relay(connection: socket.socket) -> None:
        with (
            context.wrap_socket(connection, server_side=True) as encrypted,
            socket.create_connection((server.server.host, server.server.port)) as plain,
        ):
            back = threading.Thread(target=pump, args=(plain, encrypted), daemon=True)
            back.start()
            pump(encrypted, plain)
            back.join(5)

    with serving(relay) as port:
        yield port


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def tls_url(port: int, certificates: Certificates, **variables: str) -> dict[str, str]:
    return {
        "REDIS_URL": f"rediss://guest:{SECRET}@127.0.0.1:{port}",
        "REDIS_CA_FILE": str(certificates.authority),
        **variables,
    }


def test_tls_without_checking_the_certificate(server: LocalStack, certificates: Certificates) -> None:
    """An ACL user over TLS, where the user said not to look at the certificate."""
    with speaking_tls(server, certificates) as port:
        variables = {"REDIS_URL": f"rediss://guest:{SECRET}@127.0.0.1:{port}", "REDIS_TLS_VERIFY": "0"}
        with opened(variables) as stack:
            assert server.product == stack.product


def test_a_certificate_for_another_name_is_refused(server: LocalStack, certificates: Certificates) -> None:
    """The authority is right, the name is not."""
    with speaking_tls(server, certificates) as port:
        error = refusal(tls_url(port, certificates))
    assert "certificate" in error.message
    assert "REDIS_CA_FILE" in error.fix


def test_a_certificate_of_an_unknown_authority_is_refused(server: LocalStack, certificates: Certificates) -> None:
    """Without REDIS_CA_FILE the system's authorities decide."""
    with speaking_tls(server, certificates) as port:
        error = refusal({"REDIS_URL": f"rediss://127.0.0.1:{port}"})
    assert "certificate" in error.message


def test_through_a_link_the_servers_certificate_is_checked(server: LocalStack, certificates: Certificates) -> None:
    """A client reaches the server under the link's name and still knows whom it talks to; Pub/Sub too."""
    from harness.stack.base import ServerAddress, TlsSettings

    tls = TlsSettings(ca_file=str(certificates.authority))
    with speaking_tls(server, certificates) as port:
        address = ServerAddress(NAME_IN_CERTIFICATE, 6379, username="guest", password=SECRET, tls=tls)
        with open_client(address.through("127.0.0.1", port), decode_responses=True) as client:
            assert client.ping()
            open_subscriber: Callable[[], redis.client.PubSub] = client.pubsub
            with open_subscriber() as subscriber:
                subscriber.subscribe("pvs:12345678:x")
                confirmed = subscriber.get_message(timeout=5.0)
                assert confirmed is not None
                assert "subscribe" == confirmed["type"]
        impostor = ServerAddress("other.example", 6379, username="guest", password=SECRET, tls=tls)
        with (
            admin_client(impostor.through("127.0.0.1", port)) as client,
            pytest.raises(redis.ConnectionError, match=r"other\.example"),
        ):
            client.ping()


def test_our_own_certificate_is_shown_where_it_is_wanted(server: LocalStack, certificates: Certificates) -> None:
    """With it we are let in, without it the error says what is missing."""
    ours = {"REDIS_CERT_FILE": str(certificates.certificate), "REDIS_KEY_FILE": str(certificates.key)}
    with speaking_tls(server, certificates, ask_client=True) as port:
        opened(tls_url(port, certificates, REDIS_TLS_VERIFY="0", **ours)).close()
        assert "REDIS_CERT_FILE" in refusal(tls_url(port, certificates, REDIS_TLS_VERIFY="0")).fix


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_tls_on_one_side_only_is_explained(server: LocalStack, certificates: Certificates, scheme: str) -> None:
    """A plain client at a TLS port, and the other way round: the fix is the other scheme."""
    with speaking_tls(server, certificates) as port:
        plain_at_tls = {"REDIS_URL": f"redis://guest:{SECRET}@127.0.0.1:{port}"}
        tls_at_plain = url(server, f"guest:{SECRET}@", scheme="rediss")
        error = refusal(plain_at_tls if scheme == "redis" else tls_at_plain)
    assert ("rediss://" if scheme == "redis" else "redis://") in error.fix


@pytest.fixture(scope="module")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A proxy that somebody else runs, with a proxy of theirs on it; the URL of its control API."""
    from harness.faults.engine import acquire_engine

    engine = acquire_engine("auto", path=None, say=print)
    port = free_port()
    command = [*engine.command, "-host", "127.0.0.1", "-port", str(port)]
    log_path = tmp_path_factory.mktemp("proxy") / "proxy.log"
    with ManagedProcess.start(command, name="proxy", log_path=log_path, env={"LOG_LEVEL": "warn"}) as process:
        wait_until(lambda: connects(port), deadline_s=20, what="the proxy listens", process=process)
        theirs = {"name": "theirs", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": True}
        api(f"http://127.0.0.1:{port}", "/proxies", theirs)
        yield f"http://127.0.0.1:{port}"


def connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def api(base: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method="GET" if body is None else "POST")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as response:
        answer: dict[str, object] = json.load(response)
        return answer


def test_a_given_toxiproxy_has_a_proven_place_for_each_link(server: LocalStack, toxiproxy: str) -> None:
    """Two places, not ours to restart; what others have there stays, and nothing of ours does."""
    before = api(toxiproxy, "/proxies")
    roles = CLIENT_LINKS
    with opened({**url(server, f"guest:{SECRET}@"), "TOXIPROXY_URL": toxiproxy}, roles) as stack:
        places = [stack.provided_proxy(role) for role in roles]
        assert all(place is not None and place.respawn is None for place in places)
        assert len(roles) == len({place.listen for place in places if place is not None})
        assert {server.upstream} == {place.upstream for place in places if place is not None}
        assert before == api(toxiproxy, "/proxies")


def test_a_toxiproxy_that_is_not_there_is_named(server: LocalStack) -> None:
    """The error names the address and the variable."""
    port = free_port()
    with pytest.raises(EnvironmentUnavailable, match=f"127.0.0.1:{port}") as caught:
        opened({**url(server), "TOXIPROXY_URL": f"http://127.0.0.1:{port}"}, CLIENT_LINKS)
    assert "TOXIPROXY_URL" in caught.value.fix


def test_what_is_no_toxiproxy_is_named(server: LocalStack) -> None:
    """Redis answers there, but not HTTP."""
    with pytest.raises(EnvironmentUnavailable, match="Toxiproxy"):
        opened({**url(server), "TOXIPROXY_URL": f"http://{server.upstream}"}, CLIENT_LINKS)
