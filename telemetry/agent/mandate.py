"""What the agent is to do: whom there is to measure, and what comes first."""

from telemetry.agent.peers import Peer
from telemetry.agent.told import MOST_PEERS, PeerChange, Standing
from telemetry.agent.wire import node_key


class Mandate:
    """The list of peers and the standing orders the agent holds, with their versions.

    Parameters
    ----------
    node
        The agent's own, which is no peer of itself.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self.peers: dict[str, Peer] = {}
        """By name."""
        self.peers_version = 0
        self.orders_version = 0
        self.star = False
        self.near: frozenset[int] = frozenset()
        """Keys of peers."""

    def take_peers(self, change: PeerChange, held: int) -> bool:
        """Apply a change of the list; tell whether it could be.

        Parameters
        ----------
        change
            As it was told.
        held
            Version of the list that the scheduler was told the agent holds. What is new since that
            version says nothing of another: the next report asks again.
        """
        if not change.is_whole and (held != self.peers_version or not held):
            return False
        peers = {} if change.is_whole else dict(self.peers)
        for name in change.gone:
            peers.pop(name, None)
        for name, address in change.added.items():
            if name != self._node:
                peers[name] = Peer(name, node_key(name), address)
        if len(peers) > MOST_PEERS:
            return False
        self.peers, self.peers_version = peers, change.version
        return True

    def take_orders(self, orders: Standing) -> None:
        """Follow these orders in place of those before them."""
        self.orders_version = orders.version
        self.star = orders.star
        self.near = frozenset(map(node_key, orders.near))

    def forget_orders(self) -> None:
        """Follow none, and have them told anew by whoever leads next."""
        self.orders_version, self.star, self.near = 0, False, frozenset()

    def keys(self, names: tuple[str, ...] | None) -> list[int] | None:
        """Return the keys of those of `names` that are peers; None for None."""
        if names is None:
            return None
        return [self.peers[name].key for name in names if name in self.peers]
