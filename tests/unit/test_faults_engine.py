"""Which engine is taken, with programs that only say a version. Nothing here reaches the network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import pytest

from harness.faults import engine as engine_module
from harness.faults import fetch
from harness.faults.base import Engine, EngineKind
from harness.faults.engine import acquire_engine, cache_folder
from harness.faults.selfprobe import EngineReport
from harness.model.errors import EnvironmentUnavailable, UsageError

Choice = Literal["auto", "toxiproxy"]


class Machine:
    """A machine with chosen programs: an empty PATH folder, an empty cache, no network, no Go."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin, self.cache = folder / "bin", folder / "cache"
        self.bin.mkdir()
        self.said: list[str] = []
        self.downloads = 0
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", f"{self.bin}:/usr/bin:/bin")
        monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
        monkeypatch.setattr(fetch, "find_go", lambda: None)
        self.network("unreachable")

    def network(self, answer: str) -> None:
        """What a download comes to: the words of a failure, or ``version …`` of the program that arrives."""

        def download(target: Path) -> None:
            self.downloads += 1
            if not answer.startswith("version "):
                raise fetch.FetchError(answer)
            program(target, answer)

        self._monkeypatch.setattr(fetch, "download", download)

    def acquire(self, choice: Choice = "auto", path: str | None = None) -> Engine:
        return acquire_engine(choice, path=path, cache=self.cache, say=self.said.append)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def program(path: Path, says: str) -> str:
    path.write_text(f"#!/bin/sh\necho 'toxiproxy-server {says}'\n")
    path.chmod(0o755)
    return str(path)


def test_a_given_path_comes_first(machine: Machine, tmp_path: Path) -> None:
    """What the user names is taken without a look elsewhere."""
    program(machine.bin / "toxiproxy-server", "version 2.12.0")
    named = program(tmp_path / "mine", "version 2.12.0")
    found = machine.acquire(path=named)
    assert (EngineKind.TOXIPROXY, "toxiproxy 2.12.0", (named,)) == (found.kind, found.version, found.command)
    assert [] == machine.said


def test_the_environment_names_one_too(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``TOXIPROXY_SERVER`` counts like the option, and the option counts more."""
    named, better = program(tmp_path / "mine", "version 2.12.0"), program(tmp_path / "better", "version 2.12.0")
    monkeypatch.setenv("TOXIPROXY_SERVER", named)
    assert (named,) == machine.acquire().command
    assert (better,) == machine.acquire(path=better).command


def test_path_comes_before_the_cache(machine: Machine) -> None:
    """A toxiproxy-server on PATH is taken, and nothing is fetched."""
    installed = program(machine.bin / "toxiproxy-server", "version 2.12.0")
    assert (installed,) == machine.acquire().command
    assert 0 == machine.downloads


@pytest.mark.parametrize("choice", ["auto", "toxiproxy"])
def test_it_is_fetched_once(machine: Machine, choice: Choice) -> None:
    """The first run downloads and says so; the second finds it in the cache."""
    machine.network("version 2.12.0")
    first, second = machine.acquire(choice), machine.acquire(choice)
    assert (first.command, 1) == (second.command, machine.downloads)
    assert any("downloading https://github.com/" in line for line in machine.said)
    assert second.explanation.endswith("from the cache")


def test_without_any_the_built_in_proxy_takes_over(machine: Machine) -> None:
    """Nothing to be had: the built-in proxy, with each attempt explained in one line."""
    found = machine.acquire()
    assert (EngineKind.BUILTIN, (sys.executable, "-m", "harness.faults.builtin")) == (found.kind, found.command)
    assert [
        "proxy: no toxiproxy-server on PATH",
        "proxy: no Go on PATH to build Toxiproxy with",
        f"proxy: downloading {fetch.archive_url(fetch.platform_name())} (at most 10 s)",
        "proxy: download failed: unreachable",
    ] == machine.said


def test_without_any_an_explicit_wish_fails_with_the_reasons(machine: Machine) -> None:
    """``toxiproxy`` is never quietly replaced by something else."""
    with pytest.raises(EnvironmentUnavailable, match="unreachable") as caught:
        machine.acquire("toxiproxy")
    assert "TOXIPROXY_SERVER" in caught.value.fix


def test_a_failure_is_not_waited_for_again(machine: Machine) -> None:
    """The second run does not try what failed in the first, and tells why."""
    machine.acquire()
    machine.acquire()
    assert 1 == machine.downloads
    assert "remembered for a day" in machine.said[-1]


def test_a_new_go_is_tried_although_the_download_failed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is the way that failed, not that there is no Toxiproxy."""
    machine.acquire()
    built: list[str] = []

    def build(target: Path, *, go: str) -> None:
        built.append(go)
        program(target, "version 2.12.0")

    monkeypatch.setattr(fetch, "find_go", lambda: "/opt/go/bin/go")
    monkeypatch.setattr(fetch, "build", build)
    assert EngineKind.TOXIPROXY is machine.acquire().kind
    assert (["/opt/go/bin/go"], 1) == (built, machine.downloads)


def test_a_cache_that_cannot_be_written_is_explained(machine: Machine) -> None:
    """A file where the cache should be: the built-in proxy, not a crash."""
    machine.cache.write_text("in the way")
    assert EngineKind.BUILTIN is machine.acquire().kind
    assert "nothing can be kept in the cache" in machine.said[-1]


def test_a_damaged_cache_is_replaced(machine: Machine) -> None:
    """A program in the cache that does not run is told about and fetched anew."""
    machine.network("version 2.12.0")
    cached = Path(machine.acquire().command[0])
    cached.write_bytes(b"\x7fELF torn")
    assert EngineKind.TOXIPROXY is machine.acquire().kind
    assert 2 == machine.downloads


REFUSED = {
    "too new": ("version 2.13.0", "no limit"),
    "much too new": ("version 3.0", "no limit"),
    "too old": ("version 2.9.0", "only 2.12 was measured"),
    "something else": ("who is asking", "does not say"),
}


@pytest.mark.parametrize(("says", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_version_on_path_is_passed_over(machine: Machine, says: str, reason: str) -> None:
    """Found but not to be trusted: the reason is told and the search goes on."""
    program(machine.bin / "toxiproxy-server", says)
    machine.network("version 2.12.0")
    assert machine.acquire().command[0].startswith(str(machine.cache))
    assert reason in machine.said[0]


@pytest.mark.parametrize(("says", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_version_that_was_named_is_an_error(machine: Machine, tmp_path: Path, says: str, reason: str) -> None:
    """What the user asked for by name is not replaced behind their back."""
    with pytest.raises(UsageError, match=reason):
        machine.acquire(path=program(tmp_path / "mine", says))


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "not executable"])
def test_a_path_that_does_not_run_is_an_error(machine: Machine, tmp_path: Path, kind: str) -> None:
    """One clear error that names the path."""
    path = tmp_path / "mine"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_text("hello")
        path.chmod(0o755 if kind == "text" else 0o644)
    with pytest.raises(UsageError, match=str(path)):
        machine.acquire(path=str(path))


def test_a_program_that_hangs_is_an_error(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for the version has a deadline."""
    monkeypatch.setattr(engine_module, "_VERSION_DEADLINE_S", 0.2)
    path = tmp_path / "mine"
    path.write_text("#!/bin/sh\nexec sleep 30\n")
    path.chmod(0o755)
    with pytest.raises(UsageError, match=r"within 0\.2 s"):
        machine.acquire(path=str(path))


@pytest.mark.parametrize("behaves", [True, False])
def test_a_build_called_git_is_judged_by_its_behaviour(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, behaves: bool
) -> None:
    """A build without a version is taken if it passes the probes, else passed over."""

    def probe(engine: Engine) -> EngineReport:
        if not behaves:
            raise EnvironmentUnavailable('not seen that "hold holds"')
        return EngineReport(engine.version, ())

    monkeypatch.setattr(engine_module, "probe_engine", probe)
    program(machine.bin / "toxiproxy-server", "version git")
    found = machine.acquire()
    assert ("toxiproxy git" if behaves else "builtin (Toxiproxy 2.12.0 API)") == found.version
    assert behaves is not any("hold holds" in line for line in machine.said)


def test_builtin_asked_for_looks_nowhere(machine: Machine) -> None:
    """The choice ``builtin`` is quick and silent; a Toxiproxy named beside it is a contradiction."""
    program(machine.bin / "toxiproxy-server", "version 2.12.0")
    assert EngineKind.BUILTIN is acquire_engine("builtin", path=None, say=machine.said.append).kind
    assert [] == machine.said
    with pytest.raises(UsageError, match="built-in"):
        acquire_engine("builtin", path="/opt/toxiproxy-server", say=machine.said.append)


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``HARNESS_CACHE`` wins over the user's cache folder."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert tmp_path == cache_folder()
    monkeypatch.delenv("HARNESS_CACHE")
    assert "pubsub-vs-streams" == cache_folder().name
