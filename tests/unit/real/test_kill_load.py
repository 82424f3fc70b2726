"""What happens in an episode of kills: the same from the same seed, and everything fits."""

from decimal import Decimal

import pytest
from kubernetes.utils.quantity import parse_quantity

from tests.real.kill_load import BURST, BURST_PODS, kill_load

SEEDS = range(1, 21)


def test_a_seed_draws_the_same_again_and_another_one_something_else() -> None:
    first, again, other = kill_load(7), kill_load(7), kill_load(8)

    assert (first.deployments, first.nodes) == (again.deployments, again.nodes)
    assert first.errands == again.errands
    assert (first.rtt_us == again.rtt_us).all()
    assert first.deployments != other.deployments


@pytest.mark.parametrize("seed", SEEDS)
def test_no_errand_waits_for_more_bindings_than_come_without_it(seed: int) -> None:
    load = kill_load(seed)
    burst = next(errand for errand in load.errands if errand.app == BURST)

    assert burst.after <= load.bindings - BURST_PODS
    assert all(errand.after <= load.bindings - BURST_PODS for errand in load.errands)
    assert [e.after for e in load.errands] == sorted(e.after for e in load.errands)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_can_have_a_place_asks_for_six_tenths_of_the_cpu_at_most(seed: int) -> None:
    load = kill_load(seed)
    most = {e.app: e.replicas for e in load.errands}
    asked = Decimal(0)
    for one in (*load.deployments, load.burst):
        name = one["metadata"]["name"]
        [container] = one["spec"]["template"]["spec"]["containers"]
        if name not in load.hopeless:
            replicas = max(one["spec"]["replicas"], most.get(name, 0))
            asked += replicas * parse_quantity(container["resources"]["requests"]["cpu"])
    room = sum(parse_quantity(one["status"]["allocatable"]["cpu"]) for one in load.nodes)

    assert asked <= Decimal("0.6") * room
