"""Events and conditions in the form kube-scheduler 1.36 writes them, so that alerts keep working.

Events: events.k8s.io/v1 as its EventBroadcaster writes them (client-go ``tools/events``), with the
action and reasons of ``pkg/scheduler``. Conditions: ``PodScheduled=False`` by a strategic merge
patch of the status, which merges conditions by their type.
"""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from scheduler.domain.errors import SchedulerError
from scheduler.domain.ports import PodNote, ServiceNote
from scheduler.domain.workload import Pod
from scheduler.kube.answers import Denied
from scheduler.kube.client import KubeClient
from scheduler.kube.kinds import Metadata

LONGEST_NOTE = 1024
"""Bytes of ``note`` the API server takes; kube-scheduler cuts its own at the same length."""

NOTE_TIMEOUT_S = 10.0
"""For an answer; a binding may wait for the note about its pod."""

_LONGEST_NAME = 253
_NOT_FOUND = 404
_CONFLICT = 409
_ACTIONS = {
    "Scheduled": "Binding",
    "DelayExceeded": "Measuring",
    "DelayRestored": "Measuring",
    "TelemetrySourceFailed": "Measuring",
    "TelemetrySourceRecovered": "Measuring",
}
_STRATEGIC = "application/strategic-merge-patch+json"


class EventWriter:
    """Writes notes about pods.

    Parameters
    ----------
    client
        Connected.
    scheduler_name
        ``reportingController``, as a kube-scheduler's profile.
    metadata_of
        What is known of a pod's version and generation, if anything.
    host
        Of this process, for ``reportingInstance``.
    """

    def __init__(
        self,
        client: KubeClient,
        scheduler_name: str,
        metadata_of: Callable[[Pod], Metadata | None] = lambda _: None,
        host: str | None = None,
    ) -> None:
        self._client = client
        self._name = scheduler_name
        self._metadata_of = metadata_of
        self._instance = f"{scheduler_name}-{host or socket.gethostname()}"[:128]

    async def write(self, note: PodNote) -> None:
        """Write the condition, where there is one, and the event.

        Raises
        ------
        ClusterUnavailable, Denied
            If one of them is not written. A pod that is gone needs no condition.
        """
        failed: SchedulerError | None = None
        if note.condition:
            try:
                with suppress(_Gone):
                    await self._set_condition(note)
            except SchedulerError as error:  # the event may be let in all the same
                failed = error
        await self._post_event(note)
        if failed is not None:
            raise failed

    async def announce(self, note: ServiceNote, lease: tuple[str, str]) -> None:
        """Write an event about the scheduler.

        Parameters
        ----------
        note
            What to say.
        lease
            Namespace and name of the Lease that stands for all replicas; stock schedulers' events
            about themselves regard it too.

        Raises
        ------
        ClusterUnavailable, Denied
            If it is not written.
        """
        namespace, name = lease
        regarding = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "namespace": namespace,
            "name": name,
        }
        said = f"{note.reason} {note.message}"
        await self._post(regarding, _Said(note.kind, note.reason, note.message, said, note.at_s))

    async def _post_event(self, note: PodNote) -> None:
        pod, metadata = note.pod, self._metadata_of(note.pod)
        version = {"resourceVersion": metadata.resource_version} if metadata is not None else {}
        regarding = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.uid,
            **version,
        }
        said = f"{note.pod.uid} {note.reason} {note.message}"
        await self._post(regarding, _Said(note.kind, note.reason, note.message, said, note.at_s))

    async def _post(self, regarding: Mapping[str, str], said: "_Said") -> None:
        suffix = f".{said.number:x}"
        namespace = regarding["namespace"]
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "namespace": namespace,
                "name": regarding["name"][: _LONGEST_NAME - len(suffix)].rstrip(".-") + suffix,
            },
            "eventTime": _micro_time(said.at_s),
            "reportingController": self._name,
            "reportingInstance": self._instance,
            "action": _ACTIONS.get(said.reason, "Scheduling"),
            "reason": said.reason,
            "regarding": regarding,
            "note": cut(said.message),
            "type": said.kind,
        }
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        try:
            await self._client.send("POST", path, body, answer_timeout_s=NOTE_TIMEOUT_S)
        except Denied as error:
            if error.status != _CONFLICT:  # it is there: the answer to a first try was lost
                raise

    async def _set_condition(self, note: PodNote) -> None:
        pod, metadata = note.pod, self._metadata_of(note.pod)
        condition: dict[str, object] = {
            "type": "PodScheduled",
            "status": "False",
            "reason": note.condition,
            "message": note.message,
            "lastProbeTime": None,
        }
        if not note.has_condition:  # it moves only with the status
            condition["lastTransitionTime"] = _second_time(note.at_s)
        if metadata is not None and metadata.generation:
            condition["observedGeneration"] = metadata.generation
        # With the uid, a later pod of that name is left alone: a uid cannot be changed.
        body = {"metadata": {"uid": pod.uid}, "status": {"conditions": [condition]}}
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
        try:
            await self._client.send(
                "PATCH",
                path,
                body,
                content_type=_STRATEGIC,
                answer_timeout_s=NOTE_TIMEOUT_S,
            )
        except Denied as error:
            if error.status == _NOT_FOUND or "metadata.uid: Invalid" in error.said:
                raise _Gone from None
            raise


@dataclass(frozen=True, slots=True)
class _Said:
    """What an event says, and when; `told_by` tells it from others of one microsecond."""

    kind: str
    reason: str
    message: str
    told_by: str
    at_s: float

    @property
    def number(self) -> int:
        """What tells this event from others of its object: its time, in nanoseconds as client-go's.

        It is the same however often the event is written.
        """
        return int(self.at_s * 1_000_000) * 1000 + crc32(self.told_by.encode()) % 1000


class _Gone(Exception):
    """The pod a condition is for is not there any more."""


def cut(text: str) -> str:
    """Return `text` in at most `LONGEST_NOTE` bytes, as client-go cuts it."""
    data = text.encode()
    if len(data) <= LONGEST_NOTE:
        return text
    return data[: LONGEST_NOTE - 4].decode(errors="ignore") + " ..."


def _micro_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _second_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
