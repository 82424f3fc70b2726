"""Every pair's best measurement: eight bytes each, the larger clusters only where it matters.

Agents' rows, exporters' readings and files meet here. Per directed pair one value is kept, with its
age and what measured it: an agent's wins over an exporter's while it is believed, a newer one over
an older. Files lie beneath. Nothing that was not measured ever becomes a number.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from telemetry.blocks import BLOCK_ROWS, Blocks
from telemetry.dated import DatedRtt
from telemetry.detail import Details
from telemetry.entries import write_row, write_turned
from telemetry.files_beneath import Files
from telemetry.keeping import KeepSettings
from telemetry.model import RttTable
from telemetry.ports import Clock
from telemetry.readings import Readings, by_row
from telemetry.rings import Bursts, PairDetail, Teller
from telemetry.roster import Roster
from telemetry.rows import MeasuredRow
from telemetry.stamps import (
    TICK_S,
    Origin,
    believed,
    origins,
    tick_of,
)
from telemetry.zone_medians import ZoneMedians

BEFORE_S = 86_400.0
"""What agents measured before the store began counts too, as far back as a report may reach."""


class RttStore:
    """Takes in measurements; gives frozen tables. Not for use by several threads.

    Parameters
    ----------
    settings
        What to keep.
    clock
        Seconds, never stepping back; where it begins does not matter.
    """

    def __init__(self, settings: KeepSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._began_s = clock() - BEFORE_S
        self._roster = Roster()
        self._wanted: set[str] = set()
        self._blocks = Blocks()
        self._references: frozenset[str] = frozenset()
        self._near: Mapping[str, Iterable[str]] = {}
        self._reference_rows: frozenset[int] = frozenset()
        self._details = Details()
        self._held: frozenset[str] = frozenset()
        self._files = Files()
        self._medians = ZoneMedians({})
        self.version = 0

    @property
    def now_s(self) -> float:
        """The clock of its tables: seconds since a day before the store began."""
        return self._clock() - self._began_s

    @property
    def is_dense(self) -> bool:
        """Whether every pair is kept."""
        return self._blocks.rows > 1

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes it knows, in the order of rows."""
        return tuple(self._roster.names)

    # What there is to know of

    def know(self, nodes: Iterable[str]) -> None:
        """Take note of the cluster's nodes.

        Those that are gone keep their last values, which pods that refer to them may still need,
        until a quarter of all rows is theirs; then all of them are forgotten. One that returns
        under its name is another machine: nothing is known of it.
        """
        wanted = set(nodes)
        returned = (wanted - self._wanted) & self._roster.index.keys()
        self._wanted = wanted
        if returned:
            nothing = np.full(len(Origin), np.iinfo(np.int64).max)
            rows = self._roster.rows_named(returned)
            self._blocks.forget_older(rows, nothing)
            self._details.forget(rows)
            self.version += 1
        gone = len(self._roster) - sum(name in wanted for name in self._roster.names)
        if gone > max(BLOCK_ROWS, len(self._roster) // 4):
            self._rebuild([name for name in self._roster.names if name in wanted])
        new = sorted(wanted - self._roster.index.keys())
        if new:
            self._append(new)
        if self.is_dense and len(self._roster) > self._settings.dense_nodes:
            self._thin_out()

    def focus(
        self, references: frozenset[str], near: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        """Keep the history of these nodes' rows; where not all pairs fit, keep only these rows.

        Where history of whole rows does not fit, that of the pairs in `near`, by reference.
        """
        index = self._roster.index
        self._references, self._near = references, near or {}
        rows = frozenset(index[name] for name in references if name in index)
        self._reference_rows = rows
        pairs = (
            (index[name], [index[other] for other in nodes if other in index])
            for name, nodes in self._near.items()
            if name in index
        )
        self._details.keep(rows, self._blocks.width, pairs)
        if not self.is_dense:
            for number in self._blocks.kept():
                if number not in rows:
                    self._blocks.drop(number)

    def keep(self, reference: str) -> None:
        """Keep a node's row from now on, where not all are kept: it is about to be measured."""
        if not self.is_dense and reference not in self._references:
            self.focus(self._references | {reference}, self._near)

    def set_zones(self, zone_of: Mapping[str, int]) -> None:
        """Have the medians between these zones kept, where not every pair is."""
        if not self.is_dense and zone_of != self._medians.zone_of:
            self._medians = ZoneMedians(zone_of)

    def first_to_measure(self, reference: str, count: int) -> list[str]:
        """Return the unmeasured nodes in the zones nearest to a reference, where zones are kept."""
        row = self._roster.index.get(reference)
        if self.is_dense or row is None:
            return []
        found = self._blocks.row(row)
        names = [
            name
            for at, name in enumerate(self._roster.names)
            if at != row and (found is None or not found[1][at])
        ]
        return self._medians.nearest(reference, names, count)

    def hold(self, nodes: frozenset[str]) -> None:
        """Have the values of these nodes, believed dead, stay as they are.

        Those that were too old when the node was first held are forgotten. One that was cut stays:
        bursts are lost before the cluster notices that a node is dead.
        """
        if nodes == self._held:
            return
        new = self._roster.rows_named(nodes - self._held)
        if len(new):
            self._blocks.forget_older(new, self._settings.max_ages.oldest(self.now_s))
        self._held = nodes
        self.version += 1

    # What is measured

    def take(self, row: MeasuredRow, *, whole: bool = False) -> None:
        """Take in what an agent measured. Peers that are not known are left out."""
        del whole  # a whole row is a row: what it does not name ages
        at = self._roster.index.get(row.node)
        if at is None:
            return
        columns, here = self._roster.rows_of(row.peers)
        here &= columns != at
        columns = columns[here]
        now_tick = tick_of(self.now_s)
        age = np.ceil(row.age_ms[here] / (1000 * TICK_S)).astype(np.int64)
        bursts = Bursts(
            columns,
            np.maximum(1, now_tick - age),
            row.rtt_us[here],
            row.least_us[here],
            row.sent[here].astype(np.int64),
            row.lost[here].astype(np.int64),
        )
        oldest = self._settings.max_ages.oldest(self.now_s)
        self._details.add(at, bursts, Teller(Origin.AGENT, oldest))
        self._write(at, bursts, Origin.AGENT)
        if not self.is_dense:
            peers = [self._roster.names[column] for column in columns.tolist()]
            self._medians.add(row.node, peers, bursts.rtt_us)

    def take_readings(self, readings: Readings, origin: Origin) -> None:
        """Take in what an exporter says.

        A pair that answered faster than the exporter can tell is entered at the exporter's
        resolution, which it did not exceed. Failures and doubts change nothing: what was known
        before grows old.
        """
        tick = tick_of(self.now_s - readings.age_s)
        apart, oldest = int(readings.age_s / TICK_S), self._settings.max_ages.oldest(self.now_s)
        teller = Teller(origin, oldest, apart)
        for row, (columns, rtt_us) in by_row(readings, self._roster.index).items():
            bursts = Bursts.single(columns, tick, rtt_us)
            self._details.add(row, bursts, teller)
            self._write(row, bursts, origin)

    def take_file(self, table: RttTable) -> None:
        """Lay a file's RTTs beneath all that is measured, in place of the last file's."""
        self._files.take(table, self.now_s)
        self.version += 1

    # What is known

    def frozen(self) -> DatedRtt:
        """Return what is known now; it does not change any more and costs pointers."""
        nodes, now_s = tuple(self._roster.names), self.now_s
        max_age_s = self._settings.max_ages.seconds.get(Origin.FILE, np.inf)
        return DatedRtt(
            nodes=nodes,
            index=dict(self._roster.index),
            blocks=self._blocks.frozen(),
            block_rows=self._blocks.rows,
            oldest=self._settings.max_ages.oldest(now_s),
            now_s=now_s,
            made_s=self._clock(),
            lag_ticks=self._settings.lag_ticks,
            is_held=np.array([name in self._held for name in nodes], dtype=np.bool_),
            beneath=self._files.beneath(nodes, now_s, max_age_s),
        )

    def detail(self, reference: str, node: str, max_age_s: float) -> PairDetail | None:
        """Return the last bursts of a pair as read from a reference; None where none are kept.

        Bursts older than `max_age_s` are left out.
        """
        at = self._roster.pair(reference, node)
        return at and self._details.get(*at, tick_of(self.now_s - max_age_s))

    def measured_by_agent(self, measured_from: str, measured_to: str) -> int | None:
        """Return the RTT an agent measured of a pair, microseconds, if that is believed."""
        at = self._roster.pair(measured_from, measured_to)
        found = at and self._blocks.row(at[0])
        if not at or not found:
            return None
        rtt_us, stamp = int(found[0][at[1]]), found[1][at[1] : at[1] + 1]
        is_agents = int(origins(stamp)[0]) == Origin.AGENT
        oldest = self._settings.max_ages.oldest(self.now_s)
        return rtt_us if is_agents and believed(stamp, oldest)[0] else None

    def is_only_in_file(self, reference: str, node: str) -> bool:
        """Whether neither end of a pair ever measured it, and a file has it."""
        at = self._roster.pair(reference, node)
        if not self._files.is_there or at is None:
            return False
        i, j = at
        there, back = self._blocks.row(i), self._blocks.row(j)
        return not (there is not None and there[1][j]) and not (back is not None and back[1][i])

    def _write(self, row: int, bursts: Bursts, origin: Origin) -> None:
        """Write bursts of one node where they tell more than what stands there."""
        self.version += 1
        oldest = self._settings.max_ages.oldest(self.now_s)
        if self.is_dense or row in self._reference_rows:
            write_row(self._blocks, row, bursts, origin, oldest)
        else:
            write_turned(self._blocks, row, bursts, origin, oldest, self._reference_rows)

    # Rows

    def _append(self, names: Iterable[str]) -> None:
        self._roster.append(names)
        self._blocks.widen(len(self._roster))
        self.focus(self._references, self._near)
        self.version += 1

    def _rebuild(self, names: list[str]) -> None:
        """Forget all other nodes; O(n²), once in a quarter of all nodes gone."""
        old, rows = self._blocks, self._roster.rows_named(names)
        self._roster = Roster()
        self._details = Details()
        self._blocks = old.picked([int(row) for row in rows])
        self._append(names)

    def _thin_out(self) -> None:
        """Go over to rows of reference nodes alone: the cluster has outgrown a dense table."""
        self._blocks = self._blocks.thinned(self._reference_rows)
