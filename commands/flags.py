"""Options that several subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

MATRIX_HELP = (
    "Round-trip times: whitespace text in ms, .csv, .json or .npz, each also as .gz or .xz."
)

DelayMatrix = Annotated[Path | None, typer.Option("--delay-matrix", help=MATRIX_HELP, metavar="F")]
Metadata = Annotated[
    Path | None,
    typer.Option(help="Names of the matrix's rows: JSON {node: row}.", metavar="F"),
]
Config = Annotated[
    Path | None, typer.Option(help="Settings; see configs/default.yaml.", metavar="F")
]
Context = Annotated[
    str | None, typer.Option(help="Of the kubeconfig; else its current one.", metavar="NAME")
]
Nodes = Annotated[
    Path | None,
    typer.Option(
        help="Nodes: the original's JSON or Kubernetes Node manifests; a file or a folder.",
        metavar="F",
    ),
]
Pods = Annotated[
    Path | None,
    typer.Option(
        help="Deployments, Pods, Services: a file, a folder or a .tar.gz.", metavar="F|DIR|TAR"
    ),
]
