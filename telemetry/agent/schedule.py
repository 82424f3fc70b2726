"""Whom to measure next, while nothing is urgent.

Each pair of the mesh is measured by one of its ends, worked out from the two keys alone, and the
pair that was tried longest ago comes first. Tried, not answered: a dead peer must not come first
for ever.
"""

import heapq
from collections.abc import Iterable, Mapping

from telemetry.agent.pace import Chance

NEVER_S = float("-inf")
LEAST_S = 1.2
"""Between bursts to one peer: a lost burst takes a little more than a second to be known."""
NEAR_S = 5.0
"""Between bursts to a peer that is near a budget."""


class Rota:
    """Keys by when they were tried last; those never tried come first, in the order of chance."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._tried_s: dict[int, float] = {}
        self._heap: list[tuple[float, int, int]] = []

    def set_keys(self, keys: Iterable[int], tried_s: Mapping[int, float]) -> None:
        """Hold these, tried at those times."""
        self._tried_s = {key: tried_s.get(key, NEVER_S) for key in keys}
        self._heap = [(at_s, self._chance.number(), key) for key, at_s in self._tried_s.items()]
        heapq.heapify(self._heap)

    def try_now(self, key: int, now_s: float) -> None:
        """Put a key at the end, if it is held."""
        if key in self._tried_s:
            self._tried_s[key] = now_s
            heapq.heappush(self._heap, (now_s, self._chance.number(), key))

    def first(self) -> tuple[int, float] | None:
        """Return the key that was tried longest ago, and when; None when no key is held."""
        while self._heap:
            at_s, _, key = self._heap[0]
            if self._tried_s[key] == at_s:
                return key, at_s
            heapq.heappop(self._heap)  # tried again since
        return None


class Schedule:
    """The order of ordinary bursts.

    Parameters
    ----------
    own_key
        Of this node.
    chance
        In which order peers come that were never tried.
    """

    def __init__(self, own_key: int, chance: Chance) -> None:
        self._own_key = own_key
        self._star = False
        self._keys: frozenset[int] = frozenset()
        self._near_keys: frozenset[int] = frozenset()
        self._tried_s: dict[int, float] = {}
        self._near, self._others = Rota(chance), Rota(chance)
        self._is_near_next = True

    def set_peers(self, keys: Iterable[int]) -> None:
        """Measure these; when known ones were tried stays known."""
        self._keys = frozenset(keys)
        self._tried_s = {key: at_s for key, at_s in self._tried_s.items() if key in self._keys}
        self._sort()

    def forget(self, key: int) -> None:
        """Take a peer for one that was never tried: it has moved."""
        self._tried_s.pop(key, None)

    def set_orders(self, *, star: bool, near: frozenset[int]) -> None:
        """Follow standing orders, as `Measurer.set_orders` has them."""
        self._star, self._near_keys = star, near
        self._sort()

    def try_now(self, key: int, now_s: float) -> None:
        """Note that a burst to a peer begins."""
        if key in self._keys:
            self._tried_s[key] = now_s
            self._near.try_now(key, now_s)
            self._others.try_now(key, now_s)

    def next(self, now_s: float) -> int | None:
        """Return whose turn it is; None when it is too soon for everyone.

        Of two turns one at least goes to the mesh: else a budget that many pairs are near would
        let all others grow old.
        """
        near, other = self._due(self._near, NEAR_S, now_s), self._due(self._others, LEAST_S, now_s)
        if near is not None and (self._is_near_next or other is None):
            self._is_near_next = False
            return near
        self._is_near_next = True
        return other

    def due_s(self) -> float:
        """Return when it is somebody's turn at the earliest; infinity for never."""
        turns = ((self._near.first(), NEAR_S), (self._others.first(), LEAST_S))
        return min((f[1] + rest_s for f, rest_s in turns if f is not None), default=float("inf"))

    def is_mine(self, key: int) -> bool:
        """Tell whether this end measures a pair, in the mesh."""
        is_even = (self._own_key ^ key) & 1 == 0
        return is_even == (self._own_key < key)

    @staticmethod
    def _due(rota: Rota, rest_s: float, now_s: float) -> int | None:
        first = rota.first()
        return first[0] if first is not None and first[1] + rest_s <= now_s else None

    def _sort(self) -> None:
        near = self._keys & self._near_keys
        mine = (key for key in self._keys - near if self._star or self.is_mine(key))
        self._near.set_keys(near, self._tried_s)
        self._others.set_keys(mine, self._tried_s)
