"""What etcd's watch says of a pod, in the words of a history."""

import json
from base64 import b64encode

from tests.real.api import Object
from tests.real.history import Change
from tests.real.journal import change_of
from tests.real.objects import pod


def stored(made: Object, *, revision: int) -> Object:
    value = b64encode(json.dumps(made).encode()).decode()
    return {"key": "cA==", "mod_revision": str(revision), "value": value}


def test_a_pod_that_is_written_is_read_as_it_then_is() -> None:
    kept = pod("p")
    made = {**kept, "metadata": {**kept["metadata"], "managedFields": [{}]}}

    # etcd leaves the type out where it is PUT.
    assert change_of({"kv": stored(made, revision=7)}) == Change(7, is_gone=False, pod=kept)


def test_a_pod_that_is_deleted_is_read_as_it_last_was() -> None:
    event = {
        "type": "DELETE",
        "kv": {"key": "cA==", "mod_revision": "9"},
        "prev_kv": stored(pod("p"), revision=7),
    }

    assert change_of(event) == Change(9, is_gone=True, pod=pod("p"))
