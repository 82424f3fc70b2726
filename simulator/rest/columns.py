"""The columns of the tables kubectl prints, kind by kind (``pkg/printers/internalversion``)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.change import JsonObject
from simulator.rest.podcolumns import pod_ready, pod_restarts, pod_status

Cell = str | int
_NONE, _UNKNOWN = "<none>", "<unknown>"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 86400 * 365
_ROLE = "node-role.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; those of priority 1 are shown with ``-o wide``."""

    name: str
    cell: Callable[[JsonObject, datetime], Cell]
    type: str = "string"
    priority: int = 0

    def definition(self) -> JsonObject:
        """Return the column as the head of a table describes it."""
        form = "name" if self.name == "Name" else ""
        described = {"name": self.name, "type": self.type, "format": form}
        return {**described, "description": "", "priority": self.priority}


def span(seconds: float) -> str:
    """Return a span of time as kubectl writes ages (``duration.HumanDuration``)."""
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    s = max(s, 0)
    if s < 2 * _MINUTE:
        return f"{s}s"
    steps = (
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, _MINUTE, "m", 0, ""),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (2 * _DAY, _HOUR, "h", 0, ""),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, _DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", _DAY, "d"),
    )
    for end, unit, letter, part, part_letter in steps:
        if s < end:
            rest = s % unit // part if part else 0
            return f"{s // unit}{letter}" + (f"{rest}{part_letter}" if rest else "")
    return f"{s // _YEAR}y"


def _since(stamp: object, now: datetime) -> str:
    try:
        return span((now - datetime.fromisoformat(str(stamp)).astimezone(UTC)).total_seconds())
    except ValueError:
        return _UNKNOWN


def _name(obj: JsonObject, _: datetime) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: JsonObject, now: datetime) -> str:
    return _since(obj["metadata"].get("creationTimestamp"), now)


def _in(part: str, *path: str, empty: Cell = _NONE) -> Callable[[JsonObject, datetime], Cell]:
    """Return what reads one field of a part of an object."""

    def read(obj: JsonObject, _: datetime) -> Cell:
        value: object = obj.get(part) or {}
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str | int) and value != "" else empty

    return read


def _node_status(node: JsonObject, _: datetime) -> str:
    conditions = node.get("status", {}).get("conditions") or ()
    ready = [c for c in conditions if c.get("type") == "Ready"]
    out = [("" if c.get("status") == "True" else "Not") + "Ready" for c in ready] or ["Unknown"]
    if node.get("spec", {}).get("unschedulable"):
        out.append("SchedulingDisabled")
    return ",".join(out)


def _node_roles(node: JsonObject, _: datetime) -> str:
    labels = node["metadata"].get("labels") or {}
    roles = {name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)}
    roles |= {value for name, value in labels.items() if name == "kubernetes.io/role"}
    return ",".join(sorted(filter(None, roles))) or _NONE


def _address(kind: str) -> Callable[[JsonObject, datetime], Cell]:
    def read(node: JsonObject, _: datetime) -> Cell:
        addresses = node.get("status", {}).get("addresses") or ()
        return next((str(a.get("address")) for a in addresses if a.get("type") == kind), _NONE)

    return read


def _ready_of_wanted(obj: JsonObject, _: datetime) -> str:
    return f"{obj.get('status', {}).get('readyReplicas', 0)}/{obj['spec'].get('replicas', 1)}"


def _containers(field: str) -> Callable[[JsonObject, datetime], Cell]:
    def read(obj: JsonObject, _: datetime) -> Cell:
        containers = obj["spec"]["template"]["spec"]["containers"]
        return ",".join(str(c.get(field, "")) for c in containers)

    return read


def _match_labels(obj: JsonObject, _: datetime) -> str:
    return _labels((obj["spec"].get("selector") or {}).get("matchLabels") or {})


def _labels(labels: JsonObject) -> str:
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels)) or _NONE


def _service_selector(obj: JsonObject, _: datetime) -> str:
    return _labels(obj["spec"].get("selector") or {})


def _ports(service: JsonObject, _: datetime) -> str:
    ports = service["spec"].get("ports") or ()
    named = [f"{p.get('port')}/{p.get('protocol', 'TCP')}" for p in ports]
    return ",".join(named) or _NONE


def _last_seen(event: JsonObject, now: datetime) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    stamps = (series, event.get("lastTimestamp"), event.get("eventTime"))
    return _since(next(filter(None, stamps), None), now)


def _first_seen(event: JsonObject, now: datetime) -> str:
    return _since(event.get("firstTimestamp") or event.get("eventTime"), now)


def _event_object(event: JsonObject, _: datetime) -> str:
    about = event.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _event_source(event: JsonObject, _: datetime) -> str:
    source = event.get("source") or {}
    who = source.get("component") or event.get("reportingComponent") or ""
    where = source.get("host") or event.get("reportingInstance") or ""
    return ", ".join(filter(None, (who, where)))


def _event_count(event: JsonObject, _: datetime) -> int:
    series = (event.get("series") or {}).get("count")
    return int(series or event.get("count") or 1)


_NAME, _AGE = Column("Name", _name), Column("Age", _age)
_TEMPLATE = (
    Column("Containers", _containers("name"), priority=1),
    Column("Images", _containers("image"), priority=1),
    Column("Selector", _match_labels, priority=1),
)

_STORED = (_NAME, _AGE)
COLUMNS: dict[str, Sequence[Column]] = {
    "Pod": (
        _NAME,
        Column("Ready", pod_ready),
        Column("Status", pod_status),
        Column("Restarts", pod_restarts),
        _AGE,
        Column("IP", _in("status", "podIP"), priority=1),
        Column("Node", _in("spec", "nodeName"), priority=1),
        Column("Nominated Node", _in("status", "nominatedNodeName"), priority=1),
        Column("Readiness Gates", lambda *_: _NONE, priority=1),
    ),
    "Node": (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", _in("status", "nodeInfo", "kubeletVersion", empty="")),
        Column("Internal-IP", _address("InternalIP"), priority=1),
        Column("External-IP", _address("ExternalIP"), priority=1),
        Column("OS-Image", _in("status", "nodeInfo", "osImage", empty=_UNKNOWN), priority=1),
        Column(
            "Kernel-Version", _in("status", "nodeInfo", "kernelVersion", empty=_UNKNOWN), priority=1
        ),
        Column(
            "Container-Runtime",
            _in("status", "nodeInfo", "containerRuntimeVersion", empty=_UNKNOWN),
            priority=1,
        ),
    ),
    "Namespace": (_NAME, Column("Status", _in("status", "phase", empty="")), _AGE),
    "Deployment": (
        _NAME,
        Column("Ready", _ready_of_wanted),
        Column("Up-to-date", _in("status", "updatedReplicas", empty=0), "integer"),
        Column("Available", _in("status", "availableReplicas", empty=0), "integer"),
        _AGE,
        *_TEMPLATE,
    ),
    "ReplicaSet": (
        _NAME,
        Column("Desired", _in("spec", "replicas", empty=0), "integer"),
        Column("Current", _in("status", "replicas", empty=0), "integer"),
        Column("Ready", _in("status", "readyReplicas", empty=0), "integer"),
        _AGE,
        *_TEMPLATE,
    ),
    "Service": (
        _NAME,
        Column("Type", _in("spec", "type", empty="ClusterIP")),
        Column("Cluster-IP", _in("spec", "clusterIP")),
        Column("External-IP", lambda *_: _NONE),
        Column("Port(s)", _ports),
        _AGE,
        Column("Selector", _service_selector, priority=1),
    ),
    "Lease": (_NAME, Column("Holder", _in("spec", "holderIdentity", empty="")), _AGE),
    "Event": (
        Column("Last Seen", _last_seen),
        Column("Type", _in("type", empty="")),
        Column("Reason", _in("reason", empty="")),
        Column("Object", _event_object),
        Column("Subobject", _in("involvedObject", "fieldPath", empty=""), priority=1),
        Column("Source", _event_source, priority=1),
        Column("Message", _in("message", empty="")),
        Column("First Seen", _first_seen, priority=1),
        Column("Count", _event_count, "integer", priority=1),
        Column("Name", _name, priority=1),
    ),
    "PersistentVolumeClaim": (
        _NAME,
        Column("Status", _in("status", "phase", empty="")),
        Column("Volume", _in("spec", "volumeName", empty="")),
        Column("StorageClass", _in("spec", "storageClassName", empty="")),
        _AGE,
    ),
    "PersistentVolume": (
        _NAME,
        Column("Capacity", _in("spec", "capacity", "storage", empty="")),
        Column("Status", _in("status", "phase", empty="")),
        Column("Claim", _in("spec", "claimRef", "name", empty="")),
        Column("StorageClass", _in("spec", "storageClassName", empty="")),
        _AGE,
    ),
    "StorageClass": (
        _NAME,
        Column("Provisioner", _in("provisioner")),
        Column("VolumeBindingMode", _in("volumeBindingMode")),
        _AGE,
    ),
    **dict.fromkeys(("CSINode", "CSIDriver", "CSIStorageCapacity", "VolumeAttachment"), _STORED),
}
