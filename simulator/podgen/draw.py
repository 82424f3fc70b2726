"""The draw: which apps and gangs there are, and when each pod arrives.

Each aspect has a random stream of its own, so that asking for delays changes neither sizes nor
names: experiments that differ in one option differ in nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate

import numpy as np

from simulator.podgen.mix import Mix, Range


class _Aspect(IntEnum):
    """Streams of chance; a number is never given to another aspect."""

    GANG_SIZE = 1
    APP_SIZE = 2
    ORDER = 3
    CPU = 4
    MEMORY = 5
    DELAY = 6
    REFERENCE = 7
    WITHIN = 8
    AFFINITY = 9
    PRIORITY = 10
    ARRIVAL = 11


@dataclass(frozen=True, slots=True)
class App:
    """Pods that are alike in everything but their names.

    `reference` is empty for no delay; `affinity` for no rule between its pods; `cpu_milli` and
    `memory_bytes` are what each pod requests. `arrives_s` has the second at which each pod arrives.
    """

    name: str
    is_gang: bool
    cpu_milli: int
    memory_bytes: int
    reference: str
    within_us: int
    affinity: str
    priority: int
    arrives_s: tuple[float, ...]

    @property
    def size(self) -> int:
        """How many pods it has."""
        return len(self.arrives_s)


def draw(mix: Mix) -> tuple[App, ...]:
    """Draw the apps, in the order in which their pods arrive. Same mix, same apps.

    A share is met to half an app: apps in random order are marked while they fit into it. Where
    the share of gangs leaves room for less than a smallest gang, those pods are in none.
    """
    sizes, are_gangs = _sizes(mix)
    delayed = _marked(_stream(mix, _Aspect.DELAY), sizes, mix.delays)
    apart, together = _rules(mix, sizes)
    cpu_milli = _values(mix, _Aspect.CPU, mix.cpu_milli, len(sizes))
    memory_bytes = _values(mix, _Aspect.MEMORY, mix.memory_bytes, len(sizes))
    within_us = _values(mix, _Aspect.WITHIN, mix.within_us, len(sizes))
    references = _stream(mix, _Aspect.REFERENCE).random(len(sizes))
    priorities = _priorities(mix, len(sizes))
    arrivals = _arrivals(mix)
    ends = list(accumulate(sizes))
    return tuple(
        App(
            name=f"{mix.prefix}-{k + 1}",
            is_gang=are_gangs[k],
            cpu_milli=cpu_milli[k],
            memory_bytes=memory_bytes[k],
            reference=_picked(mix.references, references[k]) if k in delayed else "",
            within_us=within_us[k],
            affinity="apart" if k in apart else "together" if k in together else "",
            priority=priorities[k],
            arrives_s=tuple(arrivals[end - size : end]),
        )
        for k, (size, end) in enumerate(zip(sizes, ends, strict=True))
    )


def _stream(mix: Mix, aspect: _Aspect) -> np.random.Generator:
    return np.random.default_rng([mix.seed, int(aspect)])


def _sizes(mix: Mix) -> tuple[list[int], list[bool]]:
    """Return how many pods each app has and whether it is a gang, in the order of arrival."""
    in_gangs = round(mix.gangs * mix.number)
    gangs = list(_gang_sizes(mix, in_gangs))
    apps = list(_app_sizes(mix, mix.number - sum(gangs)))
    both = [(size, True) for size in gangs] + [(size, False) for size in apps]
    order = _stream(mix, _Aspect.ORDER).random(len(both)).argsort(kind="stable")
    return [both[k][0] for k in order], [both[k][1] for k in order]


def _gang_sizes(mix: Mix, left: int) -> Iterator[int]:
    rng = _stream(mix, _Aspect.GANG_SIZE)
    while left >= mix.gang_size.low:
        size = min(mix.gang_size.at(rng.random()), left)
        yield size
        left -= size


def _app_sizes(mix: Mix, left: int) -> Iterator[int]:
    rng = _stream(mix, _Aspect.APP_SIZE)
    while left:
        size = min(mix.app_size.at(rng.random()), left)
        yield size
        left -= size


def _values(mix: Mix, aspect: _Aspect, drawn_from: Range, count: int) -> list[int]:
    return [drawn_from.at(share) for share in _stream(mix, aspect).random(count)]


def _marked(rng: np.random.Generator, sizes: Sequence[int], *shares: float) -> dict[int, int]:
    """Return apps that hold these shares of the pods between them: the share's number by app."""
    out: dict[int, int] = {}
    total = sum(sizes)
    bounds = [bound * total for bound in accumulate(shares)]
    before = 0
    for k in rng.random(len(sizes)).argsort(kind="stable"):
        middle = before + sizes[k] / 2
        number = next((i for i, bound in enumerate(bounds) if middle <= bound), None)
        if number is None:
            break
        out[int(k)] = number
        before += sizes[k]
    return out


def _rules(mix: Mix, sizes: Sequence[int]) -> tuple[set[int], set[int]]:
    rng = _stream(mix, _Aspect.AFFINITY)
    marked = _marked(rng, sizes, mix.anti_affinity, mix.affinity)
    return {k for k, n in marked.items() if n == 0}, {k for k, n in marked.items() if n == 1}


def _picked(names: Sequence[str], share: float) -> str:
    return names[int(share * len(names))]


def _priorities(mix: Mix, count: int) -> list[int]:
    if not mix.priorities:
        return [0] * count
    values = [value for value, _ in mix.priorities]
    ends = np.cumsum([weight for _, weight in mix.priorities])
    at = _stream(mix, _Aspect.PRIORITY).random(count) * ends[-1]
    chosen = np.minimum(np.searchsorted(ends, at, side="right"), len(values) - 1)
    return [values[k] for k in chosen]


def _arrivals(mix: Mix) -> list[float]:
    """Return when each pod arrives, seconds after the first, ascending."""
    if mix.arrival == "batch" or mix.rate is None:
        return [0.0] * mix.number
    if mix.arrival == "uniform":
        return [k / mix.rate for k in range(mix.number)]
    gaps = -np.log1p(-_stream(mix, _Aspect.ARRIVAL).random(mix.number)) / mix.rate
    gaps[0] = 0.0
    return [float(at_s) for at_s in gaps.cumsum()]
