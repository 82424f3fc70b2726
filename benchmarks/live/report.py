"""Runs as Markdown tables."""

from collections.abc import Sequence

import numpy as np

from benchmarks.live.contenders import OURS, STOCK
from benchmarks.live.measured import Case, Ceiling, Failure, Run, spread

_HEADS = (
    "nodes",
    "scenario",
    "mode",
    "preset + pods",
    "runs",
    f"pods/s, {OURS}",
    f"pods/s, {STOCK}",
    "ratio",
    f"p50 / p99 ms, {OURS}",
    f"p50 / p99 ms, {STOCK}",
    f"CPU ms a pod, {OURS}",
    f"CPU ms a pod, {STOCK}",
    "ratio",
    f"with start-up, {OURS}",
    f"with start-up, {STOCK}",
    f"peak MB, {OURS} / {STOCK}",
    "other work, CPUs",
)


def table(runs: Sequence[Run]) -> str:
    """Return a row for each case: medians, with least and most; nothing of who did not run it."""
    lines = [_row(_HEADS), _row(["---:", "---", "---", *["---:"] * (len(_HEADS) - 3)])]
    for case in dict.fromkeys(run.case for run in runs):
        ours, theirs = (
            [r for r in runs if r.case == case and r.scheduler == name] for name in (OURS, STOCK)
        )
        lines.append(_row(_cells(case, ours, theirs)))
    return "\n".join(lines)


def ceilings(measured: Sequence[Ceiling]) -> str:
    """Return a row for each ceiling."""
    lines = [_row(["nodes", "no scheduler", "a second"]), _row(["---:", "---", "---:"])]
    for nodes, what in dict.fromkeys((m.nodes, m.what) for m in measured):
        rates = [m.per_s for m in measured if (m.nodes, m.what) == (nodes, what)]
        lines.append(_row([f"{nodes:,}", what, spread(rates)]))
    return "\n".join(lines)


def remarks(runs: Sequence[Run], failures: Sequence[Failure] = ()) -> list[str]:
    """Return what a reader must know of single runs: faults, and events that are not one a pod."""
    said = [f"{f.scheduler}, {f.case.text}, {f.at}: {f.text}" for f in failures]
    for run in runs:
        where = f"{run.scheduler}, {run.case.text}, {run.at}"
        said += [f"{where}: {fault}" for fault in run.faults]
        if run.events != {"Scheduled x1": run.case.pods}:
            said.append(f"{where}: events by reason and number a pod: {run.events}")
    return said


def _cells(case: Case, ours: Sequence[Run], theirs: Sequence[Run]) -> list[str]:
    both = (ours, theirs)
    rates = [[r.pods_per_s for r in runs] for runs in both]
    cpus = [[r.cpu_ms_a_pod for r in runs] for runs in both]
    wholes = [[r.whole_cpu_ms_a_pod for r in runs] for runs in both]
    return [
        f"{case.nodes:,}",
        case.scenario,
        case.mode,
        f"{case.preset:,} + {case.pods:,}",
        " / ".join(str(n) for n in dict.fromkeys(len(runs) for runs in both)),
        *map(spread, rates),
        _ratio(*rates),
        *(_joined([r.p50_ms for r in runs], [r.p99_ms for r in runs]) for runs in both),
        *(spread(values, 2) for values in cpus),
        _ratio(*cpus),
        *(spread(values, 2) for values in wholes),
        _joined(*([r.peak_mb for r in runs] for runs in both)),
        spread([r.others_cores for runs in both for r in runs], 2),
    ]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    if not ours or not theirs:
        return ""
    return f"{float(np.median(ours)) / float(np.median(theirs)):.2f}"


def _joined(*several: Sequence[float]) -> str:
    """Return the medians side by side; of nothing, a dash."""
    return " / ".join(f"{np.median(values):,.0f}" if values else "-" for values in several)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
