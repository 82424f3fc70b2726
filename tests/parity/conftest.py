"""The oracle, one for all tests that ask it."""

import os
from collections.abc import Iterator

import pytest

from tests.parity.oracle_process import OracleProcess, missing, oracle_path


@pytest.fixture(scope="session")
def oracle() -> Iterator[OracleProcess]:
    """Run the oracle; mark who uses it ``e2e``."""
    lacking = missing()
    if lacking:
        # Where everything is to be run, an oracle that is missing is a fault.
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    with OracleProcess(oracle_path()) as running:
        yield running
