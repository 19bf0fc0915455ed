"""The doctor looks, says what it saw, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.stack import doctor
from harness.stack.doctor import Finding, examine

ABILITIES = {
    "a disk of a server's own": "why_no_disk",
    "a wire that drops packets": "why_no_wire",
    "slow fsyncs": "why_no_delay",
    "Sentinel": "why_no_sentinel",
}


@pytest.fixture(autouse=True)
def trying_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a machine can do to a server is remembered for the process: a bare machine must not be what it remembers."""
    for name in ABILITIES.values():
        monkeypatch.setattr(doctor, name, lambda *_: "")


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing on PATH, nothing in the cache, no wheel with a server; the folder that PATH names."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
    monkeypatch.delenv("REDIS_SERVER", raising=False)
    monkeypatch.setattr("harness.stack.binaries._program_in_wheel", lambda: None)
    return folder


def program(folder: Path, name: str, printed: str, *, status: int = 0) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{printed}'\nexit {status}\n")
    path.chmod(0o755)


def finding(what: str, results: Path) -> Finding:
    return next(found for found in examine(results) if found.what == what)


@pytest.mark.parametrize("what", ["server", "Toxiproxy", "Go", "Docker", "network namespaces"])
def test_what_is_missing_is_said_with_its_cost(bare_machine: Path, what: str) -> None:
    """Not found, why not, and what cannot be done without it."""
    found = finding(what, bare_machine)
    assert not found.found
    assert found.detail
    assert found.cost_if_missing


@pytest.mark.parametrize(("what", "asked"), list(ABILITIES.items()))
def test_what_a_machine_can_do_to_a_server_is_said(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch, what: str, asked: str
) -> None:
    """With the reason where it can't, and with how to mend it."""
    program(bare_machine, "valkey-server", "Valkey server v=9.1.2 sha=0")
    assert finding(what, bare_machine).found
    monkeypatch.setattr(doctor, asked, lambda *_: "it needs root")
    found = finding(what, bare_machine)
    assert (False, "it needs root") == (found.found, found.detail)
    assert any(word in found.cost_if_missing for word in ("run as root", "install"))


def test_servers_are_named_with_version_and_origin(bare_machine: Path) -> None:
    """The one that a run would take comes first; one that does not run is not named."""
    program(bare_machine, "redis-server", "Redis server v=7.4.1 sha=0")
    program(bare_machine, "valkey-server", "Valkey server v=9.1.2 sha=0")
    assert "redis 7.4.1 (PATH), also valkey 9.1.2 (PATH)" == finding("server", bare_machine).detail


@pytest.mark.parametrize("place", ["bin/toxiproxy-server", "cache/toxiproxy-2.12.0-linux_amd64/toxiproxy-server"])
def test_toxiproxy_is_found_on_path_and_in_the_cache(bare_machine: Path, place: str) -> None:
    """Where a run would find it, without asking the network."""
    program(bare_machine.parent, place, "toxiproxy-server version 2.12.0")
    found = finding("Toxiproxy", bare_machine)
    assert found.found
    assert found.detail.startswith("toxiproxy-server version 2.12.0")


def test_a_program_that_fails_or_hangs_is_not_found(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look ends."""
    monkeypatch.setattr(doctor, "ASK_DEADLINE_S", 0.2)
    program(bare_machine, "toxiproxy-server", "broken", status=1)
    (bare_machine / "go").write_text("#!/bin/sh\nexec /bin/sleep 30\n")
    (bare_machine / "go").chmod(0o755)
    assert not finding("Toxiproxy", bare_machine).found
    assert not finding("Go", bare_machine).found


def test_a_results_folder_that_does_not_exist_yet_is_looked_for_where_it_would_be(tmp_path: Path) -> None:
    """The nearest folder that exists decides; nothing is created."""
    found = finding("results folder", tmp_path / "not" / "yet")
    assert found.found
    assert str(tmp_path) in found.detail
    assert [] == list(tmp_path.iterdir())


def test_a_results_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only file system, for instance."""

    def refuse(*, dir: Path) -> None:  # the name of the real parameter
        raise OSError(30, "Read-only file system", str(dir))

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    found = finding("results folder", tmp_path)
    assert not found.found
    assert "Read-only file system" in found.detail


def test_the_clock_and_the_processors_are_counted(tmp_path: Path) -> None:
    """Both say a number."""
    assert any(character.isdigit() for character in finding("fine monotonic clock", tmp_path).detail)
    assert int(finding("two or more processors", tmp_path).detail) >= 1
