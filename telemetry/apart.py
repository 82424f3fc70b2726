"""Work that may never come back, such as reading from a dead network file system."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

_T = TypeVar("_T")


async def apart(work: Callable[[], _T]) -> _T:
    """Run `work` in a thread of its own and return what it returns.

    The process does not wait for the thread when it ends, as it does for those of
    `asyncio.to_thread`: work that hangs would keep it from ending.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(settled: Callable[[], None]) -> None:
        if not done.done():  # nobody waits any more
            settled()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            settled = partial(done.set_exception, error)
        else:
            settled = partial(done.set_result, result)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, settled)

    threading.Thread(target=run, name="apart", daemon=True).start()
    return await done
