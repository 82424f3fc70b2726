"""Time of clustering, SciPy's complete linkage on the same matrix beside it."""

from functools import partial
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from benchmarks.rows import Report, Row
from benchmarks.scenes import rtt_table
from benchmarks.stopwatch import Patience, patience, timed
from scheduler.service.settings import ClusteringSettings
from scheduler.topology.layers import zone_tree

SEED = 53
BUDGET_S = {490: 0.2, 5_000: 2.0}
DIAMETERS_US = ClusteringSettings().diameters_us


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Each once.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    report = Report("Clustering into zones, three nested layers", "bench_topology", quick)
    sizes = {f"{n:,} nodes": n for n in BUDGET_S}
    zone_tree(rtt_table(20, SEED), DIAMETERS_US)  # loads scikit-learn, which takes seconds
    with report.steps(list(sizes)) as steps:
        for step in steps:
            report.add(row_of(sizes[step], patience(is_quick=quick)))
    report.close()


def row_of(n: int, effort: Patience) -> Row:
    """Return the time of clustering `n` nodes afresh."""
    rtt = rtt_table(n, SEED)
    tree, zoning = timed(partial(zone_tree, rtt, DIAMETERS_US), effort)
    rows = np.array([rtt.farther(i) for i in range(n)])
    _, reference = timed(partial(_one_layer, rows), effort.once)
    zones = ", ".join(str(len(layer.names)) for layer in tree.layers)
    return Row(
        f"{n:,} nodes: cluster afresh",
        zoning.median_ms / 1e3,
        "s",
        reference.median_ms / 1e3,
        "SciPy's complete linkage of all nodes, one layer",
        BUDGET_S[n],
        note=f"{zones} zones",
    )


def _one_layer(rows_us: NDArray[np.int32]) -> NDArray[np.int32]:
    tree = linkage(squareform(rows_us, checks=False), method="complete")
    return np.asarray(fcluster(tree, DIAMETERS_US[0], criterion="distance"))


if __name__ == "__main__":
    typer.run(main)
