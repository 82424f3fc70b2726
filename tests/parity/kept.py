"""Cases and batches that once showed a difference, each in a file of its own."""

from pathlib import Path

import msgspec

from tests.parity.batches import Batch
from tests.parity.oracle_process import Answer, Case

FOLDER = Path(__file__).parent / "cases"


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A case with kube-scheduler's answer, or a batch; `about` says what it shows."""

    about: str = ""
    case: Case | None = None
    answer: Answer | None = None
    batch: Case | None = None


def names(*, batches: bool) -> list[str]:
    """Return the names of the kept cases, or of the kept batches."""
    found = {path.stem: read(path.stem) for path in sorted(FOLDER.glob("*.json"))}
    return [name for name, kept in found.items() if (kept.batch is not None) == batches]


def read(name: str) -> Kept:
    """Return what was kept under a name."""
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Kept)


def written(kept: Kept) -> str:
    """Return the text of a file."""
    return msgspec.json.format(msgspec.json.encode(kept), indent=2).decode() + "\n"


def as_batch(case: Case) -> Batch:
    """Return a batch that was written as one object."""
    world = {key: value for key, value in case.items() if key != "workloads"}
    return Batch(world, tuple(case["workloads"]))
