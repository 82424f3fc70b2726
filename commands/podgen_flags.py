"""The options of `podgen`.

Imports little: what `podgen` needs is imported when it runs, so that ``--help`` is quick.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.ending import ends_well
from commands.flags import Context

if TYPE_CHECKING:
    from simulator.podgen.mix import Mix

_SHARE = "SHARE"
_RANGE = "LOW-HIGH"


def podgen(  # noqa: PLR0913 - each an option of the command line
    *,
    number: Annotated[int, typer.Option("--number", "-n", help="Of pods.", metavar="N")],
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 1,
    image: Annotated[str, typer.Option(help="Of every pod.")] = "registry.k8s.io/pause:3.10",
    prefix: Annotated[str, typer.Option(help="Names start with it.", metavar="NAME")] = "pod",
    namespace: Annotated[str, typer.Option(help="Of every pod.", metavar="NAME")] = "default",
    scheduler_name: Annotated[
        str, typer.Option(help="Who is to place them.", metavar="NAME")
    ] = "custom-scheduler",
    cpu: Annotated[
        str, typer.Option(help="CPU each pod asks for; 0 for none.", metavar=_RANGE)
    ] = "100m-2",
    memory: Annotated[
        str, typer.Option(help="Memory each pod asks for; 0 for none.", metavar=_RANGE)
    ] = "64Mi-1Gi",
    app_size: Annotated[
        str, typer.Option(help="Pods of an app; they are alike.", metavar=_RANGE)
    ] = "1-10",
    delays: Annotated[float, typer.Option(help="Of the pods: with a delay.", metavar=_SHARE)] = 0.0,
    to: Annotated[
        list[str] | None,
        typer.Option(
            help="What delays are measured from: node/NAME, service/NAME, …; several times.",
            metavar="REF",
        ),
    ] = None,
    nodes: Annotated[
        Path | None,
        typer.Option(help="Or from the nodes of this file.", metavar="F"),
    ] = None,
    within: Annotated[
        str, typer.Option(help="Budget of a delay, milliseconds.", metavar=_RANGE)
    ] = "5-50",
    gangs: Annotated[
        float, typer.Option(help="Of the pods: in gangs, with a PodGroup.", metavar=_SHARE)
    ] = 0.0,
    gang_size: Annotated[str, typer.Option(help="Pods of a gang.", metavar=_RANGE)] = "2-8",
    anti_affinity: Annotated[
        float, typer.Option(help="Of the pods: each apart from its app's others.", metavar=_SHARE)
    ] = 0.0,
    affinity: Annotated[
        float, typer.Option(help="Of the pods: together with its app's others.", metavar=_SHARE)
    ] = 0.0,
    topology: Annotated[
        Literal["hostname", "zone"], typer.Option(help="By what they are apart or together.")
    ] = "hostname",
    priorities: Annotated[
        str | None,
        typer.Option(help="And their weights, as 0:70,100:20,1000:10.", metavar="P:W,…"),
    ] = None,
    arrival: Annotated[
        Literal["batch", "poisson", "uniform"],
        typer.Option(help="All at once, at random, or evenly."),
    ] = "batch",
    rate: Annotated[
        float | None, typer.Option(help="Pods that arrive in a second.", metavar="PODS_PER_S")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="YAML or, named .jsonl, JSON lines; in a folder one file an app. "
            "Else standard output.",
            metavar="F|DIR|-",
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Create the pods in this cluster, as they arrive.", metavar="F"),
    ] = None,
    context: Context = None,
) -> None:
    """Make pods for experiments, to files or into a cluster.

    The same seed and options make the same bytes. Ranges are drawn log-uniformly; one value will do
    for a range.

    Exit status: 0 made, 2 bad input.
    """
    with ends_well():
        from commands import podgen_values as values  # noqa: PLC0415 - see the module's docstring
        from simulator.podgen.mix import Mix  # noqa: PLC0415 - see the module's docstring

        mix = Mix(
            number=number,
            seed=seed,
            image=values.check_text("--image", image, "registry.k8s.io/pause:3.10"),
            namespace=values.check_dns_label("--namespace", namespace),
            scheduler_name=values.check_text(
                "--scheduler-name", scheduler_name, "custom-scheduler"
            ),
            prefix=values.check_prefix(prefix),
            cpu_milli=values.quantity_range("--cpu", cpu, "cpu"),
            memory_bytes=values.quantity_range("--memory", memory, "memory"),
            app_size=values.count_range("--app-size", app_size, "1-10 or 5"),
            delays=delays,
            references=values.references(to or (), nodes),
            within_us=values.milliseconds_range("--within", within),
            gangs=gangs,
            gang_size=values.count_range("--gang-size", gang_size, "2-8 or 4"),
            anti_affinity=anti_affinity,
            affinity=affinity,
            topology=topology,
            priorities=values.priority_weights("--priorities", priorities),
            arrival=arrival,
            rate=rate,
        )
        raise typer.Exit(_made(mix, output, kubeconfig, context))


def _made(mix: "Mix", output: Path | None, kubeconfig: Path | None, context: str | None) -> int:
    from scheduler.domain.errors import InputError  # noqa: PLC0415 - see the module's docstring

    if kubeconfig is not None and output is not None:
        fix = "give one of them: to a file first, then kubectl apply, does both"
        raise InputError("--output and --kubeconfig", "contradict each other", fix)
    if kubeconfig is None:
        if context is not None:
            raise InputError("--context", "names no cluster", "give --kubeconfig too")
        from commands.podgen import run_podgen  # noqa: PLC0415 - see the module's docstring

        return run_podgen(mix, output if output is not None else Path("-"))
    from commands.podgen_live import run_podgen_live  # noqa: PLC0415 - see the module's docstring

    return run_podgen_live(mix, kubeconfig, context)
