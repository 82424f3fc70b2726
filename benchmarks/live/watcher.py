"""The watcher, a process of its own: stamps when each pod of a namespace comes and is bound.

`python -m benchmarks.live.watcher KUBECONFIG NAMESPACE VERSION COUNT FILE`. It prints a word a
line, ``watching``, ``created`` when it has seen all pods, ``first`` and ``bound`` at the first and
the last binding; then it writes its stamps to the file, says ``written`` and ends.
"""

import asyncio
import sys
import time
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.live.door import Door, opened
from benchmarks.live.stamps import Stamps
from benchmarks.live.wanted import pods_path


class Seen(msgspec.Struct, frozen=True):
    """What the watcher leaves behind; seconds of the machine's monotonic clock."""

    created_s: dict[str, float]
    bound_s: dict[str, float]
    moved: list[str]
    streams: int
    """Watches it took: the API server ends those that it thinks slow."""


class _Teller:
    """Says each word once, when its time has come."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._said: set[str] = set()

    def tell(self, stamps: Stamps) -> bool:
        """Say what is new; return whether that was all."""
        bound = len(stamps.bound_s)
        self._say("first", is_so=bound > 0)
        self._say("created", is_so=len(stamps.created_s) >= self._count)
        self._say("bound", is_so=bound >= self._count)
        return bound >= self._count

    def _say(self, word: str, *, is_so: bool) -> None:
        if is_so and word not in self._said:
            self._said.add(word)
            print(word, flush=True)


async def watch(door: Door, namespace: str, version: str, count: int) -> Seen:
    """Follow the pods of a namespace until `count` of them are bound.

    Raises
    ------
    WatchBroken, Refused
        If the watch cannot be followed without a gap.
    """
    stamps, teller, streams = Stamps(version), _Teller(count), 0
    while True:
        streams += 1
        path = f"{pods_path(namespace)}?watch=1&resourceVersion={stamps.version}&timeoutSeconds=900"
        async with door.stream(path) as stream:
            if streams == 1:
                print("watching", flush=True)
            if await _read(stream, stamps, teller):
                return Seen(stamps.created_s, stamps.bound_s, stamps.moved, streams)


async def _read(stream: aiohttp.StreamReader, stamps: Stamps, teller: _Teller) -> bool:
    """Take lines in until all is seen, or the stream ends; return whether all is seen."""
    rest = b""
    while chunk := await stream.readany():
        now_s = time.monotonic()
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            stamps.take(line, now_s)
        if teller.tell(stamps):
            return True
    return False


async def main(kubeconfig: Path, namespace: str, version: str, count: int) -> Seen:
    """Connect, and watch."""
    async with opened(kubeconfig, connections=1) as door:
        return await watch(door, namespace, version, count)


if __name__ == "__main__":
    seen = asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
    Path(sys.argv[5]).write_bytes(msgspec.json.encode(seen))
    print("written", flush=True)
