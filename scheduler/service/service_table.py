"""Services, and the names by which a delay may refer to a pod."""

from scheduler.domain.cluster_events import ServiceChanged, ServiceDeleted
from scheduler.domain.workload import Pod, PodClass, Service
from scheduler.service.class_memo import ClassMemo
from scheduler.service.wake import Wake, WakeNamed


class ServiceTable:
    """The Services of the cluster, by namespace and name."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Service] = {}
        self._names: ClassMemo[frozenset[str]] = ClassMemo()
        self._frozen: tuple[Service, ...] | None = ()

    def put(self, event: ServiceChanged) -> list[Wake]:
        """Add or change a Service."""
        service = event.service
        key = (service.namespace, service.name)
        if self.known.get(key) == service:
            return []
        self.known[key] = service
        self._reset()
        return [WakeNamed("ServiceUpdate", service.namespace, frozenset({service.name}))]

    def drop(self, event: ServiceDeleted) -> list[Wake]:
        """Remove a Service; harmless for one that is not known."""
        if self.known.pop((event.namespace, event.name), None) is None:
            return []
        self._reset()
        return [WakeNamed("ServiceDelete", event.namespace, frozenset({event.name}))]

    def get(self, namespace: str, name: str) -> Service | None:
        """Return a Service, or None."""
        return self.known.get((namespace, name))

    def freeze(self) -> tuple[Service, ...]:
        """Return all Services, in the order they came."""
        if self._frozen is None:
            self._frozen = tuple(self.known.values())
        return self._frozen

    def aliases(self, pod: Pod) -> frozenset[str]:
        """Return the names, in its namespace, by which a delay may refer to this pod."""
        names = self._names.get(pod.pod_class)
        if names is None:
            names = self._names.put(pod.pod_class, self._class_names(pod.pod_class))
        return names | {pod.name}

    def _class_names(self, pod_class: PodClass) -> frozenset[str]:
        names = {
            service.name
            for service in self.known.values()
            if service.selects(pod_class.namespace, pod_class.labels)
        }
        if pod_class.workload is not None:
            names.add(pod_class.workload.name)
        return frozenset(names)

    def _reset(self) -> None:
        self._frozen = None
        self._names.clear()
