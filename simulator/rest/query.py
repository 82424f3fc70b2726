"""The options of a request: what stands after the question mark."""

from collections.abc import Mapping

from simulator.rest.answers import bad_request

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("", "0", "f", "F", "false", "FALSE", "False")
_LARGEST = 2**63 - 1


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a yes or no; no where it is not given.

    Raises
    ------
    Refused
        400 if it is neither.
    """
    text = query.get(name, "")
    if text not in _TRUE + _FALSE:
        raise bad_request(f'strconv.ParseBool: parsing "{text}": invalid syntax')
    return text in _TRUE


def number(query: Mapping[str, str], name: str) -> int | None:
    """Return a whole number from 0; None where it is not given.

    Raises
    ------
    Refused
        400 if it is no such number.
    """
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > _LARGEST:
        raise bad_request(f'{name}: "{text}" must be a whole number of at least 0')
    return int(text)
