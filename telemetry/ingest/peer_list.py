"""The list of peers that agents hold, encoded once for all of them."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

_MOST_CHANGES = 64
"""Lists before the present one that an agent may still hold to be told what is new since. A rolling
update of the agents changes one address after the other."""

_EXACT_BITS = 53
"""Larger whole numbers are not the same in every reader of JSON."""


class PeerList:
    """Agents' addresses by node, in versions.

    A version is worked out from what the list holds: replicas, and a scheduler that was restarted,
    give the same list the same version, and an agent that holds it need not be sent it again.
    """

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._whole = b""
        self._older: dict[int, dict[str, str]] = {}
        self._deltas: dict[int, bytes] = {}
        self.version = 0
        self.hold({})

    def __len__(self) -> int:
        return len(self._addresses)

    def hold(self, addresses: Mapping[str, str]) -> None:
        """Make `addresses`, by node, the present list."""
        if self.version and addresses == self._addresses:
            return
        if self.version:
            self._older[self.version] = self._addresses
            if len(self._older) > _MOST_CHANGES:
                del self._older[next(iter(self._older))]
        self._addresses = dict(sorted(addresses.items()))
        pairs = msgspec.json.encode(list(self._addresses.items()))
        digest = blake2b(pairs, digest_size=8).digest()
        self.version = (int.from_bytes(digest, "little") >> (64 - _EXACT_BITS)) or 1
        self._older.pop(self.version, None)  # it is what it was before
        self._deltas.clear()
        self._whole = b'{"version":%d,"whole":true,"set":%b,"gone":[]}' % (self.version, pairs)

    def since(self, version: int) -> bytes:
        """Return, as JSON, what an agent that holds `version` is to be told of the list.

        Returns
        -------
        bytes
            What `telemetry.agent.wire` calls ``peers``.
        """
        if version == self.version:
            return b"null"
        held = self._older.get(version)
        if held is None:
            return self._whole
        delta = self._deltas.get(version)
        if delta is None:
            delta = self._deltas[version] = self._delta(held)
        return delta

    def _delta(self, held: Mapping[str, str]) -> bytes:
        now = self._addresses
        changed = [(name, at) for name, at in now.items() if held.get(name) != at]
        gone = [name for name in held if name not in now]
        said = {"version": self.version, "whole": False, "set": changed, "gone": gone}
        delta = msgspec.json.encode(said)
        return delta if len(delta) < len(self._whole) else self._whole
