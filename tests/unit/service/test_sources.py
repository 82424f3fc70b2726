"""What is listened to, and how long it is waited for after it broke off."""

import asyncio
import itertools

import pytest

from scheduler.domain.errors import ClusterUnavailable
from scheduler.service.sources import RETRY_FIRST_S, RETRY_LAST_S
from tests.harness import Harness
from tests.unit.service.first_fit import first_fit

pytestmark = pytest.mark.looptime


async def test_a_watch_that_breaks_once_in_a_while_is_resumed_soon_each_time() -> None:
    async with Harness(first_fit) as harness:
        for _ in range(8):
            await harness.settle(3600)
            lists = harness.cluster.lists
            harness.cluster.emit(ClusterUnavailable("down"))
            await harness.settle(RETRY_FIRST_S + 0.5)

            assert harness.cluster.lists == lists + 1
            assert harness.runtime.is_ready


async def test_a_cluster_that_cannot_be_listed_is_asked_ever_more_seldom() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.is_down = True
        harness.cluster.emit(ClusterUnavailable("down"))
        asked_at_s: list[float] = []
        lists = harness.cluster.lists
        for _ in range(3000):
            await harness.settle(0.1)
            if harness.cluster.lists > lists:
                lists = harness.cluster.lists
                asked_at_s.append(asyncio.get_running_loop().time())

        gaps = [b - a for a, b in itertools.pairwise(asked_at_s)]
        assert gaps[0] < 3
        assert gaps[-1] == pytest.approx(RETRY_LAST_S, abs=1)
        assert not harness.runtime.is_ready
