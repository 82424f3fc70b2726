"""Plans as JSON: written, and read again."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

import typer

from scheduler.domain.cover import NodeReserve
from scheduler.domain.errors import InputError
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import PodCause, PodReason, Refusal
from scheduler.domain.resources import MEMORY
from scheduler.domain.snapshot import ClusterSnapshot
from telemetry.errors import MatrixError
from telemetry.sources.text import parse_json, read_text

_FIX = "give a file that plan --output wrote"
GATED = "Scheduling is blocked due to non-empty scheduling gates."


class PlanDocument(TypedDict):
    """A plan as it is written; pods outside the namespace ``default`` are ``namespace/name``."""

    placement: dict[str, str]
    placeholders: dict[str, Any]
    unplaced: dict[str, str]
    stats: dict[str, Any]


def plan_document(
    snapshot: ClusterSnapshot, plan: Plan, reserves: Sequence[NodeReserve] = ()
) -> PlanDocument:
    """Return a plan as it is written: pods that ran before included, on their nodes.

    `reserves` become placeholders: memory in bytes, all resources as in
    `scheduler.domain.resources`, and the pods whose backup is there.
    """
    placed, nodes = snapshot.placed, snapshot.nodes.nodes
    placement = {
        pod.display_name: nodes[node].name
        for pod, node in zip(placed.pods, placed.node_of, strict=True)
        if node >= 0
    }
    running = len(placement)
    placement |= {one.pod.display_name: one.node for one in plan.assignments}
    unplaced = {one.pod.display_name: one.refusal.message for one in plan.unplaced}
    unplaced |= {pod.display_name: GATED for pod in snapshot.held if pod.is_gated}
    counts = {"nodes": len(nodes), "running": running, "unplaced": len(unplaced)}
    return {
        "placement": placement,
        "placeholders": {one.node: _placeholder(one) for one in reserves},
        "unplaced": unplaced,
        "stats": asdict(plan.stats) | counts | {"is_truncated": plan.is_truncated},
    }


def _placeholder(reserve: NodeReserve) -> dict[str, Any]:
    amounts = dict(reserve.amounts)
    pods = [pod.display_name for pod in reserve.pods]
    return {"bytes": amounts.get(MEMORY, 0), "resources": amounts, "pods": pods}


def document_text(document: PlanDocument) -> str:
    """Return a plan as it is written, keys sorted: the same plan is the same bytes."""
    return json.dumps(document, sort_keys=True, indent=1) + "\n"


def write_document(document: PlanDocument, output: Path | None) -> None:
    """Write a plan.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    text = document_text(document)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"--output {output}",
            f"cannot be written ({reason})",
            "give the path of a file, in a folder that exists",
        ) from None


def read_document(path: Path) -> PlanDocument:
    """Read a saved plan.

    Raises
    ------
    InputError
        If the file cannot be read or is no saved plan.
    """
    try:
        tree = parse_json(read_text(path, _FIX), str(path), _FIX)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    if not isinstance(tree, dict):
        raise InputError(str(path), "is not a saved plan", _FIX)
    return {
        "placement": _texts(tree, "placement", path),
        "placeholders": {},
        "unplaced": _texts(tree, "unplaced", path),
        "stats": {},
    }


def restored(document: PlanDocument, snapshot: ClusterSnapshot, anew: Plan, path: Path) -> Plan:
    """Return a saved plan of the pods of `snapshot`.

    Parameters
    ----------
    document
        The saved plan: which pod goes where, and the text of each refusal.
    snapshot
        What it was made from.
    anew
        The plan as it would be made now: where it decides as the saved one did, its figures (the
        RTTs measured, the nodes counted per reason) are the saved one's too.
    path
        Of the saved plan, for errors.

    Raises
    ------
    InputError
        If the plan speaks of pods or nodes that the snapshot does not have, or is silent on a pod.
    """
    assignments, unplaced = [], []
    same = {(one.pod.key, one.node): one for one in anew.assignments}
    refused = {(one.pod.key, one.refusal.message): one for one in anew.unplaced}
    running = {pod.display_name for pod in (*snapshot.placed.pods, *snapshot.held)}
    known = {pod.display_name: pod for pod in snapshot.pending}
    for name in (*document["placement"], *document["unplaced"]):
        if name not in known and name not in running:
            raise InputError(f"{path}: {name}", "is not among the pods", "give the plan's own pods")
    for name, pod in known.items():
        node = document["placement"].get(name)
        if node is None and name not in document["unplaced"]:
            raise InputError(f"{path}", f"does not know the pod {name}", "plan these pods anew")
        if node is None:
            text = document["unplaced"][name]
            said = PodReason(PodCause.CROWDED_OUT, text.rstrip("."))
            plain = Unplaced(pod, Refusal(len(snapshot.nodes), (said,)))
            unplaced.append(refused.get((pod.key, text), plain))
        elif node in snapshot.nodes.index:
            assignments.append(same.get((pod.key, node), Assignment(pod, node)))
        else:
            raise InputError(
                f"{path}: {name}", f"is on the unknown node {node}", "give the plan's own nodes"
            )
    return Plan(tuple(assignments), tuple(unplaced))


def _texts(tree: dict[str, Any], key: str, path: Path) -> dict[str, str]:
    found = tree.get(key)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(f"{path}: {key}", "is not an object of texts", _FIX)
    return found
