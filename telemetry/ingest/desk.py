"""The orders for agents: standing ones by node, and urgent ones that somebody waits for."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from telemetry.ports import Clock

_REACHABLE_INTERVALS = 2.5
"""An agent is within reach while it missed two reports at most."""

_AGAIN_S = 0.25
"""An urgent order is told again so long after it was told, until it is answered: the answer that
told it may be lost. As often as an agent with urgent orders reports."""

_MOST_ORDERS = 256
"""Urgent orders for one node at once; who asks for more is told that it was not measured."""

_NONE: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class _Order:
    """An urgent order under way. `told_s` is when the agent was last told."""

    encoded: bytes
    done: asyncio.Future[bool]
    told_s: float = float("-inf")


@dataclass(slots=True, eq=False)
class _Post:
    """What waits for the agent of one node."""

    version: int
    is_star: bool = False
    near: frozenset[str] = _NONE
    urgent: dict[int, _Order] = field(default_factory=dict)
    heard_s: float = float("-inf")
    held: asyncio.Future[None] | None = None
    """Ends the hold of the agent's present request."""
    turn: int = 0
    """Grows with each request that is held."""


class OrderDesk:
    """Takes orders from the scheduler and gives them to agents as they report.

    Parameters
    ----------
    leading
        Whether our orders are to be followed: those of a replica that stands by are not.
    report_s
        How often agents report, seconds.
    now_s
        The clock.
    """

    def __init__(self, leading: Callable[[], bool], report_s: float, now_s: Clock) -> None:
        self._leading, self._report_s, self._now_s = leading, report_s, now_s
        # Versions of two desks must not be taken for each other: an agent may hold the orders of
        # one that is gone. 52 bits, which every reader of JSON keeps exactly.
        self._last = secrets.randbits(31) << 21 | 1
        self._first = self._last
        self._posts: dict[str, _Post] = {}
        self._is_closed = False

    @property
    def is_leading(self) -> bool:
        """Whether our orders are to be followed."""
        return self._leading()

    # For the scheduler

    def focus(self, stars: Collection[str], near: Mapping[str, frozenset[str]]) -> None:
        """Set the standing orders of all nodes; agents whose orders change are told at once.

        Parameters
        ----------
        stars
            Nodes that are references: their agents measure all their pairs before others do.
        near
            By node, the peers whose distance is near a budget.
        """
        for node in self._posts.keys() | set(stars) | near.keys():
            post = self._post(node)
            is_star, close = node in stars, near.get(node, _NONE)
            if (is_star, close) != (post.is_star, post.near):
                post.is_star, post.near, post.version = is_star, close, self._next()
                _release(post)

    def reachable(self, node: str) -> bool:
        """Tell whether the node's agent waits for orders, or has reported lately."""
        post = self._posts.get(node)
        if post is None:
            return False
        silent_s = self._now_s() - post.heard_s
        return post.held is not None or silent_s <= _REACHABLE_INTERVALS * self._report_s

    async def probe(self, node: str, peers: Sequence[str] | None, timeout_s: float) -> bool:
        """Have a node measure peers at once; return whether all were, and the report was taken.

        Parameters
        ----------
        node
            Whose agent is to measure.
        peers
            Nodes; None for all.
        timeout_s
            Longest wait, seconds.

        Returns
        -------
        bool
            False at once where the agent is out of reach or we do not lead.
        """
        post = self._posts.get(node)
        if post is None or not self.reachable(node) or not self._leading() or self._is_closed:
            return False
        if len(post.urgent) >= _MOST_ORDERS:
            return False
        number = self._next()
        encoded = msgspec.json.encode({"id": number, "peers": None if peers is None else [*peers]})
        order = post.urgent[number] = _Order(encoded, asyncio.get_running_loop().create_future())
        _release(post)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    return await order.done
            return False
        finally:
            post.urgent.pop(number, None)

    def close(self) -> None:
        """End all holds, and all waiting for urgent orders."""
        self._is_closed = True
        for post in self._posts.values():
            _release(post)
            for order in post.urgent.values():
                if not order.done.done():
                    order.done.set_result(False)

    def keep_only(self, nodes: Collection[str]) -> None:
        """Forget nodes that are gone."""
        for node in [name for name in self._posts if name not in nodes]:
            post = self._posts[node]
            if post.held is None and not post.urgent:
                del self._posts[node]

    # For agents' reports

    def hear(self, node: str, answers: Sequence[int]) -> None:
        """Take note that the report of a node was taken, and of the orders it says are done."""
        post = self._post(node)
        post.heard_s = self._now_s()
        for number in answers:
            order = post.urgent.get(number)
            if order is not None and not order.done.done():
                order.done.set_result(True)

    async def hold(self, node: str, version: int, until_s: float) -> None:
        """Wait until there are orders to tell, or `until_s`; a later hold of the node ends this.

        Parameters
        ----------
        node
            Who waits.
        version
            Of the standing orders it follows.
        until_s
            On the clock.
        """
        post, loop = self._post(node), asyncio.get_running_loop()
        _release(post)
        post.turn += 1
        turn = post.turn
        while not self._is_closed and post.turn == turn:
            left_s = min(until_s, self._due_s(post, version)) - self._now_s()
            if left_s <= 0.0:
                return
            held = post.held = loop.create_future()
            timer = loop.call_later(left_s, _end, held)
            try:
                await held
            finally:
                timer.cancel()
                if post.held is held:
                    post.held = None

    def told(self, node: str, version: int) -> tuple[bytes, bytes]:
        """Return, as JSON, what an answer holds as ``orders`` and ``urgent``; they count as told.

        Parameters
        ----------
        node
            Who is answered.
        version
            Of the standing orders it follows.
        """
        if not self._leading():
            return b"null", b"[]"
        post, now_s = self._post(node), self._now_s()
        orders = b"null"
        if version != post.version:
            standing = {"version": post.version, "star": post.is_star, "near": sorted(post.near)}
            orders = msgspec.json.encode(standing)
        urgent = []
        for order in post.urgent.values():
            if not order.done.done():
                order.told_s = now_s
                urgent.append(order.encoded)
        return orders, b"[" + b",".join(urgent) + b"]"

    def _due_s(self, post: _Post, version: int) -> float:
        """Return when the agent is next to be told something."""
        if not self._leading():
            return float("inf")
        if version != post.version:
            return float("-inf")
        told_s = [one.told_s for one in post.urgent.values() if not one.done.done()]
        return min(told_s) + _AGAIN_S if told_s else float("inf")

    def _post(self, node: str) -> _Post:
        post = self._posts.get(node)
        if post is None:
            post = self._posts[node] = _Post(self._first)
        return post

    def _next(self) -> int:
        self._last += 1
        return self._last


def _release(post: _Post) -> None:
    """Let a held answer look again at what there is to tell."""
    if post.held is not None:
        _end(post.held)


def _end(held: asyncio.Future[None]) -> None:
    if not held.done():
        held.set_result(None)
