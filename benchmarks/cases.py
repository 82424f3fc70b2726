"""Placement cases in the manner of the original edge scheduler's evaluation, from a seed.

PlanetLab nodes in neighbourhoods of ten, whole milliseconds of at least one; each pod refers to one
node with a radius that holds 3-6, 8-15 or 20-40 nodes; memory 256 to 1024 Mi; node memory sets the
load.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MIB = 2**20
UNIT_MIB = 256
PLANETLAB = Path(__file__).parent.parent / "simulator" / "data" / "planetlab490_rtt_us.npz"


@dataclass(frozen=True, slots=True)
class Case:
    """One problem: matrix in whole ms, node memory and pod memory in units of 256 Mi."""

    rtt_ms: NDArray[np.int64]
    node_units: NDArray[np.int64]
    pod_units: NDArray[np.int64]
    pod_reference: NDArray[np.int64]
    pod_radius_ms: NDArray[np.int64]

    def write(self, folder: Path) -> None:
        """Write the original's formats into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        n = len(self.node_units)
        names = [f"n{i:03d}" for i in range(n)]
        np.savetxt(folder / "delay_matrix.txt", self.rtt_ms, fmt="%d")
        (folder / "metadata.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
        nodes = [
            {"name": name, "allocatable_memory": f"{units * UNIT_MIB}Mi", "cloud": False}
            for name, units in zip(names, self.node_units.tolist(), strict=True)
        ]
        (folder / "nodes.json").write_text(json.dumps(nodes, indent=0))
        pods = [self._manifest(k, names) for k in range(len(self.pod_units))]
        (folder / "pods.yaml").write_text("---\n".join(pods))

    def _manifest(self, k: int, names: list[str]) -> str:
        reference = names[self.pod_reference[k]]
        return (
            f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: pod{k:04d}}}\n"
            "spec:\n  replicas: 1\n"
            f"  selector: {{matchLabels: {{app: pod{k:04d}}}}}\n"
            f"  template:\n    metadata:\n      name: pod{k:04d}\n      labels:\n"
            f'        app: pod{k:04d}\n        delay_{reference}: "{self.pod_radius_ms[k]}"\n'
            "    spec:\n      schedulerName: custom-scheduler\n      containers:\n"
            "      - name: c\n        image: busybox\n        resources:\n"
            f"          requests: {{memory: {self.pod_units[k] * UNIT_MIB}Mi}}\n"
        )


def planetlab_ms(path: Path, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the whole-ms matrix of `n` PlanetLab nodes taken in neighbourhoods of ten."""
    archive = np.load(path)
    full_us = np.zeros((490, 490), dtype=np.int64)
    full_us[np.triu_indices(490, 1)] = archive["first"]
    full_us += full_us.T
    chosen: list[int] = []
    if n >= len(full_us):
        chosen = list(range(len(full_us)))
    while len(chosen) < n:
        near = np.argsort(full_us[int(rng.integers(490))], kind="stable")
        chosen.extend([int(i) for i in near if int(i) not in chosen][: min(10, n - len(chosen))])
    rtt_ms = np.maximum(1, np.rint(full_us[np.ix_(chosen, chosen)] / 1000)).astype(np.int64)
    np.fill_diagonal(rtt_ms, 0)
    return rtt_ms


def make_case(
    rtt_ms: NDArray[np.int64],
    pods: int,
    load: float,
    rng: np.random.Generator,
    *,
    is_hot: bool = False,
) -> Case:
    """Return a case of `pods` pods that fill `load` of the nodes' memory."""
    n = len(rtt_ms)
    sizes = rng.choice([1, 2, 3, 4], size=pods)
    weights = 1.0 / np.arange(1, n + 1) if is_hot else np.ones(n)
    weights = rng.permutation(weights) / weights.sum()
    reference = rng.choice(n, size=pods, p=weights)
    bands = np.array([(3, 6), (8, 15), (20, 40)])[rng.integers(3, size=pods)]
    reach = np.minimum(rng.integers(bands[:, 0], bands[:, 1] + 1), n - 1)
    ordered = np.sort(rtt_ms, axis=1)
    radius = ordered[reference, reach]
    wanted = int(sizes.sum() / load)
    share = rng.uniform(0.6, 1.4, size=n)
    node_units = np.maximum(4, np.floor(share / share.sum() * wanted)).astype(np.int64)
    return Case(rtt_ms, node_units, sizes, reference, radius)
