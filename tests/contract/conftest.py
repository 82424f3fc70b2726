"""Each case is held on three clusters."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.doors import Scene, in_process, real, simulated

REAL = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


@pytest.fixture(
    params=[
        pytest.param(in_process, id="in process"),
        pytest.param(simulated, id="simulator"),
        pytest.param(real, id="real", marks=REAL),
    ]
)
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """Give a cluster behind one of the three doors."""
    if request.param is real:
        opened = real(request.getfixturevalue("cluster"))
    else:
        opened = request.param(tmp_path)
    async with opened as scene:
        yield scene
