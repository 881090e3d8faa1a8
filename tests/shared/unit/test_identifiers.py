"""Plates and VINs as the standards write them, telephone numbers and e-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import (
    is_mobile,
    valid_email,
    valid_phone,
    valid_plate,
    valid_vin,
    vin_check_digit,
)

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize("plate", ["沪A12345", "京AD12345", "粤B·F123挂", "浙a1b2c3", "沪A12345D"])
def test_plates_of_the_standard_are_accepted(plate):
    assert valid_plate(plate)


@pytest.mark.parametrize("plate", ["", "A12345", "沪I12345", "沪A1234", "沪A1234567", "沪AO1234"])
def test_other_plates_are_refused(plate):
    with pytest.raises(ValueError, match="not a plate"):
        valid_plate(plate)


def test_a_published_vin_has_its_check_digit():
    assert vin_check_digit("1M8GDM9AXKP042788") == "X"
    assert valid_vin("1m8gdm9axkp042788") == "1M8GDM9AXKP042788"


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(ALPHABET))
def test_a_wrong_check_digit_is_refused(letters, place, other):
    vin = letters[:8] + vin_check_digit(letters) + letters[9:]
    assert valid_vin(vin) == vin
    wrong = vin[:place] + other + vin[place + 1 :]
    if wrong[8] == vin_check_digit(wrong):
        assert valid_vin(wrong) == wrong
    else:
        with pytest.raises(ValueError, match="check digit"):
            valid_vin(wrong)


@pytest.mark.parametrize("vin", ["", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1M8GDM9AXKP0427888"])
def test_other_vins_are_refused(vin):
    with pytest.raises(ValueError, match="not a VIN"):
        valid_vin(vin)


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


@given(mobiles)
def test_only_mobile_numbers_take_text_messages(mobile: str) -> None:
    assert is_mobile(mobile)
    assert not is_mobile(valid_phone("021-6888 1234"))


@pytest.mark.parametrize("text", ["a@b.cn", "li.ming+car@mail.example.com", "x_1@sub-domain.org"])
def test_usual_addresses_are_accepted(text: str) -> None:
    assert valid_email(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "@b.cn",
        "a b@c.cn",
        "a@b.cn\nBcc: x@y.cn",
        "李@b.cn",
        f"{'a' * 60}@{'b.' * 99}cn",
    ],
)
def test_addresses_that_could_carry_more_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        valid_email(text)
