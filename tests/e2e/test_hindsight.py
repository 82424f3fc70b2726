"""The judge of past decisions: it finds what was overlooked, and nothing that came later."""

import pytest

from tests.parity.oracle_process import OracleProcess
from tests.real.api import Object
from tests.real.hindsight import Hindsight
from tests.real.history import Life
from tests.real.kube_scheduler import STOCK
from tests.real.mixed import away_from
from tests.real.objects import OURS, node, pod

pytestmark = pytest.mark.e2e

NAMESPACE: Object = {"metadata": {"name": "default"}}
QUIET: Object = {"affinity": away_from({"app": "noisy"})}


def life(name: str, scheduler: str, *, created: int, bound: int, ended: int = 0) -> Life:
    """Return a pod of 600m on the node n; ours by the decision ``first``."""
    made = pod(name, cpu="600m", labels={"app": "noisy"}, scheduler=scheduler)
    made["metadata"] |= {"namespace": "default", "uid": name}
    if scheduler == OURS:
        made["metadata"]["annotations"] = {"isochrone.dev/decision": "first"}
    made["spec"]["nodeName"] = "n"
    return Life(made, created, bound, ended)


def judged(oracle: OracleProcess, *lives: Life, cpu: str = "1") -> tuple[str, ...]:
    """Return the faults of decisions on one node."""
    return Hindsight(oracle, [node("n", cpu=cpu)], [NAMESPACE], lives).judge(["first"]).faults


def test_a_pod_on_a_node_that_was_seen_to_be_full_is_found(oracle: OracleProcess) -> None:
    theirs = life("theirs", STOCK, created=1, bound=2)
    ours = life("ours", OURS, created=3, bound=4)

    assert judged(oracle, theirs, ours) == ("default/ours in decision first: Insufficient cpu",)


def test_a_pod_that_stays_away_from_none_it_should_is_found(oracle: OracleProcess) -> None:
    theirs = life("theirs", STOCK, created=1, bound=2)
    ours = life("ours", OURS, created=3, bound=4)
    ours.pod["spec"] |= QUIET

    [fault] = judged(oracle, theirs, ours, cpu="2")

    assert "anti-affinity" in fault


def test_what_was_bound_after_the_pod_was_made_may_have_been_unknown(oracle: OracleProcess) -> None:
    theirs = life("theirs", STOCK, created=1, bound=4)
    ours = life("ours", OURS, created=3, bound=5)

    assert judged(oracle, theirs, ours) == ()


def test_what_went_before_the_binding_may_have_been_known_to_go(oracle: OracleProcess) -> None:
    theirs = life("theirs", STOCK, created=1, bound=2, ended=4)
    ours = life("ours", OURS, created=3, bound=5)

    assert judged(oracle, theirs, ours) == ()


def test_two_pods_of_one_decision_are_held_against_each_other(oracle: OracleProcess) -> None:
    pair = [life(name, OURS, created=3, bound=bound) for name, bound in (("a", 4), ("b", 5))]

    assert len(judged(oracle, *pair)) == 2


def test_a_pod_that_no_decision_speaks_for_is_found(oracle: OracleProcess) -> None:
    ours = life("ours", OURS, created=1, bound=2)
    ours.pod["metadata"]["annotations"] = {}

    assert judged(oracle, ours) == ("default/ours is bound, and no decision of ours says so",)
