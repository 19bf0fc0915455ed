"""Addresses given from outside: what is taken, what is refused, and that no error shows a credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.errors import UsageError
from harness.stack.base import ServerAddress, TlsSettings
from harness.stack.given import given_server, given_toxiproxy
from harness.stack.redacting import redacted_url, without_secrets

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", ServerAddress("h", 6379)),
        ("redis://h:7000/3", ServerAddress("h", 7000, database=3)),
        ("redis://h?db=4", ServerAddress("h", 6379, database=4)),
        ("redis://:p@h", ServerAddress("h", 6379, password="p")),
        ("redis://u:p@h", ServerAddress("h", 6379, username="u", password="p")),
        ("redis://u@h", ServerAddress("h", 6379, username="u")),
        ("redis://u:p%40%2F%3A@h", ServerAddress("h", 6379, username="u", password="p@/:")),
        ("redis://[::1]:7000", ServerAddress("::1", 7000)),
        ("rediss://h", ServerAddress("h", 6379, tls=TlsSettings())),
    ],
)
def test_a_url_becomes_an_address(url: str, address: ServerAddress) -> None:
    """Every part of it, with defaults for what is left out."""
    assert address == given_server({"REDIS_URL": url})


@pytest.mark.parametrize(
    "url",
    [
        f"http://u:{SECRET}@h",
        f"redis://u:{SECRET}@",
        f"redis://u:{SECRET}@h:port",
        f"redis://u:{SECRET}@h:0",
        f"redis://u:{SECRET}@h:70000",
        f"redis://u:{SECRET}@h/orders",
        f"redis://u:{SECRET}@h/-1",
        f"redis://u:{SECRET}@h/0?retry_on_timeout={SECRET}",
        f"redis://u:{SECRET}/x@h:6379",
        f"redis://u:{SECRET}#x@h:6379",
        f"redis://u:{SECRET}?x@h:6379",
        f"redis://u:1?{SECRET}@h:6379",
        f"redis://u:1/{SECRET}@h:6379",
        f"redis://[u:{SECRET}@h",
        f"redis://h:{SECRET}",
        f"redis://h/{SECRET}",
        f"u:{SECRET}@h:6379",
        SECRET,
        "redis:///",
    ],
)
def test_a_url_that_cannot_be_is_refused_without_showing_its_password(url: str) -> None:
    """One usage error with a fix; the password is nowhere in it."""
    with pytest.raises(UsageError) as caught:
        given_server({"REDIS_URL": url})
    assert caught.value.fix
    assert SECRET not in str(caught.value)


def test_an_unset_url_says_which_variable_is_needed() -> None:
    """The stack `external` has no default."""
    with pytest.raises(UsageError, match="REDIS_URL, which is not set"):
        given_server({})


def test_tls_settings_come_from_files_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths become absolute, since workers may run elsewhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    variables = {"REDIS_CA_FILE": "ca", "REDIS_CERT_FILE": "cert", "REDIS_KEY_FILE": "key", "REDIS_TLS_VERIFY": "no"}
    address = given_server({"REDIS_URL": "rediss://h", **variables})
    files = (str(tmp_path / "ca"), str(tmp_path / "cert"), str(tmp_path / "key"))
    assert TlsSettings(*files, verify=False) == address.tls


@pytest.mark.parametrize(
    ("url", "variables", "named"),
    [
        ("rediss://h", {"REDIS_CA_FILE": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ("rediss://h", {"REDIS_CERT_FILE": "/etc"}, "/etc"),
        ("rediss://h", {"REDIS_KEY_FILE": __file__}, "REDIS_CERT_FILE"),
        ("rediss://h", {"REDIS_TLS_VERIFY": "maybe"}, "maybe"),
        ("redis://h", {"REDIS_CA_FILE": __file__}, "not encrypted"),
        ("redis://h", {"REDIS_TLS_VERIFY": "1"}, "not encrypted"),
    ],
)
def test_tls_settings_that_cannot_be_are_refused(url: str, variables: dict[str, str], named: str) -> None:
    """Missing files, half a pair, a word that is no switch, TLS settings for a plain connection."""
    with pytest.raises(UsageError, match=named):
        given_server({"REDIS_URL": url, **variables})


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://h:9000", ("h", 9000)),
        ("http://127.0.0.1/", ("127.0.0.1", 8474)),
        ("http://[::1]:1", ("::1", 1)),
        ("", None),
    ],
)
def test_a_toxiproxy_is_given_by_its_control_api(url: str, place: tuple[str, int] | None) -> None:
    """Host and port; unset means that we start our own."""
    assert place == given_toxiproxy({"TOXIPROXY_URL": url})


@pytest.mark.parametrize("url", ["https://h:1", "h:8474", f"http://u:{SECRET}@h:1", "http://h:1/api", "http://h:x"])
def test_a_toxiproxy_url_that_cannot_be_is_refused(url: str) -> None:
    """Its control API has neither users nor TLS nor folders."""
    with pytest.raises(UsageError) as caught:
        given_toxiproxy({"TOXIPROXY_URL": url})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        (f"redis://u:{SECRET}@h:1/2", "redis://***@h:1/2"),
        (f"rediss://:{SECRET}@h?x={SECRET}", "rediss://***@h"),
        (f"{SECRET}@h", "***"),
        (f"redis://[{SECRET}@h", "redis://***@h"),
        (f"redis://h:{SECRET}", "redis://***"),
        (f"redis://u:1/{SECRET}@h", "redis://***@h"),
        (f"redis://h/{SECRET}", "redis://h/"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    """Scheme, host, port and database; never who."""
    assert shown == redacted_url(url)


def test_a_secret_is_taken_out_of_text_in_every_spelling() -> None:
    """A library may quote the URL or the password itself."""
    assert "*** or ***" == without_secrets("p@ss or p%40ss", "p@ss", None, "")


def test_a_password_is_not_in_the_repr_of_an_address() -> None:
    """A traceback or a log line with the address gives nothing away."""
    assert SECRET not in repr(given_server({"REDIS_URL": f"redis://u:{SECRET}@h"}))
