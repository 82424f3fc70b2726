"""Inter-pod affinity and topology spread as they are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from scheduler.domain.between import PodTerm, SpreadConstraint, WeightedPodTerm
from scheduler.domain.errors import InputError
from scheduler.objects.decoding import Wire, shorten
from scheduler.objects.labelselectors import WrittenSelector, read_selector, with_keys

_MAX_WEIGHT = 100
_MOST_SKEW = (1 << 31) - 1
"""An API server takes no more; more than that many pods there are not."""
_POLICIES = (None, "Honor", "Ignore")


class WrittenTerm(Wire, frozen=True):
    """One affinity term."""

    label_selector: WrittenSelector | None = None
    namespaces: tuple[str, ...] | None = None
    topology_key: str | None = None
    namespace_selector: WrittenSelector | None = None
    match_label_keys: tuple[str, ...] | None = None
    mismatch_label_keys: tuple[str, ...] | None = None


class WrittenWeightedTerm(Wire, frozen=True):
    """A preferred affinity term."""

    weight: int | None = None
    pod_affinity_term: WrittenTerm | None = None


class PodAffinity(Wire, frozen=True):
    """``affinity.podAffinity`` or ``podAntiAffinity``."""

    required: tuple[WrittenTerm, ...] | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: tuple[WrittenWeightedTerm, ...] | None = msgspec.field(
        default=None, name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class WrittenSpread(Wire, frozen=True):
    """One ``topologySpreadConstraints`` entry."""

    max_skew: int | None = None
    topology_key: str | None = None
    when_unsatisfiable: str | None = None
    label_selector: WrittenSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] | None = None


class _HasPodAffinity(Protocol):
    @property
    def pod_affinity(self) -> PodAffinity | None: ...
    @property
    def pod_anti_affinity(self) -> PodAffinity | None: ...


@dataclass(frozen=True, slots=True)
class PodsView:
    """The pod that terms are read for.

    `merges_keys` where no API server has merged ``matchLabelKeys`` into the selectors yet.
    """

    where: str
    namespace: str
    labels: Mapping[str, str]
    merges_keys: bool


def read_pod_terms(
    pod: PodsView, affinity: _HasPodAffinity | None
) -> tuple[tuple[PodTerm, ...], tuple[PodTerm, ...], tuple[WeightedPodTerm, ...]]:
    """Return required affinity, required anti-affinity, and the wishes of both kinds.

    Raises
    ------
    InputError
        If a term has no topology key, a selector that cannot be read, or a weight not 1 to 100.
    """
    if affinity is None:
        return (), (), ()
    near, away = affinity.pod_affinity or PodAffinity(), affinity.pod_anti_affinity or PodAffinity()
    return (
        _required(pod, "podAffinity", near),
        _required(pod, "podAntiAffinity", away),
        (*_preferred(pod, "podAffinity", near, 1), *_preferred(pod, "podAntiAffinity", away, -1)),
    )


def _required(pod: PodsView, kind: str, affinity: PodAffinity) -> tuple[PodTerm, ...]:
    return tuple(
        _term(pod, f"spec.affinity.{kind}.required[{k}]", term)
        for k, term in enumerate(affinity.required or ())
    )


def _preferred(
    pod: PodsView, kind: str, affinity: PodAffinity, sign: int
) -> tuple[WeightedPodTerm, ...]:
    out = []
    for k, one in enumerate(affinity.preferred or ()):
        path = f"spec.affinity.{kind}.preferred[{k}]"
        if one.weight is None or not 1 <= one.weight <= _MAX_WEIGHT:
            raise InputError(
                f"{pod.where}: {path}.weight",
                f"is {shorten(one.weight)}",
                "write a number, 1 to 100",
            )
        out.append(
            WeightedPodTerm(
                sign * one.weight, _term(pod, path, one.pod_affinity_term or WrittenTerm())
            )
        )
    return tuple(out)


def _term(pod: PodsView, path: str, term: WrittenTerm) -> PodTerm:
    if not term.topology_key:
        raise InputError(
            f"{pod.where}: {path}.topologyKey", "is missing", "name a label, for example "
            "topology.kubernetes.io/zone"
        )  # fmt: skip
    selector = read_selector(pod.where, f"{path}.labelSelector", term.label_selector)
    if pod.merges_keys:
        matched, other = term.match_label_keys or (), term.mismatch_label_keys or ()
        selector = with_keys(selector, pod.labels, matched, "In")
        selector = with_keys(selector, pod.labels, other, "NotIn")
    namespaces = tuple(sorted(set(term.namespaces or ())))
    chosen = read_selector(pod.where, f"{path}.namespaceSelector", term.namespace_selector)
    if not namespaces and chosen is None:
        namespaces = (pod.namespace,)
    return PodTerm(term.topology_key, selector, namespaces, chosen)


def read_spread(
    pod: PodsView, written: tuple[WrittenSpread, ...] | None
) -> tuple[SpreadConstraint, ...]:
    """Return the topology spread constraints.

    ``matchLabelKeys`` are merged here as kube-scheduler does, whether or not the API server has.

    Raises
    ------
    InputError
        If one has no topology key, a skew or number of domains below 1, or an unknown policy.
    """
    return tuple(_spread(pod, k, one) for k, one in enumerate(written or ()))


def _spread(pod: PodsView, k: int, one: WrittenSpread) -> SpreadConstraint:
    path = f"spec.topologySpreadConstraints[{k}]"
    at = f"{pod.where}: {path}"
    if not one.topology_key:
        raise InputError(f"{at}.topologyKey", "is missing", "name a label")
    if one.max_skew is None or one.max_skew < 1:
        raise InputError(f"{at}.maxSkew", f"is {shorten(one.max_skew)}", "write a number above 0")
    if one.min_domains is not None and one.min_domains < 1:
        raise InputError(f"{at}.minDomains", f"is {one.min_domains}", "write a number above 0")
    if one.when_unsatisfiable not in (None, "DoNotSchedule", "ScheduleAnyway"):
        raise InputError(
            f"{at}.whenUnsatisfiable",
            f'is "{shorten(one.when_unsatisfiable)}"',
            "use DoNotSchedule or ScheduleAnyway",
        )
    for name, policy in (
        ("nodeAffinityPolicy", one.node_affinity_policy),
        ("nodeTaintsPolicy", one.node_taints_policy),
    ):
        if policy not in _POLICIES:
            raise InputError(f"{at}.{name}", f'is "{shorten(policy)}"', "use Honor or Ignore")
    selector = read_selector(pod.where, f"{path}.labelSelector", one.label_selector)
    return SpreadConstraint(
        topology_key=one.topology_key,
        max_skew=min(one.max_skew, _MOST_SKEW),
        is_hard=one.when_unsatisfiable != "ScheduleAnyway",
        selector=with_keys(selector, pod.labels, one.match_label_keys or (), "In"),
        min_domains=one.min_domains or 1,
        honors_affinity=one.node_affinity_policy != "Ignore",
        honors_taints=one.node_taints_policy == "Honor",
    )
