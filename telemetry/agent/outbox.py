"""What one scheduler replica has yet to be told."""

from collections.abc import Collection

from telemetry.agent import wire
from telemetry.agent.burst import Burst
from telemetry.agent.row import PACKED, Row, pack, record, unpack

HISTORY = 5
"""Bursts of one peer that wait: a scheduler believes 3 in a row and takes the median of 5, so an
older one could change nothing."""


class Outbox:
    """Bursts in the order in which one replica is to learn of them.

    While the replica is away bursts wait for it, the last `HISTORY` of each peer; when one more
    comes, the peer's oldest is dropped and counted. So what waits is bounded by the number of peers
    and no peer's newest burst is ever dropped, while the history that a scheduler judges by
    survives a short absence. A queue bounded over all peers alike would let the few that are
    measured every second push out the many that are measured every few minutes.

    A report holds no peer twice. It takes the oldest waiting burst of each peer; after an absence a
    few reports follow one another, at most `HISTORY` of them.

    A replica that has nothing of this agent is owed the whole row, the newest burst of each peer;
    then nothing waits, for the row has it.

    What is loaded into a report stays as it is until it is known whether the report was taken, with
    one exception: the row goes on while it is on its way. That does no harm: what came after the
    loading also waits for the report after it.

    Parameters
    ----------
    row
        All the agent knows.
    """

    def __init__(self, row: Row) -> None:
        self._row = row
        # Packed one after the other, the oldest first: 490 peers make 0.1 MB, not 0.6.
        self._waiting: dict[int, bytes] = {}
        self._loaded = b""
        self._is_whole_owed = True
        self.is_whole_loaded = False
        """Whether the report that is loaded holds the whole row."""
        self.dropped = 0
        """Bursts that were forgotten before the replica took them."""

    @property
    def has_waiting(self) -> bool:
        """Whether more is to be told after the report that is loaded."""
        return bool(self._waiting) or self._is_whole_owed

    def put(self, burst: Burst) -> None:
        """Have a burst told that the row holds already."""
        if self._is_whole_owed:
            return
        waiting = self._waiting.get(burst.key, b"") + pack(burst)
        if len(waiting) > HISTORY * PACKED:
            waiting = waiting[PACKED:]
            self.dropped += 1
        self._waiting[burst.key] = waiting

    def load(self) -> None:
        """Choose what the next report holds."""
        self.is_whole_loaded, self._is_whole_owed = self._is_whole_owed, False
        if self.is_whole_loaded:
            return
        self._loaded = b"".join(waiting[:PACKED] for waiting in self._waiting.values())
        rest = ((key, waiting[PACKED:]) for key, waiting in self._waiting.items())
        self._waiting = {key: left for key, left in rest if left}

    def records(self, now_s: float) -> list[wire.Record]:
        """Return what is loaded, as it is written in a report that is sent now."""
        bursts = self._row if self.is_whole_loaded else unpack(self._loaded)
        written = (record(burst, now_s) for burst in bursts)
        return [one for one in written if one is not None]

    def taken(self) -> None:
        """Forget what was loaded: the replica has it."""
        self._loaded, self.is_whole_loaded = b"", False

    def owe_whole(self) -> None:
        """Have the whole row told next, and nothing else.

        Bursts that were to be told, and are not their peer's newest, count as dropped.
        """
        untold = [burst.key for burst in unpack(b"".join([self._loaded, *self._waiting.values()]))]
        self.dropped += len(untold) - len(set(untold))
        self._waiting = {}
        self._is_whole_owed = True
        self.taken()

    def keep(self, peers: Collection[int]) -> None:
        """Tell no more of peers that are not among these."""
        self._waiting = {key: many for key, many in self._waiting.items() if key in peers}
