"""Every change of a namespace's pods, read from etcd itself.

A watch of the API server has a gap wherever that server dies: its successor answers 410 to a watch
that would go on. The store has none: it keeps all versions, and says of each what it held. Needs
an API server that stores JSON and lets nothing be compacted (`READABLE`).
"""

import json
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Self

import requests

from tests.real.api import Object
from tests.real.etcd import Etcd
from tests.real.history import Change
from tests.real.program import NotReady

READABLE = ("--storage-media-type=application/json", "--etcd-compaction-interval=0")
"""Flags of kube-apiserver."""

_SILENCE_S = 0.5
"""After so long without a change the watch is begun anew; leaving waits for that too."""
_AGAIN_S = 0.02
_LOOK_S = 0.005


class Journal:
    """Follows a namespace's pods while inside ``with``; begin before the first.

    Parameters
    ----------
    etcd
        Runs now; it may die and return later.
    namespace
        Whose pods.
    """

    def __init__(self, etcd: Etcd, namespace: str) -> None:
        self._etcd, self._prefix = etcd, f"/registry/pods/{namespace}/"
        self._ends = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._follow, name="journal", daemon=True)
        self._fault: Exception | None = None
        self._next = 0
        self._is_open, self._silences = False, 0
        self.changes: list[Change] = []
        """All that was read so far, in the order of the store."""
        self.bound_s: dict[str, float] = {}
        """When each pod, by its uid, was first seen to have a node, by `time.monotonic`."""
        self.bindings = Counter[str]()
        """How many pods of each app were bound so far."""

    def __enter__(self) -> Self:
        now = self._etcd.ask("kv/range", {**self._range(), "count_only": True})
        if "count" in now:  # left out where it is zero
            raise ValueError("a journal begins before the first pod")
        self._next = int(now["header"]["revision"]) + 1
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def wait_until(self, claim: Callable[[], bool], what: str, *, within_s: float) -> None:
        """Wait until a claim holds; it is looked at as soon as there is a change.

        Raises
        ------
        NotReady
            If it does not within `within_s` seconds; `what` names it.
        """
        end_s = time.monotonic() + within_s
        with self._news:
            while not claim():
                if self._fault is not None:
                    raise self._fault
                if time.monotonic() > end_s:
                    raise NotReady(f"{what}: not within {within_s} s")
                self._news.wait(_LOOK_S)

    def catch_up(self) -> None:
        """Wait until all that the store held when this was called is read.

        A watch that was begun since then and fell silent has told all: etcd reads old changes for
        new watches every tenth of a second.
        """
        enough = self._silences + 2
        self.wait_until(lambda: self._silences >= enough, "the journal is read up", within_s=60)

    def _range(self) -> dict[str, str]:
        end = self._prefix[:-1] + chr(ord(self._prefix[-1]) + 1)
        return {"key": _coded(self._prefix), "range_end": _coded(end)}

    def _follow(self) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                while not self._ends.is_set():
                    try:
                        self._watch(session)
                    except requests.RequestException:
                        # Silence, or it died: what was not read yet is read then.
                        self._silences += self._is_open
                        self._is_open = False
                        self._ends.wait(_AGAIN_S)
        except Exception as error:  # noqa: BLE001 - raised again where the journal is left
            self._fault = error

    def _watch(self, session: requests.Session) -> None:
        asked = {**self._range(), "start_revision": str(self._next), "prev_kv": True}
        where = f"{self._etcd.url}/v3/watch"
        body = {"create_request": asked}
        with session.post(where, json=body, stream=True, timeout=_SILENCE_S) as answer:
            answer.raise_for_status()
            self._take(answer.iter_lines(chunk_size=None))

    def _take(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if self._ends.is_set():
                return
            told = json.loads(line)["result"]
            self._is_open = True
            if told.get("canceled"):
                raise ValueError(f"the journal has a gap: {told}")
            for event in told.get("events", ()):
                self._write(change_of(event))

    def _write(self, change: Change) -> None:
        now_s = time.monotonic()
        with self._news:
            self._next = change.version + 1
            self.changes.append(change)
            if change.node and change.uid not in self.bound_s:
                self.bound_s[change.uid] = now_s
                self.bindings[change.pod["metadata"]["labels"]["app"]] += 1
            self._news.notify_all()


def change_of(event: Object) -> Change:
    """Return what an event of etcd's watch says; of a deletion the pod as it last was."""
    is_gone = event.get("type") == "DELETE"
    pod: Object = json.loads(b64decode((event["prev_kv"] if is_gone else event["kv"])["value"]))
    version = int(event["kv"]["mod_revision"])
    pod["metadata"].pop("managedFields", None)
    return Change(version, is_gone, pod)


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
