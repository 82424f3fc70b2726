"""Scenarios: which nodes, which manifests, and what happens to them when. One YAML file each.

All spans of time are written with their unit: ``20s``, ``500ms``, ``2m``.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from scheduler.domain.errors import InputError
from scheduler.objects.document import read_documents
from telemetry.errors import MatrixError
from telemetry.sources.text import read_text

API_VERSION = "isochrone.dev/v1"
KIND = "Scenario"
DEFAULT = Path("demo") / "scenarios" / "default.yaml"

Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_SPAN = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_AT = re.compile(r"^(?P<what>.*?) - at `\$\.?(?P<path>[^`]*)`$")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Root of all parts of a scenario: unknown keys are refused."""


class NodesPart(Part, frozen=True):
    """Where the nodes and their RTTs come from."""

    source: Literal["planetlab", "metros", "matrix"] = "planetlab"
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How many nodes there are: of metros always, of planetlab where it is not the 490 recorded
    ones; a matrix knows its number."""

    matrix: str = ""
    """Matrix file of the source ``matrix``, as seen from the scenario's folder."""

    keep_names: bool = False
    """Nodes are called as the matrix file calls its rows, and not edge-1, edge-2, …"""


class TimingPart(Part, frozen=True):
    """How long things take. Shorter than Kubernetes' own where a demo would have to wait."""

    pod_start: str = "1s"
    pod_stop: str = "1s"
    node_grace: str = "40s"
    """Silence after which a node counts as unreachable."""

    toleration: str = "300s"
    """How long pods stay on a node that is not ready."""


class FailPart(Part, frozen=True):
    """Nodes that fail."""

    node: str = ""
    site: str = ""
    for_: str = msgspec.field(default="", name="for")
    how: Literal["silent", "not-ready"] = "silent"
    """The node falls silent, or its kubelet says that it is not ready."""


class ReturnPart(Part, frozen=True):
    """Nodes that are back."""

    node: str = ""
    site: str = ""


class SlowPart(Part, frozen=True):
    """A link, or all links of a node, slowed in both directions."""

    link: tuple[str, str] | None = None
    node: str = ""
    to: str = ""
    by: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    for_: str = msgspec.field(default="", name="for")


class ScalePart(Part, frozen=True):
    """A Deployment with another number of replicas."""

    deployment: str
    replicas: Count
    namespace: str = "default"


class DeletePart(Part, frozen=True):
    """An object that is deleted."""

    kind: Literal["Deployment", "Service", "Pod", "Node"]
    name: str
    namespace: str = "default"


class RefusePart(Part, frozen=True):
    """A share of bindings that is refused."""

    share: Share
    for_: str = msgspec.field(default="", name="for")


class Step(Part, frozen=True):
    """One line of the timeline: a time and exactly one thing that happens."""

    at: str
    fail: FailPart | None = None
    return_: ReturnPart | None = msgspec.field(default=None, name="return")
    slow: SlowPart | None = None
    submit: str | None = None
    scale: ScalePart | None = None
    delete: DeletePart | None = None
    cordon: str | None = None
    uncordon: str | None = None
    drain: str | None = None
    refuse_bindings: RefusePart | None = None


class Scenario(Part, frozen=True):
    """A whole scenario."""

    api_version: Literal["isochrone.dev/v1"] = "isochrone.dev/v1"
    kind: Literal["Scenario"] = "Scenario"
    name: str = ""
    description: str = ""
    nodes: NodesPart = NodesPart()
    seed: Count = 1
    drift: str = "60s"
    """How long each snapshot of RTTs lasts; ``0s`` keeps the first for ever."""

    timing: TimingPart = TimingPart()
    manifests: tuple[str, ...] = ()
    """Files or folders submitted at the start, as seen from the scenario's folder."""

    rename: dict[str, str] = {}
    """Other names for nodes."""

    settles_after: str = "0s"
    """``--once`` does not judge before this time: the timeline has then had its effect."""

    timeline: tuple[Step, ...] = ()


def read_scenario(path: Path) -> Scenario:
    """Read a scenario.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or a key or value is not known; says where.
    """
    try:
        text = read_text(path, "name a scenario file, as in demo/scenarios")
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    return parse_scenario(text, str(path))


def parse_scenario(text: str, where: str) -> Scenario:
    """Read a scenario from its text; `where` names it in errors.

    Raises
    ------
    InputError
        As `read_scenario`.
    """
    documents = [d for d in read_documents(text, where) if d is not None]
    if len(documents) != 1:
        raise InputError(where, f"holds {len(documents)} documents", "write one scenario a file")
    try:
        # Not strict: the reader of YAML leaves decimals as text, for quantities' sake.
        scenario = msgspec.convert(documents[0], Scenario, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), where) from None
    _check_spans(scenario, where)
    for k, step in enumerate(scenario.timeline):
        _check_step(step, f"{where}: timeline[{k}]")
    return scenario


def span_s(text: str, where: str) -> float:
    """Return a span of time in seconds.

    Raises
    ------
    InputError
        If `text` is not a number with a unit.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        fix = 'write a number and its unit, for example "20s", "500ms" or "2m"'
        raise InputError(where, f'"{text}" is not a span of time', fix)
    return float(match.group(1)) * _UNIT_S[match.group(2)]


def _refusal(message: str, where: str) -> InputError:
    match = _AT.match(message)
    at = f"{where}: {match['path']}" if match is not None and match["path"] else where
    what = match["what"] if match is not None else message
    what = f"{what[:1].lower()}{what[1:]}"
    return InputError(at, what, "see demo/scenarios/default.yaml for what a scenario may say")


def _check_spans(scenario: Scenario, where: str) -> None:
    timing = scenario.timing
    written = timing.__struct_encode_fields__
    for name, field in zip(written, timing.__struct_fields__, strict=True):
        span_s(getattr(timing, field), f"{where}: timing.{name}")
    span_s(scenario.drift, f"{where}: drift")
    span_s(scenario.settles_after, f"{where}: settlesAfter")
    source = scenario.nodes.source
    if scenario.nodes.keep_names and source != "matrix":
        raise InputError(f"{where}: nodes.keepNames", "has no names to keep", "leave it out")
    if (source == "matrix") != bool(scenario.nodes.matrix):
        fix = 'give nodes.matrix exactly when nodes.source is "matrix"'
        raise InputError(f"{where}: nodes", f"source {source} and matrix do not agree", fix)
    counts = {"metros": (True,), "planetlab": (True, False), "matrix": (False,)}
    if (scenario.nodes.count is not None) not in counts[source]:
        fix = "give nodes.count with the source metros, you may with planetlab, not with matrix"
        raise InputError(f"{where}: nodes", f"source {source} and count do not agree", fix)


def _check_step(step: Step, where: str) -> None:
    span_s(step.at, f"{where}.at")
    names = zip(step.__struct_encode_fields__, step.__struct_fields__, strict=True)
    said = {name: getattr(step, field) for name, field in names if name != "at"}
    said = {name: action for name, action in said.items() if action is not None}
    if len(said) != 1:
        what = f"says {len(said)} things" if said else "says nothing that happens"
        raise InputError(where, what, "write one of fail, return, slow, submit, scale, … a line")
    ((name, action),) = said.items()
    at = f"{where}.{name}"
    if isinstance(action, FailPart | SlowPart | RefusePart) and action.for_:
        span_s(action.for_, f"{at}.for")
    if isinstance(action, FailPart | ReturnPart) and bool(action.node) == bool(action.site):
        raise InputError(at, "names no one place", "give either node or site")
    if isinstance(action, SlowPart):
        _check_slow(action, at)


def _check_slow(slow: SlowPart, where: str) -> None:
    if (slow.link is None) == (not slow.node):
        raise InputError(where, "names no one thing", "give either link or node")
    if (slow.by is None) == (not slow.to):
        raise InputError(where, "does not say how slow", "give either to (80ms) or by (a factor)")
    if slow.to:
        span_s(slow.to, f"{where}.to")
