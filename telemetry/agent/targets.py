"""Which addresses are reported to: every replica of every scheduler that is named."""

from collections.abc import Callable

from telemetry.agent.config import ReportingConfig, SchedulerUrl
from telemetry.agent.http import Target
from telemetry.agent.log import Condition, Say
from telemetry.agent.lookup import Found, Lookup
from telemetry.agent.loop import Loop, Timer

_HURRY_S = 3.0
"""Between two lookups where something is wrong with what the last one found."""


class Targets:
    """Keeps looking up the schedulers' names.

    A name that cannot be looked up keeps the addresses it had: the name service may be away while
    the schedulers are not.

    Parameters
    ----------
    loop
        What calls it.
    config
        The names, how many addresses at most, and how often to look.
    changed
        Called with all targets whenever they have changed.
    say
        Where lines for people go.
    """

    def __init__(
        self,
        loop: Loop,
        config: ReportingConfig,
        changed: Callable[[tuple[Target, ...]], None],
        say: Say,
    ) -> None:
        self._loop, self._config, self._changed = loop, config, changed
        self._found: dict[SchedulerUrl, tuple[Target, ...]] = {}
        self._conditions = {url: Condition(url.text, say) for url in config.schedulers}
        self._crowd = Condition("schedulers", say)
        self._targets: tuple[Target, ...] = ()
        self._lookup: Lookup | None = None
        self._timer: Timer | None = None
        self._looked_s = float("-inf")

    def start(self) -> None:
        """Look for the first time."""
        self._look()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._lookup is not None:
            self._lookup.close()

    def hurry(self) -> None:
        """Look soon: an address does not answer, and its scheduler may have another by now."""
        if self._lookup is None:
            self._look_at(self._looked_s + _HURRY_S)

    def _look_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at_s, self._look)

    def _look(self) -> None:
        wanted = [(url.host, url.port) for url in self._config.schedulers]
        self._looked_s = self._loop.now_s()
        self._lookup = Lookup(self._loop, wanted, self._take)
        self._lookup.start()

    def _take(self, found: list[Found]) -> None:
        self._lookup = None
        for url, one in zip(self._config.schedulers, found, strict=False):
            if one.addresses:
                self._found[url] = tuple(Target(url, *address) for address in one.addresses)
                self._conditions[url].now("found", f"{len(one.addresses)} address(es)")
            else:
                self._conditions[url].now("unknown", f"cannot be looked up: {one.error}")
        everything = [
            target for url in self._config.schedulers for target in self._found.get(url, ())
        ]
        most = self._config.max_replicas
        if len(everything) > most:
            self._crowd.now("many", f"{len(everything)} addresses; reporting to {most} of them")
        else:
            self._crowd.now("", "reporting to all addresses")
        targets = tuple(everything[:most])
        is_missing = any(not one.addresses for one in found)
        self._look_at(self._loop.now_s() + (_HURRY_S if is_missing else self._config.resolve_s))
        if targets != self._targets:
            self._targets = targets
            self._changed(targets)
