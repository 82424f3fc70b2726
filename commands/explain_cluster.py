"""`explain` of a pod of a live cluster: listed once, nothing written."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from commands.cluster_inputs import LiveCluster, read_listing
from commands.ground import Inputs
from commands.podnames import pod_named
from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.delay import format_ms
from scheduler.domain.errors import ClusterUnavailable
from scheduler.domain.plan import Measured
from scheduler.domain.workload import Pod
from scheduler.kube.client import KubeClient
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.binding import RTT_ANNOTATION
from scheduler.ui.delays import PlacedDelays
from telemetry.model import UNKNOWN_US

_FINISHED = ("Succeeded", "Failed")


class _Metadata(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Annotated(msgspec.Struct):
    """What a pod says of itself besides what decides where it goes."""

    metadata: _Metadata


def explain_live(name: str, cluster: LiveCluster) -> Iterable[str]:
    """Return why a pod of a live cluster is where it is, or why it waits.

    Parameters
    ----------
    name
        ``name`` or ``namespace/name``; a workload's name will do where it has one pod.
    cluster
        Which, with the matrix to judge by.

    Raises
    ------
    InputError
        If a file cannot be read, the server refuses, or there is no such pod.
    ClusterUnavailable
        If the server does not answer.
    """
    listing, inputs = read_listing(cluster)
    pod = pod_named(name, (one.pod for one in listing.pods), str(cluster.kubeconfig))
    known = next(one for one in listing.pods if one.pod.key == pod.key)
    if known.phase in _FINISHED:
        yield f"{pod.key} has finished; it takes no room any more"
    elif known.node:
        yield from _bound(known, inputs, cluster)
    elif known.is_terminating:
        yield f"{pod.key} is on its way out"
    else:
        yield from _waiting(pod, inputs)
    for warning in inputs.warnings:
        yield f"  note: {warning}"
    if cluster.delay_matrix is None and pod.pod_class.delays:
        yield "  give --delay-matrix to judge its delays by measured round-trip times"


def _waiting(pod: Pod, inputs: Inputs) -> Iterator[str]:
    settings = inputs.settings
    if pod.scheduler_name != settings.scheduler_name:
        named = pod.scheduler_name or "default-scheduler"
        yield f"{pod.key} waits; it is addressed to {named}, which decides on it"
        return
    if pod.is_gated:
        yield f"{pod.key} waits for its scheduling gates to be removed"
        return
    decided = plan(inputs.snapshot, settings.placement)
    lines = iter(explain(inputs.snapshot, decided, pod.key, settings.placement).lines())
    first = next(lines)
    if pod.key in decided.placement:
        yield f"{pod.key} waits; decided now, alone with all that wait, it would be bound:"
        yield f"  {first}"
    else:
        yield first
    yield from lines


def _bound(known: PodChanged, inputs: Inputs, cluster: LiveCluster) -> Iterator[str]:
    pod, snapshot = known.pod, inputs.snapshot
    leaving = ", and is on its way out" if known.is_terminating else ""
    yield f"{pod.key} is on {known.node}{leaving}"
    written = cluster.asked(lambda client: _annotation(client, pod))
    if written:
        yield f"  measured when it was bound: {written}"
    elif pod.scheduler_name != inputs.settings.scheduler_name:
        yield f"  it was placed by {pod.scheduler_name or 'default-scheduler'}"
    elif pod.pod_class.delays:
        yield f"  it carries no {RTT_ANNOTATION}: nothing was measured when it was bound"
    slot = next(k for k, one in enumerate(snapshot.placed.pods) if one.key == pod.key)
    if snapshot.placed.node_of[slot] < 0:
        yield f"  {known.node} is no node of the cluster any more"
    for measured in PlacedDelays(snapshot).of(slot):
        yield f"  {_today(measured)}"
    if not pod.pod_class.delays:
        yield "  it asks for no delay"


def _today(measured: Measured) -> str:
    constraint = measured.constraint
    budget = f"{'soft ' if constraint.is_soft else ''}budget {constraint.within_ms}"
    if measured.rtt_us == UNKNOWN_US:
        why = "not measured" if measured.reference_node else "not placed"
        return f"today {constraint.reference}: {why} ({budget})"
    state = "holds" if measured.holds else "broken"
    rtt = f"{format_ms(measured.rtt_us)} from {measured.reference_node}"
    return f"today {constraint.reference}: {rtt} ({budget}): {state}"


async def _annotation(client: KubeClient, pod: Pod) -> str:
    """Return what a binding wrote on the pod, or the empty text."""
    path = f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods/{quote(pod.name, safe='')}"
    try:
        body = msgspec.json.decode(await client.get(path), type=_Annotated)
    except msgspec.DecodeError:
        raise ClusterUnavailable(f"{client.server}{path}: the answer is no pod") from None
    return (body.metadata.annotations or {}).get(RTT_ANNOTATION, "")
