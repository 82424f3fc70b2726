"""What became of all pods, told by one watch: every change, in the order the store has them."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import requests

from tests.real.api import Object
from tests.real.control_plane import ControlPlane

OVER = ("Succeeded", "Failed")
_PATH = "/api/v1/pods"
_WATCH_S = "1"
"""So long a watch lasts; the next goes on where it ended. Leaving waits for the end of one."""
_SILENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a pod.

    `version` orders the changes of all objects: the API server numbers them as its store does.
    """

    version: int
    is_gone: bool
    pod: Object

    @property
    def uid(self) -> str:
        """Which pod."""
        return str(self.pod["metadata"]["uid"])

    @property
    def node(self) -> str:
        """Where it is bound, or nothing."""
        return str(self.pod["spec"].get("nodeName", ""))

    @property
    def is_over(self) -> bool:
        """Whether it takes no room any more: it is gone, or its containers will not run again."""
        return self.is_gone or self.pod["status"]["phase"] in OVER


@dataclass(slots=True)
class Life:
    """A pod from its creation to its end, by the versions of its changes; 0: that never came.

    `pod` is the last that was told of it.
    """

    pod: Object
    created: int
    bound: int = 0
    ended: int = 0

    @property
    def key(self) -> str:
        """``namespace/name``."""
        metadata = self.pod["metadata"]
        return f"{metadata['namespace']}/{metadata['name']}"

    @property
    def node(self) -> str:
        """Where it was bound."""
        return str(self.pod["spec"].get("nodeName", ""))

    @property
    def scheduler(self) -> str:
        """Who was to bind it."""
        return str(self.pod["spec"]["schedulerName"])

    def stands(self, version: int) -> bool:
        """Whether it was bound at a version, and not over."""
        return 0 < self.bound <= version and (not self.ended or version < self.ended)


class History:
    """Follows the pods of all namespaces while inside ``with``.

    Parameters
    ----------
    control_plane
        Whose pods.
    hear
        Called with each change, in the thread of the watch.
    """

    def __init__(
        self, control_plane: ControlPlane, hear: Callable[[Change], None] = lambda _: None
    ) -> None:
        self._plane, self._hear = control_plane, hear
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="history", daemon=True)
        self._fault: Exception | None = None
        self.changes: list[Change] = []

    def __enter__(self) -> Self:
        listed = self._plane.admin.get(_PATH)
        if listed["items"]:
            raise ValueError("a history begins before the first pod")
        self._version = str(listed["metadata"]["resourceVersion"])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def lives(self) -> list[Life]:
        """Return what became of each pod so far, in the order of their creation."""
        found: dict[str, Life] = {}
        for change in tuple(self.changes):
            life = found.setdefault(change.uid, Life(change.pod, change.version))
            life.pod = change.pod
            if change.node and not life.bound:
                life.bound = change.version
            if change.is_over and not life.ended:
                life.ended = change.version
        return list(found.values())

    def _follow(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self._plane.authority)
            session.headers["Authorization"] = f"Bearer {self._plane.token}"
            try:
                while not self._ends.is_set():
                    self._watch(session)
            except Exception as error:  # noqa: BLE001 - raised again where the history is left
                self._fault = error

    def _watch(self, session: requests.Session) -> None:
        asked = {"watch": "1", "resourceVersion": self._version, "timeoutSeconds": _WATCH_S}
        where = f"{self._plane.url}{_PATH}"
        with session.get(where, params=asked, stream=True, timeout=_SILENCE_S) as answer:
            answer.raise_for_status()
            self._take(answer.iter_lines(chunk_size=None))

    def _take(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            told = json.loads(line)
            if told["type"] == "ERROR":
                raise ValueError(f"the watch has a gap: {told['object']}")
            pod: Object = told["object"]
            self._version = str(pod["metadata"]["resourceVersion"])
            pod["metadata"].pop("managedFields", None)
            change = Change(int(self._version), told["type"] == "DELETED", pod)
            self.changes.append(change)
            self._hear(change)
