"""Leadership by a Lease, as every Kubernetes controller takes it.

The client library's election decides when to take, renew and give up a Lease. What it leaves open
is closed here: every request has a time-out below the renew deadline (its own would let a leader
believe in itself for minutes while the server hangs), times are UTC, lost connections are failures
to renew and not the end of the election, and the Lease is handed back at the end.

Leadership is believed for the renew deadline after the last renewal was *sent*, on a clock that
does not stop while the process does: a process that was frozen finds itself deposed at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock
from msgspec.structs import replace
from typing_extensions import override

from scheduler.domain.errors import ClusterUnavailable, SchedulerError
from scheduler.kube.answers import Denied
from scheduler.kube.client import KubeClient

_GROUP = "/apis/coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Where the Lease is and how long it holds; kube-scheduler's own numbers by default."""

    name: str
    namespace: str
    lease_s: float = 15.0
    renew_deadline_s: float = 10.0
    retry_s: float = 2.0


class Leadership:
    """One candidate.

    Parameters
    ----------
    client
        Connected.
    terms
        Of the Lease.
    identity
        Unique among candidates.
    now_s
        A clock that never steps back, seconds.
    wall_s
        The wall clock, seconds since 1970.
    """

    def __init__(
        self,
        client: KubeClient,
        terms: LeaseTerms,
        identity: str,
        now_s: Callable[[], float],
        wall_s: Callable[[], float],
    ) -> None:
        self._terms = terms
        self._now_s = now_s
        self._lock = _LeaseLock(client, terms, identity, now_s, wall_s)
        self._is_prepared = False

    @property
    def is_leading(self) -> bool:
        """Whether we may act: prepared, the Lease is ours, and its last renewal young enough."""
        renewed_s = self._lock.renewed_s
        if not self._is_prepared or self._lock.lost.is_set() or renewed_s is None:
            return False
        return self._now_s() - renewed_s < self._terms.renew_deadline_s

    @property
    def holder(self) -> str:
        """Who holds the Lease as far as we know, or the empty text."""
        return self._lock.holder

    @property
    def is_held_by_another(self) -> bool:
        """Whether the Lease, as last read, names another holder."""
        return self._lock.holder not in ("", self._lock.identity)

    async def campaign(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, hold it, and return when it is lost.

        Parameters
        ----------
        prepare
            Run once the Lease is ours and before `is_leading` says so.
        """

        async def lead() -> None:
            await prepare()
            self._is_prepared = True

        async def lost() -> None:
            self._is_prepared = False

        terms = self._terms
        config = Config(
            self._lock, terms.lease_s, terms.renew_deadline_s, terms.retry_s, lead, lost
        )
        election = asyncio.create_task(LeaderElection(config).run())
        lost_to_another = asyncio.create_task(self._lock.lost.wait())
        try:
            await asyncio.wait((election, lost_to_another), return_when=asyncio.FIRST_COMPLETED)
            if election.done():
                election.result()
        finally:
            self._is_prepared = False
            for task in (election, lost_to_another):
                task.cancel()
            await asyncio.gather(election, lost_to_another, return_exceptions=True)

    async def release(self) -> None:
        """Hand the Lease back, so that another replica need not wait until it runs out."""
        self._is_prepared = False
        if self._lock.renewed_s is not None:
            await self._lock.release()


class _LeaseLock(BaseLock):
    """The Lease as the library's election wants it; a failed request is an answer, no exception."""

    def __init__(
        self,
        client: KubeClient,
        terms: LeaseTerms,
        identity: str,
        now_s: Callable[[], float],
        wall_s: Callable[[], float],
    ) -> None:
        super().__init__(terms.name, terms.namespace, identity)
        self.holder = ""
        self.renewed_s: float | None = None
        self.lost = asyncio.Event()
        """Set for good when a Lease that was ours is not any more: whoever led starts anew."""
        self._client = client
        self._timeout_s = terms.renew_deadline_s / 2
        self._now_s = now_s
        self._wall_s = wall_s
        self._lease = _Lease()

    @property
    def _path(self) -> str:
        return f"{_GROUP}/namespaces/{self.namespace}/leases"

    @override
    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception]:
        """Read the Lease; that it is not ours any more ends our term at once, and for good."""
        try:
            body = await self._client.get(f"{self._path}/{name}", answer_timeout_s=self._timeout_s)
            self._lease = msgspec.json.decode(body, type=_Lease)
        except (SchedulerError, msgspec.DecodeError) as error:
            return False, _answered(error)
        spec = self._lease.spec
        self.holder = spec.holder_identity or ""
        if self.holder != self.identity and self.renewed_s is not None:
            self.lost.set()
        if self.lost.is_set():
            self.renewed_s = None
            return False, _answered(ClusterUnavailable("the Lease was lost to another"))
        return True, LeaderElectionRecord(
            self.holder or None,
            str(spec.lease_duration_seconds) if spec.lease_duration_seconds else None,
            spec.acquire_time,
            spec.renew_time,
        )

    @override
    async def create(
        self, name: str, namespace: str, election_record: LeaderElectionRecord
    ) -> bool:
        """Create the Lease as ours."""
        lease = _Lease({"name": name, "namespace": namespace})
        return await self._write("POST", self._path, lease, election_record)

    @override
    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Take or renew the Lease; its resourceVersion makes one of two rivals fail."""
        return await self._write("PUT", f"{self._path}/{name}", self._lease, updated_record)

    async def release(self) -> None:
        """Leave the Lease without a holder, if it still is ours."""
        self.renewed_s = None
        found, _ = await self.get(self.name, self.namespace)
        if not found or self.holder != self.identity:
            return
        spec = replace(
            self._lease.spec,
            holder_identity="",
            lease_duration_seconds=1,
            renew_time=_micro_time(self._wall_s()),
        )
        body = replace(self._lease, spec=spec)
        with suppress(SchedulerError):
            await self._client.send(
                "PUT", f"{self._path}/{self.name}", body, answer_timeout_s=self._timeout_s
            )

    async def _write(
        self, method: str, path: str, lease: "_Lease", record: LeaderElectionRecord
    ) -> bool:
        sent_s, now, old = self._now_s(), _micro_time(self._wall_s()), lease.spec
        is_ours = old.holder_identity == self.identity
        spec = _Spec(
            holder_identity=self.identity,
            lease_duration_seconds=max(1, round(float(record.lease_duration or 1))),
            acquire_time=old.acquire_time if is_ours else now,
            renew_time=now,
            lease_transitions=(old.lease_transitions or 0) + (not is_ours and method == "PUT"),
        )
        body = replace(lease, spec=spec)
        try:
            await self._client.send(method, path, body, answer_timeout_s=self._timeout_s)
        except SchedulerError:
            return False
        self.holder, self.renewed_s = self.identity, sent_s
        return True


class _Spec(msgspec.Struct, rename="camel", omit_defaults=True):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct, rename="camel"):
    metadata: dict[str, Any] = {}
    spec: _Spec = msgspec.field(default_factory=_Spec)
    api_version: str = "coordination.k8s.io/v1"
    kind: str = "Lease"


def _answered(error: Exception) -> ApiException:
    """Return an error as the election reads it: it creates a Lease only where one is not found."""
    status = error.status if isinstance(error, Denied) else 0
    answer = ApiException(status=status, reason=str(error))
    answer.body = msgspec.json.encode({"code": status}).decode()
    return answer


def _micro_time(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# It logs failures to renew as lines of its own; who leads is told by the service.
logging.getLogger("kubernetes.aio.leaderelection").addHandler(logging.NullHandler())
