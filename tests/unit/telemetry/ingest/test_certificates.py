"""TLS of the endpoint, and its certificate renewed while it serves."""

import asyncio
import os
import shutil
import ssl
from pathlib import Path

import aiohttp
import pytest

from telemetry.agent import wire
from telemetry.ingest.certificates import Certificates, CertificateUnusable
from telemetry.ingest.endpoint import Listening, serving
from tests.real.agents import body, record, scene
from tests.real.certificates import make_certificate

HEADERS = {"Content-Type": wire.CONTENT_TYPE, "Authorization": "Bearer a"}


async def report(port: int, authority: Path) -> int:
    """Send a report to who shows a certificate of `authority`; return the status."""
    tls = ssl.create_default_context(cafile=authority)
    url = f"https://127.0.0.1:{port}{wire.PATH}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body("a", [record("b")]), headers=HEADERS, ssl=tls) as got,
    ):
        return got.status


def put(source: tuple[Path, Path], target: tuple[Path, Path]) -> None:
    """Replace files as a Secret's volume does: by others under the same name."""
    for come, go in zip(source, target, strict=True):
        new = go.with_suffix(".new")
        shutil.copy(come, new)
        os.replace(new, go)  # noqa: PTH105 - a rename, as it happens in a volume


async def test_reports_are_taken_over_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "first")
    made = scene()
    async with serving(
        made.ingest, Listening(0, "127.0.0.1", Certificates(certificate, key))
    ) as port:
        assert await report(port, certificate) == 200

    assert made.taken == {"a": 1}


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    used = make_certificate(tmp_path, "used")
    second = make_certificate(tmp_path, "second")
    told: list[str] = []
    certificates = Certificates(*used, told.append)
    async with serving(scene().ingest, Listening(0, "127.0.0.1", certificates)) as port:
        put(second, used)
        certificates.look()

        assert await report(port, second[0]) == 200

    assert told == [""]


async def test_files_are_looked_at_while_it_serves(tmp_path: Path) -> None:
    used = make_certificate(tmp_path, "used")
    second = make_certificate(tmp_path, "second")
    renewed = asyncio.Event()

    def told(what: str) -> None:
        if not what:  # between the two files' replacement they do not fit
            renewed.set()

    certificates = Certificates(*used, told, look_s=0.02)
    async with serving(scene().ingest, Listening(0, "127.0.0.1", certificates)) as port:
        put(second, used)
        async with asyncio.timeout(20):
            await renewed.wait()

        assert await report(port, second[0]) == 200


async def test_connections_from_before_a_renewal_go_on(tmp_path: Path) -> None:
    used = make_certificate(tmp_path, "used")
    second = make_certificate(tmp_path, "second")
    certificates = Certificates(*used)
    made = scene()
    async with serving(made.ingest, Listening(0, "127.0.0.1", certificates)) as port:
        tls = ssl.create_default_context(cafile=used[0])
        url = f"https://127.0.0.1:{port}{wire.PATH}"
        connector = aiohttp.TCPConnector(limit=1, ssl=tls)
        async with aiohttp.ClientSession(connector=connector) as session:
            async with session.post(url, data=body("a"), headers=HEADERS) as got:
                assert got.status == 200
            put(second, used)
            certificates.look()
            async with session.post(url, data=body("a"), headers=HEADERS) as got:
                assert got.status == 200


async def test_a_half_renewed_pair_is_not_used_until_it_fits(tmp_path: Path) -> None:
    used = make_certificate(tmp_path, "used")
    first = shutil.copy(used[0], tmp_path / "first.crt")
    second = make_certificate(tmp_path, "second")
    told: list[str] = []
    certificates = Certificates(*used, told.append)
    async with serving(scene().ingest, Listening(0, "127.0.0.1", certificates)) as port:
        put((second[0], used[1]), used)
        certificates.look()
        assert await report(port, Path(first)) == 200

        put(second, used)
        certificates.look()
        assert await report(port, second[0]) == 200

    assert "the last certificate is kept" in told[0]
    assert told[1:] == [""]


async def test_files_that_vanish_leave_the_last_certificate(tmp_path: Path) -> None:
    used = make_certificate(tmp_path, "used")
    kept = shutil.copy(used[0], tmp_path / "kept.crt")
    told: list[str] = []
    certificates = Certificates(*used, told.append)
    async with serving(scene().ingest, Listening(0, "127.0.0.1", certificates)) as port:
        for path in used:
            path.unlink()
        certificates.look()
        certificates.look()

        assert await report(port, Path(kept)) == 200

    assert len(told) == 1
    assert "cannot be read" in told[0]


async def test_plain_http_to_the_tls_port_is_no_report(tmp_path: Path) -> None:
    made = scene()
    certificates = Certificates(*make_certificate(tmp_path, "first"))
    async with serving(made.ingest, Listening(0, "127.0.0.1", certificates)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        said = await asyncio.wait_for(reader.read(), 20)
        writer.close()

    assert b"200" not in said
    assert made.taken == {}


@pytest.mark.parametrize("fault", ["missing", "other", "empty", "encrypted", "swapped"])
def test_files_that_cannot_be_used_are_refused_by_name(tmp_path: Path, fault: str) -> None:
    certificate, key = make_certificate(tmp_path, "first")
    if fault == "missing":
        key.unlink()
    elif fault == "other":
        key = make_certificate(tmp_path, "second")[1]
    elif fault == "empty":
        certificate.write_text("")
    elif fault == "encrypted":
        certificate, key = make_certificate(tmp_path, "second", password="secret")  # noqa: S106
    else:
        certificate, key = key, certificate

    with pytest.raises(CertificateUnusable, match=r"first|second") as caught:
        Certificates(certificate, key)

    assert str(key) in str(caught.value)
