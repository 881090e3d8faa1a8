"""Formats of a vehicle's plate (GA 36) and VIN (GB 16735, ISO 3779), and of the numbers and
addresses by which a person is reached."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z]"
    r"(?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]"
    r"|[DFABCEGHJK][A-HJ-NP-Z0-9][0-9]{4}"
    r"|[0-9]{5}[DFABCEGHJK])"
)
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[1-9][0-9]{8,10}")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"
)
_LONGEST_EMAIL = 254


def vin_check_digit(vin: str) -> str:
    """The digit that belongs at the ninth place of ``vin``."""
    total = sum(
        weight * (_VIN_VALUES[letter] if letter in _VIN_VALUES else int(letter))
        for letter, weight in zip(vin, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11]


def valid_plate(text: str) -> str:
    """``text`` as a plate (车牌号) in capitals without separators.

    Raises:
        ValueError: not a mainland plate: province, letter, then five characters or six for new
            energy; no I or O.
    """
    plate = re.sub(r"[\s·.-]", "", text).upper()
    if not _PLATE.fullmatch(plate):
        raise ValueError("not a plate: province, letter, then 5 characters (6 for new energy)")
    return plate


def valid_vin(text: str) -> str:
    """``text`` as a VIN (车架号) in capitals.

    Raises:
        ValueError: not 17 characters of the alphabet without I, O, Q, or a wrong check digit.
    """
    vin = text.strip().upper()
    if not _VIN.fullmatch(vin):
        raise ValueError("not a VIN: 17 letters and digits without I, O and Q")
    if vin[8] != vin_check_digit(vin):
        raise ValueError(f"not a VIN: check digit {vin[8]} should be {vin_check_digit(vin)}")
    return vin


def valid_phone(text: str) -> str:
    """``text`` as a mainland telephone number (电话), digits only, without the country code.

    Raises:
        ValueError: neither a mobile number of 11 digits nor a landline with its area code.
    """
    phone = re.sub(r"[\s()-]", "", text)
    phone = re.sub(r"^(\+|00)86", "", phone)
    if not (_MOBILE.fullmatch(phone) or _LANDLINE.fullmatch(phone)):
        raise ValueError("not a telephone number: 11 digits, or area code and number")
    return phone


def is_mobile(phone: str) -> bool:
    """Whether a valid ``phone`` takes text messages (手机)."""
    return _MOBILE.fullmatch(phone) is not None


def valid_email(text: str) -> str:
    """``text`` as an address (电子邮箱) that SMTP servers take without extensions.

    Raises:
        ValueError: no local part and domain, or longer than 254 characters.
    """
    if not _EMAIL.fullmatch(text) or len(text) > _LONGEST_EMAIL:
        raise ValueError("not an e-mail address: name@domain in plain letters")
    return text


Plate = Annotated[str, Field(max_length=40), AfterValidator(valid_plate)]
Vin = Annotated[str, Field(max_length=40), AfterValidator(valid_vin)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(valid_phone)]
Email = Annotated[str, Field(max_length=_LONGEST_EMAIL), AfterValidator(valid_email)]
