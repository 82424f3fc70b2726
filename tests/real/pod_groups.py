"""PodGroups of Coscheduling on a real API server, by the definition that we ship."""

from pathlib import Path

import requests

from tests.real.api import Api, Object, Refused

DEFINITION = Path(__file__).parents[2] / "configs" / "kubernetes" / "optional" / "podgroups.yaml"
COSCHEDULING = "/apis/scheduling.x-k8s.io/v1alpha1"

_NOT_YET = (requests.codes.not_found, requests.codes.too_many_requests)
"""What an API server answers while a definition is new, or was there a moment ago."""

_SOME: Object = {
    "apiVersion": "scheduling.x-k8s.io/v1alpha1",
    "kind": "PodGroup",
    "metadata": {"name": "some"},
    "spec": {"minMember": 1},
}


def is_served(api: Api, namespace: str) -> bool:
    """Whether PodGroups can be listed and created; none is."""
    try:
        api.get(f"{COSCHEDULING}/podgroups")
        api.create(f"{COSCHEDULING}/namespaces/{namespace}/podgroups", _SOME, dryRun="All")
    except Refused as error:
        if error.status not in _NOT_YET:
            raise
        return False
    return True
