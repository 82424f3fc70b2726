"""Works out the hard rules between pods for the classes of one decision.

Each term is looked up once for all classes that share it, among the few classes that carry the
labels it asks for; pods are counted by domain in one pass over those that matter.
"""

from collections.abc import Callable, Sequence

import numpy as np

from scheduler.domain.between import HostPort, PodTerm, SpreadConstraint
from scheduler.domain.workload import PodClass
from scheduler.placement.between.rules import ClassRules, OwnVolumes, Rules
from scheduler.placement.between.standing_pods import StandingPods
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.counters import Counter, counted
from scheduler.placement.feasibility.matching import ClassIndex, selects
from scheduler.placement.feasibility.podaffinity import PodAffinityRule
from scheduler.placement.feasibility.podspread import PodSpreadRule, SkewRule
from scheduler.placement.feasibility.ports import PortRule, clash
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.feasibility.volume.rules import VolumeRules

_Kept = dict[str, tuple[list[int], list[int]]]
"""By label: classes of pods that stand, and of this decision, that keep a class away."""


class RuleMaker:
    """Works out the rules of all pending classes.

    Parameters
    ----------
    standing
        The pods that stand.
    labels
        Of the nodes.
    classes
        Pending, in the order of their numbers.
    untainted
        The nodes whose taints a class tolerates.
    volumes
        The rules about volumes, where a class has any.
    """

    def __init__(
        self,
        standing: StandingPods,
        labels: NodeLabels,
        classes: Sequence[PodClass],
        untainted: Callable[[PodClass], Mask],
        volumes: Callable[[], VolumeRules],
    ) -> None:
        self._n = len(labels)
        self._labels = labels
        self._classes = classes
        self._untainted = untainted
        self._volumes = volumes
        self.namespaces = standing.namespaces
        self.standing = standing
        self.pending = ClassIndex(classes)
        self.rules = Rules()
        self._hosts = np.arange(self._n, dtype=np.int32)

    def make(self) -> Rules:
        """Return the rules; a class without any is not among them."""
        kept = self._kept_away()
        for number, pod_class in enumerate(self._classes):
            spread = PodSpreadRule(self._n, self._skews(number, pod_class))
            affinity = self._affinity(number, pod_class, kept.get(number, {}))
            ports = PortRule(self._n, self._holders(number))
            found = ClassRules(ports, spread, affinity, self._own_volumes(pod_class))
            if found:
                self.rules.of[number] = found
        for number, found in self.rules.of.items():
            # Pods with volumes are placed one by one: claims and disks are theirs alone.
            is_counted = any(map(self.rules.is_subscribed, found.counters()))
            found.is_live = is_counted or found.volumes is not None
            self.rules.before.get(number, set()).discard(number)
        return self.rules

    def _own_volumes(self, pod_class: PodClass) -> OwnVolumes | None:
        if not pod_class.volumes:
            return None
        return OwnVolumes(self._volumes(), pod_class.namespace, pod_class.volumes)

    # Host ports

    def _holders(self, number: int) -> Counter | None:
        wanted = self._classes[number].host_ports
        if not wanted:
            return None
        ported = self.standing.book.ported
        standing = {
            holder
            for port in wanted
            for held, holder in ported.get((port.protocol, port.port), ())
            if clash(port, held)
        }
        counter = counted(self._hosts, self._n, [(self.standing.nodes(sorted(standing)), 1)])
        for other, pod_class in enumerate(self._classes):
            if pod_class.host_ports and _clash_any(wanted, pod_class.host_ports):
                self.rules.subscribe(other, counter)
        return counter

    # Topology spread

    def _skews(self, number: int, pod_class: PodClass) -> tuple[SkewRule, ...]:
        hard = [c for c in pod_class.spread if c.is_hard]
        if not hard:
            return ()
        labelled = np.ones(self._n, dtype=np.bool_)
        for constraint in hard:
            labelled &= self._labels.domains(constraint.topology_key).of >= 0
        return tuple(self._skew(number, pod_class, c, labelled) for c in hard)

    def _skew(
        self, number: int, pod_class: PodClass, constraint: SpreadConstraint, labelled: Mask
    ) -> SkewRule:
        domains = self._labels.domains(constraint.topology_key)
        eligible = labelled & self.eligible(pod_class, constraint)
        is_domain = np.zeros(len(domains), dtype=np.bool_)
        is_domain[domains.of[eligible]] = True
        counter = self.selected_pods(number, constraint, eligible, is_order=True)
        own = selects(constraint.selector, dict(pod_class.labels))
        return SkewRule(
            domains.of, counter, is_domain, constraint.max_skew, constraint.min_domains, int(own)
        )

    def eligible(self, pod_class: PodClass, constraint: SpreadConstraint) -> Mask:
        """Return the nodes that a constraint's inclusion policies leave in."""
        eligible = np.ones(self._n, dtype=np.bool_)
        if constraint.honors_affinity:
            eligible &= self._labels.required(pod_class)
        if constraint.honors_taints:
            eligible &= self._untainted(pod_class)
        return eligible

    def selected_pods(
        self, number: int, constraint: SpreadConstraint, eligible: Mask, *, is_order: bool
    ) -> Counter:
        """Return a counter of the pods a constraint selects on eligible nodes.

        An empty selector selects the newcomer and counts nobody, as in kube-scheduler. With
        `is_order` the pending classes counted are to be placed before this one.
        """
        domains = self._labels.domains(constraint.topology_key)
        domain = np.where(eligible, domains.of, np.int32(-1))
        namespace = self._classes[number].namespace
        selector = constraint.selector
        if selector is None or not selector.requirements:
            return counted(domain, len(domains), [])
        standing = self.standing.selected(selector, namespace)
        nodes = self.standing.nodes(standing, staying=True)
        counter = counted(domain, len(domains), [(nodes, 1)])
        pending = self.pending.selected(selector, (namespace,))
        for other in pending:
            self.rules.subscribe(other, counter)
        if is_order:
            self.rules.before.setdefault(number, set()).update(pending)
        return counter

    # Affinity

    def _affinity(self, number: int, pod_class: PodClass, kept: _Kept) -> PodAffinityRule:
        near: tuple[Counter, ...] = ()
        is_self = False
        if pod_class.pod_affinity:
            meeting = self.standing.meeting(pod_class.pod_affinity)
            pending = self._pending_meeting(pod_class.pod_affinity)
            near = tuple(
                self.counter(t.topology_key, [(meeting, 1)], [(pending, 1)])
                for t in pod_class.pod_affinity
            )
            is_self = number in pending
            if not is_self and not meeting:
                self.rules.needed[number] = set(pending)
            self.rules.before.setdefault(number, set()).update(pending)
        away = tuple(
            self.counter(
                term.topology_key,
                [(self.standing.meeting([term]), 1)],
                [(self._pending_meeting([term]), 1)],
            )
            for term in pod_class.pod_anti_affinity
        )
        keeping = tuple(
            self.counter(key, [(standing, 1)], [(pending, 1)])
            for key, (standing, pending) in kept.items()
        )
        return PodAffinityRule(self._n, near, is_self, away, keeping)

    def _pending_meeting(self, terms: Sequence[PodTerm]) -> list[int]:
        found: set[int] | None = None
        for term in terms:
            met = set(self.pending.selected(term.selector, self.namespaces.of_newcomer(term)))
            found = met if found is None else found & met
        return sorted(found or ())

    def counter(
        self,
        topology_key: str,
        standing: Sequence[tuple[Sequence[int], int]],
        pending: Sequence[tuple[Sequence[int], int]],
    ) -> Counter:
        """Return a counter of classes' pods by domain, each part with its weight."""
        domains = self._labels.domains(topology_key)
        parts = [(self.standing.nodes(classes), weight) for classes, weight in standing]
        counter = counted(domains.of, len(domains), parts)
        for classes, weight in pending:
            for other in classes:
                self.rules.subscribe(other, counter, weight)
        return counter

    def _kept_away(self) -> dict[int, _Kept]:
        """Return for each class whose required anti-affinity keeps it away, by label."""
        out: dict[int, _Kept] = {}
        holders: dict[PodTerm, tuple[list[int], list[int]]] = {}
        for term, standing in self.standing.book.anti_affine.items():
            holders[term] = (standing, [])
        for number, pod_class in enumerate(self._classes):
            for term in pod_class.pod_anti_affinity:
                holders.setdefault(term, ([], []))[1].append(number)
        for term, (standing, pending) in holders.items():
            for number in self.concerned(term):
                both = out.setdefault(number, {}).setdefault(term.topology_key, ([], []))
                both[0].extend(standing)
                both[1].extend(pending)
        return out

    def concerned(self, term: PodTerm) -> list[int]:
        """Return the pending classes that a term of a pod that stands speaks of."""
        return [
            number
            for number in self.pending.selected(term.selector)
            if self.namespaces.of_standing(term, self._classes[number].namespace)
        ]


def _clash_any(some: Sequence[HostPort], others: Sequence[HostPort]) -> bool:
    return any(clash(one, other) for one in some for other in others)
