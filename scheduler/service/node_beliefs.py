"""What is believed of nodes, kept in step with what the cluster says of them."""

from collections.abc import Iterable

from scheduler.domain.cluster_events import NodeChanged, NodeDeleted
from scheduler.domain.node import HELD_DOWN_TAINT, SILENT_TAINT, Node
from scheduler.reliability.failover.belief import BY_AGENTS, GONE, Belief, Beliefs
from scheduler.reliability.failover.settings import FailoverSettings
from scheduler.reliability.health import death_sign
from scheduler.service.cache import Cache
from scheduler.service.wake import Wake, WakeAll


class NodeBeliefs:
    """Hears of nodes as the cache does, and has those held down that are back only just.

    Nothing is kept over a restart: nodes that are dead then count as having vanished just now, and
    all others are trusted.
    """

    def __init__(self, settings: FailoverSettings, cache: Cache) -> None:
        self._beliefs = Beliefs(settings)
        self._cache = cache
        self.belief = Belief()
        """As of the last look."""
        self.accused: frozenset[str] = frozenset()
        """Names of nodes that agents say are silent; the API may hope for them."""

    @property
    def dead(self) -> frozenset[str]:
        """Names of nodes that are there and believed dead, as of the last look."""
        return frozenset(self.belief.dead)

    @property
    def held_down(self) -> frozenset[str]:
        """Names of nodes that take no new pods yet."""
        marks = self._cache.marks
        return frozenset(name for name, key in marks.items() if key == HELD_DOWN_TAINT)

    @property
    def is_suspect(self) -> bool:
        """Whether it may be we who are cut off: then nothing rash is to be done."""
        return self.belief.is_suspect

    def hear(self, event: NodeChanged | NodeDeleted, now_s: float) -> None:
        """Take in what the cluster says of a node, before the cache does."""
        cache = self._cache
        if isinstance(event, NodeDeleted):
            if cache.node(event.name) is not None:
                self._see(event.name, GONE, now_s)
            return
        node = event.node
        is_new = cache.is_synced and cache.node(node.name) is None
        self._see(node.name, self._sign(node), now_s, is_new=is_new)

    def hear_gone(self, names: Iterable[str], now_s: float) -> None:
        """Take in that a complete list no longer names some nodes."""
        for name in names:
            self._see(name, GONE, now_s)

    def accuse(self, names: frozenset[str], now_s: float) -> list[Wake]:
        """Have these nodes, and no others, be dead by the word of agents; return whom it helps."""
        changed, self.accused = names ^ self.accused, names
        is_any_free = False
        for name in changed:
            node = self._cache.node(name)
            if node is not None:
                self._see(name, self._sign(node), now_s)
                is_any_free |= name not in self._cache.marks
        return [WakeAll("NodeIsTrusted")] if is_any_free else []

    def look(self, now_s: float) -> list[Wake]:
        """Work out what is believed now; return whom it may help that nodes are trusted again."""
        cache = self._cache
        if not cache.is_synced:
            return []
        self.belief = self._beliefs.believe(len(cache.nodes), now_s)
        trusted = self.held_down - self.belief.held_down
        for name in trusted:
            cache.mark(name, "")
        return [WakeAll("NodeIsTrusted")] if trusted else []

    def _see(self, name: str, sign: str, now_s: float, *, is_new: bool = False) -> None:
        self._beliefs.see(name, sign, now_s, is_new=is_new)
        key = HELD_DOWN_TAINT if self._beliefs.is_held_down(name, now_s) else ""
        self._cache.mark(name, SILENT_TAINT if sign == BY_AGENTS else key)

    def _sign(self, node: Node) -> str:
        """Return by which sign a node is dead: the API's own, else the agents'."""
        return death_sign(node) or (BY_AGENTS if node.name in self.accused else "")
