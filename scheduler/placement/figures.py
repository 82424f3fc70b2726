"""Work and quality of a decision."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Work and quality, summed over the stages."""

    arcs: int = 0
    rounds: int = 0
    cost: int = 0
    bound: int = 0
    is_optimal: bool = True
    methods: set[str] = field(default_factory=set)
