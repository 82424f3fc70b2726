"""Goldpinger as a source of readings: its pods are found, asked side by side, and asked again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_address

from telemetry.apart import apart
from telemetry.errors import SourceEmpty, SourceError, SourceMalformed, SourceUnavailable
from telemetry.ports import Clock, Directory, MeasuringPod, PeerDirectory
from telemetry.readings import Readings, joined
from telemetry.sources.bounded import fetched
from telemetry.sources.goldpinger import read_check_all
from telemetry.sources.goldpingerinstance import ENTRY_BYTES, Instance, limits
from telemetry.sources.pinging import (
    Calibration,
    Pinging,
    Trusted,
    calibrated,
    halved,
    pinging_by,
)
from telemetry.sources.rounds import polled

GROUP = "goldpinger"
"""Name of its pods in `Directory.exporters`."""

AT_ONCE = 32
"""Instances asked side by side. One that does not even connect holds a place for 3 s."""

ROUND_S = 30.0
"""A round takes no longer, or the interval between two: instances that cost time, cost none of the
others' readings. Who was not asked comes first in the next round."""

_NAMED = 3
"""Faults that are told one by one."""


@dataclass(frozen=True, slots=True)
class GoldpingerTerms:
    """How to read Goldpinger: see the settings ``telemetry.goldpinger``."""

    read: str = "check"
    url: str = ""
    port: int = 8080
    poll_s: float = 30.0
    refresh_s: float = 0.0
    halves: bool = False


@dataclass(slots=True)
class _Round:
    """What one round has brought so far."""

    directory: Directory
    pods: tuple[MeasuringPod, ...]
    answered: int = 0
    parts: list[Readings] = field(default_factory=list)
    faults: list[SourceError] = field(default_factory=list)


class GoldpingerSource:
    """Implements `telemetry.sources.rounds.ReadingSource`.

    Parameters
    ----------
    directory
        Where its pods run, and which address is which node.
    terms
        What to ask, and how often.
    clock
        Seconds, never stepping back.
    trusted
        Agents' round trips, to compare with. Called on the event loop.
    """

    name = "goldpinger"

    def __init__(
        self,
        directory: PeerDirectory,
        terms: GoldpingerTerms,
        clock: Clock,
        trusted: Trusted = lambda _from, _to: None,
    ) -> None:
        self._directory = directory
        self._terms = terms
        self._clock = clock
        self._trusted = trusted
        self._instances: dict[str, Instance] = {}
        self._seen_by_one: dict[str, Instance] = {}

    def rounds(self) -> AsyncIterator[Readings | SourceError]:
        """Yield what each poll found, for ever."""
        return polled(self.name, self._round, self._terms.poll_s)

    async def _round(self) -> Readings:
        """Ask once.

        Raises
        ------
        SourceError
            If nobody is there to be asked, or nobody answers.
        """
        directory = self._directory.current
        pods = tuple(p for p in directory.exporters.get(GROUP, ()) if p.node and p.address)
        now = _Round(directory, tuple(sorted(pods, key=self._turn)))
        self._instances = {
            pod.name: self._instances.get(pod.name) or Instance(self._clock) for pod in pods
        }
        if not pods and not self._terms.url:
            raise SourceEmpty(self.name, "no pod of Goldpinger is running; see its labelSelector")
        try:
            async with asyncio.timeout(max(ROUND_S, self._terms.poll_s)):
                await self._ask_all(now)
        except TimeoutError:
            asked = now.answered + len(now.faults)
            what = f"{asked} of {len(pods)} instances were asked in this round's time"
            now.parts.append(Readings(notes=(what,)))
        if not now.answered:
            raise _nothing(now.faults)
        return await self._corrected(joined([*now.parts, _told(now.faults)]))

    def _turn(self, pod: MeasuringPod) -> tuple[bool, float]:
        """Order: who failed last, comes last; else who has waited longest, first."""
        instance = self._instances.get(pod.name)
        return (False, -1.0) if instance is None else (instance.has_failed, instance.asked_s)

    async def _ask_all(self, now: _Round) -> None:
        if self._terms.url:
            await self._ask_one(self._terms.url, now)
            return
        if self._terms.read != "checkAll":
            gate = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as asking:
                for pod in now.pods:
                    asking.create_task(self._ask(pod, gate, now))
            return
        for pod in now.pods:
            instance = self._instances[pod.name]
            instance.asked_s, instance.has_failed = self._clock(), True
            await self._ask_one(_root(pod, self._terms.port), now)
            if now.answered:
                instance.has_failed = False
                return

    async def _ask(self, pod: MeasuringPod, gate: asyncio.Semaphore, now: _Round) -> None:
        """Ask an instance for its own pings; whatever it answers costs nobody else's."""
        instance, root = self._instances[pod.name], _root(pod, self._terms.port)
        read = instance.means if self._terms.read == "metrics" else instance.latest
        async with gate:
            instance.asked_s, instance.has_failed = self._clock(), True
            try:
                readings = await read(root, pod.node, now.directory, self._pinging(pod))
            except Exception as error:  # noqa: BLE001 - a reader's fault is this instance's too
                now.faults.append(_as_fault(root, error))
                now.parts.append(Readings(silent=(pod.node,)))
            else:
                instance.has_failed = False
                now.answered += 1
                now.parts.append(readings)

    async def _ask_one(self, root: str, now: _Round) -> None:
        """Ask an instance for what all of them say."""
        where = f"{root.rstrip('/')}/check_all"
        most = limits(ENTRY_BYTES * len(now.directory.nodes) ** 2)
        read = partial(
            read_check_all,
            node_of_address=now.directory.node_of,
            pinging_of=self._pinging_of(now.pods),
            where=where,
        )
        try:
            said, rest = await apart(lambda: read(fetched(where, most)))
        except Exception as error:  # noqa: BLE001 - as above
            now.faults.append(_as_fault(where, error))
            return
        now.answered += 1
        now.parts.append(rest)
        for checked in said:
            instance = self._seen_by_one.setdefault(checked.node, Instance(self._clock))
            try:
                now.parts.append(instance.fresh(checked, where))
            except SourceError as error:
                now.faults.append(error)
                now.parts.append(Readings(silent=(checked.node,)))

    def _pinging(self, pod: MeasuringPod) -> Pinging:
        return pinging_by(pod.env, self._terms.refresh_s)

    def _pinging_of(self, pods: tuple[MeasuringPod, ...]) -> "_PingingOf":
        return _PingingOf(
            {pod.node: self._pinging(pod) for pod in pods}, pinging_by({}, self._terms.refresh_s)
        )

    async def _corrected(self, readings: Readings) -> Readings:
        """Halve what the operator says is two round trips, unless agents show otherwise."""
        found = calibrated(readings.pairs, self._trusted)
        notes = readings.notes
        if found.pairs:
            notes += (f"by agents' round trips, {_sorted_out(found)}",)
        if not self._terms.halves:
            return replace(readings, notes=notes)
        if found.shows_one:
            return replace(
                readings, notes=(*notes, "nothing is halved: a ping was a single round trip")
            )
        pairs = await apart(lambda: tuple(halved(pair) for pair in readings.pairs))
        return replace(readings, pairs=pairs, notes=notes)


@dataclass(frozen=True, slots=True)
class _PingingOf:
    """How the instance of a node pings; as `others` where its pod is not known."""

    known: dict[str, Pinging]
    others: Pinging

    def __call__(self, node: str) -> Pinging:
        return self.known.get(node, self.others)


def _root(pod: MeasuringPod, port: int) -> str:
    """Return the root URL of an instance; IPv6 addresses stand in brackets."""
    try:
        is_six = ip_address(pod.address).version == 6  # noqa: PLR2004 - of the Internet Protocol
    except ValueError:
        is_six = False
    return f"http://[{pod.address}]:{port}" if is_six else f"http://{pod.address}:{port}"


def _as_fault(where: str, error: Exception) -> SourceError:
    if isinstance(error, SourceError):
        return error
    return SourceMalformed(where, f"cannot be read ({type(error).__name__}: {error})")


def _nothing(faults: list[SourceError]) -> SourceError:
    """Return why a round brought nothing."""
    if len(faults) == 1:
        return faults[0]
    first = f"; {faults[0]}" if faults else " in time"
    return SourceUnavailable(GROUP, f"none of {len(faults)} instances answered{first}")


def _sorted_out(found: Calibration) -> str:
    """Return what pings were found to be; without figures, which would be news at every poll."""
    if found.are_two:
        return "pings are two round trips each"
    if not found.twos:
        return "pings are one round trip each"
    return "some pings are two round trips, and some one" if found.shows_one else "pings may be two"


def _told(faults: list[SourceError]) -> Readings:
    """Return the first faults as notes, and how many more there are."""
    notes = [str(fault) for fault in faults[:_NAMED]]
    if len(faults) > _NAMED:
        notes.append(f"{len(faults) - _NAMED} more instances gave nothing")
    return Readings(notes=tuple(notes))
