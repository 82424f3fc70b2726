"""The urgent orders of one scheduler replica, from being told to being answered for."""

from collections.abc import Collection

from telemetry.agent.told import MOST_ORDERS, Urgent


class Errands:
    """Orders that run, and orders that ended and have yet to be answered."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._ended: dict[int, None] = {}

    @property
    def is_running(self) -> bool:
        """Whether some are under way."""
        return bool(self._running)

    @property
    def ended(self) -> tuple[int, ...]:
        """Those whose peers are all measured, in the order in which they ended."""
        return tuple(self._ended)

    def begin(self, told: Collection[Urgent]) -> tuple[Urgent, ...]:
        """Return those that are new, which run from now on.

        A scheduler repeats an order until it is answered, for the answer that told it may be lost.
        """
        known = self._running | self._ended.keys()
        new = {order.order_id: order for order in told if order.order_id not in known}
        begun = tuple(new.values())[: max(MOST_ORDERS - len(known), 0)]
        self._running.update(order.order_id for order in begun)
        return begun

    def end(self, order_id: int) -> bool:
        """Note that an order's peers are all measured; tell whether it was one of these."""
        if order_id not in self._running:
            return False
        self._running.discard(order_id)
        self._ended[order_id] = None
        return True

    def settle(self, answered: Collection[int]) -> None:
        """Forget orders: the scheduler knows that they ended."""
        for order_id in answered:
            self._ended.pop(order_id, None)

    def clear(self) -> None:
        """Forget all: whoever gave them is gone."""
        self._running.clear()
        self._ended.clear()
