"""Bursts written into a table: only where they tell more than what stands there."""

from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

from telemetry.blocks import Blocks
from telemetry.model import UNKNOWN_US
from telemetry.rings import Bursts
from telemetry.stamps import Origin, believed, origins, stamped, ticks, with_one_more_lost


def write_row(
    blocks: Blocks, row: int, bursts: Bursts, origin: Origin, oldest: NDArray[np.int64]
) -> None:
    """Write what the node at `row` measured into its row.

    What wins by its origin wins only while it is believed (`oldest`, as `MaxAges.oldest`). A burst
    that was lost keeps the value and counts against it; also where there is none yet, for a file
    may lie beneath.
    """
    rtt_us, stamps = blocks.writable(row)
    stands = stamps[bursts.columns]
    is_outranked = (origins(stands) > origin) & believed(stands, oldest)
    outranks = (origins(stands) < origin) & (bursts.ticks >= oldest[origin])
    is_newer = (bursts.ticks >= ticks(stands)) | outranks
    counts = is_newer & ~is_outranked
    is_lost = bursts.rtt_us == UNKNOWN_US
    good = counts & ~is_lost
    rtt_us[bursts.columns[good]] = bursts.rtt_us[good]
    stamps[bursts.columns[good]] = stamped(bursts.ticks[good], origin)
    is_its_own = (origins(stands) == origin) | (ticks(stands) == 0)
    bad = counts & is_lost & (bursts.ticks > ticks(stands)) & is_its_own
    stamps[bursts.columns[bad]] = with_one_more_lost(stands[bad])
    _lose_turned(blocks, row, bursts.columns[is_lost], bursts.ticks[is_lost])


def write_turned(
    blocks: Blocks,
    row: int,
    bursts: Bursts,
    origin: Origin,
    oldest: NDArray[np.int64],
    kept: Container[int],
) -> None:
    """Write what a node whose own row is not kept measured of nodes whose rows are, into those.

    Only where their own direction is not known: that one is what a delay is read in.
    """
    for k, column in enumerate(bursts.columns.tolist()):
        if column not in kept or bursts.rtt_us[k] == UNKNOWN_US:
            continue
        rtt_us, stamps = blocks.writable(column)
        if not believed(stamps[row : row + 1], oldest)[0]:
            rtt_us[row] = bursts.rtt_us[k]
            stamps[row] = stamped(bursts.ticks[k : k + 1], origin)[0]


def _lose_turned(
    blocks: Blocks, row: int, columns: NDArray[np.int64], lost_ticks: NDArray[np.int64]
) -> None:
    """Count lost bursts against what the other ends measured before, too.

    A round trip that fails one way round fails the other; else an old value of the other direction
    would stand in for a pair that is cut, for as long as it is believed.
    """
    for column, tick in zip(columns.tolist(), lost_ticks.tolist(), strict=True):
        found = blocks.row(column)
        if found is not None and 0 < int(ticks(found[1][row : row + 1])[0]) < tick:
            _, stamps = blocks.writable(column)
            stamps[row] = with_one_more_lost(stamps[row : row + 1])[0]
