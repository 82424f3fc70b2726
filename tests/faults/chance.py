"""Chance: a generator of its own for each purpose, so that one draw more of one moves no other."""

from random import Random


def chance(purpose: str, seed: int) -> Random:
    """Return what draws for a purpose in the episode of a seed."""
    return Random(f"{purpose} {seed}")  # noqa: S311 - episodes, not secrets
