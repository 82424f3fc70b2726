"""Nodes that die in a cluster under load, and return: the real controllers, our own kubelets."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.real.cluster import Cluster
from tests.real.controllers import GRACE_S, NODE_DEATHS
from tests.real.death import BACKUP, HOME, REPLACES, Death, Lost, Phases
from tests.real.edge_load import EdgeLoad
from tests.real.heartbeats import BEAT_S, Heartbeats
from tests.real.kubelet import Kubelets
from tests.real.matrices import write_matrix
from tests.real.program import NotReady, wait_until
from tests.real.schedulers import Scheduler
from tests.real.sightings import Sighting, Sightings

_UNREACHABLE = "node.kubernetes.io/unreachable"
_SETTLE_S = 120.0
_HOME_S = 60.0
"""Who is not at home by then stays where it is."""

SETTINGS = {
    # Within minutes here there are as many deaths as elsewhere in years.
    "failover": {"holdDownSeconds": 1, "maxHoldDownSeconds": 2},
    "repair": {
        "comeHome": True,
        "homeAfterSeconds": 1,
        "movesAtOnce": 10,
        "movesPerWorkloadAndHour": 1000,
    },
}
_BIND_S = 20.0
"""A replacement that does not run after so long has found no place; the node returns then."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Their kubelets: both die and return together."""

    heartbeats: Heartbeats
    kubelets: Kubelets

    def kill(self, name: str) -> None:
        """Have a node fall silent."""
        self.heartbeats.stop(name)
        self.kubelets.silence(name)

    def revive(self, name: str) -> None:
        """Have it go on."""
        self.heartbeats.resume(name)
        self.kubelets.wake(name)


class Deaths:
    """A cluster in which nodes die and return; made by `deadly`.

    Parameters
    ----------
    cluster
        Where.
    load
        All there is.
    nodes
        That may die.
    sightings
        Of all pods since the first.
    scheduler
        Ours.
    """

    def __init__(
        self,
        cluster: Cluster,
        load: EdgeLoad,
        nodes: Nodes,
        sightings: Sightings,
        scheduler: Scheduler,
    ) -> None:
        self._cluster, self._load = cluster, load
        self._nodes, self._sightings = nodes, sightings
        self._known: set[str] = set()
        self._ended: set[str] = set()
        self.scheduler = scheduler

    def begin(self) -> None:
        """Wait until all of the load runs."""
        _wait(self.is_settled, "the load runs")
        self._known.update(one.uid for one in self._sightings.all())
        self._ended.update(one.uid for one in self._sightings.all() if not one.is_wanted)
        self._nodes.heartbeats.longest_s = 0.0  # the rush is over

    def choose(self, rng: np.random.Generator) -> str:
        """Return a node that has a pod with a budget."""
        wanted = self._sightings.wanted()
        hosts = {one.node for one in wanted if one.app in self._load.budgets}
        return str(rng.choice(sorted(hosts)))

    def repeat(self, node: str) -> Death:
        """Have a node die, and return once all that ran there runs elsewhere.

        Raises
        ------
        NotReady
            If the controllers do not do their part, or there is no rest in the end.
        """
        earlier = self._sightings.all()
        lost = [one for one in earlier if one.is_wanted and one.node == node]
        died_s = time.monotonic()
        self._nodes.kill(node)
        _wait(lambda: self._is_unreachable(node), f"{node} is found dead")
        tainted_s = time.monotonic()
        # What was reserved until it was found dead: after another death reserves are made anew.
        uids = {one.uid for one in lost}
        told = [
            Lost(one.uid, one.app, one.annotation(BACKUP))
            for one in self._sightings.all()
            if one.uid in uids
        ]
        new = self._replacements(lost, earlier)
        unplaced = self._not_running(new)
        left_s = time.monotonic()
        self._nodes.revive(node)
        _wait(lambda: not self._taints(node), f"{node} is taken back")
        back_s = time.monotonic()
        _wait(self.is_settled, "there is what is asked for, and no more")
        settled_s = time.monotonic()
        away = self._away()
        home_s = time.monotonic()
        evicted_s, added_s = max(p.marked_s for p in lost), max(p.added_s for p in new)
        phases = Phases(
            unreachable_s=tainted_s - died_s,
            evicted_s=evicted_s - tainted_s,
            replaced_s=added_s - evicted_s,
            ready_s=left_s - added_s,
            returned_s=back_s - left_s,
            settled_s=settled_s - back_s,
            home_s=home_s - settled_s,
        )
        self._ended.update(p.uid for p in lost)
        self._known.update(p.uid for p in new)
        faults = [*self._misplaced(node, new, left_s), *self._beyond()]
        budgets = frozenset(self._load.budgets)
        return Death(node, told, new, phases, faults, unplaced, budgets, away)

    def rest(self) -> list[str]:
        """Wait for as long as it takes to find a node dead; return what should not have happened.

        Deletions that come late after a return are seen here, or by the next repetition.
        """
        self._nodes.heartbeats.wait_rounds(math.ceil(GRACE_S / BEAT_S) + 1)
        _wait(self.is_settled, "there is what is asked for, and no more")
        return self._beyond()

    @property
    def slowest_beat_s(self) -> float:
        """The longest time between two heartbeats of a living node."""
        return self._nodes.heartbeats.longest_s

    def is_settled(self) -> bool:
        """Whether each Deployment has its replicas, all ready, and nothing is on its way out."""
        there = [one for one in self._sightings.all() if not one.is_gone]
        return Counter(one.app for one in there) == Counter(self._load.replicas) and all(
            one.is_wanted and one.is_ready for one in there
        )

    def _away(self) -> list[str]:
        """Wait until all are at home; return a sentence for each that is not."""
        try:
            wait_until(self._is_at_home, "all are at home", within_s=_HOME_S)
        except NotReady:
            return [
                f"{one.name} is on {one.node}, and at home on {one.annotation(HOME)}"
                for one in self._sightings.wanted()
                if one.annotation(HOME) not in ("", one.node)
            ]
        finally:
            self._count_homecomings()
        return []

    def _is_at_home(self) -> bool:
        wanted = self._sightings.wanted()
        return self.is_settled() and all(one.annotation(HOME) in ("", one.node) for one in wanted)

    def _count_homecomings(self) -> None:
        """Count pods that went home as known: one was deleted for each, and one was made there."""
        seen = {one.uid: one for one in self._sightings.all()}
        for one in seen.values():
            before = seen.get(one.annotation(REPLACES))
            if before is None or before.is_wanted or before.annotation(HOME) != one.node:
                continue
            self._known.add(one.uid)
            self._ended.add(before.uid)

    def _replacements(
        self, lost: Sequence[Sighting], earlier: Sequence[Sighting]
    ) -> list[Sighting]:
        """Return the first pods of each Deployment that came since, as many as it has lost."""
        uids = {one.uid for one in earlier}

        def found() -> list[Sighting]:
            wanted = Counter(one.app for one in lost)
            new = []
            for one in self._sightings.all():
                if one.uid not in uids and wanted[one.app]:
                    wanted[one.app] -= 1
                    new.append(one)
            return new

        _wait(lambda: len(found()) == len(lost), "all pods are replaced")
        _wait(lambda: not any(one.is_wanted for one in lost), "the deletions are told")
        return found()

    def _not_running(self, new: Sequence[Sighting]) -> list[str]:
        """Wait for the replacements; return a sentence for each that does not run in time."""
        try:
            wait_until(lambda: all(one.is_ready for one in new), "they run", within_s=_BIND_S)
        except NotReady:
            return [_why_not(one) for one in new if not one.is_ready]
        return []

    def _misplaced(self, node: str, new: Sequence[Sighting], left_s: float) -> list[str]:
        dead = [
            f"{r.name} was bound to {node}, dead"
            for r in new
            if r.node == node and r.bound_s < left_s
        ]
        return dead + [
            f"{r.name} is on {r.node}, too far from {self._load.budgets[r.app].reference}"
            for r in new
            if not self._load.is_met(r.app, r.node)
        ]

    def _beyond(self) -> list[str]:
        """Return what was deleted, and what was made, beyond pods lost and their successors.

        Each is told once: from then on it counts as known.
        """
        seen = self._sightings.all()
        deleted = [one for one in seen if not one.is_wanted and one.uid not in self._ended]
        made = [one for one in seen if one.uid not in self._known]
        self._ended.update(one.uid for one in deleted)
        self._known.update(one.uid for one in made)
        found = [f"{one.name} on {one.node or 'no node'} was deleted too" for one in deleted]
        found += [f"{one.name} was made, for no pod lost" for one in made]
        late_s = self._nodes.heartbeats.longest_s
        if found and late_s > GRACE_S:
            found.append(f"this harness is at fault: {late_s:.1f} s passed between heartbeats")
        return found

    def _is_unreachable(self, node: str) -> bool:
        return (_UNREACHABLE, "NoExecute") in self._taints(node)

    def _taints(self, node: str) -> list[tuple[str, str]]:
        found = self._cluster.api.get(f"/api/v1/nodes/{node}")["spec"].get("taints", ())
        return [(taint["key"], taint["effect"]) for taint in found]


def _wait(claim: Callable[[], bool], what: str) -> None:
    wait_until(claim, what, within_s=_SETTLE_S)


def _why_not(one: Sighting) -> str:
    conditions = one.pod["status"].get("conditions", ())
    said = [c.get("message", "") for c in conditions if c["type"] == "PodScheduled"]
    return f"{one.name} does not run on {one.node or 'any node'} in {_BIND_S} s: {' '.join(said)}"


@contextmanager
def deadly(cluster: Cluster, load: EdgeLoad, kubeconfig: Path, place: Path) -> Iterator[Deaths]:
    """Have a load run in an empty cluster whose nodes can die; give it once all of it runs."""
    plane = cluster.control_plane
    matrix = write_matrix(place / "edge.npz", load.names, load.rtt_us)
    with (
        plane.running(NODE_DEATHS),
        Sightings(plane) as sightings,
        Kubelets(plane) as kubelets,
        Heartbeats(plane, load.names) as heartbeats,
        Scheduler(kubeconfig, place, matrix=matrix, settings=SETTINGS) as scheduler,
    ):
        cluster.add_nodes(load.nodes)
        scheduler.wait_until_ready()
        cluster.apply(load.deployments)
        deaths = Deaths(cluster, load, Nodes(heartbeats, kubelets), sightings, scheduler)
        deaths.begin()
        yield deaths
