"""What a pod asks of a node, counted as Kubernetes counts it.

Follows ``component-helpers/resource/helpers.go`` (``PodRequests``, ``AggregateContainerRequests``)
and the defaults of ``pkg/apis/core/v1/defaults.go``:

* a container that gives a limit and no request requests its limit;
* containers and sidecars (init containers with ``restartPolicy: Always``) run together;
* a plain init container runs with the sidecars declared before it, and nothing else;
* ``spec.resources`` stands in place of that sum for CPU, memory and huge pages that it names;
* ``overhead`` is added at the end;
* while a running pod is resized in place, the largest of what is asked, allocated and actual
  counts (KEP-1287); a resize that is infeasible asks for nothing.

Sums are exact decimals, rounded up once, as ``Quantity.MilliValue`` and ``Value`` round.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from scheduler.domain.errors import InputError
from scheduler.domain.quantity import LEGAL, amount, parse_quantity
from scheduler.domain.resources import Resources, resources
from scheduler.objects.decoding import Wire, shorten

_HUGE_PAGES = "hugepages-"
_POD_LEVEL = ("cpu", "memory")
_LARGEST = Decimal(2**63 - 1)

Exact = dict[str, Decimal]


class Demands(Wire, frozen=True):
    """``resources`` of a container or of a pod; quantities are checked apart."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class RestartRule(Wire, frozen=True):
    """What happens when a container ends in some way."""

    action: str | None = None


class Container(Wire, frozen=True):
    """One container. Its ports, image and restart rules `scheduler.objects.containers` reads."""

    name: str | None = None
    resources: Demands | None = None
    restart_policy: str | None = None
    ports: tuple[dict[str, Any], ...] | None = None
    image: str | None = None
    restart_policy_rules: tuple[RestartRule, ...] | None = None


class PodDemands(Wire, frozen=True):
    """The parts of a pod's spec that say what it asks for."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    resources: Demands | None = None
    overhead: dict[str, Any] | None = None


class ContainerStatus(Wire, frozen=True):
    """What a kubelet has given a container."""

    name: str | None = None
    resources: Demands | None = None
    allocated_resources: dict[str, Any] | None = None


class Given(Wire, frozen=True):
    """What a running pod has been given, of its status; `is_infeasible` ends a resize."""

    containers: tuple[ContainerStatus, ...] = ()
    resources: Demands | None = None
    allocated_resources: dict[str, Any] | None = None
    is_infeasible: bool = False


def read_requests(where: str, spec: PodDemands, given: Given | None = None) -> Resources:
    """Return what a pod with this spec asks for; one pod itself is not counted here.

    Parameters
    ----------
    where
        The pod, for errors.
    spec
        As written, defaults not applied.
    given
        Of a running pod, what its status says.

    Raises
    ------
    InputError
        If a quantity is not one, or is negative; the error names its path.
    """
    together = _aggregate(where, spec, given)
    if spec.resources is not None:
        asked = _pod_level(where, spec.resources, together)
        if given is not None and given.resources is not None and spec.resources.requests:
            actual = (given.resources.requests, given.allocated_resources)
            largest = _effective(where, "status", asked, actual, given)
            asked = {name: largest.get(name, Decimal(0)) for name in asked}
        together.update(asked)
    total = _sum([together, _quantities(where, "spec.overhead", spec.overhead)])
    return resources({name: amount(name, str(value)) for name, value in total.items()})


def read_amounts(where: str, path: str, listed: Mapping[str, object] | None) -> dict[str, int]:
    """Return a resource list, such as a node's allocatable, as this project counts it.

    Raises
    ------
    InputError
        As `read_requests`.
    """
    exact = _quantities(where, path, listed)
    return {name: amount(name, str(value)) for name, value in exact.items()}


def _aggregate(where: str, spec: PodDemands, given: Given | None) -> Exact:
    statuses = {one.name: one for one in given.containers} if given is not None else {}

    def now(path: str, container: Container) -> Exact:
        asked = _container(where, path, container)
        status = statuses.get(container.name)
        if given is None or status is None or status.resources is None:
            return asked
        actual = (status.resources.requests, status.allocated_resources)
        return _effective(where, path, asked, actual, given)

    running = _sum(
        now(f"spec.containers[{k}]", container) for k, container in enumerate(spec.containers or ())
    )
    sidecars: Exact = {}
    peak: Exact = {}
    for k, container in enumerate(spec.init_containers or ()):
        path = f"spec.initContainers[{k}]"
        is_sidecar = container.restart_policy == "Always"
        asked = now(path, container) if is_sidecar else _container(where, path, container)
        if is_sidecar:
            sidecars = _sum([sidecars, asked])
            peak = _largest([peak, sidecars])
        else:
            peak = _largest([peak, _sum([sidecars, asked])])
    return _largest([_sum([running, sidecars]), peak])


def _effective(
    where: str,
    path: str,
    asked: Exact,
    actual: tuple[Mapping[str, object] | None, Mapping[str, object] | None],
    given: Given,
) -> Exact:
    """Return the largest of what is asked, actual and allocated."""
    held = [_quantities(where, f"{path} (status)", listed) for listed in actual]
    return _largest(held if given.is_infeasible else [asked, *held])


def _pod_level(where: str, given: Demands, together: Exact) -> Exact:
    """Return what ``spec.resources`` puts in place of the containers' sum.

    A limit without a request counts only where no container requests the resource, except for huge
    pages, which cannot be over-committed.
    """
    asked = _quantities(where, "spec.resources.requests", given.requests)
    limits = _quantities(where, "spec.resources.limits", given.limits)
    for name, limit in limits.items():
        if name not in asked and (name not in together or name.startswith(_HUGE_PAGES)):
            asked[name] = limit
    return {
        name: value
        for name, value in asked.items()
        if name in _POD_LEVEL or name.startswith(_HUGE_PAGES)
    }


def _container(where: str, path: str, container: Container) -> Exact:
    given = container.resources
    if given is None:
        return {}
    limits = _quantities(where, f"{path}.resources.limits", given.limits)
    return limits | _quantities(where, f"{path}.resources.requests", given.requests)


def _quantities(where: str, path: str, listed: Mapping[str, object] | None) -> Exact:
    return {
        name: _quantity(where, f"{path}.{name}", text)
        for name, text in (listed or {}).items()
        if text is not None
    }


def _quantity(where: str, path: str, written: object) -> Decimal:
    fix = LEGAL
    if isinstance(written, str | int | float) and not isinstance(written, bool):
        try:
            value = _parsed(str(written).strip())
        except ValueError:
            pass
        else:
            if value >= 0:
                return value
            fix = "a quantity is at least 0"
    raise InputError(f"{where}: {path}", f'"{shorten(written)}" is not a quantity', fix)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal:
    """Return the value of a quantity; a cluster's thousands of pods share a few dozen texts."""
    # The API server caps at 2^63 - 1 too; uncapped, exponents would outgrow what can be re-read.
    return min(parse_quantity(text), _LARGEST)


def _sum(parts: Iterable[Exact]) -> Exact:
    out: Exact = {}
    for part in parts:
        for name, value in part.items():
            out[name] = out.get(name, Decimal(0)) + value
    return out


def _largest(parts: Iterable[Exact]) -> Exact:
    out: Exact = {}
    for part in parts:
        for name, value in part.items():
            out[name] = max(out.get(name, Decimal(0)), value)
    return out
