"""Sheets of master data (表格): the columns of a kind follow from its model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from services.management.domain.kinds import KINDS, Kind
from services.management.domain.sheet_cells import (
    Cell,
    Choice,
    Day,
    Form,
    Month,
    Name,
    Number,
    Parts,
    Quantity,
    Several,
    Text,
    TimeOfDay,
    YesOrNo,
    plain,
)
from services.management.domain.sheet_words import (
    CODE,
    CODED_FIELDS,
    CODED_KEYS,
    FIELDS,
    MONTH,
    OWNER,
    TITLES,
    UNITS,
    Words,
)
from shared.contracts.base import DAY_PATTERN, TIME_PATTERN

SheetKind = Literal[
    "store",
    "person",
    "bay",
    "operation",
    "part",
    "part_price",
    "operation_price",
    "labor_rate",
    "monthly_costs",
]
"""Kinds that have a sheet: 门店、员工、工位、维修项目、备件、备件价、项目价、工时单价、月度成本."""

SHEET_KINDS: Sequence[SheetKind] = get_args(SheetKind)

Schema = Mapping[str, Any]

_OF_UNIT = {"cents": 100, "bp": 100}
_EXAMPLES = {"cents": "128.50", "bp": "13"}
_PRICED = {"part_price": "OIL-5W30", "operation_price": "MNT-001", "labor_rate": "mechanical"}
_CODES = {"unit": "piece, liter, bottle, set, kg", "shift": "early", "networks": "10.1.0.0/24"}
_BEFORE = {"cents": "¥"}
_BY_MONTH = "monthly_costs"


@dataclass(frozen=True, eq=False)
class Column:
    """Column for the field at ``path`` in the content, or for the code or the owner of a record.

    ``bounds`` are those of its values, as a person reads them.
    """

    path: tuple[str, ...]
    words: Words
    form: Form
    required: bool = False
    bounds: str = ""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def heading(self) -> str:
        return " / ".join(self.words)

    @property
    def expected(self) -> str:
        """What is right, as an example or a list, with the bounds."""
        if self.form.expected and self.bounds:
            return f"{self.form.expected} ({self.bounds})"
        return self.form.expected or self.bounds

    def write(self, content: Mapping[str, Any]) -> Cell:
        """Return the cell of a record, whose content is given as JSON."""
        value: Any = content
        for part in self.path:
            value = value.get(part) if value is not None else None
        return None if value is None or value in ([], {}) else self.form.write(value)

    @property
    def known_as(self) -> frozenset[str]:
        """Headings under which the column is found."""
        return frozenset(as_heading(each) for each in (self.heading, *self.words, self.name))


CODE_COLUMN = Column(("code",), CODE, Name("ABC-1"), required=True)
MONTH_COLUMN = Column(CODE_COLUMN.path, MONTH, Month(), required=True)
OWNER_COLUMN = Column(("for_store",), OWNER, Name("S01"))


@dataclass(frozen=True)
class Sheet:
    """Sheet of a kind: first the code of a record and, where stores decide, the store."""

    kind: Kind

    @property
    def title(self) -> str:
        return " ".join(TITLES[self.kind.name])

    @property
    def code_column(self) -> Column:
        return MONTH_COLUMN if self.kind.name == _BY_MONTH else CODE_COLUMN

    @cached_property
    def columns(self) -> Sequence[Column]:
        schema = self.kind.content.model_json_schema()
        own = [OWNER_COLUMN] if self.kind.collection.decided_by != "group" else []
        return [self.code_column, *own, *_columns(schema, schema.get("$defs", {}))]

    @cached_property
    def fields(self) -> Sequence[Column]:
        """The columns of the content."""
        return [each for each in self.columns if each not in (self.code_column, OWNER_COLUMN)]

    def content(self, values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
        """Return the content of the values of fields by their paths; an absent one is left out."""
        content: dict[str, Any] = {"kind": self.kind.name}
        for column in self.fields:
            inside = content
            for part in column.path[:-1]:
                inside = inside.setdefault(part, {})
            if column.path in values:
                inside[column.path[-1]] = values[column.path]
        return content

    def cells(self, code: str, for_store: str | None, content: Mapping[str, Any]) -> list[Cell]:
        """Return the cells of a record, whose content is given as JSON."""
        written = {self.code_column: self.short(code), OWNER_COLUMN: for_store}
        return [
            written[column] if column in written else column.write(content)
            for column in self.columns
        ]

    def expected(self, column: Column) -> str:
        """Return what is right in a column; a price of the group names its list before the item."""
        item = _PRICED.get(self.kind.name)
        if item is None or column is not self.code_column:
            return column.expected
        return (
            f"集团：价目表:项目，如 qiyue:{item}；门店：{item} / "
            f"Group: price list:item, such as qiyue:{item}; store: {item}"
        )

    def short(self, code: str) -> str:
        """Return a code as it stands in the sheet, without the kind."""
        return code.removeprefix(self.prefix)

    def whole(self, code: str) -> str:
        """Return the code of a record."""
        return self.prefix + code

    @cached_property
    def prefix(self) -> str:
        """The beginning of the codes of records where a collection has several kinds."""
        others = [each for each in KINDS.values() if each.collection is self.kind.collection]
        return f"{self.kind.name}:" if len(others) > 1 else ""


SHEETS: Mapping[str, Sheet] = {kind: Sheet(KINDS[kind]) for kind in SHEET_KINDS}


def as_heading(text: str) -> str:
    """Return a heading without what people may type differently."""
    return "".join(plain(text).casefold().split())


def kind_titled(title: str) -> SheetKind | None:
    """Return the kind whose sheet has this title."""
    wanted = as_heading(title)
    for kind in SHEET_KINDS:
        if wanted in {as_heading(each) for each in (kind, SHEETS[kind].title, *TITLES[kind])}:
            return kind
    return None


def kinds_headed(headings: Iterable[str]) -> Sequence[SheetKind]:
    """Return the kinds whose sheets have most of these headings, and the fewest others."""
    typed = {as_heading(each) for each in headings}
    lacking: dict[SheetKind, tuple[int, int]] = {}
    for kind in SHEET_KINDS:
        known = sum(not typed.isdisjoint(each.known_as) for each in SHEETS[kind].columns)
        if known > len(typed) / 2:
            lacking[kind] = len(typed) - known, len(SHEETS[kind].columns) - known
    fewest = min(lacking.values(), default=None)
    return [kind for kind, count in lacking.items() if count == fewest]


def in_unit(path: Iterable[str | int], number: float) -> str:
    """Return a number of the field at ``path`` as a person writes it, such as cents in yuan."""
    units = (str(part).rpartition("_")[2] for part in path)
    return f"{number / next((_OF_UNIT[unit] for unit in units if unit in _OF_UNIT), 1):,.12g}"


def _columns(
    schema: Schema,
    parts: Mapping[str, Schema],
    within: tuple[str, ...] = (),
    *,
    needed: bool = True,
) -> Iterator[Column]:
    """Yield the columns of the fields of a model; each field of a model inside it has its own."""
    required = schema.get("required", ())
    for name, given in schema["properties"].items():
        if name == "kind":
            continue
        path, described = (*within, name), _described(given, parts)
        is_needed = needed and name in required
        if "properties" in described:
            yield from _columns(described, parts, path, needed=is_needed)
        elif name in CODED_KEYS:
            form, bounds = _by_key(name, described, parts)
            for code, words in CODED_KEYS[name].items():
                yield Column((*path, code), _words(path, form, words), form, bounds=bounds)
        else:
            form = _form(name, described, parts)
            yield Column(path, _words(path, form), form, is_needed, _bounds(name, described))


def _described(given: Schema, parts: Mapping[str, Schema]) -> Schema:
    """Return the schema of a value without what says that it may be absent."""
    for alternative in given.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _described(alternative, parts)
    return parts[given["$ref"].rpartition("/")[2]] if "$ref" in given else given


def _form(name: str, described: Schema, parts: Mapping[str, Schema]) -> Form:
    if described.get("type") == "array":
        return Several(_form(name, _described(described["items"], parts), parts))
    if "properties" in described:
        return Parts(
            {
                field: _form(field, _described(each, parts), parts)
                for field, each in described["properties"].items()
            },
            frozenset(described.get("required", ())),
        )
    if described.get("type") == "object":
        return Quantity(_by_key(name, described, parts)[0])
    if name in CODED_FIELDS:
        return Choice(CODED_FIELDS[name])
    return _single(name, described)


def _single(name: str, described: Schema) -> Form:
    kind, pattern, unit = described.get("type"), described.get("pattern"), name.rpartition("_")[2]
    if kind == "boolean":
        return YesOrNo()
    if kind == "integer":
        of_unit, example = _OF_UNIT.get(unit, 1), _EXAMPLES.get(unit, "1")
        return Number(of_unit, example, _BEFORE.get(unit, ""), in_percent=unit == "bp")
    if kind == "number":
        return Number(expected="1.5")
    if pattern == DAY_PATTERN:
        return Day()
    if pattern == TIME_PATTERN:
        return TimeOfDay()
    if pattern or "format" in described:
        return Name(_CODES.get(name, "abc_1"))
    return Text("文本 / text")


def _by_key(name: str, described: Schema, parts: Mapping[str, Schema]) -> tuple[Form, str]:
    """Return the form and the bounds of the values of a dictionary."""
    [each] = described.get("patternProperties", {}).values() or [described["additionalProperties"]]
    value = _described(each, parts)
    return _form(name, value, parts), _bounds(name, value)


def _bounds(name: str, described: Schema) -> str:
    """Return the bounds of a number, or of the length of a text, as a person reads them."""
    lowest = described.get("minimum", described.get("exclusiveMinimum"))
    if lowest is not None and "maximum" in described:
        sign = ">" if "exclusiveMinimum" in described else "≥"
        return f"{sign} {in_unit([name], lowest)}, ≤ {in_unit([name], described['maximum'])}"
    longest = described.get("maxLength")
    return f"≤ {longest}" if longest and "pattern" not in described else ""


def _words(path: tuple[str, ...], form: Form, key: Words | None = None) -> Words:
    """Return the words for a path, with the unit of its number."""
    found = [FIELDS[part] for part in path] + ([key] if key else [])
    zh, en = (" · ".join(words) for words in zip(*found, strict=True))
    unit = next((UNITS[part] for part in UNITS if part in path[-1].split("_")[1:]), None)
    if unit and isinstance(form, Number):
        return f"{zh}（{unit[0]}）", f"{en} ({unit[1]})"
    return zh, en
