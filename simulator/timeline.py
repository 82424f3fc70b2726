"""The timeline of a scenario, resolved: at which time which commands are given."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.domain.delay import format_ms
from scheduler.domain.errors import InputError
from simulator.change import ObjectKey
from simulator.command import (
    Apply,
    Command,
    Cordon,
    Delete,
    Drain,
    FailNodes,
    RefuseBindings,
    ReturnNodes,
    Scale,
)
from simulator.inventory import Inventory
from simulator.manifests import read_manifests
from simulator.network import Slowdown
from simulator.scenario import FailPart, ReturnPart, Scenario, SlowPart, Step, span_s


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens at one time.

    `text` says it to people. A slow link is known to the network from the start: its moments only
    tell of it.
    """

    at_s: float
    text: str
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """Moments in the order of their time, and the slowdowns the network is told of."""

    moments: tuple[Moment, ...]
    slowdowns: tuple[Slowdown, ...]


def resolve(scenario: Scenario, inventory: Inventory, folder: Path) -> Timeline:
    """Turn a scenario's steps into commands on the nodes there are.

    Parameters
    ----------
    folder
        Where the paths of ``submit`` start.

    Raises
    ------
    InputError
        If a step names a node or site there is not, or manifests that cannot be read.
    """
    resolver = _Resolver(inventory, folder)
    moments: list[Moment] = []
    for k, step in enumerate(scenario.timeline):
        moments.extend(resolver.moments(step, f"timeline[{k}]"))
    return Timeline(
        tuple(sorted(moments, key=lambda moment: moment.at_s)), tuple(resolver.slowdowns)
    )


class _Resolver:
    def __init__(self, inventory: Inventory, folder: Path) -> None:
        self._inventory, self._folder = inventory, folder
        self._names = {place.name for place in inventory.places}
        self.slowdowns: list[Slowdown] = []

    def moments(self, step: Step, where: str) -> Iterator[Moment]:  # noqa: C901 - flat
        at_s = span_s(step.at, where)
        if step.fail is not None:
            yield from self._fail(step.fail, at_s, where)
        elif step.return_ is not None:
            nodes, what = self._nodes(step.return_, where)
            yield Moment(at_s, f"{what} is back", (ReturnNodes(nodes),))
        elif step.slow is not None:
            yield from self._slow(step.slow, at_s, where)
        elif step.submit is not None:
            manifests = read_manifests(self._folder / step.submit)
            commands = tuple(Apply(manifest.object) for manifest in manifests)
            yield Moment(at_s, f"{step.submit} submitted", commands)
        elif step.scale is not None:
            key = ObjectKey("Deployment", step.scale.namespace, step.scale.deployment)
            text = f"deployment {key.name} scaled to {step.scale.replicas}"
            yield Moment(at_s, text, (Scale(key, step.scale.replicas),))
        elif step.delete is not None:
            namespace = "" if step.delete.kind == "Node" else step.delete.namespace
            key = ObjectKey(step.delete.kind, namespace, step.delete.name)
            yield Moment(at_s, f"{key.kind.lower()} {key.name} deleted", (Delete(key),))
        elif step.cordon is not None:
            node = self._known(step.cordon, where)
            yield Moment(at_s, f"node {node} cordoned", (Cordon(node),))
        elif step.uncordon is not None:
            node = self._known(step.uncordon, where)
            yield Moment(at_s, f"node {node} uncordoned", (Cordon(node, is_unschedulable=False),))
        elif step.drain is not None:
            node = self._known(step.drain, where)
            yield Moment(at_s, f"node {node} drained", (Drain(node),))
        elif step.refuse_bindings is not None:
            share = step.refuse_bindings.share
            yield Moment(at_s, f"{share:.0%} of bindings refused", (RefuseBindings(share),))
            if step.refuse_bindings.for_:
                end_s = at_s + span_s(step.refuse_bindings.for_, where)
                yield Moment(end_s, "bindings accepted again", (RefuseBindings(0),))

    def _fail(self, fail: FailPart, at_s: float, where: str) -> Iterator[Moment]:
        nodes, what = self._nodes(fail, where)
        is_silent = fail.how == "silent"
        text = f"{what} died" if is_silent else f"{what} says that it is not ready"
        yield Moment(at_s, text, (FailNodes(nodes, "Unknown" if is_silent else "False"),))
        if fail.for_:
            yield Moment(at_s + span_s(fail.for_, where), f"{what} is back", (ReturnNodes(nodes),))

    def _slow(self, slow: SlowPart, at_s: float, where: str) -> Iterator[Moment]:
        ends = slow.link if slow.link is not None else (slow.node, "")
        node, peer = (self._known(name, where) if name else "" for name in ends)
        until_s = at_s + span_s(slow.for_, where) if slow.for_ else float("inf")
        to_us = round(span_s(slow.to, where) * 1e6) if slow.to else None
        factor = slow.by if slow.by is not None else 1.0
        self.slowdowns.append(Slowdown(node, peer, factor, to_us, at_s, until_s))
        what = f"link {node} – {peer}" if peer else f"every link of {node}"  # noqa: RUF001 - a dash
        how = f"to {format_ms(to_us)}" if to_us is not None else f"{factor:g} times"
        yield Moment(at_s, f"{what} slowed {how}")
        if slow.for_:
            yield Moment(until_s, f"{what} as fast as before")

    def _nodes(self, place: FailPart | ReturnPart, where: str) -> tuple[tuple[str, ...], str]:
        if place.node:
            return (self._known(place.node, where),), f"node {place.node}"
        nodes = self._inventory.site(place.site)
        if not nodes:
            sites = sorted({p.site for p in self._inventory.places})
            fix = f"name one of {_few(sites)}"
            raise InputError(where, f"there is no site {place.site}", fix)
        return nodes, f"site {place.site} ({len(nodes)} nodes)"

    def _known(self, name: str, where: str) -> str:
        if name not in self._names:
            some = _few(p.name for p in self._inventory.places)
            raise InputError(where, f"there is no node {name}", f"name one of {some}")
        return name


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")  # noqa: PLR2004 - a few
