"""The last full run of each benchmark as Markdown tables: `python -m benchmarks.markdown`."""

import msgspec

from benchmarks.rows import RESULTS, Row, amount, budget_text, ratio_text


class Kept(msgspec.Struct, frozen=True):
    """One line of a file of results: when and on what machine, and the row."""

    at: str
    cpus: int
    load: float
    python: str
    quick: bool
    what: str
    measured: float
    unit: str
    reference: float | None
    reference_is: str
    budget: float | None
    is_floor: bool
    note: str

    @property
    def row(self) -> Row:
        """The row as it was measured."""
        return Row(
            self.what,
            self.measured,
            self.unit,
            self.reference,
            self.reference_is,
            self.budget,
            self.is_floor,
            self.note,
        )


def last_full_run(text: str) -> tuple[Kept, ...]:
    """Return the lines of the last run that was not quick; none where there was none."""
    lines = [msgspec.json.decode(line, type=Kept) for line in text.splitlines()]
    full = [line for line in lines if not line.quick]
    return tuple(line for line in full if line.at == full[-1].at)


def table(lines: tuple[Kept, ...]) -> str:
    """Return one run as a table."""
    out = [
        f"{lines[0].cpus} CPUs, load {lines[0].load}, Python {lines[0].python}, {lines[0].at[:10]}",
        "",
        "| what | measured | reference | ratio | budget | verdict | reference is; note |",
        "| --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for row in (line.row for line in lines):
        cells = (
            row.what,
            amount(row.measured, row.unit),
            amount(row.reference, row.unit),
            ratio_text(row),
            budget_text(row),
            row.verdict,
            "; ".join(text for text in (row.reference_is, row.note) if text),
        )
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def main() -> None:
    """Print a section for each benchmark that has a full run; `benchmarks.live` prints its own."""
    for path in sorted(RESULTS.glob("bench_*.jsonl")):
        lines = last_full_run(path.read_text(encoding="utf-8"))
        if lines:
            print(f"### {path.stem}\n\n{table(lines)}\n")


if __name__ == "__main__":
    main()
