"""Which causes of waiting another pod lifts that is placed, goes, or changes its labels."""

from dataclasses import replace

import pytest

from scheduler.domain.between import HostPort
from scheduler.domain.node import Taint
from scheduler.domain.reasons import Cause
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.workload import Toleration
from scheduler.service.grounds import Grounds, grounds_of
from scheduler.service.hints import helps
from scheduler.service.wake import (
    NamespaceRelabelled,
    NodeRemoved,
    PodGone,
    PodLeaving,
    PodPlaced,
    PodRelabelled,
    Wake,
)
from tests.builders import pod
from tests.unit.service.grounded import (
    ZONE,
    evenly,
    near,
    of_app,
    placed,
    refused,
    rows,
    updated,
    waiting,
    zoned,
)

HTTP = HostPort("0.0.0.0", "TCP", 80)  # noqa: S104 - as pods write it
WEB, DB = placed(of_app("web")), placed(of_app("db"))
WEB_ELSEWHERE = placed(of_app("web", namespace="other"))
NOBODY = placed(of_app("nobody"))
RED = {"team": "red"}
TEAMS = {"other": RED}
X = (Taint("x"),)

PORTS = rows(
    (
        "a port that a pod held",
        waiting(Cause.PORT, host_ports=(HTTP,)),
        PodGone(placed(pod("gone", host_ports=(replace(HTTP, ip="10.0.0.1"),)))),
        True,
    ),
    (
        "not another port",
        waiting(Cause.PORT, host_ports=(HTTP,)),
        PodGone(placed(pod("gone", host_ports=(replace(HTTP, protocol="UDP"),)))),
        False,
    ),
    ("not a pod without", waiting(Cause.PORT, host_ports=(HTTP,)), PodGone(WEB), False),
)

SPREAD_OUT = waiting(Cause.SPREAD, spread=(evenly("web"),))
SOFTLY = waiting(Cause.SPREAD, spread=(evenly("web", is_hard=False),))
BY_AFFINITY = waiting(Cause.SPREAD, spread=(evenly("web"),), node_selector=(("disk", "ssd"),))
BY_TAINTS = waiting(
    Cause.SPREAD,
    spread=(evenly("web", honors_taints=True),),
    tolerations=(Toleration("x", "Exists"),),
)

SPREAD = rows(
    ("a pod that counts is placed", SPREAD_OUT, PodPlaced(WEB), True),
    ("not one that the constraint does not select", SPREAD_OUT, PodPlaced(DB), False),
    ("not one of another namespace", SPREAD_OUT, PodPlaced(WEB_ELSEWHERE), False),
    ("not one that only a wish selects", SOFTLY, PodPlaced(WEB), False),
    ("a pod that counted goes", SPREAD_OUT, PodGone(WEB), True),
    ("not one that did not count", SPREAD_OUT, PodGone(DB), False),
    ("a pod that counted is terminating", SPREAD_OUT, PodLeaving(WEB), True),
    ("not one that did not count and is", SPREAD_OUT, PodLeaving(DB), False),
    ("a pod begins to count", SPREAD_OUT, PodRelabelled(DB, WEB), True),
    (
        "not one that counts whatever its labels",
        SPREAD_OUT,
        PodRelabelled(WEB, placed(replace(of_app("web"), identity_labels=(("index", "1"),)))),
        False,
    ),
    ("a node goes to another domain", SPREAD_OUT, updated(zoned("a"), zoned("b")), True),
    ("a node is in no domain any more", SPREAD_OUT, updated(zoned("a"), zoned()), True),
    (
        "not a node with another label",
        SPREAD_OUT,
        updated(zoned("a"), zoned("a", labels={ZONE: "a", "x": "y"})),
        False,
    ),
    (
        "a node that the pod's affinity begins to rule out",
        BY_AFFINITY,
        updated(zoned("a", labels={ZONE: "a", "disk": "ssd"}), zoned("a")),
        True,
    ),
    (
        "a taint that the pod does not tolerate, where taints are honored",
        BY_TAINTS,
        updated(zoned("a"), zoned("a", taints=(Taint("y"),))),
        True,
    ),
    (
        "not one that it tolerates",
        BY_TAINTS,
        updated(zoned("a"), zoned("a", taints=(Taint("x"),))),
        False,
    ),
    (
        "not one where taints are not honored",
        SPREAD_OUT,
        updated(zoned("a"), zoned("a", taints=(Taint("y"),))),
        False,
    ),
    ("a domain's node goes", SPREAD_OUT, NodeRemoved(zoned("a")), True),
    ("not a node without the label", SPREAD_OUT, NodeRemoved(zoned()), False),
)

NEAR_WEB = waiting(Cause.POD_AFFINITY, pod_affinity=(near("web"),))
NEAR_BOTH = waiting(Cause.POD_AFFINITY, pod_affinity=(near("web"), near("db")))
NEAR_OWN = waiting(Cause.POD_AFFINITY, pod_affinity=(near("web"),), labels=(("app", "web"),))
NOT_RED = LabelSelector((Requirement("team", "NotIn", ("red",)),))
NEAR_ALL_TEAMS_BUT_RED = waiting(
    Cause.POD_AFFINITY,
    pod_affinity=(replace(near("web"), namespaces=(), namespace_selector=NOT_RED),),
)
NEAR_TEAM = waiting(Cause.POD_AFFINITY, pod_affinity=(near("web", team="red"),))
AWAY = waiting(Cause.POD_AFFINITY, pod_anti_affinity=(near("web"), near("db")))
AWAY_FROM_TEAM = waiting(Cause.POD_AFFINITY, pod_anti_affinity=(near("web", team="red"),))
KEPT_AWAY = waiting(Cause.POD_AFFINITY, labels=(("app", "cache"),))
HERMIT = of_app("web", pod_anti_affinity=(near("cache"),))
JEALOUS = of_app("web", namespace="other", pod_anti_affinity=(near("cache", team="red"),))
NUMBERED = grounds_of(
    replace(pod("p"), identity_labels=(("app", "cache"),)), refused(Cause.POD_AFFINITY)
)

BETWEEN_PODS = rows(
    ("a pod to be near to is placed", NEAR_WEB, PodPlaced(WEB), True),
    ("not one of another app", NEAR_WEB, PodPlaced(DB), False),
    ("not one of another namespace", NEAR_WEB, PodPlaced(WEB_ELSEWHERE), False),
    (
        "one of a namespace that the term chooses",
        NEAR_TEAM,
        PodPlaced(placed(of_app("web", namespace="other"), TEAMS)),
        True,
    ),
    (
        "one of any namespace, where the term chooses one without labels",
        NEAR_ALL_TEAMS_BUT_RED,
        PodPlaced(placed(of_app("web", namespace="other"), TEAMS)),
        True,
    ),
    ("not one that meets one term of two", NEAR_BOTH, PodPlaced(WEB), False),
    ("not one to be away from", AWAY, PodPlaced(WEB), False),
    ("a pod to be away from goes, by any term", AWAY, PodGone(DB), True),
    ("not one that was not in the way", AWAY, PodGone(placed(of_app("x"))), False),
    ("a pod that kept it away goes", KEPT_AWAY, PodGone(placed(HERMIT)), True),
    ("the same, by a label of its own number", NUMBERED, PodGone(placed(HERMIT)), True),
    ("not one that keeps others away", NEAR_WEB, PodGone(placed(HERMIT)), False),
    (
        "a pod goes that kept away whole namespaces",
        KEPT_AWAY,
        PodGone(placed(JEALOUS, {"default": {"team": "red"}})),
        True,
    ),
    (
        "not where the pod's own namespace is none of them",
        KEPT_AWAY,
        PodGone(placed(JEALOUS, {"default": {"team": "blue"}})),
        False,
    ),
    ("the last one goes of a group that is near itself", NEAR_OWN, PodGone(WEB), True),
    ("not one to be near to", NEAR_WEB, PodGone(WEB), False),
    ("a pod gets the labels", NEAR_WEB, PodRelabelled(DB, WEB), True),
    ("not where it loses them", NEAR_WEB, PodRelabelled(WEB, DB), False),
    ("a group that is near itself loses one", NEAR_OWN, PodRelabelled(WEB, DB), True),
    ("a pod is no more one to be away from", AWAY, PodRelabelled(WEB, NOBODY), True),
    ("not where it becomes one", AWAY, PodRelabelled(NOBODY, WEB), False),
    ("a node comes into a domain", NEAR_WEB, updated(zoned(), zoned("a")), True),
    ("a node goes to another domain", NEAR_WEB, updated(zoned("a"), zoned("b")), True),
    ("a node leaves a domain", AWAY, updated(zoned("a"), zoned()), True),
    ("the same, by whatever label others go", KEPT_AWAY, updated(zoned("a"), zoned()), True),
    ("not a node that comes into a domain", AWAY, updated(zoned(), zoned("a")), False),
    ("not a node that is tainted", AWAY, updated(zoned("a"), zoned("a", taints=X)), False),
    ("a namespace is chosen now", NEAR_TEAM, NamespaceRelabelled("other", {}, RED), True),
    ("not by its other labels", NEAR_TEAM, NamespaceRelabelled("other", {}, {"a": "b"}), False),
    ("a namespace is no more chosen", AWAY_FROM_TEAM, NamespaceRelabelled("other", RED, {}), True),
    ("not where the term names its own", AWAY, NamespaceRelabelled("other", RED, {}), False),
    ("its own namespace changes", KEPT_AWAY, NamespaceRelabelled("default", RED, {}), True),
)


@pytest.mark.parametrize(("grounds", "event", "is_helped"), PORTS)
def test_a_pod_that_waits_for_a_port_of_the_host_is_helped_by(
    grounds: Grounds, event: Wake, *, is_helped: bool
) -> None:
    assert helps(grounds, event) is is_helped


@pytest.mark.parametrize(("grounds", "event", "is_helped"), SPREAD)
def test_a_pod_that_waits_for_topology_spread_is_helped_by(
    grounds: Grounds, event: Wake, *, is_helped: bool
) -> None:
    assert helps(grounds, event) is is_helped


@pytest.mark.parametrize(("grounds", "event", "is_helped"), BETWEEN_PODS)
def test_a_pod_that_waits_for_other_pods_is_helped_by(
    grounds: Grounds, event: Wake, *, is_helped: bool
) -> None:
    assert helps(grounds, event) is is_helped


@pytest.mark.parametrize("event", [PodPlaced(WEB), PodGone(WEB), PodLeaving(WEB)])
def test_a_pod_that_waits_for_room_is_not_helped_by_the_rules_between_pods(event: Wake) -> None:
    assert not helps(waiting(Cause.RESOURCE, spread=(evenly("web"),)), event)
