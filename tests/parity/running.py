"""Runs many cases and batches in several processes, each with an oracle of its own."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from queue import Empty
from typing import TYPE_CHECKING

from tests.parity.batches import seeded_batch
from tests.parity.oracle_process import OracleDied, OracleProcess, oracle_path
from tests.parity.placements import Placements, placed
from tests.parity.tally import Tally, compared
from tests.parity.worlds import seeded_world

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

_LOOK_AFTER_S = 30
_CHUNK = 500
"""Cases between two words of progress; of batches, which take longer, a tenth."""


@dataclass(frozen=True, slots=True)
class Work:
    """How many cases and batches of a seed; number 0 is the first."""

    seed: int
    cases: int
    batches: int
    processes: int = 2


Part = Tally | Placements | Exception | None
"""What a process has to say; nothing is its last word."""


def run(work: Work) -> Iterator[Tally | Placements]:
    """Yield what comes of some work, part by part, in no particular order.

    Raises
    ------
    OracleDied
        If an oracle, or a process, ends before it has answered all.
    """
    context = multiprocessing.get_context("spawn")
    said: Queue[Part] = context.Queue()
    at_work = [
        context.Process(target=_share, args=(work, number, said), daemon=True)
        for number in range(work.processes)
    ]
    for one in at_work:
        one.start()
    try:
        left = len(at_work)
        while left:
            try:
                part: Part = said.get(timeout=_LOOK_AFTER_S)
            except Empty:
                _look_after(at_work)
                continue
            if isinstance(part, Exception):
                raise part
            if part is None:
                left -= 1
            else:
                yield part
    finally:
        for one in at_work:
            one.terminate()
            one.join()


def _look_after(at_work: list[SpawnProcess]) -> None:
    """Notice a process that was ended from outside: it has no last word."""
    for one in at_work:
        if one.exitcode:
            raise OracleDied(f"process {one.pid} was ended ({one.exitcode})")


def _share(work: Work, number: int, said: "Queue[Part]") -> None:
    """Do every so manieth chunk of some work."""
    try:
        with OracleProcess(oracle_path()) as oracle:
            for chunk in _chunks(work.cases, _CHUNK, number, work.processes):
                said.put(compared(oracle, (seeded_world(work.seed, k) for k in chunk)))
            for chunk in _chunks(work.batches, _CHUNK // 10, number, work.processes):
                said.put(placed(oracle, (seeded_batch(work.seed, k) for k in chunk)))
    except Exception as error:  # noqa: BLE001 - raised again in the first process
        said.put(error)
    else:
        said.put(None)


def _chunks(count: int, size: int, number: int, processes: int) -> Iterator[range]:
    for start in range(number * size, count, processes * size):
        yield range(start, min(start + size, count))
