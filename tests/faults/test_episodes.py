"""A few episodes of each fault; `python -m tests.faults` runs ten thousand."""

import pytest

from tests.faults.episode import run_episode
from tests.faults.kinds.every import BY_NAME

SEEDS = range(1, 13)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BY_NAME)
def test_nothing_is_violated(name: str, seed: int) -> None:
    outcome = run_episode(BY_NAME[name], seed)

    again = f"python -m tests.faults --seed {seed} --fault {name} --episodes 1"
    assert outcome.violations == (), again


@pytest.mark.parametrize("name", ["killed", "mixed"])
def test_a_seed_makes_the_same_episode_again(name: str) -> None:
    assert run_episode(BY_NAME[name], 7) == run_episode(BY_NAME[name], 7)


def test_seeds_make_different_episodes() -> None:
    found = {run_episode(BY_NAME["none"], seed).passed_s for seed in range(5)}

    assert len(found) == 5
