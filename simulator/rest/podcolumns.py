"""What kubectl's table says of a pod (``printPod`` of ``pkg/printers/internalversion``)."""

from datetime import datetime

from simulator.change import JsonObject


def pod_ready(pod: JsonObject, _: datetime) -> str:
    """Return how many of a pod's containers are ready."""
    ready = sum(1 for status in _statuses(pod) if status.get("ready"))
    return f"{ready}/{len(pod['spec']['containers'])}"


def pod_status(pod: JsonObject, _: datetime) -> str:
    """Return in one word how a pod is."""
    status = pod.get("status", {})
    word = str(status.get("reason") or status.get("phase") or "Unknown")
    for condition in status.get("conditions") or ():
        is_gated = condition.get("reason") == "SchedulingGated"
        if condition.get("type") == "PodScheduled" and is_gated:
            word = "SchedulingGated"
    if word == "Pending" and pod["spec"].get("nodeName") and status.get("startTime"):
        word = "ContainerCreating"
    for container in _statuses(pod):
        state = container.get("state") or {}
        waits = (state.get("waiting") or {}).get("reason")
        ended = (state.get("terminated") or {}).get("reason")
        word = str(waits or ended or word)
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return word


def pod_restarts(pod: JsonObject, _: datetime) -> str:
    """Return how often a pod's containers were started again."""
    return str(sum(int(status.get("restartCount", 0)) for status in _statuses(pod)))


def _statuses(pod: JsonObject) -> list[JsonObject]:
    found: list[JsonObject] = pod.get("status", {}).get("containerStatuses") or []
    return found
