"""Names beside points, none over another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CHARACTER_PX = 7.2
_LINE_PX = 14.0

Box = tuple[float, float, float, float]
"""Left, upper, right, lower edge, pixels."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside what it names: a thing at (x, y) that reaches so far to each side, pixels."""

    text: str
    x: float
    y: float
    reach_x: float
    reach_y: float


def without_overlaps(
    labels: Sequence[Label], frame: Box, *, is_beside: bool
) -> Iterator[tuple[Label, float, float]]:
    """Yield labels with the left end of their base line; those without a free place are left out.

    Parameters
    ----------
    labels
        The most important first.
    frame
        What a label must lie within.
    is_beside
        Whether right and left of a thing are better places than above and below.
    """
    taken = [
        (at.x - at.reach_x, at.y - at.reach_y, at.x + at.reach_x, at.y + at.reach_y)
        for at in labels
    ]
    for label in labels:
        for box in _places(label, is_beside=is_beside):
            is_inside = frame[0] < box[0] and box[2] < frame[2] and frame[1] < box[1]
            if is_inside and box[3] < frame[3] and not any(_meet(box, one) for one in taken):
                taken.append(box)
                yield label, box[0], box[3] - 3
                break


def _places(label: Label, *, is_beside: bool) -> list[Box]:
    width, half = len(label.text) * _CHARACTER_PX, _LINE_PX / 2
    x, y = label.x, label.y
    right, left = x + label.reach_x, x - label.reach_x
    lower, upper = y + label.reach_y, y - label.reach_y
    beside = [(right, y - half, right + width, y + half), (left - width, y - half, left, y + half)]
    along = [
        (x - width / 2, upper - _LINE_PX, x + width / 2, upper),
        (x - width / 2, lower, x + width / 2, lower + _LINE_PX),
    ]
    return [*beside, *along] if is_beside else [*along, *beside]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
