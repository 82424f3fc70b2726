"""Urgent orders: who is still to be measured for whom."""

from collections import deque
from collections.abc import Callable, Iterable


class Order:
    """An urgent order that is not done yet; `left` peers are still to be measured."""

    __slots__ = ("_done", "_order_id", "left")

    def __init__(self, order_id: int, left: int, done: Callable[[int], None]) -> None:
        self._order_id, self._done = order_id, done
        self.left = left

    def tick(self) -> None:
        """Note that one more peer was measured."""
        self.left -= 1
        if self.left == 0:
            self._done(self._order_id)


class UrgentQueue:
    """Peers in the order they were asked for; one asked for twice before its turn comes once."""

    def __init__(self) -> None:
        self._queue: deque[int] = deque()
        self._orders: dict[int, list[Order]] = {}

    def add(self, order: Order, keys: Iterable[int]) -> None:
        """Have these measured for an order."""
        for key in keys:
            if key not in self._orders:
                self._orders[key] = []
                self._queue.append(key)
            self._orders[key].append(order)

    def next(self) -> tuple[int, list[Order]] | None:
        """Take whose turn it is, and whom for; None when nobody is waiting."""
        while self._queue:
            key = self._queue.popleft()
            orders = self._orders.pop(key, None)
            if orders is not None:
                return key, orders
        return None

    def drop(self, key: int) -> None:
        """Count a peer that is gone as measured."""
        for order in self._orders.pop(key, ()):
            order.tick()
