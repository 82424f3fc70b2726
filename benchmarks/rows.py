"""Rows of a benchmark: measured, the reference beside it, the budget; printed and kept."""

import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    `reference` was measured in the same run, `reference_is` says of what. `budget` is the most that
    is allowed, or the least where `is_floor`. `note` is for people.
    """

    what: str
    measured: float
    unit: str
    reference: float | None = None
    reference_is: str = ""
    budget: float | None = None
    is_floor: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Measured by reference; None without one."""
        return self.measured / self.reference if self.reference else None

    @property
    def verdict(self) -> str:
        """``met`` or ``missed``; empty without a budget."""
        if self.budget is None:
            return ""
        is_met = self.measured >= self.budget if self.is_floor else self.measured <= self.budget
        return "met" if is_met else "missed"


@dataclass(slots=True)
class Report:
    """The rows of one run of one benchmark."""

    title: str
    name: str
    is_quick: bool
    rows: list[Row] = field(default_factory=list)
    _progress: Progress | None = None

    @contextmanager
    def steps(self, texts: Sequence[str]) -> Iterator[Iterator[str]]:
        """Show progress on standard error while the steps named by `texts` are gone through."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
            task = progress.add_task(self.title, total=len(texts))

            def each() -> Iterator[str]:
                for text in texts:
                    progress.update(task, description=text)
                    if not console.is_terminal:
                        console.print(f"{self.name}: {text} …", highlight=False)
                    yield text
                    progress.advance(task)

            yield each()

    def add(self, *rows: Row) -> None:
        """Take `rows` up."""
        self.rows.extend(rows)

    def close(self) -> None:
        """Print the table and append the rows to the benchmark's file of results."""
        Console(width=None if sys.stdout.isatty() else 150, highlight=False).print(self.table())
        RESULTS.mkdir(exist_ok=True)
        facts = machine_facts() | {"bench": self.name, "quick": self.is_quick}
        with (RESULTS / f"{self.name}.jsonl").open("a", encoding="utf-8") as file:
            for row in self.rows:
                line = facts | asdict(row) | {"ratio": row.ratio, "verdict": row.verdict}
                file.write(json.dumps(line) + "\n")

    def table(self) -> Table:
        """Return the rows for people."""
        facts = machine_facts()
        caption = f"{facts['cpus']} CPUs, load {facts['load']}, Python {facts['python']}"
        table = Table(title=self.title, caption=caption)
        table.add_column("what", ratio=4)
        for head in ("measured", "reference", "ratio", "budget"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        table.add_column("reference is; note", ratio=4)
        for row in self.rows:
            table.add_row(
                row.what,
                amount(row.measured, row.unit),
                amount(row.reference, row.unit),
                ratio_text(row),
                budget_text(row),
                row.verdict,
                "; ".join(text for text in (row.reference_is, row.note) if text),
            )
        return table


def ratio_text(row: Row) -> str:
    """Return the ratio for people, or nothing."""
    return "" if row.ratio is None else f"{row.ratio:.3g} x"


def budget_text(row: Row) -> str:
    """Return the budget for people, or nothing."""
    if row.budget is None:
        return ""
    return f"{'≥' if row.is_floor else '≤'} {amount(row.budget, row.unit)}"


def amount(value: float | None, unit: str) -> str:
    """Return a value for people: three figures, or whole from a thousand."""
    if value is None:
        return ""
    text = f"{value:,.0f}" if value == int(value) or value >= 1_000 else f"{value:.3g}"  # noqa: PLR2004 - beyond it the point says nothing
    return f"{text} {unit}".rstrip()


def machine_facts() -> dict[str, object]:
    """Return what a reader must know of the machine and the moment."""
    return {
        "at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
