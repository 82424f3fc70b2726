"""A program that runs beside a test: its log, its end, and waiting until it is ready."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

END_S = 30.0
_POLL_S = 0.02
_TAIL = 20


class NotReady(AssertionError):
    """What was waited for did not come."""


def wait_until(claim: Callable[[], bool], what: str, *, within_s: float = 60.0) -> None:
    """Wait until a claim holds.

    Raises
    ------
    NotReady
        If it does not within `within_s` seconds; `what` names it.
    """
    end_s = time.monotonic() + within_s
    while not claim():
        if time.monotonic() > end_s:
            raise NotReady(f"{what}: not within {within_s} s")
        time.sleep(_POLL_S)


class Program:
    """A process with a log file. Ended by its owner, with `stop` or `kill`.

    Parameters
    ----------
    command
        The program and its arguments.
    log
        Its output is appended here.
    environment
        Of the process; None hands on our own.
    """

    def __init__(
        self, command: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log, self._name = log, Path(command[0]).name
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the harness's own programs
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C at a terminal would end it before the test that uses it.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """What it ended with (negative: by which signal); None while it runs."""
        return self._process.poll()

    @property
    def log(self) -> str:
        """All it has said so far."""
        return self._log.read_text(errors="replace")

    def wait_until(self, claim: Callable[[], bool], what: str, *, within_s: float = 60.0) -> None:
        """Wait until a claim holds, as long as the program runs.

        Raises
        ------
        NotReady
            If the program ends first, or time is up; with the end of its log.
        """

        def holds() -> bool:
            if claim():
                return True
            if self.exit_status is not None:
                raise NotReady(f"it ended with {self.exit_status}")
            return False

        try:
            wait_until(holds, what, within_s=within_s)
        except NotReady as error:
            tail = "\n".join(self.log.splitlines()[-_TAIL:])
            raise NotReady(f"{self._name}: {error}; the end of its log:\n{tail}") from None

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), and do not wait."""
        self._process.terminate()

    def wait(self, *, within_s: float = END_S) -> int:
        """Return its exit status once it has ended."""
        return self._process.wait(within_s)

    def stop(self) -> int:
        """Ask it to end; where it does not within `END_S`, kill it. Return its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once, as kill -9 does. Return its exit status."""
        self._process.kill()
        return self._process.wait(END_S)
