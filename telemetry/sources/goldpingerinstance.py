"""One instance of Goldpinger, asked again and again: what it said before tells what is new."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from telemetry.apart import apart
from telemetry.errors import SourceUnavailable
from telemetry.ports import Clock, Directory
from telemetry.readings import Readings
from telemetry.sources.bounded import Limits, fetched
from telemetry.sources.goldpinger import STALE_ROUNDS, Checked, read_check
from telemetry.sources.goldpingermetrics import Take, mean_readings, read_page
from telemetry.sources.pinging import Pinging

ENTRY_BYTES = 2_048
_PAGE_BYTES = 16_384
"""An entry of ``/check`` has some 200 bytes, with an error's text some 500; the page of metrics has
30 lines of 150 for each peer. Larger answers are none."""

_HEAD_BYTES = 1 << 18
_MOST_BYTES = 64 << 20


def limits(body_bytes: int) -> Limits:
    """Return limits of an answer that should have at most so many bytes, besides what is fixed."""
    return Limits(body_bytes=min(_HEAD_BYTES + body_bytes, _MOST_BYTES))


@dataclass(slots=True)
class Instance:
    """What is remembered of an instance between rounds."""

    clock: Clock
    asked_s: float = -1.0
    has_failed: bool = False
    _newest: datetime | None = field(default=None, init=False)
    _newest_s: float = field(default=0.0, init=False)
    _take: Take | None = field(default=None, init=False)
    _take_s: float = field(default=0.0, init=False)

    async def latest(
        self, root: str, node: str, directory: Directory, pinging: Pinging
    ) -> Readings:
        """Return its latest pings, from ``/check``.

        Raises
        ------
        SourceError
            If it gives no answer to use, or has stopped to ping.
        """
        where = f"{root}/check"
        most = limits(ENTRY_BYTES * len(directory.nodes))

        def look() -> Checked:
            return read_check(
                fetched(where, most),
                measured_from=node,
                node_of_address=directory.node_of,
                pinging=pinging,
                where=where,
            )

        return self.fresh(await apart(look), where)

    async def means(self, root: str, node: str, directory: Directory, pinging: Pinging) -> Readings:
        """Return the means since the last time, from ``/metrics``; the first time, nothing.

        Raises
        ------
        SourceError
            If it gives no answer to use.
        """
        where = f"{root}/metrics"
        most = limits(_PAGE_BYTES * len(directory.nodes))
        before, before_s = self._take, self._take_s
        now = await apart(lambda: read_page(fetched(where, most), where))
        self._take, self._take_s = now, self.clock()
        if before is None:
            return Readings(notes=("a mean is known from the second take on",))
        readings = mean_readings(
            now,
            before,
            measured_from=node,
            node_of_address=directory.node_of,
            pinging=pinging,
        )
        return replace(readings, age_s=self._take_s - before_s)

    def fresh(self, checked: Checked, where: str) -> Readings:
        """Return what it says, if it is not what it has said for long already.

        Raises
        ------
        SourceUnavailable
            If its newest ping has not changed for several intervals: it answers, and does not
            measure any more.
        """
        now_s = self.clock()
        if checked.newest is None or checked.newest != self._newest:
            self._newest, self._newest_s = checked.newest, now_s
        stands_s = now_s - self._newest_s
        age_s = checked.readings.age_s
        most_s = STALE_ROUNDS * age_s
        if stands_s > most_s:
            what = f"{checked.node} has pinged nobody for more than {most_s:.0f} s"
            raise SourceUnavailable(where, what)
        return replace(checked.readings, age_s=age_s + stands_s)
