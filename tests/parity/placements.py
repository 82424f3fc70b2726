"""Judges the outcomes of plans: which placed pods kube-scheduler would not have there."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.parity.batches import Batch, Outcome, outcome
from tests.parity.compare import Difference
from tests.parity.oracle_process import Case, OracleProcess


@dataclass(slots=True)
class Placements:
    """Counts of batches and their pods, and what is wrong with outcomes.

    `refused` are placed pods that the oracle refuses given all others; of each pattern the number,
    and the first. `in_order` counts batches whose outcome has refused pods, and yet an order in
    which each pod was legal when its turn came: all that kube-scheduler asks for.
    """

    batches: int = 0
    placed: int = 0
    waiting: int = 0
    in_order: int = 0
    refused: dict[str, tuple[int, Difference]] = field(default_factory=dict)

    def add(self, oracle: OracleProcess, batch: Batch) -> None:
        """Plan a batch and count what the oracle says of it."""
        self.batches += 1
        name = batch.world["id"]
        try:
            made = outcome(batch)
        except Exception as error:  # noqa: BLE001 - a bug in one case must not end a run of thousands
            self._count(fault(name, error))
            return
        self.placed += len(made.final["judge"])
        self.waiting += len(made.waiting)
        found = refusals(oracle, made)
        if found and has_order(oracle, made.final):
            self.in_order += 1
            return
        for one in found:
            self._count(one)

    def merge(self, other: "Placements") -> None:
        """Count all that another has counted."""
        self.batches += other.batches
        self.placed += other.placed
        self.waiting += other.waiting
        self.in_order += other.in_order
        for pattern, (count, first) in other.refused.items():
            known = self.refused.get(pattern, (0, first))
            self.refused[pattern] = (known[0] + count, known[1])

    def _count(self, one: Difference) -> None:
        known = self.refused.get(one.pattern, (0, one))
        self.refused[one.pattern] = (known[0] + 1, known[1])


def fault(name: str, error: Exception) -> Difference:
    """Return what an exception says first, as a difference."""
    said = f"{type(error).__name__}: {error}".partition(";")[0]
    return Difference(name, "", "fault", ours=(said,))


def refusals(oracle: OracleProcess, made: Outcome) -> list[Difference]:
    """Return the placed pods that the oracle refuses where they are, given all others."""
    name, answer = made.final["id"], oracle.ask(made.final)
    if answer["error"]:
        return [Difference(name, "", "fault", (answer["error"],))]
    return [
        Difference(name, key, "admitted", tuple(sorted(verdict["reasons"])), (), verdict["code"])
        for key, verdict in answer["verdicts"].items()
        if not verdict["ok"]
    ]


def wrongs(oracle: OracleProcess, batch: Batch) -> list[Difference]:
    """Return what is wrong with the outcome of a batch: nothing where there is a legal order."""
    try:
        made = outcome(batch)
    except Exception as error:  # noqa: BLE001 - a bug is what is looked for
        return [fault(batch.world["id"], error)]
    found = refusals(oracle, made)
    return [] if found and has_order(oracle, made.final) else found


def has_order(oracle: OracleProcess, final: Case) -> bool:
    """Return whether the placed pods can be taken away one by one, each legal when it goes.

    Backwards that is an order in which each was legal when it came. The search does not look back,
    so a false may be wrong; a true is not.
    """
    left, pods = list(final["judge"]), list(final["pods"])
    while left:
        answer = oracle.ask({**final, "pods": pods, "judge": left})
        if answer["error"]:
            return False
        going = next((key for key in reversed(left) if answer["verdicts"][key]["ok"]), None)
        if going is None:
            return False
        left.remove(going)
        pods = [pod for pod in pods if _key(pod["metadata"]) != going]
    return True


def placed(oracle: OracleProcess, batches: Iterable[Batch]) -> Placements:
    """Return what comes of some batches."""
    found = Placements()
    for one in batches:
        found.add(oracle, one)
    return found


def _key(metadata: Case) -> str:
    return f"{metadata['namespace']}/{metadata['name']}"
