"""The embedded cluster: commands in, changes out, in virtual time.

`EmbeddedCluster` is a pure state machine: no clock, no I/O, and chance only from the generator it
is given. Two doors stand on it: `simulator.inprocess` and a REST API.

Everything that follows from a change is level-triggered: `simulator.reactions` looks at what
changed and puts the controller or kubelet concerned on the agenda; `advance` lets them act when
their time has come.
"""

from datetime import datetime

import numpy as np

from simulator import binding, nodelife, reactions, record, writing
from simulator.agenda import Task
from simulator.change import Change, JsonObject, ObjectKey
from simulator.command import (
    Apply,
    Bind,
    Command,
    Cordon,
    Create,
    Delete,
    Drain,
    FailNodes,
    Patch,
    Record,
    RefuseBindings,
    ReturnNodes,
    Scale,
    SetCondition,
    Update,
)
from simulator.state import EPOCH, State, Timing, refuse_bad_number
from simulator.store import Store

_NAMESPACES = ("default", "kube-system")


class EmbeddedCluster:
    """Nodes, pods, controllers and kubelets as one state machine.

    Parameters
    ----------
    rng
        Draws uids, name suffixes and which bindings the scenario has refused.
    timing
        How long things take.
    epoch
        What the time stamps say at ``now_s`` = 0.

    Notes
    -----
    Objects handed out are never changed afterwards: each write makes new ones.
    """

    def __init__(
        self, rng: np.random.Generator, timing: Timing | None = None, epoch: datetime = EPOCH
    ) -> None:
        self._state = State(Store(rng), rng, timing if timing is not None else Timing(), epoch)
        self._reacted = 0
        self._written: JsonObject | None = None
        for name in _NAMESPACES:
            meta = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
            self._state.put({**namespace, "status": {"phase": "Active"}})

    @property
    def now_s(self) -> float:
        """Virtual time of the last call."""
        return self._state.now_s

    @property
    def version(self) -> int:
        """The newest resourceVersion."""
        return self._state.store.version

    @property
    def epoch(self) -> datetime:
        """What the time stamps say at ``now_s`` = 0."""
        return self._state.epoch

    @property
    def written(self) -> JsonObject | None:
        """The object the last command wrote, as it left it; None for a command that wrote none."""
        return self._written

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return an object, or None."""
        return self._state.store.get(key)

    def all_of(self, kind: str, namespace: str = "") -> list[JsonObject]:
        """Return all objects of a kind, of one namespace or of all."""
        return self._state.store.all_of(kind, namespace)

    def used_on(self, node: str) -> dict[str, int]:
        """Return what the pods its kubelet admitted take of a node."""
        out: dict[str, int] = {}
        for demand in self._state.admitted.get(node, {}).values():
            for name, amount in demand.items():
                out[name] = out.get(name, 0) + amount
        return out

    def stopped_nodes(self) -> frozenset[str]:
        """Return the nodes whose kubelet does not work now."""
        return frozenset(self._state.stopped)

    def next_due_s(self) -> float | None:
        """Return when `advance` next has something to do, or None."""
        return self._state.agenda.next_s()

    def is_settled(self) -> bool:
        """Whether nothing is under way: no controller to act, no pod starting or stopping."""
        return self._state.agenda.tasks() <= {Task.EXPIRE}

    def apply(self, command: Command, now_s: float) -> tuple[Change, ...]:
        """Carry out a command, after all that was due by then.

        Returns
        -------
        tuple of Change
            All changes since the last answer, oldest first.

        Raises
        ------
        Refused
            If the command is refused; what was due is done all the same, and its changes come with
            the next answer.
        ValueError
            If `now_s` is before the last call's.
        """
        self._run(now_s)
        self._written = None
        try:
            self._written = self._carry_out(command)
        finally:
            self._follow_up()
        return self._answer()

    def advance(self, now_s: float) -> tuple[Change, ...]:
        """Do all that is due by `now_s`, each at its own time; return the changes.

        Raises
        ------
        ValueError
            If `now_s` is before the last call's.
        """
        self._run(now_s)
        return self._answer()

    def _answer(self) -> tuple[Change, ...]:
        changes = tuple(self._state.log)
        self._state.log.clear()
        self._reacted = 0
        return changes

    def _run(self, now_s: float) -> None:
        state = self._state
        if now_s < state.now_s:
            raise ValueError(f"time runs forward: {now_s} is before {state.now_s}")
        self._follow_up()
        while (at_s := state.agenda.next_s()) is not None and at_s <= now_s:
            at_s, due = state.agenda.pop()
            state.now_s = max(state.now_s, at_s)
            reactions.perform(state, due)
            self._follow_up()
        state.now_s = now_s

    def _follow_up(self) -> None:
        """React to changes, and to the changes those reactions make, until nothing new comes."""
        while self._reacted < len(self._state.log):
            change = self._state.log[self._reacted]
            self._reacted += 1
            reactions.react(self._state, change)

    def _carry_out(self, command: Command) -> JsonObject | None:  # noqa: C901, PLR0911, PLR0912 - flat
        state = self._state
        match command:
            case Create(obj):
                return writing.create(state, obj)
            case Update(obj, subresource):
                return writing.update(state, obj, subresource)
            case Patch(key, patch, subresource):
                return writing.patch(state, key, patch, subresource)
            case Apply(obj):
                return writing.apply(state, obj)
            case Delete(key, uid, grace_s, orphan):
                writing.delete(state, key, uid=uid, grace_s=grace_s, orphan=orphan)
            case Scale(key, replicas):
                return writing.scale(state, key, replicas)
            case Bind():
                return binding.bind(state, command)
            case SetCondition(key, condition):
                return writing.set_condition(state, key, condition)
            case Record():
                return record.record(state, command)
            case FailNodes(nodes, ready):
                nodelife.fail(state, nodes, ready)
            case ReturnNodes(nodes):
                nodelife.restore(state, nodes)
            case Cordon(node, is_unschedulable):
                nodelife.cordon(state, node, is_unschedulable=is_unschedulable)
            case Drain(node):
                nodelife.drain(state, node)
            case RefuseBindings(share):
                refuse_bad_number("share", share, 1)
                state.refuse_share = share
        return None
