"""A kubeconfig, and what of it a context chooses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scheduler.domain.errors import InputError
from scheduler.kube.exec_plugin import ExecPlugin, ExecSettings

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a context chooses.

    Parameters
    ----------
    where
        The file, for errors.
    folder
        Its folder, which paths in it are relative to.
    tree
        For the library: of its users only ours, without what we read ourselves.
    token_file
        Holds the account's token, or None.
    plugin
        Gives the account's credentials, or None. A token, a password or a certificate that is
        written too comes before it, as with kubectl.
    """

    where: str
    folder: Path
    tree: Tree
    token_file: Path | None
    plugin: ExecPlugin | None


def read_kubeconfig(path: Path, context: str | None) -> Chosen:
    """Read a kubeconfig.

    Parameters
    ----------
    path
        The file.
    context
        To choose; None takes the current one.

    Raises
    ------
    InputError
        If it is none, or has no such context.
    """
    tree, where = _read(path), str(path)
    name = context or tree.get("current-context")
    if not name:
        raise InputError(where, "has no current-context", "name one with --context")
    chosen = _named(tree, "contexts", name).get("context")
    if not isinstance(chosen, dict):
        known = sorted(str(one.get("name")) for one in _listed(tree, "contexts"))
        fix = f"it has {', '.join(known)}" if known else "it has none"
        raise InputError(where, f'has no context "{name}"', fix)
    user = _named(tree, "users", chosen.get("user")).get("user")
    if chosen.get("user") and not isinstance(user, dict | None):
        raise unreadable(where, ValueError(f"user {chosen['user']!r} is no mapping"))
    cluster = _named(tree, "clusters", chosen.get("cluster")).get("cluster")
    return _chosen(path, tree, (name, chosen), user or {}, cluster or {})


def unreadable(where: str, error: Exception) -> InputError:
    """Return the refusal of a kubeconfig that something in it makes unreadable."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return InputError(
        where,
        f"cannot be read as a kubeconfig: {said}",
        "kubectl config view --kubeconfig FILE shows what kubectl makes of it",
    )


def _chosen(path: Path, tree: Tree, context: tuple[str, Tree], user: Tree, cluster: Tree) -> Chosen:
    where, folder = str(path), path.absolute().parent
    name, chosen = context
    left = {key: value for key, value in user.items() if key not in ("exec", "tokenFile")}
    reduced = {
        "current-context": name,
        "contexts": [{"name": name, "context": {**chosen, "user": "account"}}],
        "clusters": tree["clusters"],
        "users": [{"name": "account", "user": left}],
    }
    token_file = user.get("tokenFile")
    if token_file is not None and not isinstance(token_file, str):
        raise unreadable(where, ValueError("tokenFile is no path"))
    has_own = any(
        user.get(key)
        for key in ("token", "tokenFile", "username", "client-certificate", _CERTIFICATE)
    )
    plugin = None
    if user.get("exec") and not has_own:
        plugin = ExecPlugin(_exec_settings(where, user["exec"]), cluster, folder)
    return Chosen(where, folder, reduced, folder / token_file if token_file else None, plugin)


_CERTIFICATE = "client-certificate-data"


def _exec_settings(where: str, written: object) -> ExecSettings:
    try:
        return msgspec.convert(written, ExecSettings)
    except msgspec.ValidationError as error:
        fix = "see client-go credential plugins in the Kubernetes documentation"
        raise InputError(f"{where}: users[].user.exec", str(error), fix) from None


def _read(path: Path) -> Tree:
    try:
        tree: Any = yaml.safe_load(path.read_bytes())
    except FileNotFoundError:
        raise InputError(str(path), "no such file", "name a kubeconfig") from None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise unreadable(str(path), error) from None
    if not isinstance(tree, dict) or not tree.get("clusters"):
        raise InputError(
            str(path),
            "no clusters in it",
            "name a kubeconfig: apiVersion v1, kind Config, with clusters, users and contexts",
        )
    return tree


def _listed(tree: Mapping[str, Any], key: str) -> list[Tree]:
    found = tree.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _named(tree: Mapping[str, Any], key: str, name: object) -> Tree:
    return next((one for one in _listed(tree, key) if one.get("name") == name), {})
