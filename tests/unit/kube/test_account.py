"""Who we are to the API server: read as kubectl reads it, refused in words, kept fresh."""

import asyncio
import json
import os
import select
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.kube.account import Account, account_of
from scheduler.kube.credentials import PluginCredentials
from scheduler.kube.exec_plugin import ExecPlugin, ExecSettings, PluginFailed
from scheduler.kube.tokens import TokenFile

V1 = "client.authentication.k8s.io/v1"


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> Path:  # noqa: ANN401 - YAML
    path = folder / "kubeconfig"
    config = {
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9", **cluster}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


async def account(folder: Path, user: dict[str, Any]) -> Account:
    return await account_of(kubeconfig(folder, user), None)


def plugin(folder: Path, script: str, **more: object) -> dict[str, Any]:
    """Return a user whose plugin is a shell script."""
    path = folder / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": V1, "command": "./plugin", "interactiveMode": "Never", **more}}


def credential(token: str, expires: datetime | None = None) -> str:
    status = {"token": token}
    if expires is not None:
        status["expirationTimestamp"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})


# Tokens


async def test_white_space_around_a_written_token_is_no_part_of_it(tmp_path: Path) -> None:
    me = await account(tmp_path, {"token": " abc\n"})

    assert await me.headers() == {"Authorization": "Bearer abc"}


async def test_the_line_end_of_a_token_file_is_no_part_of_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")

    me = await account(tmp_path, {"tokenFile": "token"})

    assert await me.headers() == {"Authorization": "Bearer abc"}


async def test_a_token_with_a_line_break_inside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line break"):
        await account(tmp_path, {"token": "abc\ndef"})


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe"])
async def test_a_token_file_without_a_token_is_refused_by_its_name(
    tmp_path: Path, content: str | bytes | None
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(InputError, match="kubeconfig"):
        await account(tmp_path, {"tokenFile": "token"})


async def test_a_token_file_is_read_again_every_minute(tmp_path: Path) -> None:
    path, now = tmp_path / "token", [0.0]
    path.write_text("old")
    tokens = TokenFile(path, lambda: now[0])
    path.write_text("new")

    now[0] = 59.0
    assert await tokens.headers() == {"Authorization": "Bearer old"}
    now[0] = 60.0
    assert await tokens.headers() == {"Authorization": "Bearer new"}


async def test_a_refused_token_is_read_again_at_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    me = await account(tmp_path, {"tokenFile": "token"})
    path.write_text("new")

    await me.renew()

    assert await me.headers() == {"Authorization": "Bearer new"}


async def test_a_token_file_that_is_away_leaves_the_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    me = await account(tmp_path, {"tokenFile": "token"})
    path.unlink()

    await me.renew()

    assert await me.headers() == {"Authorization": "Bearer old"}


async def test_a_password_is_sent_as_one(tmp_path: Path) -> None:
    me = await account(tmp_path, {"username": "a", "password": "b"})

    assert await me.headers() == {"Authorization": "Basic YTpi"}


# Addresses


@pytest.mark.parametrize(
    "server",
    [
        "https://127.0.0.1:99999",
        "https://127.0.0.1 :6443",
        "https://",
        "https://host:port",
        "https://[::1",
        "ftp://host",
        "host:6443",
        "https://user:word@host:6443",
        "https://host:6443?a=b",
    ],
)
async def test_an_address_that_is_none_is_refused_with_what_would_do(
    tmp_path: Path, server: str
) -> None:
    with pytest.raises(InputError, match=r"kubeconfig: .*no http.* address.*HOST:PORT"):
        await account_of(kubeconfig(tmp_path, {"token": "a"}, server=server), None)


async def test_a_proxy_of_the_kubeconfig_that_is_none_is_refused(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "a"}, **{"proxy-url": "socks5://127.0.0.1:1"})

    with pytest.raises(InputError, match="proxy-url"):
        await account_of(path, None)


# Plugins


async def test_a_plugin_is_asked_who_we_are(tmp_path: Path) -> None:
    me = await account(tmp_path, plugin(tmp_path, f"echo '{credential('abc')}'"))

    assert await me.headers() == {"Authorization": "Bearer abc"}


async def test_a_plugin_gets_its_arguments_its_variables_and_the_version(tmp_path: Path) -> None:
    script = f"""printf '%s|%s|%s' "$1" "$WHO" "$KUBERNETES_EXEC_INFO" > {tmp_path}/told
echo '{credential("abc")}'"""
    more = {"args": ["one"], "env": [{"name": "WHO", "value": "me"}], "provideClusterInfo": True}

    await account(tmp_path, plugin(tmp_path, script, **more))

    argument, variable, told = (tmp_path / "told").read_text().split("|")
    assert (argument, variable) == ("one", "me")
    assert json.loads(told) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "http://127.0.0.1:9"}},
    }


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'no luck' >&2; exit 3", "ended with status 3: no luck"),
        ("echo hello", "printed no ExecCredential"),
        ("echo '[]'", "printed no ExecCredential"),
        ("echo '{}'", "printed no ExecCredential"),
        (f"echo '{credential('')}'", "neither a token nor a certificate"),
        (f"""echo '{credential("a" + chr(92) + "nb")}'""", "printed no ExecCredential|line break"),
    ],
)
async def test_a_plugin_that_fails_is_an_error_that_says_why(
    tmp_path: Path, script: str, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        await account(tmp_path, plugin(tmp_path, script))


async def test_a_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    status = {"clientCertificateData": "no PEM", "clientKeyData": "no PEM"}
    answer = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})

    with pytest.raises(InputError, match="certificate cannot be used"):
        await account(tmp_path, plugin(tmp_path, f"echo '{answer}'"))


async def test_a_plugin_that_is_missing_is_an_error_with_its_hint(tmp_path: Path) -> None:
    user = plugin(tmp_path, "", command="no-such-plugin", installHint="get it from the vendor")

    with pytest.raises(InputError, match=r"no-such-plugin.*no such program.*from the vendor"):
        await account(tmp_path, user)


async def test_a_plugin_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"users\[\].user.exec"):
        await account(tmp_path, {"exec": {"apiVersion": V1}})


async def test_a_plugin_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    plugin(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    settings = ExecSettings(command="./plugin", api_version=V1, interactive_mode="Never")

    with pytest.raises(PluginFailed, match=r"took more than 2 s"):
        await ExecPlugin(settings, {}, tmp_path, time_limit_s=2.0).run()

    child = (tmp_path / "child").read_text().strip()
    assert await asyncio.to_thread(has_ended, int(child))


def has_ended(pid: int) -> bool:
    """Wait until a process that is no child of ours has ended, ten seconds at most."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10.0)[0])
    finally:
        os.close(process)


def counting(folder: Path, expires: datetime | None) -> dict[str, Any]:
    """Return a user whose plugin gives another token each time: t1, t2, …."""
    answer = credential("t'$n'", expires)
    script = f"""n=$(($(cat {folder}/n 2>/dev/null || echo 0) + 1)); echo $n > {folder}/n
[ -e {folder}/broken ] && exit 1
echo '{answer}'"""
    return plugin(folder, script)


async def test_a_plugin_is_asked_again_when_its_token_has_ended(tmp_path: Path) -> None:
    me = await account(tmp_path, counting(tmp_path, datetime.now(UTC) - timedelta(hours=1)))

    assert await me.headers() == {"Authorization": "Bearer t2"}


async def test_a_plugin_is_not_asked_while_its_token_holds(tmp_path: Path) -> None:
    me = await account(tmp_path, counting(tmp_path, datetime.now(UTC) + timedelta(hours=1)))

    answers = await asyncio.gather(*(me.headers() for _ in range(20)))

    assert answers == [{"Authorization": "Bearer t1"}] * 20


async def test_what_still_holds_is_used_while_it_is_being_renewed(tmp_path: Path) -> None:
    end, wall = datetime.now(UTC) + timedelta(hours=1), [datetime.now(UTC).timestamp()]
    counting(tmp_path, end)
    settings = ExecSettings(command="./plugin", api_version=V1, interactive_mode="Never")
    me = await PluginCredentials.started(
        ExecPlugin(settings, {}, tmp_path),
        ssl.create_default_context(),
        lambda: 0.0,
        lambda: wall[0],
    )

    wall[0] = end.timestamp() - 5.0
    answers = tuple(await asyncio.gather(me.headers(), me.headers()))

    assert answers == ({"Authorization": "Bearer t2"}, {"Authorization": "Bearer t1"})


async def test_requests_refused_together_ask_the_plugin_once(tmp_path: Path) -> None:
    me = await account(tmp_path, counting(tmp_path, None))

    await asyncio.gather(*(me.renew() for _ in range(20)))

    assert await me.headers() == {"Authorization": "Bearer t2"}


async def test_a_plugin_that_fails_later_makes_the_cluster_unavailable_and_says_why(
    tmp_path: Path,
) -> None:
    me = await account(tmp_path, counting(tmp_path, datetime.now(UTC) - timedelta(hours=1)))
    (tmp_path / "broken").touch()

    with pytest.raises(ClusterUnavailable, match=r"exec plugin.*ended with status 1"):
        await me.headers()
    with pytest.raises(ClusterUnavailable, match=r"exec plugin.*ended with status 1"):
        await me.renew()


async def test_a_written_token_comes_before_a_plugin(tmp_path: Path) -> None:
    me = await account(tmp_path, {"token": "mine", **plugin(tmp_path, "exit 1")})

    assert await me.headers() == {"Authorization": "Bearer mine"}
