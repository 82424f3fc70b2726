"""What telemetry needs of the cluster it measures; `scheduler.kube` fulfils it, commands wire it.

Telemetry never sees the Kubernetes API: who may report, which address is which node, and where
agents and exporters run come through these.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token belongs to, as the cluster vouches for it.

    `user` is the account, ``system:serviceaccount:<namespace>:<name>``; `node` the node whose pod
    the token was made for, or empty where the cluster does not say.
    """

    user: str
    node: str


class TokenRefused(Exception):
    """The cluster does not vouch for a token; the text says why."""


class VerifierUnavailable(Exception):
    """The cluster gives no answer about a token now; the text says why."""


class TokenVerifier(Protocol):
    """Tells whose token it is."""

    async def verify(self, token: str) -> Identity:
        """Return who a token belongs to. Asks the cluster each time.

        Raises
        ------
        TokenRefused
            If it is not valid, or not for us.
        VerifierUnavailable
            If the cluster does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class MeasuringPod:
    """A running pod that measures: an agent, or an exporter.

    `address` is its own (pod IP), `host_address` its node's. `env` holds what its containers are
    started with in plain text, for exporters whose figures depend on it.
    """

    name: str
    node: str
    address: str
    host_address: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Who is where, at one moment; `version` grows with every change.

    `nodes` are all nodes' names, sorted. `node_of` gives the node by its name and by each of its
    addresses. `agents` holds the agent by node; `exporters` the pods of each group of exporters
    that is looked for, by the group's name (``goldpinger``).
    """

    version: int = 0
    nodes: tuple[str, ...] = ()
    node_of: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, MeasuringPod] = field(default_factory=dict)
    exporters: Mapping[str, tuple[MeasuringPod, ...]] = field(default_factory=dict)


class PeerDirectory(Protocol):
    """Knows who is where, and goes on knowing."""

    @property
    def current(self) -> Directory:
        """Who is where now."""
        ...

    def changed(self) -> Awaitable[None]:
        """Wait for the next change."""
        ...


Clock = Callable[[], float]
"""Seconds, never stepping back."""
