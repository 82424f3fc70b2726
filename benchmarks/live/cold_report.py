"""Cold starts as a Markdown table."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from benchmarks.live.contenders import OURS, STOCK
from benchmarks.live.measured import spread
from benchmarks.live.served import Parts

BUDGET_S = 10.0

_HEADS = (
    "election",
    "scheduler",
    "runs",
    "first binding, s",
    f"by {STOCK}",
    "program, s",
    "lists, s",
    "decision, s",
    "binding, s",
    "CPU, s",
    "API server's CPU, s",
    "peak MB",
    "verdict",
)


class ColdRun(msgspec.Struct, frozen=True):
    """One start of one scheduler.

    `first_bind_s` is from the start of the process until a watch told of the binding. CPU and
    memory are what was used by then, `server_cpu_s` the API server's meanwhile.
    """

    at: str
    scheduler: str
    elects: bool
    nodes: int
    running: int
    load_before: float
    first_bind_s: float
    parts: Parts | None
    cpu_s: float
    server_cpu_s: float
    peak_mb: float

    @property
    def text(self) -> str:
        """For people."""
        how = "with" if self.elects else "without"
        said = f"{self.scheduler}, {how} election: first binding after {self.first_bind_s:.2f} s, "
        return f"{said}{self.cpu_s:.2f} s of CPU, load before {self.load_before}"


def table(runs: Sequence[ColdRun]) -> str:
    """Return a row for each scheduler, without and with election: medians, least and most."""
    lines = [_row(_HEADS), _row(["---", "---", *["---:"] * (len(_HEADS) - 3), "---"])]
    for elects in (False, True):
        alike = [run for run in runs if run.elects is elects]
        theirs = [run.first_bind_s for run in alike if run.scheduler == STOCK]
        for name in (OURS, STOCK):
            some = [run for run in alike if run.scheduler == name]
            if some:
                lines.append(_row(_cells(some, theirs if name == OURS else [])))
    return "\n".join(lines)


def _cells(runs: Sequence[ColdRun], theirs: Sequence[float]) -> list[str]:
    binds = [run.first_bind_s for run in runs]
    middle = float(np.median(binds))
    is_ours = runs[0].scheduler == OURS
    return [
        "yes" if runs[0].elects else "no",
        runs[0].scheduler,
        str(len(runs)),
        spread(binds, 2),
        f"{middle / float(np.median(theirs)):.2f} x" if theirs else "",
        _part(runs, lambda parts: parts.asked_s),
        _part(runs, _lists_s),
        _part(runs, _decision_s),
        _part(runs, lambda parts: parts.bound_s - parts.sent_s, 3),
        spread([run.cpu_s for run in runs], 2),
        spread([run.server_cpu_s for run in runs], 2),
        spread([run.peak_mb for run in runs]),
        ("met" if max(binds) <= BUDGET_S else "missed") if is_ours else "",
    ]


def _part(runs: Sequence[ColdRun], of: Callable[[Parts], float | None], digits: int = 2) -> str:
    found = [of(run.parts) for run in runs if run.parts is not None]
    return spread([seconds for seconds in found if seconds is not None], digits)


def _lists_s(parts: Parts) -> float | None:
    """Return the time of the lists, from the first request to the last page sent."""
    return None if parts.listed_s is None else parts.listed_s - parts.asked_s


def _decision_s(parts: Parts) -> float:
    """Return the time from the last page to the binding; of streamed pods, from the beginning."""
    return parts.sent_s - (parts.asked_s if parts.listed_s is None else parts.listed_s)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
