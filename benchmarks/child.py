"""What is measured in a process of its own: `python -m benchmarks.child --help`."""

from pathlib import Path

import typer

app = typer.Typer(add_completion=False)


@app.command()
def idle() -> None:
    """Load what a decision needs and decide nothing: the floor of every process."""
    import scheduler.planning.plan  # noqa: F401, PLC0415 - loading it is the point


@app.command()
def greedy(folder: Path) -> None:
    """Read a case's files as `plan` does and place by the plain greedy."""
    from benchmarks import greedy as reference  # noqa: PLC0415 - `idle` must not load it
    from commands.inputs import InputFiles, read_inputs  # noqa: PLC0415 - as above

    files = InputFiles(
        folder / "nodes.json",
        folder / "pods.yaml",
        folder / "delay_matrix.txt",
        folder / "metadata.json",
    )
    print(len(reference.greedy(read_inputs(files).snapshot)))


@app.command()
def decide(nodes: int, pods: int, classes: int, running: int, seed: int) -> None:
    """Build a cluster, freeze it and plan once."""
    from benchmarks.scenes import make_ground, make_scene  # noqa: PLC0415 - as above
    from scheduler.placement.settings import PlacementSettings  # noqa: PLC0415 - as above
    from scheduler.planning.plan import plan  # noqa: PLC0415 - as above

    scene = make_scene(make_ground(nodes, seed), pods, classes, seed, running=running)
    print(plan(scene.snapshot(), PlacementSettings()).stats.placed)


if __name__ == "__main__":
    app()
