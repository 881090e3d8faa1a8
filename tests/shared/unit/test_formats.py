"""Plates and VINs as the standards write them, telephone numbers and e-mail addresses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats import (
    confirmed_vin,
    dialed,
    has_check_digit,
    is_mobile,
    plate_kind,
    valid_email,
    valid_phone,
    valid_plate,
    valid_vin,
    vin_check_digit,
)

ALPHABET = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
WIDE = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize("plate", ["沪A12345", "京AD12345", "粤B·F123挂", "浙a1b2c3", "沪A12345D"])
def test_standard_plate_is_accepted(plate: str) -> None:
    assert valid_plate(plate)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("沪A12345", None),
        ("沪AD12345", None),
        ("使014578", "embassy"),
        ("沪A0023领", "consulate"),
        ("云S0001应急", "emergency"),
        ("粤B1234试", "test"),
        ("粤B1234超", "oversize"),
        ("粤B12345临", "temporary"),
        ("沪A1234学", "learner"),
        ("沪A1234警", "police"),
        ("粤ZF123港", "hong_kong"),
        ("粤ZF123澳", "macao"),
        ("粤BF123挂", "trailer"),
        ("WJ京1234X", "armed_police"),
        ("WJ01-12345", "armed_police"),
        ("VA12345", "military"),
        ("LSVAA4180N0000001", "unregistered"),
    ],
)
def test_special_plate_has_its_kind(written: str, kind: str | None) -> None:
    assert plate_kind(valid_plate(written)) == kind


@pytest.mark.parametrize(
    "written",
    [
        "京Ａ１２３４５",
        "京A·12345",
        "京A•12345",
        "京A‧12345",
        "京A・12345",
        " 京a\u200b-123 45\ufeff",
    ],
)
def test_plate_is_normalized_from_any_format(written: str) -> None:
    assert valid_plate(written) == "京A12345"


@pytest.mark.parametrize(
    "written", ["1M8GDM9AX KP042788", "\u200b1m8gdm9a－xkp042788", "１M8GDM9AXKP042788"]
)
def test_vin_is_normalized_from_any_format(written: str) -> None:
    assert valid_vin(written) == "1M8GDM9AXKP042788"


@pytest.mark.parametrize(
    "plate", ["", "A12345", "沪I12345", "沪A1234", "沪A1234567", "沪AO1234", "1" * 17]
)
def test_invalid_plate_is_rejected(plate: str) -> None:
    with pytest.raises(ValueError, match="not a plate"):
        valid_plate(plate)


def test_vin_check_digit_matches_published_example() -> None:
    assert vin_check_digit("1M8GDM9AXKP042788") == "X"
    assert valid_vin("1m8gdm9axkp042788") == "1M8GDM9AXKP042788"


@given(st.text(ALPHABET, min_size=17, max_size=17), st.booleans())
def test_wrong_check_digit_needs_confirmation(letters: str, confirmed: bool) -> None:
    vin = letters[:8] + vin_check_digit(letters) + letters[9:]
    assert confirmed_vin(vin, confirmed) == vin
    if has_check_digit(letters) or confirmed:
        assert confirmed_vin(letters, confirmed) == letters
    else:
        with pytest.raises(ValueError, match="check digit"):
            confirmed_vin(letters, confirmed)


@pytest.mark.parametrize("vin", ["WVGZZZ5NZJM000001", "WF0KXXGCBKB000001"])
def test_european_vin_is_accepted_once_confirmed(vin: str) -> None:
    assert confirmed_vin(valid_vin(vin), confirmed=True) == vin


@pytest.mark.parametrize("vin", ["1" * 17, "0" * 17])
def test_vin_of_equal_characters_is_rejected(vin: str) -> None:
    with pytest.raises(ValueError, match="17 times"):
        valid_vin(vin)


@pytest.mark.parametrize("vin", ["", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1M8GDM9AXKP0427888"])
def test_invalid_vin_is_rejected(vin: str) -> None:
    with pytest.raises(ValueError, match="not a VIN"):
        valid_vin(vin)


@given(mobiles, st.data())
def test_mobile_number_is_normalized_from_any_format(mobile: str, data: st.DataObject) -> None:
    digits = data.draw(st.sampled_from([mobile, mobile.translate(WIDE)]))
    spaced = f"{digits[:3]} {digits[3:7]}-{digits[7:]}"
    prefix = data.draw(st.sampled_from(["", "0", "86", "+86 ", "0086", "+86(0)", "\u200b＋86"]))
    assert valid_phone(prefix + spaced) == f"+86{mobile}"


@pytest.mark.parametrize(
    ("written", "inside", "spoken"),
    [
        ("010-12345678转801", "+861012345678;ext=801", ("010 1234 5678", "801")),
        ("(010) 12345678 ext. 801", "+861012345678;ext=801", ("010 1234 5678", "801")),
        ("010-12345678-801", "+861012345678;ext=801", ("010 1234 5678", "801")),
        ("(010)12345678-801", "+861012345678;ext=801", ("010 1234 5678", "801")),
        ("010-1234-5678", "+861012345678", ("010 1234 5678", "")),
        ("+86 10 12345678 分机801", "+861012345678;ext=801", ("010 1234 5678", "801")),
        ("021-6888 1234", "+862168881234", ("021 6888 1234", "")),
        ("400-820-0000", "+864008200000", ("400 820 0000", "")),
        ("+852 9123 4567", "+85291234567", ("+852 9123 4567", "")),
        ("+49 30 901820", "+4930901820", ("+49 30 901820", "")),
    ],
)
def test_phone_number_has_one_internal_format(
    written: str, inside: str, spoken: tuple[str, str]
) -> None:
    assert valid_phone(written) == valid_phone(inside) == inside
    assert (dialed(inside), is_mobile(inside)) == (spoken, False)


@given(st.text(max_size=20))
def test_accepted_phone_number_matches_internal_format(text: str) -> None:
    try:
        phone = valid_phone(text)
    except ValueError:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{5,14}(;ext=[0-9]{1,20})?", phone)
    assert valid_phone(phone) == phone


@pytest.mark.parametrize("text", ["", "110", "12345678", "12345678901", "139000000011", "0-21"])
def test_invalid_phone_number_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not a telephone number"):
        valid_phone(text)


@given(mobiles)
def test_mainland_mobile_accepts_text_messages(mobile: str) -> None:
    assert is_mobile(valid_phone(mobile))


@pytest.mark.parametrize("text", ["a@b.cn", "li.ming+car@mail.example.com", "x_1@sub-domain.org"])
def test_common_email_address_is_accepted(text: str) -> None:
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
def test_email_address_with_injection_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        valid_email(text)
