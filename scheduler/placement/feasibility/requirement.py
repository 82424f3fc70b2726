"""Whether the value of a label meets a requirement: apimachinery's ``labels.Requirement``."""

import re

from scheduler.domain.selector import Requirement

_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")
_LIMIT = 1 << 63


def meets(requirement: Requirement, value: str | None) -> bool:
    """Whether a label's value, None without the label, is what a requirement asks for."""
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement, value)


def _compares(requirement: Requirement, value: str | None) -> bool:
    """Gt and Lt compare whole numbers; anything else does not match."""
    if value is None or len(requirement.values) != 1:
        return False
    here, bound = whole_number(value), whole_number(requirement.values[0])
    if here is None or bound is None:
        return False
    return here > bound if requirement.operator == "Gt" else here < bound


def whole_number(text: str, form: re.Pattern[str] = _WHOLE) -> int | None:
    """Return a number of 64 bits, None for anything else.

    Parameters
    ----------
    text
        To read. Python's `int` alone takes ``1_0`` and other scripts too.
    form
        What it has to look like; by default what Go's ``strconv.ParseInt`` takes.
    """
    number = int(text) if form.fullmatch(text) else _LIMIT
    return number if -_LIMIT <= number < _LIMIT else None
