"""Tells which node a bearer token speaks for; asks the cluster seldom, and never in a flood."""

import asyncio
import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager

from telemetry.ingest.limits import Bucket, Buckets, Recent
from telemetry.ingest.refusal import Refusal
from telemetry.ports import Clock, Identity, TokenRefused, TokenVerifier, VerifierUnavailable

KEPT_S = 120.0
"""A token that was vouched for is believed for so long, seconds: what kubelets do
(``authentication.webhook.cacheTTL``). 5,000 agents then cost 42 reviews a second."""

REFUSED_S = 10.0
"""A refusal holds for so long: a node may be new to the server that was asked."""

_MOST_KEPT = 20_000
_MOST_AT_ONCE = 16
_MOST_WAITING = 8_192
"""A whole cluster's agents may come at once, after a restart."""

_PATIENCE_S = 15.0
"""For a review, its turn included; an agent waits 30 s for an answer."""

_PEER_RATE, _PEER_BURST = 0.2, 10.0
_STRANGERS_RATE, _STRANGERS_BURST = 5.0, 50.0
"""Reviews that may fail, a second and at once: of one address, and of all addresses together where
no agent is known to be. Those that succeed do not count."""


class Admission:
    """Admits the tokens of one account, each for the node it was made for.

    Parameters
    ----------
    verifier
        Asks the cluster.
    account
        Whose tokens: ``system:serviceaccount:<namespace>:<name>``.
    now_s
        The clock.
    """

    def __init__(self, verifier: TokenVerifier, account: str, now_s: Clock) -> None:
        self._verifier, self._account, self._now_s = verifier, account, now_s
        self._kept: Recent[bytes, tuple[Identity, float]] = Recent(_MOST_KEPT)
        self._refused: Recent[bytes, tuple[str, float]] = Recent(_MOST_KEPT)
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)
        self._waiting = 0
        self._peers: Buckets[str] = Buckets(_PEER_RATE, _PEER_BURST, _MOST_KEPT, now_s)
        self._strangers = Bucket(_STRANGERS_RATE, _STRANGERS_BURST, now_s())

    async def admit(self, token: str, peer: str, *, is_stranger: bool) -> str:
        """Return the node that `token` speaks for.

        Parameters
        ----------
        token
            As it was sent; empty where none was.
        peer
            Address it came from.
        is_stranger
            Whether no agent and no node is known to have that address.

        Raises
        ------
        Refusal
            With the reason ``token``, ``node``, ``rate`` or ``busy``.
        """
        if not token:
            raise Refusal("token", "send the ServiceAccount token: Authorization: Bearer …")
        # The token itself is not kept: a dump of memory, or a log, must not hold it.
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        identity = self._known(digest)
        if identity is None:
            with self._counted(peer, is_stranger=is_stranger):
                identity = await self._review(token, digest)
        if identity.user != self._account:
            said = f"{identity.user} is not {self._account}, under which agents run"
            raise Refusal("node", said)
        if not identity.node:
            said = "the token is bound to no node; use the one that is mounted into a running pod"
            raise Refusal("node", said)
        return identity.node

    def _known(self, digest: bytes) -> Identity | None:
        """Return whose token it is, if that was asked lately; refuse it if that was refused."""
        now_s = self._now_s()
        kept = self._kept.get(digest)
        if kept is not None:
            if now_s < kept[1]:
                return kept[0]
            self._kept.drop(digest)
        refused = self._refused.get(digest)
        if refused is not None and now_s < refused[1]:
            raise Refusal("token", refused[0])
        return None

    @contextmanager
    def _counted(self, peer: str, *, is_stranger: bool) -> Iterator[None]:
        """Let a review begin; one that does not fail is not counted.

        Counted before it begins, or a flood would have begun before the first one failed.
        """
        wait_s = self._peers.take(peer)
        if not wait_s and is_stranger:
            wait_s = self._strangers.take(self._now_s())
            if wait_s:
                self._peers.give_back(peer)
        if wait_s:
            said = "too many tokens that were refused came from there; try again later"
            raise Refusal("rate", said, retry_s=math.ceil(wait_s))
        try:
            yield
        except Refusal as refusal:
            if refusal.reason != "token":
                self._give_back(peer, is_stranger=is_stranger)
            raise
        except BaseException:
            self._give_back(peer, is_stranger=is_stranger)
            raise
        else:
            self._give_back(peer, is_stranger=is_stranger)

    def _give_back(self, peer: str, *, is_stranger: bool) -> None:
        self._peers.give_back(peer)
        if is_stranger:
            self._strangers.give_back()

    async def _review(self, token: str, digest: bytes) -> Identity:
        if self._waiting >= _MOST_WAITING:
            raise Refusal("busy", "too many tokens wait for their review", retry_s=5)
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE_S), self._turns:
                # While it waited for its turn, another request may have brought the same token.
                return self._known(digest) or await self._ask(token, digest)
        except TimeoutError:
            said = f"the cluster did not tell whose token it is within {_PATIENCE_S:g} s"
            raise Refusal("busy", said, retry_s=5) from None
        finally:
            self._waiting -= 1

    async def _ask(self, token: str, digest: bytes) -> Identity:
        try:
            identity = await self._verifier.verify(token)
        except TokenRefused as error:
            said = f"the cluster does not vouch for the token: {error}"
            self._refused.put(digest, (said, self._now_s() + REFUSED_S))
            raise Refusal("token", said) from None
        except VerifierUnavailable as error:
            # Who asks is not known yet, and need not hear of our own troubles.
            said = "the cluster does not tell whose token it is now; try again later"
            raise Refusal("busy", said, retry_s=5) from error
        self._kept.put(digest, (identity, self._now_s() + KEPT_S))
        return identity
