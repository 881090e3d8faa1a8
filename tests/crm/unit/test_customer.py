"""Telephone numbers and references."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.customer import References, register, valid_phone

NOW = datetime(2026, 3, 4, tzinfo=UTC)
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@given(mobiles)
def test_a_number_is_the_same_however_it_is_written(mobile: str) -> None:
    spaced = f"{mobile[:3]} {mobile[3:7]}-{mobile[7:]}"
    assert valid_phone(spaced) == valid_phone(f"+86 {spaced}") == valid_phone(mobile) == mobile


@given(st.text(max_size=20))
def test_what_is_accepted_is_digits(text: str) -> None:
    try:
        phone = valid_phone(text)
    except ValueError:
        return
    assert phone.isascii()
    assert phone.isdigit()


@pytest.mark.parametrize("text", ["", "110", "12345678901", "139000000011", "0-21", "13９00000000"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a telephone number"):
        valid_phone(text)


def test_only_new_references_are_news() -> None:
    first = References("c", "v", "p")
    assert register("S01", first, first, NOW) == []
    for known in (None, References("c", "v", "")):
        (event,) = register("S01", first, known, NOW)
        assert (event.customer_ref, event.vehicle_ref, event.plate_ref) == ("c", "v", "p")
