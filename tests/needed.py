"""What a test needs and this machine may lack."""

import os

import pytest


def need(lacking: str) -> None:
    """Skip a test where something is lacking; fail it where everything is to be run (CI=true).

    Parameters
    ----------
    lacking
        What is missing, and what would help; empty where nothing is.
    """
    if not lacking:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(lacking)
    pytest.skip(lacking)
