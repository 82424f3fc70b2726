"""Our quantity parser beside the official client's (docs/decisions/0002)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils import parse_quantity as client_parse_quantity

from scheduler.domain.quantity import parse_quantity

NUMBERS = st.from_regex(r"[+-]?([0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9})", fullmatch=True)
SUFFIXES = st.sampled_from(
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
)
EXPONENTS = st.from_regex(r"[eE][+-]?[0-9]{1,2}", fullmatch=True)


@given(number=NUMBERS, scale=SUFFIXES | EXPONENTS)
def test_every_quantity_means_what_the_official_client_says(number: str, scale: str) -> None:
    text = number + scale

    assert parse_quantity(text) == Decimal(client_parse_quantity(text))


@given(text=st.text(alphabet="0123456789.+-eEinumkKMGTP _", max_size=8))
def test_what_we_accept_the_official_client_accepts_too(text: str) -> None:
    try:
        ours = parse_quantity(text)
    except ValueError:
        return

    assert ours == Decimal(client_parse_quantity(text))


@pytest.mark.parametrize(
    "text", ["", "abc", "1.5.2", "1 Gi", "Mi", "1_000", "NaN", "inf", "1KI", "\uff11"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)
