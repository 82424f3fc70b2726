"""`explain`: why a pod is where it is, or why it waits."""

import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.inputs import InputFiles, read_inputs
from commands.podnames import is_of, pod_named, unknown_pod
from commands.running import RunningScheduler, running_scheduler
from commands.saved import GATED, PlanDocument, read_document, restored
from scheduler.domain.errors import InputError
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan

if TYPE_CHECKING:
    from commands.cluster_inputs import LiveCluster

_MOST_NAMES = 100_000


def run_explain(name: str, files: InputFiles | None, saved: Path | None, port: int | None) -> int:
    """Print the explanation of a pod; return the exit status.

    Parameters
    ----------
    name
        ``name`` or ``namespace/name``; a workload's name will do where it has one pod.
    files
        The files to plan; None to ask a scheduler that runs, or to read `saved` alone.
    saved
        A saved plan to explain in place of a new one.
    port
        Of a scheduler that runs; None to look on the usual ones.

    Raises
    ------
    InputError
        If a file cannot be read, no scheduler answers, or there is no such pod.
    """
    if files is not None:
        lines = _from_files(name, files, saved)
    elif saved is not None:
        lines = _from_document(name, read_document(saved), saved)
    else:
        lines = _from_running(name, port)
    for line in lines:
        typer.echo(line)
    return 0


def run_explain_live(name: str, cluster: "LiveCluster") -> int:
    """Print the explanation of a pod of a live cluster; return the exit status.

    Raises
    ------
    InputError, ClusterUnavailable
        As `commands.explain_cluster.explain_live`.
    """
    # Only here is the Kubernetes client loaded.
    from commands.explain_cluster import explain_live  # noqa: PLC0415 - see above

    for line in explain_live(name, cluster):
        typer.echo(line)
    return 0


def _from_files(name: str, files: InputFiles, saved: Path | None) -> Iterable[str]:
    inputs = read_inputs(files)
    snapshot, settings = inputs.snapshot, inputs.settings.placement
    pod = pod_named(name, inputs.pods, str(files.pods))
    if pod in snapshot.held:
        return [f"{pod.display_name} waits: {GATED}"]
    if pod.key not in {one.key for one in snapshot.pending}:
        at = next(k for k, one in enumerate(snapshot.placed.pods) if one.key == pod.key)
        node = int(snapshot.placed.node_of[at])
        where = snapshot.nodes.nodes[node].name if node >= 0 else "a node that is not in the files"
        return [f"{pod.display_name} runs on {where} already; it was not decided here."]
    document = None if saved is None else read_document(saved)
    decided = plan(snapshot, settings)
    if document is not None and saved is not None:
        decided = restored(document, snapshot, decided, saved)
    return explain(snapshot, decided, pod.key, settings).lines()


def _from_document(name: str, document: PlanDocument, path: Path) -> Iterable[str]:
    """Say what the plan itself says, where the files it was made of are not given."""
    short = name.removeprefix("default/")
    if short in document["placement"]:
        yield f"{short} goes to {document['placement'][short]}."
    elif short in document["unplaced"]:
        yield f"{short} waits: {document['unplaced'][short]}"
    else:
        raise unknown_pod(name, (*document["placement"], *document["unplaced"]), str(path))
    yield "Give --nodes, --pods, --delay-matrix and --metadata to hear why."


def _from_running(name: str, port: int | None) -> Iterable[str]:
    scheduler = running_scheduler(port)
    namespace, slash, pod = name.partition("/")
    if not slash:
        namespace, pod = "default", name
    lines = _explained(scheduler, namespace, pod)
    if lines is None:
        names = _names(scheduler)
        only = [one for one in names if is_of(one, name)]
        if len(only) != 1:
            raise unknown_pod(name, names, f"the scheduler on {scheduler.address}")
        namespace, _, pod = only[0].rpartition("/")
        lines = _explained(scheduler, namespace or "default", pod)
    if lines is None:
        raise InputError(scheduler.address, f"lost {name} meanwhile", "ask again")
    return lines


def _explained(scheduler: RunningScheduler, namespace: str, pod: str) -> list[str] | None:
    path = "/".join(urllib.parse.quote(part, safe="") for part in (namespace, pod))
    answer = scheduler.asked(f"explain/{path}")
    return None if answer is None else [str(line) for line in answer.get("lines", ())]


def _names(scheduler: RunningScheduler) -> list[str]:
    """Return the names of all pods as they are given here; none where it does not say."""
    names = []
    for kind in ("pods", "pending"):
        answer = scheduler.asked(f"{kind}?limit={_MOST_NAMES}") or {}
        names += [f"{one['namespace']}/{one['name']}" for one in answer.get(kind, ())]
    return [name.removeprefix("default/") for name in names]
