"""The agent's own loop, for tests: run until something holds, with time that can be skipped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from typing_extensions import override

from telemetry.agent.loop import Loop

_LOOK_S = 0.002
_LIMIT_S = 20.0


class SkippingLoop(Loop):
    """Its time goes on as time does, and jumps when a test says so.

    What waits for a minute is tested without waiting for one; sockets and their peers, which know
    nothing of it, go on as they are.
    """

    def __init__(self) -> None:
        self._skipped_s = 0.0
        super().__init__()

    @override
    def now_s(self) -> float:
        return super().now_s() + self._skipped_s

    def skip(self, seconds: float) -> None:
        """Let so much time have passed; what was due by then is called in the next run."""
        self._skipped_s += seconds

    def until(self, holds: Callable[[], object], *, skipping_s: float = 0.0) -> None:
        """Run until something holds.

        Parameters
        ----------
        holds
            Looked at every few milliseconds.
        skipping_s
            Skipped at each look, for what is waited for longer than a test can.
        """
        limit_s = Loop.now_s(self) + _LIMIT_S

        def look() -> None:
            if holds() or Loop.now_s(self) > limit_s:
                self.stop()
            else:
                self._skipped_s += skipping_s
                self.call_at(self.now_s() + _LOOK_S, look)

        look()
        self.run()
        assert holds(), f"did not come to hold within {_LIMIT_S:g} s"

    def pass_by(self, seconds: float) -> None:
        """Run for some time, so that what must not happen has had every chance to."""
        self.call_at(self.now_s() + seconds, self.stop)
        self.run()


@contextmanager
def skipping_loop() -> Iterator[SkippingLoop]:
    """Give a loop, and close it in the end."""
    loop = SkippingLoop()
    try:
        yield loop
    finally:
        loop.close()
