"""Patches as kubectl and the scheduler send them."""

import pytest

from simulator.change import JsonObject, Refused
from simulator.rest.jsonpatch import json_patched
from simulator.rest.strategic import strategic


def containers(*names: str, **fields: object) -> JsonObject:
    return {"spec": {"containers": [{"name": name, **fields} for name in names]}}


def test_containers_are_merged_by_name() -> None:
    out = strategic(containers("a", "b", image="1"), containers("b", image="2"))
    assert [(c["name"], c["image"]) for c in out["spec"]["containers"]] == [("a", "1"), ("b", "2")]


def test_nested_lists_are_merged_by_their_own_keys() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    ports = [{"containerPort": 80, "name": "http"}]
    old = containers("a", env=env, ports=ports)
    new = containers("a", env=[{"name": "B", "value": "3"}], ports=[{"containerPort": 81}])
    out = strategic(old, new)["spec"]["containers"][0]
    assert {e["name"]: e["value"] for e in out["env"]} == {"A": "1", "B": "3"}
    assert [p["containerPort"] for p in out["ports"]] == [80, 81]


def test_the_ports_of_a_service_are_merged_by_port() -> None:
    old = {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}}
    out = strategic(old, {"spec": {"ports": [{"port": 81, "name": "c"}]}})
    assert [p["name"] for p in out["spec"]["ports"]] == ["a", "c"]


def test_an_item_is_deleted_and_null_takes_a_field_out() -> None:
    old = containers("a", "b", image="1")
    item = {"name": "b", "$patch": "delete"}
    out = strategic(old, {"spec": {"containers": [item, {"name": "a", "image": None}]}})
    assert out == containers("a")


def test_items_take_the_order_the_patch_sets_and_others_keep_their_place() -> None:
    old = containers("x", "a", "y", "b")
    order = [{"name": "b"}, {"name": "c"}, {"name": "a"}]
    change = {"spec": {"containers": [{"name": "c"}], "$setElementOrder/containers": order}}
    out = strategic(old, change)
    assert [c["name"] for c in out["spec"]["containers"]] == ["x", "y", "b", "c", "a"]


def test_a_list_without_a_key_is_replaced() -> None:
    old = {"spec": {"tolerations": [{"key": "a"}, {"key": "b"}]}}
    out = strategic(old, {"spec": {"tolerations": [{"key": "c"}]}})
    assert out == {"spec": {"tolerations": [{"key": "c"}]}}


def test_a_list_with_a_key_is_replaced_on_demand() -> None:
    change = {"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}}
    assert strategic(containers("a", "b"), change) == containers("c")


def test_a_map_is_replaced_or_emptied_on_demand() -> None:
    old = {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}}
    change = {
        "metadata": {"labels": {"$patch": "replace", "c": "3"}, "annotations": {"$patch": "delete"}}
    }
    assert strategic(old, change) == {"metadata": {"labels": {"c": "3"}, "annotations": {}}}


def test_only_retained_keys_stay() -> None:
    old = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    change = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic(old, change) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_primitive_lists_grow_and_shrink() -> None:
    old = {"metadata": {"finalizers": ["a", "b"]}}
    change = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    assert strategic(old, change) == {"metadata": {"finalizers": ["b", "c"]}}


def test_what_was_there_is_not_changed_in_place() -> None:
    old = containers("a", "b", image="1")
    before = containers("a", "b", image="1")
    strategic(old, containers("b", image="2"))
    json_patched(old, [{"op": "remove", "path": "/spec/containers/0"}])
    assert old == before


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"containers": [{"image": "no name"}]}},
        {"spec": {"containers": ["text"]}},
        {"spec": {"$patch": "explode"}},
        {"spec": {"$retainKeys": "all"}},
    ],
)
def test_a_patch_against_the_rules_is_refused(change: JsonObject) -> None:
    with pytest.raises(Refused) as refused:
        strategic(containers("a"), change)
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("patch", "out"),
    [
        ([{"op": "add", "path": "/c", "value": 3}], {"a": [1, 2], "b": {"x/y": 1}, "c": 3}),
        ([{"op": "add", "path": "/a/1", "value": 9}], {"a": [1, 9, 2], "b": {"x/y": 1}}),
        ([{"op": "add", "path": "/a/-", "value": 9}], {"a": [1, 2, 9], "b": {"x/y": 1}}),
        ([{"op": "replace", "path": "/b/x~1y", "value": 5}], {"a": [1, 2], "b": {"x/y": 5}}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2], "b": {"x/y": 1}}),
        ([{"op": "move", "from": "/a/0", "path": "/b/z"}], {"a": [2], "b": {"x/y": 1, "z": 1}}),
        ([{"op": "copy", "from": "/a", "path": "/c"}], {"a": [1, 2], "b": {"x/y": 1}, "c": [1, 2]}),
        ([{"op": "test", "path": "/a/1", "value": 2}], {"a": [1, 2], "b": {"x/y": 1}}),
    ],
)
def test_json_patches_do_what_rfc_6902_says(patch: list[JsonObject], out: JsonObject) -> None:
    assert json_patched({"a": [1, 2], "b": {"x/y": 1}}, patch) == out


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({}, 400),
        (["x"], 400),
        ([{"op": "grow", "path": "/a"}], 400),
        ([{"op": "add", "path": "a"}], 400),
        ([{"op": "remove"}], 400),
        ([{"op": "remove", "path": ""}], 422),
        ([{"op": "remove", "path": "/nope"}], 422),
        ([{"op": "replace", "path": "/a/7", "value": 1}], 422),
        ([{"op": "add", "path": "/a/x", "value": 1}], 422),
        ([{"op": "add", "path": "/a/0/b", "value": 1}], 422),
        ([{"op": "test", "path": "/a/0", "value": 2}], 422),
        ([{"op": "replace", "path": "", "value": 1}], 422),
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(patch: object, code: int) -> None:
    with pytest.raises(Refused) as refused:
        json_patched({"a": [1, 2]}, patch)
    assert refused.value.code == code
