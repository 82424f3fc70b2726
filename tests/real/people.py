"""People who make, scale and delete Deployments while things break; they try until it is done."""

import threading
from collections.abc import Callable
from typing import Self

import requests

from tests.real.api import Refused
from tests.real.cluster import Cluster
from tests.real.journal import Journal
from tests.real.kill_load import BURST, Errand, KillLoad
from tests.real.program import wait_until

_AGAIN_S = 0.05
_DONE_S = 120.0


class People:
    """At work while inside ``with``.

    Parameters
    ----------
    cluster
        Where.
    load
        Whose errands.
    journal
        Says how many pods were bound so far.
    """

    def __init__(self, cluster: Cluster, load: KillLoad, journal: Journal) -> None:
        self._cluster, self._load, self._journal = cluster, load, journal
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)
        self._fault: Exception | None = None
        self.done = 0
        """How many errands."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def wait(self) -> None:
        """Wait until all errands are done.

        Raises
        ------
        NotReady
            If too few pods are bound for that.
        """
        wait_until(lambda: not self._thread.is_alive(), "all errands are done", within_s=_DONE_S)

    def _run(self) -> None:
        try:
            for errand in self._load.errands:
                while self._journal.bindings.total() < errand.after:
                    if self._ends.wait(_AGAIN_S):
                        return
                self._until_done(lambda errand=errand: self._do(errand))  # type: ignore[misc]
                self.done += 1
        except Exception as error:  # noqa: BLE001 - raised again where the people are left
            self._fault = error

    def _do(self, errand: Errand) -> None:
        if errand.app == BURST:
            self._cluster.apply([self._load.burst])
        elif errand.replicas:
            self._cluster.scale(errand.app, errand.replicas)
        else:
            namespace = self._cluster.namespace
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{errand.app}"
            self._cluster.api.delete(path)

    def _until_done(self, errand: Callable[[], None]) -> None:
        """Do what can be done twice, and again where nobody answers or the server is at fault."""
        while True:
            try:
                errand()
            except requests.RequestException:
                pass
            except Refused as error:
                if error.status < requests.codes.server_error:
                    raise
            else:
                return
            if self._ends.wait(_AGAIN_S):
                return
