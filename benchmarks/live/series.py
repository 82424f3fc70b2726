"""Which runs are made, and in what order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.live.choice import Choice
from benchmarks.live.contenders import Contender
from benchmarks.live.measured import Case, Ceiling, Failure, Mode, Run
from benchmarks.live.rig import Rig
from benchmarks.live.scenarios import LARGE_NODES, Scenario, pods_of, presets_of
from benchmarks.live.trial import Trial, ceilings, now
from tests.real.program import NotReady

PACED_PODS = 500


@dataclass(frozen=True, slots=True)
class Terms:
    """How much is made of each choice.

    `pods` and `repeats` of 0 are the defaults of scenario and case. `limit_s` is how long a run
    waits for a scheduler. `has_ceiling` is whether plain pods are bound with no scheduler first.
    """

    pods: int
    repeats: int
    limit_s: float
    has_ceiling: bool


def cases(nodes: int, scenario: Scenario, modes: Sequence[Mode], pods: int) -> list[Case]:
    """Return the cases of one number of nodes and one scenario; 0 pods are the scenario's own."""
    preset = presets_of(scenario, nodes)
    return [
        Case(
            nodes,
            mode,
            pods_of(scenario, nodes, PACED_PODS if mode == "paced" else pods),
            preset,
            scenario,
        )
        for mode in modes
    ]


def repeats_of(case: Case) -> int:
    """Return how often a case is run where nobody says."""
    if case.scenario != "plain":
        return 1
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
    rig: Rig, choice: Choice, contenders: Sequence[Contender], terms: Terms
) -> Iterator[Run | Failure | Ceiling]:
    """Yield each run as it is made.

    Parameters
    ----------
    rig
        Running, and without nodes.
    choice
        What is run.
    contenders
        Who is compared.
    terms
        How much of it. A run that fails does not keep the others from being made.
    """
    for nodes in choice.nodes:
        rig.grow(nodes)
        for scenario in choice.scenarios:
            some = cases(nodes, scenario, choice.modes, terms.pods)
            rig.preset(scenario, some[0].preset)
            if terms.has_ceiling and scenario == "plain":
                for _ in range(terms.repeats or repeats_of(some[0])):
                    yield from ceilings(rig, nodes, some[0].pods)
            for case in some:
                for turn, who in turns(case, contenders, terms.repeats or repeats_of(case)):
                    yield _outcome(Trial(rig, who, turn, terms.limit_s), turn, who)


def _outcome(trial: Trial, case: Case, contender: Contender) -> Run | Failure:
    try:
        return trial.run()
    except NotReady as error:
        return Failure(now(), case, contender.name, trial.bound(), str(error))
