"""An ``exec`` plugin of a kubeconfig: a program that prints who we are.

Follows client-go's ``plugin/pkg/client/auth/exec``. The client library's own knows no time limit,
leaves its child behind when cancelled, and takes a failure for an anonymous account.
"""

import asyncio
import contextlib
import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from scheduler.kube.tokens import clean_token

TIME_LIMIT_S = 30.0
"""client-go waits for ever; a plugin that hangs would keep a whole scheduler waiting unsaid."""

_VERSIONS = (
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
)
_MOST_QUOTED = 300
_CLUSTER_KEYS = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
)
_EXTENSION = "client.authentication.k8s.io/exec"


class PluginFailed(Exception):
    """A plugin gave no credentials; the text says which one and why."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin gave.

    Parameters
    ----------
    token
        Bearer token; empty where there is a certificate only.
    certificate, key
        PEM of a client certificate; both or neither.
    expires_s
        When it ends, seconds since 1970; None for never.
    """

    token: str
    certificate: str
    key: str
    expires_s: float | None


class _Variable(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class ExecSettings(msgspec.Struct, frozen=True, rename="camel"):
    """``users[].user.exec`` of a kubeconfig."""

    command: str
    api_version: str
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str | None = None
    interactive_mode: str | None = None
    provide_cluster_info: bool | None = None


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _Answer(msgspec.Struct, rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    status: _Status | None = None


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A plugin, ready to be run.

    Parameters
    ----------
    settings
        As written.
    cluster
        The kubeconfig's entry of the cluster, for a plugin that wants to know it.
    folder
        Of the kubeconfig: a command with a slash is relative to it.
    time_limit_s
        For one run, seconds.
    """

    settings: ExecSettings
    cluster: Mapping[str, Any]
    folder: Path
    time_limit_s: float = TIME_LIMIT_S

    async def run(self) -> Credential:
        """Run the plugin and return what it gave.

        Raises
        ------
        PluginFailed
            If it cannot be run, fails, takes too long, or prints no credentials.
        """
        settings = self.settings
        if settings.api_version not in _VERSIONS:
            raise self._failed(
                f"apiVersion {settings.api_version!r} is not {' or '.join(_VERSIONS)}"
            )
        is_interactive = self._is_interactive()
        environment = os.environ | {one.name: one.value for one in settings.env or ()}
        environment["KUBERNETES_EXEC_INFO"] = self._told(is_interactive=is_interactive)
        program = self._program()
        try:
            child = await asyncio.create_subprocess_exec(
                program,
                *(settings.args or ()),
                env=environment,
                stdin=None if is_interactive else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                # A person who is asked for something must see the question.
                stderr=None if is_interactive else asyncio.subprocess.PIPE,
                start_new_session=not is_interactive,
            )
        except (OSError, ValueError) as error:
            raise self._failed(f"cannot be run ({error})") from None
        printed, said = await self._ended(child, is_group=not is_interactive)
        if child.returncode:
            raise self._failed(f"ended with status {child.returncode}{_quoted(said)}")
        return self._read(printed)

    async def _ended(
        self, child: asyncio.subprocess.Process, *, is_group: bool
    ) -> tuple[bytes, bytes]:
        """Return what a child prints until it ends; it never outlives this call."""
        try:
            async with asyncio.timeout(self.time_limit_s):
                printed, said = await child.communicate()
        except TimeoutError:
            raise self._failed(f"took more than {self.time_limit_s:g} s") from None
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    if is_group:  # what it started holds our pipe open
                        os.killpg(child.pid, 9)
                    else:
                        child.kill()
                await child.wait()
        return printed, said or b""

    def _is_interactive(self) -> bool:
        mode = self.settings.interactive_mode or "IfAvailable"
        has_terminal = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
        if mode == "Always" and not has_terminal:
            raise self._failed("wants a terminal (interactiveMode: Always), and there is none")
        return has_terminal and mode != "Never"

    def _program(self) -> str:
        command = self.settings.command
        if "/" in command:
            command = str(self.folder / command)
        found = shutil.which(command)
        if found is None:
            hint = _quoted((self.settings.install_hint or "").encode())
            raise self._failed(f"no such program{hint}")
        return found

    def _told(self, *, is_interactive: bool) -> str:
        spec: dict[str, Any] = {"interactive": is_interactive}
        if self.settings.provide_cluster_info:
            spec["cluster"] = self._told_of_cluster()
        told = {"apiVersion": self.settings.api_version, "kind": "ExecCredential", "spec": spec}
        return msgspec.json.encode(told).decode()

    def _told_of_cluster(self) -> dict[str, Any]:
        told = {key: self.cluster[key] for key in _CLUSTER_KEYS if key in self.cluster}
        authority = self.cluster.get("certificate-authority")
        if authority and "certificate-authority-data" not in told:
            try:
                content = (self.folder / str(authority)).read_bytes()
            except OSError as error:
                raise self._failed(f"cannot be told of the cluster ({error})") from None
            told["certificate-authority-data"] = b64encode(content).decode()
        for extension in self.cluster.get("extensions") or ():
            if extension.get("name") == _EXTENSION:
                told["config"] = extension.get("extension")
        return told

    def _read(self, printed: bytes) -> Credential:
        try:
            answer = msgspec.json.decode(printed, type=_Answer)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise self._failed(f"printed no ExecCredential ({error})") from None
        wanted = self.settings.api_version
        if answer.kind != "ExecCredential" or answer.api_version != wanted:
            raise self._failed(f"printed no ExecCredential of {wanted}")
        status = answer.status or _Status()
        certificate, key = status.client_certificate_data or "", status.client_key_data or ""
        try:
            token = clean_token(status.token or "")
        except ValueError as error:
            raise self._failed(str(error)) from None
        if bool(certificate) != bool(key):
            raise self._failed("gave a certificate or a key, and not both")
        if not token and not certificate:
            raise self._failed("gave neither a token nor a certificate")
        ends = status.expiration_timestamp
        if ends is not None and ends.tzinfo is None:
            ends = ends.replace(tzinfo=UTC)
        return Credential(token, certificate, key, None if ends is None else ends.timestamp())

    def _failed(self, why: str) -> PluginFailed:
        return PluginFailed(f"exec plugin {self.settings.command!r}: {why}")


def _quoted(said: bytes) -> str:
    text = " ".join(said.decode("utf-8", "replace").split())
    return f": {text[:_MOST_QUOTED]}" if text else ""
