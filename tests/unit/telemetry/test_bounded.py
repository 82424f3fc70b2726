"""HTTP that ends, against servers that do not."""

import ssl
import subprocess
from pathlib import Path

import pytest
import requests

from telemetry.errors import SourceMalformed, SourceRefused, SourceUnavailable
from telemetry.sources.bounded import BoundedSession, Limits, fetched
from tests.canned_http import Canned, serving
from tests.rude_http import Script, at_once, byte_by_byte, endlessly, never, rude

SHORT = Limits(connect_s=0.2, whole_s=0.3, body_bytes=100_000)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def test_a_whole_answer_is_returned() -> None:
    with serving({"/x": Canned(b"word" * 20_000)}) as url:
        assert fetched(f"{url}/x", SHORT) == b"word" * 20_000


def test_a_chunked_answer_is_returned_whole() -> None:
    with rude(at_once(CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) as url:
        assert fetched(url, SHORT) == b"abcde"


@pytest.mark.parametrize(
    "script",
    [
        never,
        byte_by_byte(OK),
        byte_by_byte(OK + b"X-Long: " + b"y" * 100),
        byte_by_byte(OK + b"Content-Length: 90\r\n\r\nbody"),
        byte_by_byte(OK + b"\r\nbody that ends with the connection"),
        byte_by_byte(CHUNKED + b"1"),
        endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        endlessly(CHUNKED + b"0\r\n", b"Trailer: x\r\n"),
    ],
    ids=["nothing", "status", "header", "body", "open end", "chunk", "continue", "trailers"],
)
def test_an_answer_that_does_not_end_is_cut_off_in_time(script: Script) -> None:
    with rude(script) as url, pytest.raises(SourceUnavailable, match=r"within 0\.3 s"):
        fetched(url, SHORT)


@pytest.mark.parametrize(
    "script",
    [
        endlessly(OK + b"\r\n", b"x" * 1000),
        endlessly(CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
        at_once(OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
    ],
    ids=["open end", "chunks", "packed"],
)
def test_an_answer_that_is_too_large_is_not_read_on(script: Script) -> None:
    patient = Limits(whole_s=20, body_bytes=100_000)

    with rude(script) as url, pytest.raises(SourceMalformed, match=r"larger than 100000|packed"):
        fetched(url, patient)


@pytest.mark.parametrize(
    "script",
    [
        at_once(b""),
        at_once(b"SSH-2.0-OpenSSH_9.2\r\n"),
        at_once(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf"),
        at_once(CHUNKED + b"5\r\nab"),
        at_once(CHUNKED + b"zz\r\nab"),
        endlessly(OK, b"X" * 70_000),
        endlessly(CHUNKED, b"1" * 70_000),
    ],
    ids=["hangs up", "no http", "half", "half a chunk", "no size", "long header", "long size"],
)
def test_an_answer_that_is_no_http_is_no_answer(script: Script) -> None:
    patient = Limits(whole_s=20, body_bytes=100_000)

    with rude(script) as url, pytest.raises(SourceUnavailable, match="no answer: "):
        fetched(url, patient)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "not a url", "ftp://x/", "http://[::1", ""])
def test_an_address_where_nobody_can_be_is_no_answer(url: str) -> None:
    with pytest.raises(SourceUnavailable):
        fetched(url, SHORT)


def test_a_redirect_is_not_followed() -> None:
    asked = Canned(b"the answer of somebody else")
    with serving({"/there": asked}) as there:
        moved = Canned(b"", 302, {"Location": f"{there}/there"})
        with serving({"/here": moved}) as here, pytest.raises(SourceRefused) as caught:
            fetched(f"{here}/here", SHORT)

    assert caught.value.status == 302
    assert "redirects are not followed" in str(caught.value)


def test_a_status_is_refused_with_its_number() -> None:
    with serving({"/x": Canned(b"{}", 418)}) as url, pytest.raises(SourceRefused) as caught:
        fetched(f"{url}/x", SHORT)

    assert caught.value.status == 418


def test_no_password_of_the_home_folder_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving({"/": Canned(b"")}) as url, BoundedSession(SHORT) as session:
        answer = session.get(f"{url}/", headers={"Authorization": "Bearer ours"}, timeout=1)

    assert answer.request.headers["Authorization"] == "Bearer ours"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
    names = (
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    )
    subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)  # noqa: S603, S607 - openssl, as it is installed
    return certificate, key


def test_a_handshake_that_does_not_end_is_cut_off_in_time() -> None:
    """A TLS record is announced, and comes a byte at a time."""
    announced = byte_by_byte(b"\x16\x03\x03\x40\x00\x02")

    with rude(announced, hears=False) as url, pytest.raises(SourceUnavailable):
        fetched(url.replace("http:", "https:"), SHORT)


def test_an_answer_over_tls_that_does_not_end_is_cut_off_in_time(
    certificate: tuple[Path, Path],
) -> None:
    with (
        rude(byte_by_byte(OK + b"\r\nx"), tls=spoken_by(certificate)) as url,
        BoundedSession(SHORT, ca_path=str(certificate[0])) as session,
        pytest.raises(requests.Timeout, match=r"within 0\.3 s"),
    ):
        session.get(url, timeout=1)


def test_a_server_is_believed_by_the_given_certificates_alone(
    certificate: tuple[Path, Path],
) -> None:
    patient, answer = Limits(), at_once(OK + b"Content-Length: 5\r\n\r\nhello")
    with rude(answer, tls=spoken_by(certificate)) as url:
        with BoundedSession(patient, ca_path=str(certificate[0])) as session:
            assert session.get(url, timeout=9).content == b"hello"
        with BoundedSession(patient) as session, pytest.raises(requests.exceptions.SSLError):
            session.get(url, timeout=9)


def spoken_by(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context
