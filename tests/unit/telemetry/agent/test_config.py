"""Where an agent reports to is checked before it starts, its token each time."""

from pathlib import Path

import pytest

from telemetry.agent.config import ConfigError, ReportingConfig, SchedulerUrl, check, read_url
from telemetry.agent.credential import CredentialUnusable, bearer


@pytest.mark.parametrize(
    ("text", "is_tls", "host", "port"),
    [
        ("https://isochrone.kube-system.svc", True, "isochrone.kube-system.svc", 10252),
        ("http://10.0.0.1:8000/", False, "10.0.0.1", 8000),
        ("https://[fd00::1]:443", True, "fd00::1", 443),
        ("http://[::1]", False, "::1", 10252),
    ],
)
def test_a_url_is_read(text: str, *, is_tls: bool, host: str, port: int) -> None:
    url = SchedulerUrl(is_tls, host, port)

    assert read_url(text) == url
    assert read_url(url.text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host:10252",
        "ftp://host",
        "http://",
        "http://host:",
        "http://host:0",
        "http://host:65536",
        "http://host:1e3",
        "http://host/path",
        "http://user@host",
        "http://fd00::1",
        "http://[host]",
        "http://[::1",
        "http://[::1]8",
        "http://ho st",
        "http://host\r\nX: y",
        "http://höst",
    ],
)
def test_what_is_no_url_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="write https://name:10252"):
        read_url(text)


def test_tls_needs_an_authority() -> None:
    url = read_url("https://host")

    with pytest.raises(ConfigError, match="--ca-file"):
        check(ReportingConfig("me", (url,)))
    check(ReportingConfig("me", (url,), ca_path="ca.crt"))


def test_an_agent_needs_a_node_and_a_scheduler() -> None:
    with pytest.raises(ConfigError, match="--node"):
        check(ReportingConfig("", (read_url("http://host"),)))
    with pytest.raises(ConfigError, match="--scheduler"):
        check(ReportingConfig("me", ()))


def test_a_token_is_sent_as_it_stands_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc.def_-\n")

    assert bearer(str(path)) == "Bearer abc.def_-"
    assert bearer("") == ""


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a b", b"a\r\nX: y", b"\xff", b"x" * 20_000, None]
)
def test_what_is_no_token_is_not_sent(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CredentialUnusable, match="token file"):
        bearer(str(path))
