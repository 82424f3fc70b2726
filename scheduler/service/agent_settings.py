"""Settings of the node agents: where they report, who they are, how they work."""

from typing import Annotated

import msgspec

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = rf"{_LABEL}(\.{_LABEL})*"
_VALUE = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
_KEY = rf"({_NAME}/)?{_VALUE}"
_DAY_S = 86_400


class AgentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Agents measure round-trip times on every node and report them here."""

    enabled: bool = False
    """Whether reports are taken."""

    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 10_252
    """Where they are taken, on all addresses; 0 for any free one, which the log then names."""

    tls_certificate_path: str = ""
    """PEM file, read again when it changes. Agents send their tokens here: who hears one can report
    for that node until it runs out."""

    tls_key_path: str = ""
    """PEM file with the key of that certificate."""

    insecure: bool = False
    """Take reports without TLS. Only where the network between pods is encrypted or trusted."""

    audience: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "isochrone-telemetry"
    """For whom agents' tokens are made, and for nobody else: they are of no use elsewhere."""

    service_account: Annotated[str, msgspec.Meta(pattern=rf"^{_LABEL}/{_NAME}\Z")] = (
        "kube-system/isochrone-agent"
    )
    """Namespace and name of the ServiceAccount under which agents run."""

    pod_label: Annotated[str, msgspec.Meta(pattern=rf"^{_KEY}={_VALUE}\Z")] = (
        "app.kubernetes.io/name=isochrone-agent"
    )
    """By which agents' pods are known, in the namespace of their ServiceAccount."""

    report_seconds: Annotated[float, msgspec.Meta(ge=1, le=300)] = 10.0
    """How often an agent reports while there is nothing urgent."""

    probes_per_second: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0
    """Most packets a second that an agent sends in the ordinary course: 0.3 % of a core."""

    urgent_probes_per_second: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 1000.0
    """Most packets a second while a decision waits for them."""

    max_age_seconds: Annotated[float, msgspec.Meta(gt=0, le=_DAY_S)] = 900.0
    """What was measured longer ago is not believed. 5,000 nodes are measured anew in 750 s."""

    @property
    def account(self) -> str:
        """The agents' user, as the API server names it."""
        return "system:serviceaccount:" + self.service_account.replace("/", ":")

    @property
    def namespace(self) -> str:
        """Where agents run."""
        return self.service_account.partition("/")[0]

    @property
    def labels(self) -> dict[str, str]:
        """By which agents' pods are known."""
        key, _, value = self.pod_label.partition("=")
        return {key: value}

    def fault(self) -> tuple[str, str, str] | None:
        """Return a key, what is wrong and the fix where values are legal alone and not together."""
        paths = {"tlsCertificatePath": self.tls_certificate_path, "tlsKeyPath": self.tls_key_path}
        given = [key for key, path in paths.items() if path]
        if len(given) == 1:
            (lacking,) = paths.keys() - set(given)
            return lacking, f"is empty, and {given[0]} is not", "give both, or neither"
        if given and self.insecure:
            return "insecure", "is true, and a certificate is given", "leave one of them out"
        if self.enabled and not given and not self.insecure:
            fix = (
                "give tlsCertificatePath and tlsKeyPath (configs/kubernetes/make-agent-tls.sh "
                "makes them), or set insecure: true"
            )
            return "tlsCertificatePath", "is empty: agents' tokens would be sent in the clear", fix
        return None
