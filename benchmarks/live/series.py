"""Which runs are made, and in what order."""

from collections.abc import Iterator, Sequence

from benchmarks.live.contenders import Contender
from benchmarks.live.measured import Case, Ceiling, Mode, Run
from benchmarks.live.rig import Rig
from benchmarks.live.trial import Trial, ceilings

PACED_PODS = 500
LARGE_NODES = 5_000
"""From here on there are more presets and fewer repeats."""


def cases(nodes: int, modes: Sequence[Mode], pods: int) -> list[Case]:
    """Return the cases of one number of nodes, with the presets of the baseline."""
    preset = 1_000 if nodes >= LARGE_NODES else 500
    return [Case(nodes, mode, PACED_PODS if mode == "paced" else pods, preset) for mode in modes]


def repeats_of(case: Case) -> int:
    """Return how often a case is run where nobody says."""
    return 2 if case.nodes >= LARGE_NODES else 3


def turns(
    case: Case, contenders: Sequence[Contender], repeats: int
) -> list[tuple[Case, Contender]]:
    """Return a case's runs: the contenders in turn, each first in every other repeat."""
    out: list[tuple[Case, Contender]] = []
    for number in range(repeats):
        order = contenders if number % 2 == 0 else list(reversed(contenders))
        out += [(case, contender) for contender in order]
    return out


def measured(
    rig: Rig, wanted: Sequence[Case], contenders: Sequence[Contender], repeats: int
) -> Iterator[Run]:
    """Yield each run as it is made; the cases have one number of nodes.

    Parameters
    ----------
    rig
        Running.
    wanted
        Cases of one number of nodes, not below what the rig has.
    contenders
        Who is compared.
    repeats
        Of each case; 0 for the default.
    """
    for case in wanted:
        for turn, contender in turns(case, contenders, repeats or repeats_of(case)):
            yield Trial(rig, contender, turn).run()


def tops(rig: Rig, case: Case, repeats: int) -> Iterator[Ceiling]:
    """Yield what no scheduler passes."""
    for _ in range(repeats or repeats_of(case)):
        yield from ceilings(rig, case.nodes, case.pods)
