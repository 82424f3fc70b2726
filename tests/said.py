"""What readings come to in numbers, by directed pair, as the table of all pairs takes them."""

from collections.abc import Iterable, Sequence

from telemetry.readings import PairReading, Readings, by_row


def said(nodes: Sequence[str], pairs: Iterable[PairReading]) -> dict[tuple[str, str], int]:
    """Return the RTT of each pair that has one, microseconds."""
    index = {name: row for row, name in enumerate(nodes)}
    return {
        (nodes[i], nodes[j]): rtt_us
        for i, (columns, rtts_us) in by_row(Readings(tuple(pairs)), index).items()
        for j, rtt_us in zip(columns.tolist(), rtts_us.tolist(), strict=True)
    }
