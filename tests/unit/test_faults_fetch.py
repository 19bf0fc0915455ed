"""Fetching Toxiproxy into a cache. Nothing here reaches the network: the opener and Go are replaced."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import tarfile
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from harness.faults import fetch


def archive(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def link_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        entry = tarfile.TarInfo("toxiproxy-server")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(entry)
    return buffer.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, data: bytes, *, trusted: bool = True) -> list[str]:
    """Make every download return ``data``; the addresses that were asked for."""
    asked: list[str] = []

    def opened(url: str) -> IO[bytes]:
        asked.append(url)
        return io.BytesIO(data)

    monkeypatch.setattr(fetch, "open_url", opened)
    monkeypatch.setattr(fetch, "platform_name", lambda: "linux_amd64")
    if trusted:
        monkeypatch.setattr(fetch, "_ARCHIVE_SHA256", {"linux_amd64": hashlib.sha256(data).hexdigest()})
    return asked


def test_download_puts_the_program_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of the archive becomes an executable file, and nothing else is left in the folder."""
    asked = serve(monkeypatch, archive(("README.md", b"x"), ("./toxiproxy-server", b"#!program")))
    fetch.download(tmp_path / "toxiproxy-server")
    assert [
        "https://github.com/Shopify/toxiproxy/releases/download/v2.12.0/toxiproxy_2.12.0_linux_amd64.tar.gz"
    ] == asked
    assert ["toxiproxy-server"] == [path.name for path in tmp_path.iterdir()]
    assert (b"#!program", 0o755) == (
        (tmp_path / "toxiproxy-server").read_bytes(),
        (tmp_path / "toxiproxy-server").stat().st_mode & 0o777,
    )


BAD_ARCHIVES = {
    "no archive": (b"<html>captive portal</html>", "damaged"),
    "cut short": (archive(("toxiproxy-server", bytes(range(256)) * 400))[:-300], "damaged"),
    "without the program": (archive(("toxiproxy-cli", b"x")), "holds no"),
    "a link in its place": (link_archive(), "holds no"),
}


@pytest.mark.parametrize(("data", "reason"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_an_archive_that_is_not_one_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str
) -> None:
    """A damaged or foreign archive is a reason in one line, and no file."""
    serve(monkeypatch, data)
    with pytest.raises(fetch.FetchError, match=reason):
        fetch.download(tmp_path / "toxiproxy-server")
    assert [] == list(tmp_path.iterdir())


def test_an_archive_with_another_checksum_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not the pinned archive is never used, however well it unpacks."""
    serve(monkeypatch, archive(("toxiproxy-server", b"#!evil")), trusted=False)
    with pytest.raises(fetch.FetchError, match="sha256"):
        fetch.download(tmp_path / "toxiproxy-server")
    assert [] == list(tmp_path.iterdir())


def test_a_download_that_hangs_ends_at_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server or a host that never answers costs the deadline and no more."""
    released = threading.Event()

    def hang(url: str) -> IO[bytes]:
        released.wait(30)
        raise OSError(url)

    monkeypatch.setattr(fetch, "open_url", hang)
    monkeypatch.setattr(fetch, "platform_name", lambda: "linux_amd64")
    monkeypatch.setattr(fetch, "DOWNLOAD_DEADLINE_S", 0.1)
    with pytest.raises(fetch.FetchError, match=r"within 0\.1 s"):
        fetch.download(tmp_path / "toxiproxy-server")
    released.set()


def test_a_platform_without_archive_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no release, nothing is asked of the network."""
    monkeypatch.setattr(fetch, "platform_name", lambda: "plan9_mips")
    with pytest.raises(fetch.FetchError, match="plan9_mips"):
        fetch.download(tmp_path / "toxiproxy-server")


def fake_go(folder: Path, script: str) -> str:
    go = folder / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    return str(go)


def test_build_takes_what_go_made(tmp_path: Path) -> None:
    """Go is asked for the pinned version, told to name it, and its program is moved into the cache."""
    go = fake_go(tmp_path, 'echo "$@" > "$GOBIN/server"')
    target = tmp_path / "cache" / "toxiproxy-server"
    target.parent.mkdir()
    fetch.build(target, go=go)
    assert (
        "install -ldflags -X github.com/Shopify/toxiproxy/v2.Version=2.12.0 "
        "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0\n"
    ) == target.read_text()
    assert [target] == list(target.parent.iterdir())


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'proxy: no route to host' >&2; exit 1", "status 1: proxy: no route to host"),
        ("exit 0", "no program"),
        ("sleep 60", r"not done after 0\.3 s"),
    ],
    ids=["fails", "makes nothing", "hangs"],
)
def test_a_build_that_fails_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """A failed build is told in one line with Go's own last words, and leaves nothing."""
    monkeypatch.setattr(fetch, "BUILD_DEADLINE_S", 0.3)
    target = tmp_path / "cache" / "toxiproxy-server"
    target.parent.mkdir()
    with pytest.raises(fetch.FetchError, match=reason):
        fetch.build(target, go=fake_go(tmp_path, script))
    assert [] == list(target.parent.iterdir())


def test_a_failure_is_remembered_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a day the reason is given again, afterwards it is forgotten; other ways are not touched."""
    failures = fetch.Failures(tmp_path / "failures.json")
    failures.remember("download", "no network")
    assert "no network" in str(failures.recent("download"))
    assert None is failures.recent("go install with /usr/bin/go")
    later = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert None is failures.recent("download")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"download": 3}',
        '{"download": {"reason": 1, "time": "x"}}',
        '{"download": {"reason": "r", "time": 9e12}}',
    ],
)
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    """Whatever is in the file, it is at worst ignored, also a time in the future."""
    path = tmp_path / "failures.json"
    path.write_text(content)
    failures = fetch.Failures(path)
    assert None is failures.recent("download")
    failures.remember("download", "no network")
    assert ["download"] == list(json.loads(path.read_text()))


def test_one_fetch_waits_for_another(tmp_path: Path) -> None:
    """A second run gets the lock only when the first has let go of it, also by dying."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold_lock, args=(tmp_path / "lock", ready))
    holder.start()
    assert ready.wait(30)
    taken = threading.Event()
    waiter = threading.Thread(target=lambda: _take(tmp_path / "lock", taken), daemon=True)
    waiter.start()
    assert not taken.wait(0.3)
    holder.kill()
    assert taken.wait(10)
    waiter.join(5)
    holder.join(5)


def hold_lock(path: Path, ready: threading.Event) -> None:
    with fetch.cache_lock(path):
        ready.set()
        time.sleep(60)


def _take(path: Path, taken: threading.Event) -> None:
    with fetch.cache_lock(path):
        taken.set()


def test_a_lock_that_is_never_released_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for another run ends too."""
    monkeypatch.setattr(fetch, "LOCK_DEADLINE_S", 0.1)
    with fetch.cache_lock(tmp_path / "lock"), pytest.raises(fetch.FetchError, match="another run"):
        _take(tmp_path / "lock", threading.Event())
