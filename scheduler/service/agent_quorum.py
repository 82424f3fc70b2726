"""Asks other nodes' agents about nodes whose own agent has fallen silent.

Kubernetes hopes for most of a minute. Where enough agents hear nothing of a node either, it counts
as dead at once: it takes no new pods.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from structlog.typing import FilteringBoundLogger

from scheduler.domain.ports import Prober
from scheduler.reliability.failover.quorum import is_voted_dead
from scheduler.reliability.health import is_dead
from scheduler.service.looking import Looking
from scheduler.service.state import ServiceState

LOOK_S = 2.0
VOTERS = 7
"""Agents asked about a node, from all over the list of nodes: with 0.8 of them one may be wrong."""

MOST = 16
"""Nodes asked about at a time, in the order of names: more are no single failures, and the API will
tell."""


class AgentQuorum:
    """Looks every other second while agents are silent."""

    def __init__(self, state: ServiceState, prober: Prober, log: FilteringBoundLogger) -> None:
        self._state, self._prober, self._log = state, prober, log
        self._quorum = state.settings.failover.agent_quorum
        self._asked: Mapping[str, frozenset[str]] = {}

    def asked(self) -> Mapping[str, frozenset[str]]:
        """Return by agent's node the nodes it is asked about: what is worth remembering."""
        return self._asked

    async def run(self) -> None:
        """Look until cancelled."""
        looking = Looking(self._look, LOOK_S, 0.0)
        await looking.run(lambda: self._state.cache.is_synced, self._log, "quorum.look_failed")

    async def _look(self) -> float:
        silent = self._silent()
        able = self._able() if silent else []
        voters = {name: _voters(name, able) for name in silent}
        asked: dict[str, set[str]] = {}
        for name, chosen in voters.items():
            for voter in chosen:
                asked.setdefault(voter, set()).add(name)
        self._asked = {voter: frozenset(names) for voter, names in asked.items()}
        probe = self._prober.probe
        await asyncio.gather(*(probe(voter, sorted(names)) for voter, names in asked.items()))
        still = self._silent()  # its agent may have reported meanwhile
        self._accuse({n: v for n, v in voters.items() if n in still and self._is_lost(n, v)})
        return 0.0

    def _silent(self) -> list[str]:
        """Return nodes that the API hopes for and whose agents say nothing."""
        cache = self._state.cache
        known = [(name, cache.node(name)) for name in sorted(self._prober.silent_agents())]
        return [name for name, node in known if node is not None and not is_dead(node)][:MOST]

    def _able(self) -> list[str]:
        """Return the nodes whose agents report and take orders, by name."""
        silent = self._prober.silent_agents()
        return sorted(
            node.name
            for node in self._state.cache.nodes
            if node.name not in silent
            and not is_dead(node)
            and self._prober.can_probe(node.name, None)
        )

    def _is_lost(self, name: str, voters: Sequence[str]) -> bool:
        bursts = (self._prober.recent_us(voter, name) for voter in voters)
        return is_voted_dead((each for each in bursts if each), self._quorum)

    def _accuse(self, voters_of: Mapping[str, Sequence[str]]) -> None:
        """Have these nodes, and no others, count as dead by the word of agents."""
        state, beliefs = self._state, self._state.beliefs
        for name in sorted(voters_of.keys() - beliefs.accused):
            said = f"node {name} is silent: {len(voters_of[name])} agents were asked"
            self._log.warning("node.silent", node=name, asked=list(voters_of[name]))
            state.journal.add(state.clock.wall_s(), "warning", said)
        now_s = state.clock.now_s()
        wakes = beliefs.accuse(frozenset(voters_of), now_s)
        if wakes:
            state.queue.wake(wakes, now_s)
            state.changed.set()


def _voters(name: str, able: Sequence[str]) -> Sequence[str]:
    """Return whom to ask about a node: of all that can be, some with equal steps between."""
    first, step = bisect_right(able, name), max(1, len(able) // VOTERS)
    return [able[(first + k * step) % len(able)] for k in range(min(VOTERS, len(able)))]
