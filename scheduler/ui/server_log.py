"""What goes wrong while answering, told as all else: one event with fields."""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import FilteringBoundLogger
from typing_extensions import override


def server_log(log: FilteringBoundLogger) -> logging.Logger:
    """Return a logger for aiohttp that writes to `log`."""
    # Not one of the registry: those would share their handlers, and hand lines on to the root.
    logger = logging.Logger("isochrone.ui", logging.WARNING)  # noqa: LOG001
    logger.addHandler(_Told(log))
    return logger


class _Told(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            return  # anyone can send what is no HTTP; it is answered 400, and no fault of ours
        self._log.error(
            "page.failed", what=record.getMessage(), error=repr(error), exc_info=error or False
        )
