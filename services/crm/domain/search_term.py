"""By what a person or a vehicle can be found (查找客户): whole values and their last signs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Literal, get_args

Source = Literal["name", "phone", "plate", "vin"]
"""姓名或单位名称, 电话, 车牌, 车架号."""

Match = Literal[
    "vin",
    "plate",
    "phone",
    "name",
    "vin_last_8",
    "vin_last_6",
    "plate_last_5",
    "phone_last_4",
    "plate_last_4",
    "plate_last_3",
    "name_part",
    "pinyin",
    "initials",
]
"""What a text is compared with; what matches first is listed first."""

RANKS = {match: rank for rank, match in enumerate(get_args(Match))}

_SHORT_NAME = 4
_MOST_READINGS = 24
_PLATE_LASTS: dict[int, Match] = {5: "plate_last_5", 4: "plate_last_4", 3: "plate_last_3"}
_VIN_LASTS: dict[int, Match] = {8: "vin_last_8", 6: "vin_last_6"}
_PARTS = re.compile(r"[\s·]+")
_SIGNS = re.compile(r"[A-Z0-9]+")
_LETTERS = re.compile(r"[a-z]+")
_DIGITS = re.compile(r"[0-9]+")
_SHORTEST_INITIALS = 2


@dataclass(frozen=True)
class Term:
    """A value with what it is; it is kept as a keyed hash alone."""

    match: Match
    value: str


def terms_of_name(name: str, readings: Sequence[Sequence[str]]) -> set[Term]:
    """Return by what a name is found: itself, its parts, its pinyin (拼音) and initials (首字母).

    ``readings`` are those of each sign of the name, the usual one first: none for what has none. Of
    a short name every reading is known, as surnames often have one of their own (曾, 单).
    """
    parts = [each for each in _PARTS.split(name.casefold()) if each]
    found = {Term("name", "".join(parts))}
    if len(parts) > 1:
        found |= {Term("name_part", each) for each in parts}
    said = [each for each in readings if each]
    if len(said) > _SHORT_NAME:
        said = [each[:1] for each in said]
    for syllables in islice(product(*said), _MOST_READINGS) if said else ():
        found.add(Term("pinyin", one_spelling("".join(syllables))))
        found.add(Term("initials", "".join(each[0] for each in syllables)))
    return found


def terms_of_phone(phone: str) -> set[Term]:
    """Return by what a telephone number is found: the whole of it, and its last four digits."""
    number = phone.partition(";")[0]
    return {Term("phone", phone), Term("phone_last_4", number[-4:])}


def terms_of_plate(plate: str) -> set[Term]:
    """Return by what a plate is found: the whole of it, and its last three to five signs."""
    signs = "".join(_SIGNS.findall(plate[1:]))
    lasts = {Term(match, signs[-count:]) for count, match in _PLATE_LASTS.items()}
    return {Term("plate", plate), *lasts}


def terms_of_vin(vin: str) -> set[Term]:
    """Return by what a VIN is found: the whole of it, and its last six and eight signs."""
    return {Term("vin", vin), *(Term(match, vin[-n:]) for n, match in _VIN_LASTS.items())}


def asked_terms(text: str) -> Iterator[Term]:
    """Yield what ``text`` may be a part of; whether it is a whole plate is asked elsewhere."""
    parts = [each for each in _PARTS.split(text.casefold()) if each]
    joined = "".join(parts)
    yield Term("name", joined)
    yield Term("name_part", joined)
    letters = one_spelling(joined)
    if _LETTERS.fullmatch(letters):
        yield Term("pinyin", letters)
        if len(letters) >= _SHORTEST_INITIALS:
            yield Term("initials", letters)
    signs = joined.upper()
    if _SIGNS.fullmatch(signs):
        for lasts in (_VIN_LASTS, _PLATE_LASTS):
            if match := lasts.get(len(signs)):
                yield Term(match, signs)
    if _DIGITS.fullmatch(joined) and len(joined) == len("0000"):
        yield Term("phone_last_4", joined)


def one_spelling(pinyin: str) -> str:
    """Return ``pinyin`` with one letter for ü: passports write yu, keyboards v."""
    return pinyin.replace("ü", "v").replace("lyu", "lv").replace("nyu", "nv")
