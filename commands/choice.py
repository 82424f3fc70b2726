"""What the options name: a live cluster, or files."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from commands.ground import Inputs
from commands.inputs import InputFiles, read_inputs
from scheduler.domain.errors import InputError


def chosen_inputs(
    kubeconfig: Path | None,
    nodes: Path | None,
    pods: Path | None,
    delay_matrix: Path | None,
    metadata: Path | None,
    *,
    config: Path | None,
) -> Callable[[], Inputs]:
    """Return how to read what the options name: a live cluster, or files.

    Raises
    ------
    InputError
        If they name both, or neither.
    """
    if kubeconfig is None:
        if nodes is None or pods is None:
            missing = "--nodes" if nodes is None else "--pods"
            fix = "give both --nodes and --pods, or --kubeconfig"
            raise InputError("command line", f"{missing} is missing", fix)
        return partial(read_inputs, InputFiles(nodes, pods, delay_matrix, metadata, config))
    cluster_alone({"--nodes": nodes, "--pods": pods})
    # Only here is the Kubernetes client loaded.
    from commands.cluster_inputs import LiveCluster, read_live  # noqa: PLC0415 - see above

    cluster = LiveCluster(kubeconfig, None, delay_matrix, metadata, config)
    return partial(read_live, cluster)


def cluster_alone(others: Mapping[str, object]) -> None:
    """Refuse options that a live cluster leaves no room for.

    Raises
    ------
    InputError
        If one of `others`, by the option's name, is given.
    """
    if any(value is not None for value in others.values()):
        both = f"--kubeconfig goes without {' and '.join(others)}"
        raise InputError("command line", both, "the cluster says what nodes and pods there are")
