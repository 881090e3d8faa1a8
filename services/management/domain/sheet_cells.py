"""Values in the cells of a sheet (单元格): how each kind of value is written and read.

What is written is read again as the same value. A code may also stand there as its word in one of
the languages, a number or a day as text, with full-width digits too.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from unicodedata import normalize

from services.management.domain.typed_days import day_of, month_of

Cell = str | int | float | bool | date | datetime | time | None
"""Content of a cell; an empty one has none, or an empty text."""

CellRule = Literal[
    "formula",
    "merged",
    "error_value",
    "missing",
    "blank",
    "not_a_text",
    "not_a_number",
    "not_whole",
    "too_many_decimals",
    "below_one_percent",
    "not_a_date",
    "not_a_month",
    "not_a_time",
    "not_yes_or_no",
    "not_in_list",
    "not_a_list",
]

_BLANKS = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?", re.ASCII)
_SEPARATORS, _BETWEEN_PARTS, _ESCAPE = ";；\n", "/", "\\"
_SPECIAL = re.compile(r"([;；\n/\\*×])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_YES, _NO = frozenset({"yes", "y", "true", "1", "是"}), frozenset({"no", "n", "false", "0", "否"})
DIGITS = 15
"""Significant digits of a number in a workbook."""
_LARGEST_EXPONENT = 30


class CellRefusedError(Exception):
    """A cell that does not hold what its column needs; ``expected`` is right for a part of it."""

    def __init__(self, rule: CellRule, expected: str = "") -> None:
        super().__init__(rule)
        self.rule, self.expected = rule, expected


def is_empty(cell: Cell) -> bool:
    """Return whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: Cell) -> str:
    """Return a cell as a person reads it; what is no character is replaced."""
    if cell is None:
        return ""
    if isinstance(cell, datetime) and cell.time() == time():
        cell = cell.date()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**DIGITS:
        cell = int(cell)
    return _NO_CHARACTER.sub("\ufffd", str(cell)).strip()


def plain(text: str) -> str:
    """Return a text with full-width characters as half-width ones, and no blanks around it."""
    return normalize("NFKC", text).strip()


def read_cell(form: "Form", cell: Cell) -> Any:
    """Return the value of a cell that is not empty.

    Raises:
        CellRefusedError: the cell holds something else, or no text that can be stored.
    """
    if isinstance(cell, str) and _NO_CHARACTER.search(cell):
        raise CellRefusedError("not_a_text")
    return form.read(cell)


class Form(ABC):
    """Form of the values of a column; ``expected`` is an example of what is right."""

    expected: str = ""
    choices: Sequence[str] = ()

    @abstractmethod
    def read(self, cell: Cell) -> Any:
        """Return the value, as it stands in JSON, of a cell that is not empty.

        Raises:
            CellRefusedError: the cell holds something else.
        """

    @abstractmethod
    def write(self, value: Any) -> Cell:
        """Return the cell for a value."""

    @property
    def codes(self) -> Mapping[str, Sequence[str]]:
        """The codes that may stand there, with their words."""
        return {}


@dataclass(frozen=True)
class Text(Form):
    """Text that people read, as it was typed."""

    expected: str = ""

    def read(self, cell: Cell) -> str:
        is_rounded = isinstance(cell, float) and abs(cell) >= 10**DIGITS
        if is_rounded or isinstance(cell, bool | date | time):
            raise CellRefusedError("not_a_text")
        return cell if isinstance(cell, str) else shown(cell)

    def write(self, value: str) -> Cell:
        return value


@dataclass(frozen=True)
class Name(Text):
    """Name of one thing for programs: half-width, without blanks."""

    def read(self, cell: Cell) -> str:
        return plain(super().read(cell))


@dataclass(frozen=True)
class Choice(Form):
    """One of a list of codes, each with its words."""

    words: Mapping[str, Sequence[str]]
    expected: str = field(init=False)
    choices: Sequence[str] = field(init=False)

    @property
    def codes(self) -> Mapping[str, Sequence[str]]:
        return self.words

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.words))
        object.__setattr__(self, "expected", ", ".join(self.words))

    def read(self, cell: Cell) -> str:
        typed = _BLANKS.sub(" ", plain(shown(cell))).casefold()
        for code, words in self.words.items():
            if typed in (code, *(plain(word).casefold() for word in words)):
                return code
        raise CellRefusedError("not_in_list", self.expected)

    def write(self, value: str) -> Cell:
        return value


@dataclass(frozen=True)
class Number(Form):
    """Number; ``of_unit`` smallest units, such as cents, are one of what is written.

    Their count is whole; without a unit it may have decimals. The unit may stand ``before`` the
    number. A percentage such as 13% is 13 where values stand ``in_percent``, and 0.13 where a
    number may have decimals; in percent, 0.13 alone is refused, as 13% may be meant.
    """

    of_unit: int | None = None
    expected: str = "1"
    before: str = ""
    in_percent: bool = False

    def read(self, cell: Cell) -> int | float:
        typed = plain(cell).removeprefix(self.before) if isinstance(cell, str) else cell
        with_sign = isinstance(typed, str) and typed.endswith("%")
        if isinstance(typed, str) and (self.in_percent or self.of_unit is None):
            typed = typed.removesuffix("%")
        number = _decimal(typed.strip() if isinstance(typed, str) else typed)
        if self.of_unit is None:
            return float(number / 100 if with_sign else number)
        if self.in_percent and not with_sign and 0 < number < 1:
            raise CellRefusedError("below_one_percent", f"{number * 100:f}%; {number:f}%")
        units = number * self.of_unit
        if units != units.to_integral_value():
            raise CellRefusedError("not_whole" if self.of_unit == 1 else "too_many_decimals")
        return int(units)

    def write(self, value: float) -> Cell:
        if self.of_unit in (None, 1):
            return _exact(value)
        written = float(Decimal(value) / self.of_unit)
        return f"{written}%" if self.in_percent and 0 < written < 1 else _exact(written)


@dataclass(frozen=True)
class Day(Form):
    """Day, as a date or as text."""

    expected: str = "2026-03-04"

    def read(self, cell: Cell) -> str:
        if isinstance(cell, datetime):
            found = cell.date() if cell.time() == time() else None
        else:
            found = cell if isinstance(cell, date) else day_of(plain(shown(cell)))
        if found is None:
            raise CellRefusedError("not_a_date")
        return found.isoformat()

    def write(self, value: str) -> Cell:
        return value


@dataclass(frozen=True)
class Month(Form):
    """Month, as text or as its first day, into which a spreadsheet turns it."""

    expected: str = "2026-03"

    def read(self, cell: Cell) -> str:
        if isinstance(cell, datetime):
            found = cell.date() if cell.time() == time() else None
        else:
            found = cell if isinstance(cell, date) else month_of(plain(shown(cell)))
        if found is None or found.day != 1:
            raise CellRefusedError("not_a_month")
        return f"{found:%Y-%m}"

    def write(self, value: str) -> Cell:
        return value


@dataclass(frozen=True)
class TimeOfDay(Form):
    """Time of day as the clocks of a store show it."""

    expected: str = "08:30"

    def read(self, cell: Cell) -> str:
        if isinstance(cell, time):
            return f"{cell:%H:%M}"
        if found := _TIME.fullmatch(plain(shown(cell))):
            return f"{int(found[1]):02}:{found[2]}"
        raise CellRefusedError("not_a_time")

    def write(self, value: str) -> Cell:
        return value


@dataclass(frozen=True)
class YesOrNo(Form):
    """Yes or no, in either language."""

    expected: str = "yes, no"
    choices: Sequence[str] = ("yes", "no")

    def read(self, cell: Cell) -> bool:
        typed = plain(shown(cell)).casefold()
        if typed not in _YES | _NO:
            raise CellRefusedError("not_yes_or_no")
        return typed in _YES

    def write(self, value: bool) -> Cell:
        return "yes" if value else "no"


@dataclass(frozen=True)
class Several(Form):
    """Several values, separated by semicolons or lines."""

    each: Form

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.each.expected}; …"

    @property
    def codes(self) -> Mapping[str, Sequence[str]]:
        return self.each.codes

    def read(self, cell: Cell) -> list[Any]:
        return [_read_inside(self.each, part) for part in _split(shown(cell), _SEPARATORS)]

    def write(self, value: Iterable[Any]) -> Cell:
        return "; ".join(_inside(self.each, part) for part in value)


@dataclass(frozen=True)
class Parts(Form):
    """Values of the fields of a part of the content, separated by strokes: ``a/b/c``."""

    fields: Mapping[str, Form]
    required: frozenset[str]

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "/".join(_example(form) for form in self.fields.values())

    def read(self, cell: Cell) -> dict[str, Any]:
        parts = list(_split(shown(cell), _BETWEEN_PARTS, keep_empty=True))
        if len(parts) != len(self.fields):
            raise CellRefusedError("not_a_list")
        read: dict[str, Any] = {}
        for (name, form), part in zip(self.fields.items(), parts, strict=True):
            if not is_empty(part):
                read[name] = _read_inside(form, part)
            elif name in self.required:
                read[name] = None
        return read

    def write(self, value: Mapping[str, Any]) -> Cell:
        return "/".join(
            "" if value[name] is None else _inside(form, value[name])
            for name, form in self.fields.items()
        )


@dataclass(frozen=True)
class Quantity(Form):
    """Values by a key, each as ``key*value``, separated by semicolons or lines."""

    each: Form

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"ABC-1*{self.each.expected}; …"

    def read(self, cell: Cell) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in _split(shown(cell), _SEPARATORS):
            pair = list(_split(part, "*×"))
            key = _unescaped(plain(pair[0])) if pair else ""
            if len(pair) != 2 or key in found:
                raise CellRefusedError("not_a_list")
            found[key] = _read_inside(self.each, pair[1])
        return found

    def write(self, value: Mapping[str, Any]) -> Cell:
        return "; ".join(f"{_escaped(key)}*{_inside(self.each, of)}" for key, of in value.items())


def _decimal(cell: Cell) -> Decimal:
    if isinstance(cell, float):
        cell = f"{cell:.{DIGITS}g}"
    if isinstance(cell, bool | date | time) or cell is None:
        raise CellRefusedError("not_a_number")
    typed = str(cell)
    if not _NUMBER.fullmatch(typed):
        raise CellRefusedError("not_a_number")
    try:
        number = Decimal(typed.replace(",", ""))
    except InvalidOperation:
        raise CellRefusedError("not_a_number") from None
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        raise CellRefusedError("not_a_number")
    return number


def _exact(number: float) -> Cell:
    """Return a number, as text where a workbook would round it."""
    return number if float(f"{number:.{DIGITS}g}") == number else repr(number)


def _example(form: Form) -> str:
    return form.choices[0] if form.choices else form.expected


def _inside(form: Form, value: Any) -> str:
    """Return a value inside a list, where separators are escaped unless the form is a list."""
    cell = form.write(value)
    return str(cell) if isinstance(form, Parts) else _escaped(shown(cell))


def _read_inside(form: Form, part: str) -> Any:
    """Read a value inside a list; a part of several fields takes the escaping away itself."""
    return form.read(part if isinstance(form, Parts) else _unescaped(part))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _split(text: str, separators: str, *, keep_empty: bool = False) -> Iterator[str]:
    """Split a text at separators that are not escaped; the escaping stays."""
    part, escaped = "", False
    for character in text:
        if escaped or character == _ESCAPE:
            part += character
            escaped = not escaped
        elif character in separators:
            yield from _part(part, keep_empty=keep_empty)
            part = ""
        else:
            part += character
    yield from _part(part, keep_empty=keep_empty)


def _part(part: str, *, keep_empty: bool) -> Iterator[str]:
    if keep_empty or part.strip():
        yield part.strip()
