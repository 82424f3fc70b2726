"""What the API server says of a token, and what is made of it."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scheduler.kube.token_review import NODE_NAME, TokenReviewer
from telemetry.ports import Identity, TokenRefused, VerifierUnavailable
from tests.scripted_api import ScriptedApi, status

USER = "system:serviceaccount:kube-system:isochrone-agent"


def verdict(**said: object) -> web.Response:
    sound = {
        "authenticated": True,
        "user": {"username": USER, "extra": {NODE_NAME: ["edge-1"]}},
        "audiences": ["ours"],
    }
    return web.json_response({"kind": "TokenReview", "status": sound | said}, status=201)


async def reviewed(folder: Path, answer: web.Response, token: str = "it") -> tuple[Identity, Any]:  # noqa: S107
    """Return what is made of an answer, and what was asked."""
    api = ScriptedApi()
    api.on_write = lambda _: answer
    async with api.client(folder) as client:
        identity = await TokenReviewer(client, "ours").verify(token)
    (sent,) = api.sent
    return identity, sent


async def test_the_server_is_asked_about_the_token_and_our_audience(tmp_path: Path) -> None:
    identity, sent = await reviewed(tmp_path, verdict())

    assert identity == Identity(USER, "edge-1")
    assert (sent.method, sent.path) == ("POST", "/apis/authentication.k8s.io/v1/tokenreviews")
    assert sent.body["spec"] == {"token": "it", "audiences": ["ours"]}


@pytest.mark.parametrize(
    "extra", [None, {}, {"other": ["x"]}, {NODE_NAME: []}, {NODE_NAME: ["edge-1", "edge-2"]}]
)
async def test_a_token_of_no_one_node_has_none(tmp_path: Path, extra: object) -> None:
    user = {"username": USER} | ({} if extra is None else {"extra": extra})

    identity, _ = await reviewed(tmp_path, verdict(user=user))

    assert identity == Identity(USER, "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"authenticated": False, "error": "token has expired"}, "token has expired"),
        ({"authenticated": False}, "it is not valid"),
        ({"audiences": ["https://kubernetes.default.svc"]}, "not for the audience ours"),
        ({"audiences": []}, "not for the audience ours"),
        ({"audiences": None}, "not for the audience ours"),
    ],
)
async def test_a_token_that_is_not_valid_or_not_for_us_is_refused(
    tmp_path: Path, said: dict[str, object], words: str
) -> None:
    with pytest.raises(TokenRefused, match=words):
        await reviewed(tmp_path, verdict(**said))


@pytest.mark.parametrize(
    "answer",
    [
        status(403, "cannot create resource tokenreviews"),
        status(429, "too many", **{"Retry-After": "1"}),
        status(500, "etcd is away"),
        status(404, "no such thing"),
        web.Response(status=201, body=b"<html>"),
        web.Response(status=201, body=b"\xff"),
        web.json_response({"status": {"authenticated": "yes"}}, status=201),
    ],
    ids=range(7),
)
async def test_a_server_that_gives_no_verdict_refuses_nobody(
    tmp_path: Path, answer: web.Response
) -> None:
    with pytest.raises(VerifierUnavailable):
        await reviewed(tmp_path, answer)


async def test_a_token_that_is_no_text_is_asked_about_by_nobody(tmp_path: Path) -> None:
    with pytest.raises(VerifierUnavailable):
        await reviewed(tmp_path, verdict(), token="\udcff")  # noqa: S106
