"""What of it all is measured: the options' texts, read."""

from dataclasses import dataclass

from benchmarks.live.contenders import OURS, STOCK
from benchmarks.live.measured import MODES, Mode
from benchmarks.live.scenarios import SCENARIOS, Scenario

SCHEDULERS = (OURS, STOCK)


@dataclass(frozen=True, slots=True)
class Choice:
    """Numbers of nodes, ascending; scenarios, modes and schedulers in their own order."""

    nodes: tuple[int, ...]
    scenarios: tuple[Scenario, ...]
    modes: tuple[Mode, ...]
    schedulers: tuple[str, ...]


def read_choice(nodes: str, scenarios: str, modes: str, schedulers: str) -> Choice | str:
    """Return what is chosen, or a sentence that says what is wrong with it."""
    parts = nodes.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        return f"--nodes {nodes}: give numbers above 0, as 1000,5000"
    numbers = [int(part) for part in parts]
    if numbers != sorted(set(numbers)):
        return f"--nodes {nodes}: nodes are only added; give the numbers in ascending order"
    known: dict[str, tuple[str, tuple[str, ...]]] = {
        "--scenarios": (scenarios, SCENARIOS),
        "--modes": (modes, MODES),
        "--schedulers": (schedulers, SCHEDULERS),
    }
    for option, (said, there_are) in known.items():
        unknown = [word for word in said.split(",") if word not in there_are]
        if unknown:
            return f"{option}: there is no {', '.join(unknown)}; there are {', '.join(there_are)}"
    return Choice(
        tuple(numbers),
        tuple(s for s in SCENARIOS if s in scenarios.split(",")),
        tuple(m for m in MODES if m in modes.split(",")),
        tuple(s for s in SCHEDULERS if s in schedulers.split(",")),
    )
