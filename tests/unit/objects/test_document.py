"""YAML text as trees: what is read, and what is refused before it does harm."""

import pytest

from scheduler.domain.errors import InputError
from scheduler.objects.document import read_documents


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing", []),
        ("---\n---\nx", [None, "x"]),
        ("a: 25", [{"a": 25}]),
        ("a: '25'", [{"a": "25"}]),
        ("a: 2.50", [{"a": "2.50"}]),
        ("a: 1:30", [{"a": "1:30"}]),
        ("a: 010", [{"a": "010"}]),
        ("a: 1_000", [{"a": "1_000"}]),
        ("a: 2026-01-31", [{"a": "2026-01-31"}]),
        ("a: .nan", [{"a": ".nan"}]),
        ("a: on", [{"a": True}]),
        ("on: a", [{"on": "a"}]),
        ("1: a", [{"1": "a"}]),
        ("a: ~", [{"a": None}]),
        ("a:", [{"a": None}]),
        ("a: !!str 25", [{"a": "25"}]),
        ('{"a": [1, true, null, "x"]}', [{"a": [1, True, None, "x"]}]),
        ("a: &x {b: 1}\nc: *x", [{"a": {"b": 1}, "c": {"b": 1}}]),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}", [{"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}]),
        ("a: b\r\nc: d\r\n", [{"a": "b", "c": "d"}]),
    ],
)
def test_documents_are_read_as_they_were_meant(text: str, expected: list[object]) -> None:
    assert read_documents(text, "f") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", 'f:2: gives the key "a" twice'),
        ("a: b: c", "f:1: is not YAML"),
        ("a:\n\t- b", "f:2: is not YAML"),
        ("a: [1", "is not YAML"),
        ("a\0b", "f: is not YAML"),
        ("a: *b", "f:1: uses the alias *b"),
        ("&a [*a]", "f:1: uses the alias *a"),
        ("? [a]\n: b", "f:1: has a collection as a key"),
        ("a: !!python/object:os.system x", "has the tag tag:yaml.org,2002:python/object:os.system"),
        ("a: !!binary aGk=", "has the tag tag:yaml.org,2002:binary"),
        ("<<: 3", "f:1: merges (<<) what is not a mapping"),
        ("- " * 101 + "x", "nests deeper than 100 levels"),
        (bomb(8), "aliases that stand for more than 1000000 values"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_documents(text, "f")

    assert said in str(caught.value)


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_a_text_of_brackets_does_not_overflow_the_stack(bracket: str) -> None:
    with pytest.raises(InputError, match="nests deeper"):
        read_documents(bracket * 200_000, "f")
