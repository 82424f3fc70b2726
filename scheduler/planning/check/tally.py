"""How many pods share the topology domain of a pod: many questions counted together."""

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scheduler.planning.check.domains import Domains
from scheduler.planning.check.groups import Groups

_T = TypeVar("_T")
_CELLS = 1 << 19
"""Pairs of question and domain counted together: 2 MB, which stay in the cache."""
_ROWS = 1 << 20
"""Pods of the questions counted together."""


@dataclass(frozen=True, slots=True, eq=False)
class Question(Generic[_T]):
    """How many of the pods at `occupied` share a domain with each of the pods judged.

    `rows` of the decided pods are judged, at `nodes`; `is_own`, all three of one shape, says which
    of them are themselves at `occupied`. `about` is the asker's.
    """

    about: _T
    rows: NDArray[np.int64]
    nodes: NDArray[np.int64]
    is_own: NDArray[np.bool_]
    occupied: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers(Generic[_T]):
    """Answers to some questions, one after the other; ``j`` pods judged in all.

    `question_of` indexes `questions`; `rows` are those judged; `domain_of` is each one's domain,
    -1 where its node has none; `is_own` is as asked; `others` counts the pods asked about in that
    domain, the judged one left out. All have shape ``(j,)``.
    """

    questions: list[Question[_T]]
    question_of: NDArray[np.int64]
    rows: NDArray[np.int64]
    domain_of: NDArray[np.int64]
    is_own: NDArray[np.bool_]
    others: NDArray[np.int64]


def asked(
    groups: Groups, judged: Collection[int], occupying: AbstractSet[int], about: _T
) -> Question[_T]:
    """Return the question how many pods of `occupying` groups are near each of those `judged`."""
    rows, nodes = groups.rows(judged), groups.nodes(judged)
    own = [np.full(len(groups.rows((g,))), g in occupying) for g in judged]
    is_own = own[0] if len(own) == 1 else np.concatenate(own)
    return Question(about, rows, nodes, is_own, groups.nodes(occupying))


def answered(domains: Domains, questions: Iterable[Question[_T]]) -> Iterator[Answers[_T]]:
    """Yield the answers to all questions, as many at a time as memory is kept for."""
    width = len(domains) + 1
    table = np.zeros(max(width, _CELLS), dtype=np.int32)
    batch: list[Question[_T]] = []
    size = 0
    for question in questions:
        asked = len(question.rows) + len(question.occupied)
        if batch and ((len(batch) + 1) * width > len(table) or size + asked > _ROWS):
            yield _answer(domains, batch, table)
            batch, size = [], 0
        batch.append(question)
        size += asked
    if batch:
        yield _answer(domains, batch, table)


def _answer(
    domains: Domains, questions: list[Question[_T]], table: NDArray[np.int32]
) -> Answers[_T]:
    """Count only where somebody is judged; `table` is all zeros, before and after."""
    width = len(domains) + 1
    number = np.arange(len(questions), dtype=np.int64)
    question_of = np.repeat(number, [len(q.rows) for q in questions])
    domain_of = domains.of[np.concatenate([q.nodes for q in questions])]
    judged = question_of * width + domain_of + 1
    occupied = np.repeat(number * width + 1, [len(q.occupied) for q in questions])
    occupied += domains.of[np.concatenate([q.occupied for q in questions])]
    # Cells are numbered by one of the pods judged there; all others stay 0.
    table[judged] = np.arange(1, len(judged) + 1, dtype=np.int32)
    counts = np.bincount(table[occupied], minlength=len(judged) + 1)
    is_own = np.concatenate([q.is_own for q in questions])
    others = counts[table[judged]] - is_own
    table[judged] = 0
    return Answers(
        questions,
        question_of,
        np.concatenate([q.rows for q in questions]),
        domain_of,
        is_own,
        np.where(domain_of >= 0, others, 0),
    )
