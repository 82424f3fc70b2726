"""What the options of `make bench-live` choose, and what is said of a mistake."""

import pytest

from benchmarks.live.choice import Choice, read_choice

EVERYTHING = ("1000", "plain,mixed", "drain", "kube-scheduler")


def test_what_is_chosen_comes_in_its_own_order() -> None:
    chosen = read_choice("100,1000", "mixed,plain", "paced,drain", "kube-scheduler,isochrone")

    assert chosen == Choice(
        (100, 1000), ("plain", "mixed"), ("drain", "paced"), ("isochrone", "kube-scheduler")
    )


@pytest.mark.parametrize(
    ("option", "said", "answer"),
    [
        (0, "many", "--nodes many: give numbers above 0, as 1000,5000"),
        (0, "1000,0", "--nodes 1000,0: give numbers above 0, as 1000,5000"),
        (0, "5000,1000", "--nodes 5000,1000: nodes are only added; give the numbers in ascending"),
        (1, "plain,odd", "--scenarios: there is no odd; there are plain, spread, antiaffinity"),
        (2, "fast", "--modes: there is no fast; there are drain, arrival, paced"),
        (3, "volcano", "--schedulers: there is no volcano; there are isochrone, kube-scheduler"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(option: int, said: str, answer: str) -> None:
    texts = list(EVERYTHING)
    texts[option] = said

    found = read_choice(*texts)

    assert isinstance(found, str)
    assert found.startswith(answer)
