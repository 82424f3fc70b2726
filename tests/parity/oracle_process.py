"""The oracle as a process: cases go in, kube-scheduler's own verdicts come out, in order."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import IO, Self

import msgspec

from tests.parity.parts.scene import Object

Case = Object
Answer = Object

BUILD = Path(__file__).parent / "oracle" / "build.sh"

_IN_FLIGHT = 64
"""Most cases that are asked and not answered yet: enough to keep the oracle busy, and no more."""

_PATIENCE_S = 10
_SHOWN = 2_000
"""Most characters of its last words."""


class OracleDied(Exception):
    """The oracle ended before it had answered."""


@cache
def oracle_path() -> Path:
    """Return where the oracle is built to, whether or not it is there."""
    where = subprocess.run(  # noqa: S603 - our own script
        [str(BUILD), "--where"], capture_output=True, text=True, check=True, timeout=60
    )
    return Path(where.stdout.strip())


def missing() -> str:
    """Return a sentence that says that the oracle is missing and what helps, or nothing."""
    if oracle_path().is_file():
        return ""
    return f"no {oracle_path()}; build it once: make oracle (needs Go)"


class OracleProcess:
    """Runs the oracle for as long as it is entered.

    Parameters
    ----------
    program
        The oracle's program.
    cores
        On how many it may run at a time.
    """

    def __init__(self, program: Path, *, cores: int = 1) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is left
        self._process = subprocess.Popen(  # noqa: S603 - a program we built
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "GOMAXPROCS": str(cores)},
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise OracleDied("the oracle has no pipes")
        self._questions, self._replies = self._process.stdin, self._process.stdout
        self._decoder = msgspec.json.Decoder()
        self._encoder = msgspec.json.Encoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Without questions it ends by itself; one that is stuck is ended, it and no other.
        with suppress(BrokenPipeError):
            self._questions.close()
        try:
            self._process.wait(0 if kind else _PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()
        self._said.close()

    def ask(self, case: Case) -> Answer:
        """Return the answer to one case.

        Raises
        ------
        OracleDied
            If the oracle ends before it answers.
        """
        with suppress(BrokenPipeError):  # then there is no answer to read
            self._write(case)
        return self._read()

    def answers(self, cases: Iterable[Case]) -> Iterator[tuple[Case, Answer]]:
        """Yield each case with its answer. Who does not take all of them must leave the oracle.

        Parameters
        ----------
        cases
            Taken in a thread of its own, so far ahead of the answers that the oracle is busy.

        Raises
        ------
        OracleDied
            If the oracle ends before it has answered all.
        """
        asked: Queue[Case | Exception | None] = Queue(_IN_FLIGHT)
        threading.Thread(target=self._write_all, args=(cases, asked), daemon=True).start()
        while (case := asked.get()) is not None:
            if isinstance(case, Exception):
                raise case
            yield case, self._read()

    def _write_all(self, cases: Iterable[Case], asked: "Queue[Case | Exception | None]") -> None:
        try:
            for case in cases:
                asked.put(case)
                with suppress(BrokenPipeError):
                    self._write(case)
        except Exception as error:  # noqa: BLE001 - raised again where the answers are taken
            asked.put(error)
        else:
            asked.put(None)

    def _write(self, case: Case) -> None:
        self._questions.write(self._encoder.encode(case) + b"\n")
        self._questions.flush()

    def _read(self) -> Answer:
        line = self._replies.readline()
        if not line:
            raise OracleDied(self._last_words())
        answer: Answer = self._decoder.decode(line)
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        said = self._said.read()[-_SHOWN:].decode(errors="replace").strip()
        return f"the oracle ended before it answered: {said or 'it said nothing'}"
