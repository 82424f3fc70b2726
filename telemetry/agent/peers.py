"""Who is to be measured."""

from telemetry.agent.typed import NamedTuple


class Peer(NamedTuple):
    """Another node's agent.

    `key` is the node's `wire.node_key`, `address` a numeric IPv4 or IPv6 address.
    """

    # Not a dataclass: dataclasses alone would cost the agent 1.7 MB.
    name: str
    key: int
    address: str
