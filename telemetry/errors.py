"""What telemetry raises, and what the caller does next.

TelemetryError
├── MatrixError          bad input from a file: say what, where and the fix
└── SourceError          a source gave nothing to use: keep the last table with its age
    ├── SourceUnavailable    no connection, or no answer in time: ask again next round
    ├── SourceRefused        an error status: its settings, rights or query are wrong
    ├── SourceMalformed      not in the form it documents: nothing of it is used
    └── SourceEmpty          answered, and has nothing: a wrong name, or nobody measures
"""


class TelemetryError(Exception):
    """Root of what telemetry raises on purpose."""


class MatrixError(TelemetryError):
    """A matrix, or the names of its rows, cannot be read.

    Parameters
    ----------
    where
        File (and line or key) the problem is in.
    what
        What is wrong, as found.
    fix
        What would be right.
    """

    def __init__(self, where: str, what: str, fix: str) -> None:
        super().__init__(f"{where}: {what}; {fix}")
        self.where, self.what, self.fix = where, what, fix


class SourceError(TelemetryError):
    """A source gave nothing that can be used.

    Parameters
    ----------
    where
        Address that was asked.
    what
        What came back, or did not.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what = where, what


class SourceUnavailable(SourceError):
    """No connection, or no answer in time."""


class SourceRefused(SourceError):
    """Answered with an error status."""

    def __init__(self, where: str, what: str, status: int) -> None:
        super().__init__(where, what)
        self.status = status


class SourceMalformed(SourceError):
    """Answered, but not in the form it documents."""


class SourceEmpty(SourceError):
    """Answered well, and with nothing in it."""
