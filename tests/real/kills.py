"""Episodes in which processes of a real control plane are killed, and started again.

A seed draws the cluster, what people do, who is killed, at which event, and for how long; how the
processes run beside each other it cannot draw.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import requests

from tests.faults.chance import chance
from tests.faults.outcome import Outcome
from tests.real.api import Refused
from tests.real.books import Books, misremembered
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.crew import Crew
from tests.real.journal import Journal
from tests.real.kill_load import BURST, BURST_PODS, KillLoad, kill_load
from tests.real.matrices import write_matrix
from tests.real.people import People
from tests.real.program import NotReady, wait_until

SCHEDULER, API_SERVER, ETCD = "scheduler", "api-server", "etcd"
_MOMENT_S = 120.0
_REST_S = 150.0
"""From the end of the harm to rest: a binding without an answer holds its room for 70 s."""
_LONGEST_DOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Kill:
    """A kind of episode. `targets` draws who is killed, in that order; `replicas` how many run."""

    name: str
    what: str
    targets: Callable[[Random], Sequence[str]]
    replicas: Callable[[Random], int] = lambda _: 1


def _several(rng: Random) -> list[str]:
    return rng.sample([SCHEDULER, API_SERVER, ETCD], rng.randint(2, 3))


KILLS = (
    Kill("scheduler", "our scheduler, alone", lambda _: [SCHEDULER]),
    Kill("leader", "our scheduler, leader of two replicas", lambda _: [SCHEDULER], lambda _: 2),
    Kill("api-server", "kube-apiserver", lambda _: [API_SERVER]),
    Kill("etcd", "etcd", lambda _: [ETCD]),
    Kill("several", "two or three of them at once", _several, lambda rng: rng.randint(1, 2)),
)
BY_NAME = {kill.name: kill for kill in KILLS}


@dataclass(frozen=True, slots=True)
class Stage:
    """What an episode is played on. `tell` hears what is done to it."""

    plane: ControlPlane
    cluster: Cluster
    load: KillLoad
    journal: Journal
    crew: Crew
    tell: Callable[[str], None]


def run_episode(
    plane: ControlPlane,
    kill: Kill,
    seed: int,
    place: Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run an episode on a control plane with `journal.READABLE` flags, and clear up after it.

    Parameters
    ----------
    plane
        With the shipped rights; nobody else uses it.
    kill
        What is killed.
    seed
        Of all that is drawn; each only once on one control plane.
    place
        A folder for logs.
    tell
        Hears a sentence of each kill.
    """
    began_s = time.monotonic()
    load, rng = kill_load(seed), chance(f"kill {kill.name}", seed)
    own = place / f"{kill.name}-{seed}"
    own.mkdir()
    cluster = Cluster(plane, own.name)
    token = plane.service_account_token("kube-system", "isochrone")
    matrix = write_matrix(own / "edge.npz", load.names, load.rtt_us)
    kubeconfig = plane.kubeconfig("scheduler", token=token)
    try:
        with (
            Journal(plane.etcd, cluster.namespace) as journal,
            Crew(kubeconfig, own, matrix, replicas=kill.replicas(rng)) as crew,
        ):
            stage = Stage(plane, cluster, load, journal, crew, tell)
            wrong, recovery_s = _judged(stage, kill, rng)
            bound = len(journal.bound_s)
    finally:
        cluster.remove()
    passed_s = time.monotonic() - began_s
    return Outcome(kill.name, seed, tuple(wrong), recovery_s, bound, passed_s)


def _judged(stage: Stage, kill: Kill, rng: Random) -> tuple[list[str], float | None]:
    """Play an episode; return what was wrong, and how long recovery took, or None for never."""
    try:
        mended_s = _play(stage, kill.targets(rng), rng)
    except NotReady as error:
        return [f"lost: {error}"], None
    wrong = _until_rest(stage)
    wrong += stage.crew.bugs()
    said = [(str(one["pod"]), str(one["node"])) for one in stage.crew.said("pod.bound")]
    wrong += misremembered(said, tuple(stage.journal.changes))
    if any("lost:" in one for one in wrong):
        return wrong, None
    return wrong, max(0.0, max(stage.journal.bound_s.values()) - mended_s)


def _play(stage: Stage, targets: Sequence[str], rng: Random) -> float:
    """Let people work, do harm, mend it; return when it was mended, on the monotonic clock."""
    stage.cluster.add_nodes(stage.load.nodes)
    has_backlog = rng.random() < 0.3
    if has_backlog:
        stage.cluster.apply(stage.load.deployments)
    stage.crew.man()
    stage.crew.wait_for_leader()
    if not has_backlog:
        stage.cluster.apply(stage.load.deployments)
    with People(stage.cluster, stage.load, stage.journal) as people:
        claim, what = _moment(stage, people, rng)
        stage.journal.wait_until(claim, what, within_s=_MOMENT_S)
        mended_s = _strike(stage, targets, rng)
        stage.tell(f"killed once {what}: {', '.join(targets)}")
        people.wait()
    return mended_s


def _moment(stage: Stage, people: People, rng: Random) -> tuple[Callable[[], bool], str]:
    """Draw when to strike: after a binding, in the middle of the burst, or after an errand."""
    bindings, load = stage.journal.bindings, stage.load
    match rng.choice(("binding", "burst", "errand")):
        case "binding":
            bound = rng.randint(1, load.bindings)
            return lambda: bindings.total() >= bound, f"{bound} pods are bound"
        case "burst":
            half = BURST_PODS // 2 + rng.randint(-10, 10)
            return lambda: bindings[BURST] >= half, f"{half} pods of the burst are bound"
        case _:
            count = rng.randint(1, len(load.errands))
            return lambda: people.done >= count, f"{count} errands are done"


def _strike(stage: Stage, targets: Sequence[str], rng: Random) -> float:
    """Kill, wait a moment, start again; return since when everything answers.

    A store comes back before the API server that reads it; the scheduler before or after them. A
    scheduler counts as mended when it was killed: that a new one must start is part of recovery.
    """
    plane, crew = stage.plane, stage.crew
    kill = {SCHEDULER: crew.kill_leader, API_SERVER: plane.kill_api_server, ETCD: plane.etcd.kill}
    for target in targets:
        kill[target]()
    mended_s = time.monotonic()
    is_early = rng.random() < 0.5
    # How long they are gone is the episode's to say; nothing is waited for here.
    time.sleep(rng.choice((0.0, rng.uniform(0.0, _LONGEST_DOWN_S))))
    if is_early:
        crew.man()
    if ETCD in targets:
        plane.etcd.start_again()
        mended_s = time.monotonic()
    if API_SERVER in targets:
        plane.start_api_server_alone()
        mended_s = time.monotonic()
        # Where they had lost it they would look again in up to 30 s: theirs, not the scheduler's.
        plane.restart_controllers()
    crew.man()
    return mended_s


def _until_rest(stage: Stage) -> list[str]:
    """Wait until all is as it should be; return what was wrong on the way, and what still is."""
    load, journal = stage.load, stage.journal
    books = Books(load.nodes, load.names, load.rtt_us)
    wrong: list[str] = []
    still: list[str] = []
    read = -1

    def is_at_rest() -> bool:
        nonlocal read
        stage.crew.man()
        _confirm(stage, books)
        if read != len(journal.changes):
            changes = tuple(journal.changes)
            wrong.extend(told for one in changes[max(0, read) :] for told in books.take(one))
            read, still[:] = len(changes), books.at_rest(load.replicas)
        return not still

    with suppress(NotReady):
        wait_until(is_at_rest, "all is at rest", within_s=_REST_S)
    journal.catch_up()
    is_at_rest()
    listed = {pod["metadata"]["uid"]: pod["spec"].get("nodeName") for pod in stage.cluster.pods()}
    read_up = {pod["metadata"]["uid"]: pod["spec"].get("nodeName") for pod in books.pods()}
    return wrong + still + ([] if listed == read_up else ["bug: the API lists other pods"])


def _confirm(stage: Stage, books: Books) -> None:
    """Delete the pods that are on their way out, as their kubelets would.

    A deletion without a grace period is two writes of the API server: a kill may come between.
    """
    with suppress(requests.RequestException, Refused):  # a server that has just come back
        for pod in books.pods():
            if pod["metadata"].get("deletionTimestamp"):
                stage.cluster.delete_pod(pod["metadata"]["name"])
