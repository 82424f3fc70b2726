"""What is remembered of single pairs of nodes: their last bursts."""

from typing import Protocol


class History(Protocol):
    """Remembers the last measurements of the pairs that budgets hang on."""

    def recent_us(self, reference_node: str, node: str) -> tuple[int, ...] | None:
        """Return the last bursts from a reference's node to a node, newest last, microseconds.

        Each is an independent measurement that is not older than what may be believed;
        `UNKNOWN_US` stands for a burst that was lost whole. Empty where none is remembered. None
        where nothing measures the pair again and again, as with a file: its RTT stands as it is.
        """
        ...
