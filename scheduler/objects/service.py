"""A Service: a name for the pods its selector selects."""

from typing import Any

from scheduler.domain.workload import Service
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.metadata import (
    Metadata,
    namespace_of,
    object_name,
    read_text_map,
    sorted_pairs,
)


class ServiceSpec(Wire, frozen=True):
    """``spec``."""

    selector: dict[str, Any] | None = None


class WrittenService(Wire, frozen=True):
    """A Service as written."""

    metadata: Metadata | None = None
    spec: ServiceSpec | None = None


def read_service(obj: Object) -> Service:
    """Return a Service.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type, or the Service has no name.
    """
    written = decode(obj, WrittenService, "Service")
    metadata = written.metadata or Metadata()
    name, namespace = object_name("Service", metadata), namespace_of(metadata)
    where = described("Service", namespace, name)
    spec = written.spec or ServiceSpec()
    selector = read_text_map(where, "spec.selector", spec.selector)
    return Service(namespace, name, sorted_pairs(selector))
