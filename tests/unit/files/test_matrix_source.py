"""A matrix on disk that is read again when it changes."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from scheduler.files.matrix_source import MatrixSource
from telemetry.apart import apart
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.sources.packednpz import packed_npz
from tests.builders import line_rtt

OFTEN_S = 0.002
ROOT = Path(__file__).parents[3]


class Followed:
    """A source that is followed: its tables and reports, in order."""

    def __init__(self, path: Path, metadata: Path | None = None, settle_s: float = OFTEN_S) -> None:
        self.tables: list[RttMatrix] = []
        self.reports: list[MatrixError | None] = []
        self.notes: list[tuple[str, ...]] = []
        self.source = MatrixSource(
            path, metadata, OFTEN_S, self.reports.append, self.notes.append, settle_s
        )

    async def follow(self) -> None:
        tables = cast("AsyncGenerator[RttMatrix]", self.source.tables())
        try:
            async for table in tables:
                self.tables.append(table)
        finally:
            await tables.aclose()

    async def heard(self, reports: int) -> MatrixError | None:
        """Wait for so many reports in all; return the last."""
        async with asyncio.timeout(20):
            while len(self.reports) < reports:  # noqa: ASYNC110 - the file system tells nobody
                await asyncio.sleep(OFTEN_S)
        await asyncio.sleep(0)  # the table that belongs to the report is yielded after it
        return self.reports[reports - 1]


@asynccontextmanager
async def following(path: Path, metadata: Path | None = None) -> AsyncIterator[Followed]:
    followed = Followed(path, metadata)
    task = asyncio.create_task(followed.follow())
    try:
        yield followed
    finally:
        task.cancel()
        await asyncio.wait([task])


def put(path: Path, text: str) -> Path:
    """Write a file at once, as an editor or a mount does."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)
    return path


def csv(path: Path, rtt_ms: float) -> Path:
    return put(path, f"a,b\n0,{rtt_ms}\n{rtt_ms},0\n")


def rtts_us(tables: list[RttMatrix]) -> list[int]:
    return [int(table.rtt_us[0, 1]) for table in tables]


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    async with following(path) as followed:
        await followed.heard(1)
        csv(path, 6)
        await followed.heard(2)

    assert rtts_us(followed.tables) == [5_000, 6_000]
    assert followed.reports == [None, None]


async def test_a_file_touched_and_not_changed_is_no_new_table(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    async with following(path) as followed:
        await followed.heard(1)
        put(path, path.read_text() + "\n")
        await followed.heard(2)

    assert len(followed.tables) == 1


async def test_a_file_that_is_not_there_yet_is_told_once_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    async with following(path) as followed:
        told = await followed.heard(1)
        csv(path, 5)
        await followed.heard(2)

    assert "cannot be read (no such file)" in str(told)
    assert len(followed.reports) == 2
    assert rtts_us(followed.tables) == [5_000]


async def test_a_bad_file_yields_nothing_and_is_told_with_place_and_remedy(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    async with following(path) as followed:
        await followed.heard(1)
        put(path, "a,b\n0,x\n5,0\n")
        told = await followed.heard(2)
        csv(path, 5)
        await followed.heard(3)

    assert told is not None
    assert str(path) in told.where
    assert '"x"' in told.what
    assert told.fix
    assert rtts_us(followed.tables) == [5_000]


async def test_the_swap_of_a_config_maps_folder_is_noticed(tmp_path: Path) -> None:
    """The kubelet writes a new folder and renames a symbolic link onto ``..data``."""

    def mounted(name: str, step_ms: float) -> None:
        (tmp_path / name).mkdir()
        packed = packed_npz(line_rtt(["a", "b"], step_ms))
        (tmp_path / name / "matrix.npz").write_bytes(packed)
        (tmp_path / "..new").symlink_to(name)
        (tmp_path / "..new").replace(tmp_path / "..data")

    mounted("..1", 5)
    path = tmp_path / "matrix.npz"
    path.symlink_to("..data/matrix.npz")
    async with following(path) as followed:
        await followed.heard(1)
        mounted("..2", 6)
        await followed.heard(2)

    assert rtts_us(followed.tables) == [5_000, 6_000]


async def test_new_names_alone_are_a_new_table(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_text("0 5\n5 0\n")
    rows = tmp_path / "rows.json"
    rows.write_text('{"a": 0, "b": 1}')
    async with following(tmp_path / "m.txt", rows) as followed:
        await followed.heard(1)
        put(rows, '{"a": 0, "edge-2": 1}')
        await followed.heard(2)

    assert [table.nodes for table in followed.tables] == [("a", "b"), ("a", "edge-2")]


@pytest.mark.parametrize("name", ["m.csv", "nowhere/m.csv"])
async def test_a_file_that_goes_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    csv(path, 5)
    async with following(path) as followed:
        await followed.heard(1)
        path.unlink()
        told = await followed.heard(2)

    assert "no such file" in str(told)
    assert len(followed.tables) == 1


async def test_new_permissions_alone_have_the_file_read_again(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    async with following(path) as followed:
        await followed.heard(1)
        path.chmod(0o640)
        await followed.heard(2)

    assert followed.reports == [None, None]
    assert len(followed.tables) == 1


async def test_a_pipe_is_refused_and_a_file_in_its_place_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    os.mkfifo(path)
    async with following(path) as followed:
        told = await followed.heard(1)
        csv(path, 5)
        await followed.heard(2)

    assert str(told) == f"{path}: is no regular file; give a file that can be read again"
    assert rtts_us(followed.tables) == [5_000]


async def test_as_what_a_file_was_read_is_said_once(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    async with following(path) as followed:
        await followed.heard(1)
        csv(path, 6)
        await followed.heard(2)
        put(path, "# unit: microseconds\na,b\n0,7000\n7000,0\n")
        await followed.heard(3)

    assert rtts_us(followed.tables) == [5_000, 6_000, 7_000]
    assert [notes[0].split(";")[0] for notes in followed.notes] == [
        "read as milliseconds (which its form is in unless stated)",
        "read as microseconds (as it states)",
    ]


REWRITES = """
import itertools, sys, time
path, size = sys.argv[1], 60
for value in itertools.count(101):
    text = "".join(
        " ".join("0" if row == k else str(value % 900 + 100) for k in range(size)) + "\\n"
        for row in range(size)
    )
    # In place and in pieces: truncated first, or over the old text of the same size, so that each
    # moment's content is a matrix.
    before = time.monotonic()
    with open(path, "w" if value % 2 else "r+") as file:
        for piece in range(0, len(text), 5000):
            file.write(text[piece : piece + 5000])
            file.flush()
            time.sleep(0.003)
    if time.monotonic() - before > 0.1:  # it was not let run: nobody can tell that from a rest
        print("paused", flush=True)
    time.sleep(0.4 if value % 5 == 0 else 0.001)
"""


async def test_no_half_of_a_file_that_is_rewritten_in_place_is_ever_a_table(tmp_path: Path) -> None:
    """A real process rewrites it, often, and rests now and then."""
    path, rows, said = tmp_path / "m.txt", tmp_path / "rows.json", tmp_path / "said"
    rows.write_text(json.dumps({f"node-{k}": k for k in range(60)}))
    followed = Followed(path, rows, 0.1)
    command = [sys.executable, "-c", REWRITES, str(path)]
    with said.open("w") as out, subprocess.Popen(command, stdout=out) as writer:  # noqa: ASYNC220, S603 - our own program
        task = asyncio.create_task(followed.follow())
        try:
            async with asyncio.timeout(60):
                while len(followed.tables) < 4:  # noqa: ASYNC110 - the file system tells nobody
                    await asyncio.sleep(OFTEN_S)
        finally:
            task.cancel()
            await asyncio.wait([task])
            writer.kill()

    others = [table.rtt_us[~np.eye(60, dtype=np.bool_)] for table in followed.tables]
    mixed = [table for table in others if len(set(table.tolist())) > 1]
    assert len(mixed) <= said.read_text().count("paused")


async def test_a_file_that_is_never_at_rest_is_told(tmp_path: Path) -> None:
    path = csv(tmp_path / "m.csv", 5)
    followed = Followed(path, None, 0.03)
    task = asyncio.create_task(followed.follow())

    def told() -> list[MatrixError]:
        return [error for error in followed.reports if error is not None]

    try:
        async with asyncio.timeout(60):
            for k in itertools.count():
                path.write_text(f"a,b\n0,{k}\n{k},0\n" + "\n" * (k % 100))
                await asyncio.sleep(0.001)
                if told():
                    break
    finally:
        task.cancel()
        await asyncio.wait([task])

    assert "changes while it is read" in str(told()[0])
    assert "rename it" in str(told()[0])


HANGS = """
import asyncio, threading
from telemetry.apart import apart

async def main():
    try:
        async with asyncio.timeout(0.05):
            await apart(threading.Event().wait)
    except TimeoutError:
        print("went on")

asyncio.run(main())
"""


def test_a_read_that_hangs_keeps_no_process_from_ending() -> None:
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", HANGS],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "went on\n", "")


async def test_what_work_apart_raises_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(ValueError, match="literal"):
        await apart(lambda: int("x"))
    assert await apart(lambda: int("7")) == 7
