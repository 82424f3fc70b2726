"""The schedulers of an episode: replicas that are killed and started again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import requests

from tests.real.program import NotReady, wait_until
from tests.real.schedulers import Scheduler

BUGS = ("plan.rejected", "plan.failed", "cycle.failed", "binding.failed")
"""What no scheduler may ever have to say."""

_ACTS_S = 60.0
_KILLED = -9
_DEPOSED = 1
"""The exit status of a leader that could not renew its Lease, as it should be."""


class Crew:
    """Runs while inside ``with``; leaving ends all in peace.

    Parameters
    ----------
    kubeconfig
        Whose account.
    place
        A folder of its own, for settings and logs.
    matrix
        Round-trip times.
    replicas
        How many are to run; of more than one, one leads.
    """

    def __init__(self, kubeconfig: Path, place: Path, matrix: Path, *, replicas: int) -> None:
        self._kubeconfig, self._place, self._matrix = kubeconfig, place, matrix
        self._replicas = replicas
        self._all: list[Scheduler] = []
        self._leader: Scheduler | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for scheduler in self._all:
            scheduler.__exit__()

    def man(self) -> None:
        """Start so many as are missing, those that were killed or deposed."""
        for _ in range(self._replicas - len(self._running())):
            started = Scheduler(
                self._kubeconfig,
                self._place,
                matrix=self._matrix,
                is_alone=self._replicas == 1,
            )
            self._all.append(started.__enter__())

    def wait_for_leader(self) -> None:
        """Wait until one acts: it is the one that `kill_leader` ends."""
        wait_until(self._has_leader, "a scheduler acts", within_s=_ACTS_S)

    def kill_leader(self) -> None:
        """End it at once.

        Raises
        ------
        ValueError
            If nobody was waited for.
        """
        if self._leader is None:
            raise ValueError("nobody leads yet")
        self._leader.program.kill()

    def said(self, event: str) -> Iterator[dict[str, object]]:
        """Yield what all of them, the dead too, have logged of one kind of event."""
        for scheduler in self._all:
            yield from scheduler.lines(event)

    def bugs(self) -> list[str]:
        """Return what must not be in any log, and ends that nobody caused."""
        allowed = (None, _KILLED) if self._replicas == 1 else (None, _KILLED, _DEPOSED)
        found = [
            f"bug: a scheduler ended with {one.program.exit_status}"
            for one in self._all
            if one.program.exit_status not in allowed
        ]
        return found + [f"bug: {event}: {line}" for event in BUGS for line in self.said(event)]

    def _running(self) -> Sequence[Scheduler]:
        return [one for one in self._all if one.program.exit_status is None]

    def _has_leader(self) -> bool:
        self._leader = next(filter(self._acts, self._running()), None)
        return self._leader is not None

    def _acts(self, scheduler: Scheduler) -> bool:
        """Whether a scheduler decides now, as far as it can be asked."""
        try:
            return scheduler.is_ready() if self._replicas == 1 else scheduler.leads
        except (requests.RequestException, NotReady):
            return False
