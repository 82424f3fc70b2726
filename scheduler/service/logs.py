"""Logs: an event with fields a line, JSON in a cluster, colour on a terminal."""

import io
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger
from typing_extensions import override

LogForm = Literal["json", "text"]


def new_logger(form: LogForm, stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return a logger that writes to `stream`, standard error by default.

    Parameters
    ----------
    form
        ``json`` for machines, ``text`` for people (coloured on a terminal).
    stream
        Where the lines go.
    """
    out = stream if stream is not None else sys.stderr
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(sort_keys=True)
        errors: structlog.typing.Processor = structlog.processors.format_exc_info
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty())
        errors = structlog.processors.StackInfoRenderer()
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(cast("TextIO", _Tolerant(out))),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            errors,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        context_class=dict,
    )
    return logger


class _Tolerant(io.TextIOBase):
    """A stream that may have no reader any more: a log that nobody reads ends no service."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @override
    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    @override
    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):  # closed, at the end of the process
            self._stream.flush()


def silent_logger() -> FilteringBoundLogger:
    """Return a logger that writes nothing, for when the page and the table say it all."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger("critical"),
    )
    return logger


def _drop(
    _logger: object, _method: str, _event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    raise structlog.DropEvent
