"""The command line: every subcommand, its options, and how a run ends.

Imports little: what a subcommand needs is imported when it runs, so that ``--help`` is quick.
"""

import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from commands.ending import ends_well
from commands.flags import Config, Context, DelayMatrix, Metadata, Nodes, Pods
from commands.podgen_flags import podgen
from commands.run_flags import run
from commands.version import VERSION

_HELP = ("--help", "-h")
_STARTED_S = time.monotonic()
_BEFORE_COMMANDS = (*_HELP, "--version")

app = typer.Typer(
    help="Isochrone places pods within the round-trip times they ask for.\n\n"
    "Without a command it starts dev mode: an embedded cluster on real round-trip times, with a "
    "live table and a status page on http://127.0.0.1:8080. Its options may be given without its "
    "name: --once, --nodes N, --seed S, --matrix F, --scenario F, --port P, --config F.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": list(_HELP)},
    no_args_is_help=True,
)


class Protect(StrEnum):
    """How far pods are covered against failures."""

    OFF = "off"
    PREFERRED = "preferred"
    REQUIRED = "required"


class SearchEffort(StrEnum):
    """How hard to search for small reserves."""

    DEFAULT = "default"
    HIGH = "high"


class TopologyForm(StrEnum):
    """What `topology` prints."""

    TABLE = "table"
    JSON = "json"
    LABELS = "labels"
    NPZ = "npz"
    PICTURE = "picture"


app.command()(run)
app.command()(podgen)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        typer.echo(f"isochrone {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Say which version this is."
        ),
    ] = False,
) -> None:
    """Take the options that stand before any command."""


@app.command()
def plan(  # noqa: PLR0913 - each an option of the command line
    *,
    nodes: Nodes = None,
    pods: Pods = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            help="In place of --nodes and --pods: the waiting pods of this cluster, read only.",
            metavar="F",
        ),
    ] = None,
    delay_matrix: DelayMatrix = None,
    metadata: Metadata = None,
    protect: Annotated[
        Protect,
        typer.Option(
            help="Reserve a backup place for each pod with a delay, for the day its node dies: "
            "for as many as possible, or placing no pod without one."
        ),
    ] = Protect.OFF,
    effort: Annotated[
        SearchEffort,
        typer.Option(help="How long to search for smaller reserves: 10 s or 60 s at most."),
    ] = SearchEffort.DEFAULT,
    output: Annotated[
        Path | None, typer.Option(help="Write the plan here, not to the terminal.", metavar="F")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Write the whole decision here too, for `replay`.", metavar="F"),
    ] = None,
    config: Config = None,
) -> None:
    """Plan static files: say where each pod would go.

    Writes JSON: placement, placeholders, unplaced with reasons, stats.

    Exit status: 0 all placed, 3 some pods unplaced, 2 bad input.
    """
    from commands.choice import chosen_inputs  # noqa: PLC0415 - see the module's docstring
    from commands.plan import run_plan  # noqa: PLC0415 - see the module's docstring

    with ends_well():
        read = chosen_inputs(kubeconfig, nodes, pods, delay_matrix, metadata, config=config)
        raise typer.Exit(
            run_plan(read, protect.value, effort.value, output, record, started_s=_STARTED_S)
        )


@app.command()
def explain(  # noqa: PLR0913 - each an option of the command line
    pod: Annotated[
        str,
        typer.Argument(
            help="NAME or NAMESPACE/NAME; a Deployment's will do if it has one pod.", metavar="POD"
        ),
    ],
    *,
    nodes: Nodes = None,
    pods: Pods = None,
    delay_matrix: DelayMatrix = None,
    metadata: Metadata = None,
    saved: Annotated[
        Path | None,
        typer.Option("--plan", help="Explain this saved plan, not a new one.", metavar="F"),
    ] = None,
    config: Config = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Explain a pod of this cluster, read only.", metavar="F"),
    ] = None,
    context: Context = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Ask the scheduler there: dev mode (8080), or run (10251).", min=1, max=65535
        ),
    ] = None,
) -> None:
    """Say why a pod is where it is, or why it waits.

    With --nodes and --pods it explains a plan of these files; with --kubeconfig it lists the
    cluster once.

    Without them it asks the scheduler that runs on this machine: dev mode, or one in a cluster
    after kubectl port-forward -n kube-system deploy/isochrone 10251.
    """
    from commands.choice import cluster_alone  # noqa: PLC0415 - see the module's docstring
    from commands.explain import run_explain, run_explain_live  # noqa: PLC0415 - see above
    from commands.inputs import optional_files  # noqa: PLC0415 - see the module's docstring

    with ends_well():
        if kubeconfig is not None:
            others = {"--nodes": nodes, "--pods": pods, "--plan": saved, "--port": port}
            cluster_alone(others)
            from commands.cluster_inputs import LiveCluster  # noqa: PLC0415 - as above

            cluster = LiveCluster(kubeconfig, context, delay_matrix, metadata, config)
            raise typer.Exit(run_explain_live(pod, cluster))
        files = optional_files(nodes, pods, delay_matrix, metadata, config)
        raise typer.Exit(run_explain(pod, files, saved, port))


@app.command()
def replay(
    recording: Annotated[
        Path, typer.Argument(help="What plan --record wrote.", metavar="F", show_default=False)
    ],
) -> None:
    """Make a recorded decision again, and say whether the plans agree byte for byte.

    Exit status: 0 they agree, 1 they differ, 2 bad input.
    """
    from commands.replay import run_replay  # noqa: PLC0415 - see the module's docstring

    with ends_well():
        raise typer.Exit(run_replay(recording))


@app.command()
def topology(  # noqa: PLR0913 - each an option of the command line
    *,
    delay_matrix: DelayMatrix = None,
    metadata: Metadata = None,
    output: Annotated[
        TopologyForm,
        typer.Option(
            help="labels are Node manifests for kubectl apply --server-side; npz is the matrix "
            "itself, small enough for a ConfigMap; picture is a map of the nodes as SVG."
        ),
    ] = TopologyForm.TABLE,
    config: Config = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Of the matrix, only the nodes this cluster has.", metavar="F"),
    ] = None,
    context: Context = None,
    port: Annotated[
        int | None,
        typer.Option(help="The zones that the scheduler there uses.", min=1, max=65535),
    ] = None,
) -> None:
    """Show the zones of a matrix, layer by layer, and where it is no map."""
    from commands.topology import TopologyRequest, run_topology  # noqa: PLC0415 - see above

    with ends_well():
        request = TopologyRequest(delay_matrix, metadata, config, kubeconfig, context, port)
        raise typer.Exit(run_topology(request, output.value))


@app.command()
def dev(  # noqa: PLR0913 - each an option of the command line
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Exit when the demo has settled: 0 if all is well.")
    ] = False,
    nodes: Annotated[
        int | None,
        typer.Option(help="So many nodes at the recorded sites.", min=1, max=50_000, metavar="N"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of everything random.", min=0, metavar="S")
    ] = None,
    matrix: Annotated[
        Path | None, typer.Option(help="Run on these round-trip times.", metavar="F")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Nodes and what happens; see demo/scenarios.", metavar="F")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Of the status page; 0 for any free one.", min=0, max=65535)
    ] = 8080,
    config: Config = None,
) -> None:
    """Run dev mode: an embedded cluster, demo deployments, a live table, a status page."""
    from commands.dev import dev as run_dev  # noqa: PLC0415 - see the module's docstring

    with ends_well():
        raise typer.Exit(
            run_dev(
                once=once,
                nodes=nodes,
                seed=seed,
                matrix=matrix,
                scenario=scenario,
                port=port,
                config=config,
            )
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; without a command, dev mode."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in _BEFORE_COMMANDS):
        given.insert(0, "dev")
    app(args=given, prog_name="python3 main.py")
