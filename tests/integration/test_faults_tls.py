"""The sentinel over TLS: links are reached under another name than the one in the server's certificate."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.faults.base import Engine, Link
from harness.faults.engine import acquire_engine
from harness.faults.links import start_link
from harness.faults.registry import fault_models, make_fault
from harness.faults.resp import take_command
from harness.faults.sentinel import Sentinel
from harness.model.errors import EnvironmentUnavailable
from harness.model.values import FaultPlan
from harness.model.words import FaultModel, LinkRole
from harness.stack.base import ServerAddress, TlsSettings

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for ``redis.example`` that nobody else trusts, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=redis.example", "-addext", "subjectAltName=DNS:redis.example"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def tls_port(certificate: tuple[Path, Path]) -> Iterator[int]:
    """A server that answers pings over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stopping.is_set():
                with contextlib.suppress(OSError):
                    client, _ = listener.accept()
                    threading.Thread(target=answer, args=(context, client), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stopping.set()
        thread.join(5)


def answer(context: ssl.SSLContext, client: socket.socket) -> None:
    client.settimeout(30)
    with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secure:
        data = b""
        while chunk := secure.recv(4096):
            data += chunk
            while (found := take_command(data)) is not None:
                token = found[0][1].encode()
                secure.sendall(b"$%d\r\n%s\r\n" % (len(token), token))
                data = data[found[1] :]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return acquire_engine("auto", path=None, say=print)


@pytest.fixture
def link(engine: Engine, tls_port: int, tmp_path: Path) -> Iterator[Link]:
    opened = start_link(engine, upstream=f"127.0.0.1:{tls_port}", role=LinkRole.CONSUMERS, folder=tmp_path)
    yield opened
    opened.close()


OUTAGE_S, DELAY_MS = 1.5, 500
"""Long beside what a busy machine makes pings wait by itself: a delay that does not stand out is not shown."""
PINGS_TELL = [model for model in fault_models() if model not in (FaultModel.REPLY_LOST, FaultModel.HALF_OPEN)]
"""A lost reply is, over TLS, a lost handshake: nothing is executed on a new connection."""


@pytest.mark.parametrize("model", PINGS_TELL)
def test_faults_are_proven_over_tls(
    link: Link, tls_port: int, certificate: tuple[Path, Path], model: FaultModel
) -> None:
    """TLS changes nothing about the evidence, and the name that is checked is the server's and not the link's."""
    tls = TlsSettings(ca_file=str(certificate[0]), server_name="redis.example")
    fault = make_fault(FaultPlan(model=model, link=LinkRole.CONSUMERS, delay_ms=DELAY_MS))
    with Sentinel(link, ServerAddress("127.0.0.1", tls_port, tls=tls), interval_ns=10_000_000) as sentinel:
        inject = fault.inject(link)
        time.sleep(OUTAGE_S)  # the outage itself: how long it lasts is part of the test
        heal = fault.heal(link)
        assert sentinel.wait_answered(heal.before_ns, deadline_s=30) is not None
        found = fault.evidence(sentinel.probes(), inject=inject, heal=heal)
    assert None not in (found.observed_from_ns, found.observed_to_ns), found.sentence


@pytest.mark.parametrize(
    ("trusted", "name"), [(False, "redis.example"), (True, "other.example")], ids=["unknown authority", "wrong name"]
)
def test_a_certificate_that_is_not_trusted_is_an_error(
    link: Link, tls_port: int, certificate: tuple[Path, Path], trusted: bool, name: str
) -> None:
    """The sentinel does not talk to a server that it can't trust, and says what to do."""
    tls = TlsSettings(ca_file=str(certificate[0]) if trusted else None, server_name=name)
    with pytest.raises(EnvironmentUnavailable, match="not trusted"):
        Sentinel(link, ServerAddress("127.0.0.1", tls_port, tls=tls)).start()


def test_tls_without_verification_works(link: Link, tls_port: int) -> None:
    """Asked not to verify, it does not."""
    with Sentinel(link, ServerAddress("127.0.0.1", tls_port, tls=TlsSettings(verify=False))) as sentinel:
        assert sentinel.probes()


def test_tls_files_that_are_not_there_are_an_error(link: Link, tls_port: int) -> None:
    """A path that does not exist is told before anything is connected."""
    tls = TlsSettings(ca_file="/nowhere/ca.pem")
    with pytest.raises(EnvironmentUnavailable, match="TLS files"):
        Sentinel(link, ServerAddress("127.0.0.1", tls_port, tls=tls))
