"""The command line: every subcommand, its options, and how a run ends.

Imports little: what a subcommand needs is imported when it runs, so that ``--help`` is quick.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

BAD_INPUT = 2
_HELP = ("--help", "-h")

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


class TopologyForm(StrEnum):
    """What `topology` prints."""

    TABLE = "table"
    JSON = "json"
    LABELS = "labels"


DelayMatrix = Annotated[
    Path | None,
    typer.Option(
        "--delay-matrix",
        help="Round-trip times: whitespace text in ms, .csv, .json or .npz.",
        metavar="F",
    ),
]
Metadata = Annotated[
    Path | None,
    typer.Option(help="Names of the matrix's rows: JSON {node: row}.", metavar="F"),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings; see configs/default.yaml.", metavar="F")
]
_NODES = "Nodes: the original's JSON or Kubernetes Node manifests; a file or a folder."
_PODS = "Deployments, Pods, Services: a file, a folder or a .tar.gz."


@app.command()
def plan(  # noqa: PLR0913 - each an option of the command line
    *,
    nodes: Annotated[Path | None, typer.Option(help=_NODES, metavar="F")] = None,
    pods: Annotated[Path | None, typer.Option(help=_PODS, metavar="F|DIR|TAR")] = None,
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
        typer.Option(help="Cover pods against the loss of a node; only off is implemented yet."),
    ] = Protect.OFF,
    output: Annotated[
        Path | None, typer.Option(help="Write the plan here, not to the terminal.", metavar="F")
    ] = None,
    config: Config = None,
) -> None:
    """Plan static files: say where each pod would go.

    Writes JSON: placement, placeholders, unplaced with reasons, stats.

    Exit status: 0 all placed, 3 some pods unplaced, 2 bad input.
    """
    from commands.inputs import chosen_inputs  # noqa: PLC0415 - see the module's docstring
    from commands.plan import run_plan  # noqa: PLC0415 - see the module's docstring

    with _ends_well():
        read = chosen_inputs(kubeconfig, nodes, pods, delay_matrix, metadata, config=config)
        raise typer.Exit(run_plan(read, protect.value, output))


@app.command()
def explain(  # noqa: PLR0913 - each an option of the command line
    pod: Annotated[
        str,
        typer.Argument(
            help="NAME or NAMESPACE/NAME; a Deployment's will do if it has one pod.", metavar="POD"
        ),
    ],
    *,
    nodes: Annotated[Path | None, typer.Option(help=_NODES, metavar="F")] = None,
    pods: Annotated[Path | None, typer.Option(help=_PODS, metavar="F|DIR|TAR")] = None,
    delay_matrix: DelayMatrix = None,
    metadata: Metadata = None,
    saved: Annotated[
        Path | None,
        typer.Option("--plan", help="Explain this saved plan, not a new one.", metavar="F"),
    ] = None,
    config: Config = None,
    port: Annotated[int, typer.Option(help="Of dev mode's status page.", min=1, max=65535)] = 8080,
) -> None:
    """Say why a pod is where it is, or why it waits.

    With --nodes and --pods it explains a plan of these files.

    Without them it asks the dev mode that runs on this machine.
    """
    from commands.explain import run_explain  # noqa: PLC0415 - see the module's docstring
    from commands.inputs import optional_files  # noqa: PLC0415 - see the module's docstring

    with _ends_well():
        files = optional_files(nodes, pods, delay_matrix, metadata, config)
        raise typer.Exit(run_explain(pod, files, saved, port))


@app.command()
def topology(
    *,
    delay_matrix: Annotated[
        Path,
        typer.Option(
            "--delay-matrix",
            help="Round-trip times: whitespace text in ms, .csv, .json or .npz.",
            metavar="F",
        ),
    ],
    metadata: Metadata = None,
    output: Annotated[
        TopologyForm,
        typer.Option(help="labels are Node manifests for kubectl apply --server-side."),
    ] = TopologyForm.TABLE,
    config: Config = None,
) -> None:
    """Show the zones of a matrix, layer by layer, and where it is no map."""
    from commands.topology import run_topology  # noqa: PLC0415 - see the module's docstring

    with _ends_well():
        raise typer.Exit(run_topology(delay_matrix, metadata, config, output.value))


@app.command()
def dev(  # noqa: PLR0913 - each an option of the command line
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Exit when the demo has settled: 0 if all is well.")
    ] = False,
    nodes: Annotated[
        int | None,
        typer.Option(help="Synthetic metros of so many nodes.", min=1, max=12_500, metavar="N"),
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

    with _ends_well():
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
    if not given or (given[0].startswith("-") and given[0] not in _HELP):
        given.insert(0, "dev")
    app(args=given, prog_name="python3 main.py")


@contextmanager
def _ends_well() -> Iterator[None]:
    """End with one sentence on stderr, never with a traceback, where the input is at fault."""
    from scheduler.domain import errors  # noqa: PLC0415 - see the module's docstring

    try:
        yield
    except errors.InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    except errors.ClusterUnavailable as error:
        typer.echo(f"error: {error}; try again when it answers", err=True)
        raise typer.Exit(BAD_INPUT) from None
    except errors.SchedulerError as error:
        typer.echo(f"this is a bug, please report it: {error}", err=True)
        raise typer.Exit(1) from error
    except BrokenPipeError:
        raise typer.Exit(0) from None  # who reads has seen enough, as in `plan … | head`
