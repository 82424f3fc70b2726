"""A kubeconfig with a bearer token."""

from base64 import b64encode
from pathlib import Path

import yaml


def write_kubeconfig(path: Path, server: str, token: str, authority: Path) -> None:
    """Write a kubeconfig that only its owner can read.

    Parameters
    ----------
    path
        Where to.
    server
        Address of the API server.
    token
        Bearer token of the account.
    authority
        PEM file with the certificates that vouch for the server; written into the file.
    """
    vouched = b64encode(authority.read_bytes()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "real",
        "clusters": [
            {"name": "real", "cluster": {"server": server, "certificate-authority-data": vouched}}
        ],
        "users": [{"name": "account", "user": {"token": token}}],
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "account"}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
