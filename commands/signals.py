"""How a running command is stopped from outside."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit status of a run that a second Ctrl-C cut short."""


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Stop cleanly at the first Ctrl-C or SIGTERM; leave a second one its usual effect."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGINT, signal.SIGTERM)

    def release() -> None:
        for number in caught:
            loop.remove_signal_handler(number)

    def end() -> None:
        release()
        stop()

    for number in caught:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        release()
