"""Formats of plates and papers, brought into one form.

Covers names, plates (GA 36 and older), VINs (GB 16735, ISO 3779), telephone numbers (E.164) and
e-mail addresses.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Literal

import phonenumbers
from phonenumbers import PhoneNumberFormat
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

PlateKind = Literal[
    "trailer",
    "learner",
    "police",
    "hong_kong",
    "macao",
    "test",
    "oversize",
    "consulate",
    "temporary",
    "emergency",
    "embassy",
    "armed_police",
    "military",
    "unregistered",
]
"""挂车、教练车、警车、港、澳、试验车、超限车、领馆、临时、应急救援、使馆、武警、军车、未上牌（以车架号代替）."""

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SIGN = "[A-HJ-NP-Z0-9]"
_PLACE = f"[{_PROVINCES}][A-HJ-NP-Z]"
_VIN_SIGNS = "[A-HJ-NPR-Z0-9]{17}"
_USUAL_PLATE = re.compile(
    rf"{_PLACE}(?:{_SIGN}{{5}}|[DFABCEGHJK]{_SIGN}[0-9]{{4}}|[0-9]{{5}}[DFABCEGHJK])"
)
_SPECIAL_PLATES: Mapping[PlateKind, str] = {
    "trailer": f"{_PLACE}{_SIGN}{{4}}挂",
    "learner": f"{_PLACE}{_SIGN}{{4}}学",
    "police": f"{_PLACE}{_SIGN}{{4}}警",
    "hong_kong": f"{_PLACE}{_SIGN}{{4}}港",
    "macao": f"{_PLACE}{_SIGN}{{4}}澳",
    "test": f"{_PLACE}{_SIGN}{{4}}试",
    "oversize": f"{_PLACE}{_SIGN}{{4}}超",
    "consulate": f"{_PLACE}{_SIGN}{{4}}领",
    "temporary": f"{_PLACE}{_SIGN}{{4,5}}临",
    "emergency": f"{_PLACE}{_SIGN}{{4}}应急",
    "embassy": "使[0-9]{6}",
    "armed_police": f"WJ(?:[{_PROVINCES}]|[0-3][0-9])[0-9]{{4}}[0-9BDHJSTX]",
    "military": "[BCEGHJKLNSVZ][A-HJ-PR-Y][0-9]{5}",
    "unregistered": rf"(?!(.)\1+$){_VIN_SIGNS}",
}
_VIN = re.compile(_VIN_SIGNS)
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)

_HOME, _HOME_CODE = "CN", 86
_HOME_NUMBER = re.compile(r"1[3-9][0-9]{9}|10[0-9]{8}|2[0-9]{9}|[3-9][0-9]{9,10}")
_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
_EXTENSION = re.compile(r"转|轉|分机|;ext=")
_DASHED_EXTENSION = re.compile(r"(\(?0\d{2,3}\)?[\s-]*\d{7,8})-(\d{1,6})")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"
)
_LONGEST_EMAIL = 254

_FORMAT_CHARACTER = "Cf"
_SEPARATING = ("Zs", "Zl", "Zp", "Pd")
_SEPARATORS = "\t\r\n.·•‧・∙⋅"

_DOT = "·"
_NAME_DOTS = re.compile(r"\s*[·•‧・∙⋅]\s*|(?<=[^\x00-\u02ff])\s*\.\s*(?=[^\x00-\u02ff])")


def _later_encoded() -> dict[int, str]:
    """Return the characters that GB 18030 first had in the private-use area, by their old place."""
    places = [bytes((0xFE, low)) for low in (*range(0x50, 0x7F), *range(0x80, 0xA1))]
    standard = {0xE815 + number: place.decode("gb18030") for number, place in enumerate(places)}
    later = (
        "E816:20087 E817:20089 E818:200CC E81E:9FB4 E826:9FB5 E82B:9FB6 E82C:9FB7 E831:215D7 "
        "E832:9FB8 E83B:2298F E843:9FB9 E854:9FBA E855:241FE E864:9FBB"
    )
    moved = (pair.split(":") for pair in later.split())
    return standard | {int(old, 16): chr(int(new, 16)) for old, new in moved}


_LATER_ENCODED = _later_encoded()


def usual_form(text: str) -> str:
    """Return ``text`` in its usual typed form (NFKC), without invisible characters.

    Characters of old systems' private-use area (GB 18030) have their later code points.
    """
    normalized = unicodedata.normalize("NFKC", text.translate(_LATER_ENCODED))
    return "".join(each for each in normalized if unicodedata.category(each) != _FORMAT_CHARACTER)


def _joined(text: str) -> str:
    """Return ``text`` in its usual form, in capitals, without blanks, dashes and dots."""
    return "".join(
        each
        for each in usual_form(text).upper()
        if each not in _SEPARATORS and unicodedata.category(each) not in _SEPARATING
    )


def valid_name(text: str) -> str:
    """Return ``text`` as a name (姓名) in its usual form, with one kind of dot between its parts.

    Raises:
        ValueError: nothing visible is left of it.
    """
    name = " ".join(_NAME_DOTS.sub(_DOT, usual_form(text)).split())
    if not name:
        raise ValueError("not a name: nothing visible")
    return name


def vin_check_digit(vin: str) -> str:
    """Return the check digit for the ninth place of ``vin``."""
    total = sum(
        weight * (_VIN_VALUES[letter] if letter in _VIN_VALUES else int(letter))
        for letter, weight in zip(vin, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11]


def has_check_digit(vin: str) -> bool:
    """Return whether the ninth place of ``vin`` holds its check digit.

    Only China and North America require one.
    """
    return vin[8] == vin_check_digit(vin)


def valid_plate(text: str) -> str:
    """Return ``text`` as a plate (车牌号) in capitals without separators.

    A vehicle that has no plate yet uses its VIN.

    Raises:
        ValueError: no mainland plate of any kind.
    """
    plate = _joined(text)
    if not _USUAL_PLATE.fullmatch(plate) and plate_kind(plate) is None:
        raise ValueError("not a plate: province, letter, then 5 characters (6 for new energy)")
    return plate


def plate_kind(plate: str) -> PlateKind | None:
    """Return the special kind of a valid ``plate``; None for a usual one."""
    kinds = (kind for kind, pattern in _SPECIAL_PLATES.items() if re.fullmatch(pattern, plate))
    return next(kinds, None)


def valid_vin(text: str) -> str:
    """Return ``text`` as a VIN (车架号) in capitals without separators.

    Its check digit may be wrong.

    Raises:
        ValueError: not 17 characters of the alphabet without I, O, Q, or a placeholder.
    """
    vin = _joined(text)
    if not _VIN.fullmatch(vin):
        raise ValueError("not a VIN: 17 letters and digits without I, O and Q")
    if len(set(vin)) == 1:
        raise PydanticCustomError("vin_placeholder", "not a VIN: one character 17 times")
    return vin


def confirmed_vin(vin: str, confirmed: bool) -> str:
    """Return ``vin``, which a user has compared with the vehicle where its check digit is wrong.

    Raises:
        ValueError: no user has.
    """
    if not confirmed and not has_check_digit(vin):
        raise PydanticCustomError(
            "vin_check_digit",
            "check digit {found} should be {expected}; confirm it if the vehicle says so",
            {"found": vin[8], "expected": vin_check_digit(vin)},
        )
    return vin


def valid_phone(text: str) -> str:
    """Return ``text`` as a telephone number (电话) in E.164, with ``;ext=`` for an extension.

    Numbers without a country code are mainland ones.

    Raises:
        ValueError: no such number can be called.
    """
    try:
        usual = _EXTENSION.sub(" ext ", usual_form(text).strip())
        if dashed := _DASHED_EXTENSION.fullmatch(usual):
            usual = " ext ".join(dashed.groups())
        number = phonenumbers.parse(usual, _HOME)
    except phonenumbers.NumberParseException:
        raise ValueError("not a telephone number: 11 digits, or area code and number") from None
    national = phonenumbers.national_significant_number(number)
    at_home = number.country_code == _HOME_CODE and _HOME_NUMBER.fullmatch(national)
    if not (at_home or phonenumbers.is_valid_number(number)):
        raise ValueError("not a telephone number: 11 digits, or area code and number")
    extension = f";ext={number.extension}" if number.extension else ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


def is_mobile(phone: str) -> bool:
    """Return whether a valid ``phone`` takes text messages: a mainland mobile number (手机)."""
    return _MOBILE.fullmatch(phone) is not None


def dialed(phone: str) -> tuple[str, str]:
    """Return a valid ``phone`` as dialed from the mainland, and its extension, if any."""
    number = phonenumbers.parse(phone, _HOME)
    extension, number.extension = number.extension or "", None
    at_home = number.country_code == _HOME_CODE
    form = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form), extension


def valid_email(text: str) -> str:
    """Return ``text`` as an address (电子邮箱) that SMTP servers take without extensions.

    Raises:
        ValueError: no local part and domain, or longer than 254 characters.
    """
    if not _EMAIL.fullmatch(text) or len(text) > _LONGEST_EMAIL:
        raise ValueError("not an e-mail address: name@domain in plain letters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(valid_name)]
Plate = Annotated[str, Field(max_length=40), AfterValidator(valid_plate)]
Vin = Annotated[str, Field(max_length=40), AfterValidator(valid_vin)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(valid_phone)]
Email = Annotated[str, Field(max_length=_LONGEST_EMAIL), AfterValidator(valid_email)]
