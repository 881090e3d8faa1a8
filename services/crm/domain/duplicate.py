"""Duplicates among the customers of a store (重复客户): which records may be one customer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Sign = Literal[
    "same_name",
    "same_reading",
    "name_one_off",
    "same_phone",
    "same_address",
    "phone_one_off",
    "same_vehicle",
    "same_plate",
]
"""同名、同音、姓名差一字或只写称谓、同一电话、同一邮箱或企业微信、电话差一位、同一车辆、同一车牌."""

_NAMES: Mapping[Sign, int] = {"same_name": 35, "same_reading": 28, "name_one_off": 22}
_CONTACTS: Mapping[Sign, int] = {"same_phone": 40, "same_address": 38, "phone_one_off": 27}
_VEHICLES: Mapping[Sign, int] = {"same_vehicle": 32, "same_plate": 25}

LEAST_SCORE = 60
"""Score from which two records are shown as a duplicate."""

_LEAST = 2
"""Signs of a name of which one may differ."""

_TITLES = ("先生", "女士", "小姐", "太太", "师傅", "经理", "老师", "总")


@dataclass(frozen=True)
class Pair:
    """Two customers of a store, and what they have in common."""

    first_ref: str
    second_ref: str
    signs: frozenset[Sign]

    @property
    def score(self) -> int:
        """How likely the two are one customer, 0 to 100 (相似度).

        Of the names, of the contact points and of the vehicles, what says most counts. Without
        names that are alike it is 0: families share telephone numbers and vehicles.
        """
        if not self.signs & _NAMES.keys():
            return 0
        return min(100, sum(self._most(of) for of in (_NAMES, _CONTACTS, _VEHICLES)))

    @property
    def is_shown(self) -> bool:
        return self.score >= LEAST_SCORE

    def _most(self, points: Mapping[Sign, int]) -> int:
        return max((points[sign] for sign in self.signs & points.keys()), default=0)


@dataclass(frozen=True)
class Known:
    """What is compared of a customer: the name, its readings (拼音), the telephone numbers."""

    name: str
    readings: frozenset[str]
    phones: frozenset[str]


def compared(pair: Pair, first: Known, second: Known) -> Pair:
    """Return the pair with the signs that names and telephone numbers add."""
    signs = set(pair.signs)
    if alike := _alike(first, second):
        signs.add(alike)
    if any(is_one_off(one, other) for one in first.phones for other in second.phones):
        signs.add("phone_one_off")
    return replace(pair, signs=frozenset(signs))


def is_one_off(one: str, other: str) -> bool:
    """Whether one sign is another, missing or too many, or two neighbors are exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    begin = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if begin is None:
        return True
    if len(one) == len(other):
        exchanged = one[:begin] + one[begin : begin + 2][::-1] + one[begin + 2 :]
        return one[begin + 1 :] == other[begin + 1 :] or exchanged == other
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[begin + 1 :] == shorter[begin:]


def refs_of(pairs: Collection[Pair]) -> Sequence[str]:
    """Return the customers of the pairs, each once."""
    return sorted({ref for pair in pairs for ref in (pair.first_ref, pair.second_ref)})


def _alike(first: Known, second: Known) -> Sign | None:
    one, other = first.name.casefold(), second.name.casefold()
    if one == other:
        return "same_name"
    if first.readings & second.readings:
        return "same_reading"
    if (
        _titled(one, other)
        or _titled(other, one)
        or (len(one) >= _LEAST and is_one_off(one, other))
    ):
        return "name_one_off"
    return None


def _titled(one: str, other: str) -> bool:
    """Whether ``one`` is a surname with a title (王先生) that ``other`` may have."""
    for title in _TITLES:
        surname = one.removesuffix(title)
        if surname and surname != one and other.startswith(surname):
            return True
    return False
