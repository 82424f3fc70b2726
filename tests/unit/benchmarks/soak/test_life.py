"""The life of a soak: each hour is like the one before, so that only what leaks can grow."""

from random import Random
from statistics import mean

from benchmarks.soak.life import drifted

CALM_US = 20_000
AN_HOUR = 38
"""Times that a pair drifts within it: ten of 190 do every 5 s."""


def test_the_network_drifts_and_is_no_worse_after_hours() -> None:
    rng = Random(5)  # noqa: S311 - chance, not secrets
    pairs_us = [CALM_US] * 200
    hours = []
    for _ in range(10):
        for _ in range(AN_HOUR):
            pairs_us = [drifted(rtt_us, CALM_US, rng) for rtt_us in pairs_us]
        hours.append(mean(pairs_us))

    assert max(pairs_us) > 1.5 * CALM_US > CALM_US > 1.3 * min(pairs_us)
    assert max(hours) < 1.15 * min(hours)


def test_an_rtt_stays_within_what_links_have() -> None:
    rng = Random(5)  # noqa: S311 - chance, not secrets

    assert max(drifted(60_000, 60_000, rng) for _ in range(50)) == 60_000
    assert min(drifted(200, 200, rng) for _ in range(50)) == 200
