"""Tokens of ServiceAccounts as pods get them, and some that no API server would give out."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import pod

AUDIENCE = "isochrone-telemetry"
AGENT = "isochrone-agent"
_P521_BYTES = 66


def add_account(cluster: Cluster, name: str) -> None:
    """Make a ServiceAccount in the cluster's namespace."""
    cluster.api.create(f"{cluster.path}/serviceaccounts", {"metadata": {"name": name}})


def add_agent_pod(
    cluster: Cluster, name: str, node: str, *, account: str = AGENT, address: str = ""
) -> Object:
    """Make a pod of an account on a node, as a kubelet would report it; return it."""
    made = pod(name, labels={"app.kubernetes.io/name": AGENT}, scheduler="default-scheduler")
    made["spec"] |= {"nodeName": node, "serviceAccountName": account}
    created = cluster.api.create(f"{cluster.path}/pods", made)
    if address:
        set_running(cluster, name, address)
    return created


def set_running(cluster: Cluster, name: str, address: str) -> None:
    """Report a pod as running under an address."""
    said = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    cluster.api.patch(f"{cluster.path}/pods/{name}/status", {"status": said})


def token(
    cluster: Cluster, account: str = AGENT, *, bound_to: Object | None = None, audience: str = ""
) -> str:
    """Request a token as the kubelet does for a projected volume.

    Parameters
    ----------
    cluster
        Whose API server to ask.
    account
        ServiceAccount of the cluster's namespace.
    bound_to
        The pod it is for; None for a token of no pod.
    audience
        For whom; ours unless given.
    """
    spec: dict[str, Any] = {"audiences": [audience or AUDIENCE], "expirationSeconds": 600}
    if bound_to is not None:
        spec["boundObjectRef"] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": bound_to["metadata"]["name"],
            "uid": bound_to["metadata"]["uid"],
        }
    path = f"{cluster.path}/serviceaccounts/{account}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(cluster.api.create(path, asked)["status"]["token"])


def claims(made: str) -> dict[str, Any]:
    """Return what a token says."""
    found: dict[str, Any] = json.loads(_unpacked(made.split(".")[1]))
    return found


def signed_anew(made: str, key: Path, changes: Mapping[str, object]) -> str:
    """Return a token with other claims, signed with the API server's own key.

    Parameters
    ----------
    made
        A token of that API server.
    key
        PEM file with the key it signs with, of the curve P-521.
    changes
        Claims that are other than in `made`.
    """
    header = made.partition(".")[0]
    if json.loads(_unpacked(header))["alg"] != "ES512":
        raise ValueError("the API server does not sign with a key of the curve P-521")
    signed = f"{header}.{_packed(json.dumps({**claims(made), **changes}).encode())}"
    der = subprocess.run(  # noqa: S603 - a fixed command
        ["openssl", "dgst", "-sha512", "-sign", str(key)],  # noqa: S607 - wherever it is
        input=signed.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout
    return f"{signed}.{_packed(_plain_signature(der))}"


def _plain_signature(der: bytes) -> bytes:
    """Return the two numbers of an ECDSA signature one behind the other, as JSON tokens have it."""
    start = 3 if der[1] & 0x80 else 2  # the length of the sequence takes one byte more from 128
    numbers = []
    for _ in range(2):
        length = der[start + 1]
        start += 2
        numbers.append(int.from_bytes(der[start : start + length], "big"))
        start += length
    return b"".join(number.to_bytes(_P521_BYTES, "big") for number in numbers)


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
