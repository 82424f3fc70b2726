"""Whether claims can each have a volume of their own."""

from collections.abc import Sequence


def unmatched(options: Sequence[Sequence[str]]) -> list[int]:
    """Return the claims left without a volume when as many as can be have one.

    Parameters
    ----------
    options
        Of each claim the volumes that can serve it.

    Notes
    -----
    Augmenting paths: O(claims x options) time, less where hardly any volume is wanted twice.
    """
    matching = _Matching(options)
    return [claim for claim in range(len(options)) if not matching.serves(claim)]


class _Matching:
    """Who has which volume so far."""

    def __init__(self, options: Sequence[Sequence[str]]) -> None:
        self._options = options
        self._owner: dict[str, int] = {}
        self._held: dict[int, str] = {}

    def serves(self, claim: int) -> bool:
        """Give `claim` a volume, the others another one in turn if need be; whether that works."""
        reached_by: dict[str, int] = {}
        asking = [claim]
        for asker in asking:
            for volume in self._options[asker]:
                if volume in reached_by:
                    continue
                reached_by[volume] = asker
                if volume not in self._owner:
                    self._hand_on(volume, reached_by)
                    return True
                asking.append(self._owner[volume])
        return False

    def _hand_on(self, volume: str, reached_by: dict[str, int]) -> None:
        """Give a free volume to who reached it, that one's to who reached that, and so on."""
        free: str | None = volume
        while free is not None:
            owner = reached_by[free]
            left = self._held.get(owner)
            self._owner[free], self._held[owner] = owner, free
            free = left
