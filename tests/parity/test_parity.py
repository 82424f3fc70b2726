"""Our hard rules beside kube-scheduler's own filters: see README.md in this folder."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.parity import kept
from tests.parity.batches import seeded_batch
from tests.parity.compare import Difference, differences, explanation
from tests.parity.oracle_process import Answer, Case, OracleProcess
from tests.parity.ours import judged
from tests.parity.placements import Placements, placed, wrongs
from tests.parity.tally import compared
from tests.parity.worlds import seeded_world, worlds

CASES = kept.names(batches=False)
BATCHES = kept.names(batches=True)


@pytest.mark.parametrize("name", CASES)
def test_a_kept_case_is_judged_as_kube_scheduler_judged_it(name: str) -> None:
    case, answer = _kept(name)

    ours = judged(case)

    assert _unexplained(case, answer, ours) == []


@pytest.mark.e2e
@pytest.mark.parametrize("name", CASES)
def test_kube_scheduler_still_judges_a_kept_case_so(oracle: OracleProcess, name: str) -> None:
    case, answer = _kept(name)

    assert oracle.ask(case) == answer


@pytest.mark.e2e
@pytest.mark.parametrize("name", BATCHES)
def test_a_kept_batch_is_placed_where_kube_scheduler_would(
    oracle: OracleProcess, name: str
) -> None:
    batch = kept.read(name).batch
    assert batch is not None

    assert wrongs(oracle, kept.as_batch(batch)) == []


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(101, 106))
def test_random_pods_are_judged_as_kube_scheduler_judges_them(
    oracle: OracleProcess, seed: int
) -> None:
    tally = compared(oracle, (seeded_world(seed, number) for number in range(500)))

    assert tally.cases == 500
    assert tally.groups == {}


@pytest.mark.e2e
@settings(
    max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(case=worlds())
def test_any_pod_is_judged_as_kube_scheduler_judges_it(oracle: OracleProcess, case: Case) -> None:
    answer, ours = oracle.ask(case), judged(case)

    assert _unexplained(case, answer, ours) == []


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(101, 104))
def test_random_pods_are_placed_where_kube_scheduler_would_have_them(
    oracle: OracleProcess, seed: int
) -> None:
    found: Placements = placed(oracle, (seeded_batch(seed, number) for number in range(100)))

    assert found.batches == 100
    assert found.refused == {}


def _kept(name: str) -> tuple[Case, Answer]:
    found = kept.read(name)
    assert found.case is not None
    assert found.answer is not None
    return found.case, found.answer


def _unexplained(case: Case, theirs: Answer, ours: Answer) -> list[Difference]:
    found = differences(case, theirs, ours)
    return [one for one in found if not explanation(case, one)]
