"""Whether what a live cluster holds is right: nothing over-committed, every budget true."""

import asyncio
from pathlib import Path

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.kube.client import connected
from scheduler.kube.listing import list_cluster
from scheduler.reliability.budgets import broken_budgets
from telemetry.model import RttMatrix
from telemetry.sources.file import read_matrix
from tests.real.objects import OURS


def snapshot_of(kubeconfig: Path, matrix: Path | None = None) -> ClusterSnapshot:
    """Return a cluster as it is now."""

    async def listed(rtt: RttMatrix | None) -> ClusterSnapshot:
        async with connected(kubeconfig) as client:
            return (await list_cluster(client)).snapshot(OURS, rtt=rtt)

    return asyncio.run(listed(read_matrix(matrix, None) if matrix is not None else None))


def faults(snapshot: ClusterSnapshot) -> list[str]:
    """Return what is wrong: nodes with too little room for their pods, budgets that do not hold."""
    table = snapshot.nodes
    crowded = np.flatnonzero(np.any(table.requested > table.allocatable, axis=1)).tolist()
    found = [f"{table.nodes[row].name} is over-committed" for row in crowded]
    found += [f"{b.pod.key} on {b.node}: {b.constraint}" for b in broken_budgets(snapshot)]
    lost = [
        p.key for p, at in zip(snapshot.placed.pods, snapshot.placed.node_of, strict=True) if at < 0
    ]
    return found + [f"{key} is on a node that is not there" for key in lost]
