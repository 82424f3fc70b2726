"""How a run ends: with a status, and in words where the input is at fault."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

BAD_INPUT = 2


@contextmanager
def ends_well() -> Iterator[None]:
    """End with one sentence on stderr, never with a traceback, where the input is at fault."""
    from scheduler.domain import errors  # noqa: PLC0415 - `--help` is to be quick

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
