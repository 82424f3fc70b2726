"""The generator of cases: the same from the same seed, and of the load that was asked for."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import PLANETLAB, Case, make_case, planetlab_ms
from benchmarks.scenes import case_scene, make_ground, make_scene
from commands.inputs import InputFiles, read_inputs


def a_case(seed: int, *, load: float = 0.8) -> Case:
    rng = np.random.default_rng(seed)
    return make_case(planetlab_ms(PLANETLAB, 30, rng), 100, load, rng)


def are_equal(one: Case, other: Case) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in fields(Case)
    )


def test_one_seed_gives_one_case() -> None:
    assert are_equal(a_case(1), a_case(1))


def test_another_seed_gives_another_case() -> None:
    assert not are_equal(a_case(1), a_case(2))


@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
def test_the_pods_fill_the_asked_share_of_the_memory(load: float) -> None:
    case = a_case(3, load=load)

    assert case.pod_units.sum() / case.node_units.sum() == pytest.approx(load, rel=0.1)


def test_every_pod_has_nodes_within_its_radius() -> None:
    case = a_case(4)

    near = case.rtt_ms[case.pod_reference] <= case.pod_radius_ms[:, None]

    assert near.sum(axis=1).min() > 3


def test_the_files_of_a_case_hold_what_its_scene_holds(tmp_path: Path) -> None:
    case = a_case(5)
    case.write(tmp_path)

    read = read_inputs(
        InputFiles(
            tmp_path / "nodes.json",
            tmp_path / "pods.yaml",
            tmp_path / "delay_matrix.txt",
            tmp_path / "metadata.json",
        )
    ).snapshot

    made = case_scene(case).snapshot()
    assert [(p.key, p.pod_class.requests) for p in read.pending] == [
        (p.key, p.pod_class.requests) for p in made.pending
    ]
    assert [p.pod_class.delays[0].within_us for p in read.pending] == [
        p.pod_class.delays[0].within_us for p in made.pending
    ]
    assert [node.allocatable for node in read.nodes.nodes] == [
        node.allocatable for node in made.nodes.nodes
    ]


def test_one_seed_gives_one_scene() -> None:
    ground = make_ground(40, 6)

    one, other = (make_scene(ground, 50, 5, 7, running=20) for _ in range(2))

    assert (one.pods, one.placed) == (other.pods, other.placed)
