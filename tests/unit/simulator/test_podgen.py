"""Pods from a seed: what is drawn, and what the objects say."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.errors import InputError
from scheduler.objects.pod import read_pod
from simulator.podgen.draw import App, draw
from simulator.podgen.mix import Mix, Range
from simulator.podgen.objects import GANG_LABEL, objects, pods, priority_classes

FULL = Mix(
    1_000,
    delays=0.4,
    references=("node/edge-1", "service/db"),
    gangs=0.3,
    anti_affinity=0.2,
    affinity=0.1,
    priorities=((0, 70), (100, 20), (1000, 10)),
    arrival="poisson",
    rate=10.0,
)


def share_of(apps: tuple[App, ...], marked: "list[bool]") -> float:
    total = sum(app.size for app in apps)
    return sum(app.size for app, one in zip(apps, marked, strict=True) if one) / total


def test_the_same_mix_draws_the_same_apps() -> None:
    assert draw(FULL) == draw(FULL)
    assert draw(FULL) != draw(replace(FULL, seed=2))


def test_an_option_changes_nothing_but_what_it_is_about() -> None:
    plain = draw(replace(FULL, delays=0.0, references=(), priorities=()))

    for before, after in zip(plain, draw(FULL), strict=True):
        assert replace(after, reference="", priority=0) == before


def test_as_many_pods_as_asked_for_whatever_the_sizes() -> None:
    for number in (1, 2, 7, 100):
        mix = Mix(number, app_size=Range(3, 9))
        assert sum(app.size for app in draw(mix)) == number


def test_shares_hold_over_pods() -> None:
    apps = draw(FULL)

    assert share_of(apps, [bool(app.reference) for app in apps]) == pytest.approx(0.4, abs=0.01)
    assert share_of(apps, [app.is_gang for app in apps]) == pytest.approx(0.3, abs=0.01)
    assert share_of(apps, [app.affinity == "apart" for app in apps]) == pytest.approx(0.2, abs=0.01)
    together = [app.affinity == "together" for app in apps]
    assert share_of(apps, together) == pytest.approx(0.1, abs=0.01)


def test_shares_of_none_and_of_all_are_met_exactly() -> None:
    apps = draw(Mix(50, delays=1.0, references=("edge-1",), anti_affinity=1.0))

    assert all(app.reference == "edge-1" and app.affinity == "apart" for app in apps)
    assert not any(app.reference for app in draw(Mix(50)))


def test_gangs_are_of_the_sizes_asked_for() -> None:
    apps = draw(Mix(500, gangs=1.0, gang_size=Range(3, 5)))

    assert {app.size for app in apps if app.is_gang} == {3, 4, 5}
    # What is left is less than a gang.
    assert sum(app.size for app in apps if not app.is_gang) < 3


def test_priorities_come_by_their_weights() -> None:
    apps = draw(replace(FULL, number=20_000))
    counts = Counter(app.priority for app in apps)

    assert set(counts) == {0, 100, 1000}
    assert counts[0] / len(apps) == pytest.approx(0.7, abs=0.03)


def test_a_range_is_drawn_log_uniformly_within_its_ends_and_steps() -> None:
    drawn_from = Range(100, 1_600, 10)
    values = [drawn_from.at(share) for share in np.linspace(0, 1, 1_001)]

    assert (values[0], values[-1]) == (100, 1_600)
    assert values == sorted(values)
    assert all(value % 10 == 0 for value in values)
    assert sum(value <= 400 for value in values) / len(values) == pytest.approx(0.5, abs=0.01)


def test_a_range_from_nothing_and_one_value_are_ranges() -> None:
    assert [Range(0, 8).at(share) for share in (0.0, 1.0)] == [0, 8]
    assert Range(7, 7, 10).at(0.5) == 7


def test_poisson_arrivals_have_the_rate_asked_for_and_uniform_ones_are_even() -> None:
    poisson = [at_s for app in draw(replace(FULL, number=5_000)) for at_s in app.arrives_s]
    even = [at_s for app in draw(Mix(4, arrival="uniform", rate=2.0)) for at_s in app.arrives_s]

    assert poisson[0] == 0.0
    assert poisson == sorted(poisson)
    assert len(poisson) / poisson[-1] == pytest.approx(10.0, rel=0.05)
    assert even == [0.0, 0.5, 1.0, 1.5]


def test_a_gang_is_a_group_and_pods_that_name_it() -> None:
    mix = Mix(3, gangs=1.0, gang_size=Range(3, 3), namespace="lab")
    [app] = draw(mix)

    group, *members = [made.obj for made in objects(mix, app, tells_arrival=True)]

    assert (group["kind"], group["spec"]) == ("PodGroup", {"minMember": 3})
    assert group["metadata"] == {"name": "pod-1", "namespace": "lab"}
    assert [pod["metadata"]["labels"][GANG_LABEL] for pod in members] == ["pod-1"] * 3
    assert [pod["metadata"]["name"] for pod in members] == ["pod-1-0", "pod-1-1", "pod-1-2"]


def test_pods_are_read_back_as_they_were_drawn() -> None:
    for app in draw(FULL):
        for made in pods(FULL, app, tells_arrival=True):
            pod = read_pod(made.obj)
            assert pod.pod_class.faults == ()
            assert dict(pod.pod_class.requests).get("cpu") == app.cpu_milli
            assert dict(pod.pod_class.requests).get("memory") == app.memory_bytes
            [*delays] = pod.pod_class.delays
            assert [one.within_us for one in delays] == ([app.within_us] if app.reference else [])
            assert [str(one.reference) for one in delays] == (
                [app.reference] if app.reference else []
            )


def test_an_arrival_is_told_in_files_alone_and_not_of_a_batch() -> None:
    mix = Mix(2, arrival="uniform", rate=4.0, app_size=Range(2, 2))
    [app] = draw(mix)

    told = [made.obj["metadata"]["annotations"] for made in pods(mix, app, tells_arrival=True)]
    silent = [made.obj["metadata"] for made in pods(mix, app, tells_arrival=False)]

    assert [one["isochrone.dev/arrives-after"] for one in told] == ["0.000s", "0.250s"]
    assert not any("annotations" in one for one in silent)


def test_a_priority_has_a_class_and_none_has_none() -> None:
    mix = Mix(1, priorities=((0, 1), (100, 1), (-5, 1)))

    made = [(one["metadata"]["name"], one["value"]) for one in priority_classes(mix)]

    assert made == [("podgen-minus-5", -5), ("podgen-100", 100)]


@pytest.mark.parametrize(
    ("wrong", "option", "fix"),
    [
        ({"number": 0}, "--number", "from 1"),
        ({"delays": 1.5, "references": ("a",)}, "--delays", "between 0 and 1"),
        ({"delays": float("nan"), "references": ("a",)}, "--delays", "between 0 and 1"),
        ({"delays": 0.5}, "--delays", "--to REF"),
        ({"references": ("a",)}, "--delays", "together with --to"),
        ({"affinity": 0.6, "anti_affinity": 0.6}, "--anti-affinity", "add up to 1"),
        ({"gangs": 0.1}, "--gangs", "larger share"),
        ({"gangs": 1.0, "gang_size": Range(0, 2)}, "--gang-size", "from 1"),
        ({"app_size": Range(0, 2)}, "--app-size", "from 1"),
        ({"within_us": Range(0, 9)}, "--within", "at least"),
        ({"priorities": ((1, 0.0),)}, "--priorities", "above 0"),
        ({"priorities": ((1, 2.0), (1, 3.0))}, "--priorities", "each once"),
        ({"priorities": ((2_000_000_000, 1.0),)}, "--priorities", "between"),
        ({"rate": 2.0}, "--rate", "--arrival poisson"),
        ({"arrival": "poisson"}, "--rate", "--rate 10"),
        ({"arrival": "uniform", "rate": float("inf")}, "--rate", "pods a second"),
        ({"arrival": "uniform", "rate": 0.0}, "--rate", "pods a second"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_by_the_options_name(
    wrong: dict[str, object], option: str, fix: str
) -> None:
    with pytest.raises(InputError) as refused:
        replace(Mix(10), **wrong)  # type: ignore[arg-type]

    assert option in refused.value.where
    assert fix in refused.value.fix
