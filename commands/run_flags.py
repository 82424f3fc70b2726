"""The options of `run`.

Imports little: what `run` needs is imported when it runs, so that ``--help`` is quick.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.ending import ends_well
from commands.flags import Config, Context, DelayMatrix, Metadata


def run(  # noqa: PLR0913 - each an option of the command line
    *,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Of the cluster; else the one this pod runs in.", metavar="F"),
    ] = None,
    context: Context = None,
    config: Config = None,
    scheduler_name: Annotated[
        str | None,
        typer.Option(help="spec.schedulerName of the pods to place.", metavar="NAME"),
    ] = None,
    delay_matrix: DelayMatrix = None,
    metadata: Metadata = None,
    leader_elect: Annotated[
        bool | None,
        typer.Option(
            "--leader-elect/--no-leader-elect",
            help="Let one of several replicas act.",
            show_default=False,
        ),
    ] = None,
    leader_elect_resource_name: Annotated[
        str | None, typer.Option(help="Of the Lease.", metavar="NAME")
    ] = None,
    leader_elect_resource_namespace: Annotated[
        str | None, typer.Option(help="Of the Lease.", metavar="NAMESPACE")
    ] = None,
    port: Annotated[
        int,
        typer.Option(help="Of probes, metrics and the page; 0 for any free one.", min=0, max=65535),
    ] = 10251,
    bind_address: Annotated[
        str,
        typer.Option(
            help="To listen on. The page answers only to who comes over loopback.",
            metavar="ADDRESS",
        ),
    ] = "0.0.0.0",  # noqa: S104 - the kubelet probes the pod's address
    log_format: Annotated[
        Literal["json", "text"] | None,
        typer.Option(help="Else text on a terminal, JSON elsewhere.", show_default=False),
    ] = None,
) -> None:
    """Schedule the pods of a live cluster that ask for this scheduler.

    Runs until stopped: SIGTERM finishes the bindings under way. A cluster that does not answer and
    a matrix that is not there are waited for. Options overrule the settings file.

    Exit status: 0 stopped, 1 lost the leadership, 2 bad input.
    """
    with ends_well():
        from commands.run import Where, run_service  # noqa: PLC0415 - see the module's docstring

        changes: dict[str, object] = {
            "schedulerName": scheduler_name,
            "telemetry.matrix.path": _text(delay_matrix),
            "telemetry.matrix.metadataPath": _metadata(delay_matrix, metadata),
            "leaderElection.enabled": leader_elect,
            "leaderElection.name": leader_elect_resource_name,
            "leaderElection.namespace": leader_elect_resource_namespace,
        }
        where = Where(kubeconfig, context, port, bind_address)
        raise typer.Exit(run_service(where, config, changes, log_format))


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _metadata(delay_matrix: Path | None, metadata: Path | None) -> str | None:
    """Return the metadata's path; another matrix does not go with the settings' metadata."""
    return "" if metadata is None and delay_matrix is not None else _text(metadata)
