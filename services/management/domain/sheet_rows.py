"""Rows of a sheet (表格行): read and checked one by one, each error with its cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from services.management.domain.kinds import record_id_of
from services.management.domain.sheet_cells import (
    Cell,
    CellRefusedError,
    CellRule,
    Quantity,
    is_empty,
    read_cell,
    shown,
)
from services.management.domain.sheets import (
    OWNER_COLUMN,
    Column,
    Sheet,
    as_heading,
    in_unit,
)
from shared.contracts.base import GROUP, Identifier
from shared.contracts.violations import in_words

MOST_ROWS = 50_000
"""Largest number of records in a file."""

MOST_ERRORS = 5_000
"""Number of errors with which the rows that follow are not read."""

FileRule = Literal[
    "unreadable",
    "too_large",
    "too_costly",
    "sheet_hidden",
    "too_many_rows",
    "too_many_errors",
    "no_rows",
    "column_missing",
    "unknown_heading",
    "heading_twice",
    "code_twice",
    "another_store",
]

HEADINGS_ROW = 1
LONGEST_VALUE = 60
MOST_HEADINGS = 200
"""Largest number of cells in the row of the headings."""

_BOUNDS = {"gt", "ge", "lt", "le"}
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


@dataclass(frozen=True)
class CellError:
    """Error in a cell such as ``C17``: the value there, the rule that it breaks, and what would be
    right; ``detail`` says it as a sentence.

    Without a ``column``, which has a ``heading``, it concerns the row, or in the row of the
    headings the file.
    """

    sheet: str
    cell: str
    column: str | None
    value: str
    rule: str
    expected: str = ""
    detail: str = ""
    heading: str = ""


@dataclass(frozen=True)
class SheetRow:
    """Row of a sheet: whose record it defines, and the content as JSON, or its errors."""

    number: int
    code: str
    for_store: str | None
    content: Mapping[str, Any] | None
    errors: Sequence[CellError] = ()


@dataclass(frozen=True)
class Fault:
    """Cell that cannot be read, whatever its column; ``place`` counts columns from 0."""

    place: int
    rule: CellRule
    value: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of a file from the first one on, with the faults of each row by its number."""

    sheet: str
    rows: Iterable[Sequence[Cell]]
    faults: Mapping[int, Sequence[Fault]] = field(default_factory=dict)


def address(row: int, column: int) -> str:
    """Return the address of a cell, such as ``C17``; rows count from 1, columns from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def wrong_file(rule: FileRule, expected: str, sheet: str = "", **more: Any) -> SheetRow:
    """Return the row for an error of a file as a whole."""
    error = CellError(sheet, more.pop("cell", ""), None, more.pop("value", ""), rule, expected)
    return SheetRow(HEADINGS_ROW, "", None, None, [error])


def too_many_rows(sheet: str, number: int) -> SheetRow:
    """Return the row for a file with too many rows, of which ``number`` is the first too many."""
    return wrong_file("too_many_rows", f"≤ {MOST_ROWS}", sheet, cell=address(number, 0))


def read_rows(
    table: Table, sheet: Sheet, own_store: str | None
) -> tuple[list[SheetRow], Mapping[str, int]]:
    """Read a table; ``own_store`` decides on all records of the file, or else the group.

    Also return the places of the columns. Rows without anything are left out; with errors in the
    headings there is only their row.
    """
    rows = iter(table.rows)
    first = next(rows, ())
    filled = [place for place, cell in enumerate(first) if not is_empty(cell)]
    if len(filled) > MOST_HEADINGS:
        cell = address(HEADINGS_ROW, filled[MOST_HEADINGS])
        return [wrong_file("unknown_heading", f"≤ {MOST_HEADINGS}", table.sheet, cell=cell)], {}
    headings = _Headings(table, sheet, first)
    places = {column.name: place for place, column in headings.columns.items()}
    if headings.errors:
        return [SheetRow(HEADINGS_ROW, "", None, None, headings.errors)], places
    reader = _RowReader(table, sheet, headings.columns, own_store)
    return _read_all(rows, table, sheet, reader), places


def _read_all(
    rows: Iterator[Sequence[Cell]], table: Table, sheet: Sheet, reader: "_RowReader"
) -> list[SheetRow]:
    found: list[SheetRow] = []
    error_count = 0
    for number, cells in enumerate(rows, HEADINGS_ROW + 1):
        if all(map(is_empty, cells)) and number not in table.faults:
            continue
        if len(found) == MOST_ROWS:
            return [too_many_rows(table.sheet, number)]
        if error_count >= MOST_ERRORS:
            cell = address(number, 0)
            stopped = wrong_file("too_many_errors", f"< {MOST_ERRORS}", table.sheet, cell=cell)
            return [stopped, *found]
        found.append(reader.read(number, cells))
        error_count += len(found[-1].errors)
    return found or [wrong_file("no_rows", sheet.columns[0].heading, table.sheet, cell="A2")]


class Places:
    """Places of the columns in a sheet, to say where the content of a record is wrong."""

    def __init__(self, table: str, sheet: Sheet, places: Mapping[str, int]) -> None:
        self._table, self._sheet, self._places = table, sheet, places

    def error(self, number: int, column: Column | None, rule: str, **more: str) -> CellError:
        """Return the error of a column in a row; without one, of the row."""
        place = self._places.get((column or self._sheet.code_column).name, 0)
        expected = self._sheet.expected(column) if column else ""
        return CellError(
            self._table,
            address(number, place),
            column.name if column else None,
            more.get("value", "")[:LONGEST_VALUE],
            rule,
            more.get("expected", expected),
            more.get("detail", ""),
            column.heading if column else "",
        )

    def refusal(
        self, row: SheetRow, field_name: str, rule: str, detail: str, known: Sequence[str] = ()
    ) -> CellError:
        """Return the error of a row whose record breaks a rule of the trade; ``known`` are codes
        that would be right.
        """
        path = _inside_content(field_name)
        of_record = {each.name: each for each in (self._sheet.code_column, OWNER_COLUMN)}
        column = of_record.get(field_name) or self.column(path)
        values: dict[Column | None, Cell] = {
            None: None,
            self._sheet.code_column: self._sheet.short(row.code),
            OWNER_COLUMN: row.for_store,
        }
        if column and column not in values:
            values[column] = _key_in(column, path) or column.write(row.content or {})
        right = {"expected": ", ".join(known)} if known else {}
        value = shown(values[column])
        return self.error(row.number, column, rule, value=value, detail=detail, **right)

    def column(self, path: Sequence[Any]) -> Column | None:
        """Return the column in which the field at ``path`` stands, or the first inside it."""
        wanted = tuple(map(str, path))
        for column in self._sheet.fields:
            shorter = min(len(column.path), len(wanted))
            if shorter and column.path[:shorter] == wanted[:shorter]:
                return column
        return None


def _sentence(error: ErrorDetails) -> str:
    """Return what is wrong with a field of the content, with a bound in the unit of its column."""
    message = error["msg"]
    for name in _BOUNDS & error.get("ctx", {}).keys():
        bound = error["ctx"][name]
        message = message.replace(str(bound), in_unit(error["loc"], bound))
    return in_words(error["type"], message)


def _key_in(column: Column, path: Sequence[str]) -> str:
    """Return the key at fault where a cell holds values by a key, such as the number of a part."""
    is_by_key = isinstance(column.form, Quantity)
    return ".".join(path[len(column.path) :]) if is_by_key else ""


def _inside_content(field_name: str) -> Sequence[str]:
    first, *path = field_name.split(".")
    return path if first == "content" else ()


class _Headings:
    """Row of the headings: the column at each place, or what is wrong with it."""

    def __init__(self, table: Table, sheet: Sheet, cells: Sequence[Cell]) -> None:
        self.columns: dict[int, Column] = {}
        faults = {each.place: each for each in table.faults.get(HEADINGS_ROW, ())}
        self.errors: list[CellError] = [
            self._error(table, place, None, fault.value, fault.rule, "")
            for place, fault in list(faults.items())[:MOST_HEADINGS]
        ]
        for place, cell in enumerate(cells):
            if not is_empty(cell):
                self._add(table, sheet, place, shown(cell))
        missing = [each for each in sheet.columns if each not in self.columns.values()]
        self.errors += [
            self._error(table, len(cells) + offset, each, "", "column_missing", each.heading)
            for offset, each in enumerate(missing)
        ]

    def _add(self, table: Table, sheet: Sheet, place: int, typed: str) -> None:
        column = next((each for each in sheet.columns if as_heading(typed) in each.known_as), None)
        if column is None:
            self._add_unknown(table, sheet, place, typed)
        elif column in self.columns.values():
            self.errors.append(self._error(table, place, column, typed, "heading_twice", ""))
        else:
            self.columns[place] = column

    def _add_unknown(self, table: Table, sheet: Sheet, place: int, typed: str) -> None:
        """Note an unknown heading; the first one says which headings are known."""
        is_first = all(each.rule != "unknown_heading" for each in self.errors)
        headings = "; ".join(each.heading for each in sheet.columns) if is_first else ""
        self.errors.append(self._error(table, place, None, typed, "unknown_heading", headings))

    @staticmethod
    def _error(
        table: Table,
        place: int,
        column: Column | None,
        typed: str,
        rule: FileRule | CellRule,
        expected: str,
    ) -> CellError:
        cell, value = address(HEADINGS_ROW, place), typed[:LONGEST_VALUE]
        name, heading = (column.name, column.heading) if column else (None, "")
        return CellError(table.sheet, cell, name, value, rule, expected, heading=heading)


class _RowReader:
    """Reader of the rows below the headings."""

    def __init__(
        self, table: Table, sheet: Sheet, columns: Mapping[int, Column], own_store: str | None
    ) -> None:
        self._faults, self._sheet, self._columns = table.faults, sheet, columns
        self._own_store = own_store
        places = {column.name: place for place, column in columns.items()}
        self._place_of: dict[Column | None, int] = {each: place for place, each in columns.items()}
        self._places = Places(table.sheet, sheet, places)
        self._rows_of: dict[str, int] = {}
        self._code_place = places[self._sheet.code_column.name]

    def read(self, number: int, cells: Sequence[Cell]) -> SheetRow:
        errors = list(self._unreadable(number, cells))
        wrong = {error.column for error in errors}
        values: dict[Column, Any] = {}
        for place, column in self._columns.items():
            cell = cells[place] if place < len(cells) else None
            if column.name in wrong:
                continue
            try:
                if not is_empty(cell):
                    values[column] = read_cell(column.form, cell)
                elif column.required:
                    raise CellRefusedError("blank" if cell else "missing")
            except CellRefusedError as refused:
                wrong.add(column.name)
                expected = refused.expected or self._sheet.expected(column)
                errors.append(
                    self._places.error(
                        number, column, refused.rule, value=shown(cell), expected=expected
                    )
                )
        errors += self._check_code(number, values)
        errors += self._check_owner(number, values)
        paths = {column.path: value for column, value in values.items()}
        content = self._sheet.content(paths)
        errors += self._check_content(number, content, wrong, cells)
        code = values.get(self._sheet.code_column, "")
        owner = values.get(OWNER_COLUMN, self._own_store)
        usable = None if errors else content
        return SheetRow(number, self._sheet.whole(code) if code else "", owner, usable, errors)

    def _typed(self, cells: Sequence[Cell], column: Column | None) -> str:
        """Return what stands in the cell of a column."""
        place = self._place_of.get(column, len(cells))
        return shown(cells[place]) if place < len(cells) else ""

    def _unreadable(self, number: int, cells: Sequence[Cell]) -> Iterator[CellError]:
        """Yield the last fault of each cell: a formula that fails is a formula."""
        for place, fault in {each.place: each for each in self._faults.get(number, ())}.items():
            if column := self._columns.get(place):
                value = fault.value or self._typed(cells, column)
                yield self._places.error(number, column, fault.rule, value=value)

    def _check_code(self, number: int, values: Mapping[Column, Any]) -> Iterator[CellError]:
        code = values.get(self._sheet.code_column)
        if code is None:
            return
        owner = values.get(OWNER_COLUMN, self._own_store) or GROUP
        record_id = record_id_of(self._sheet.kind.collection, owner, code)
        first = self._rows_of.setdefault(record_id, number)
        if first != number:
            expected = f"≠ {address(first, self._code_place)}"
            yield self._places.error(
                number, self._sheet.code_column, "code_twice", value=code, expected=expected
            )
        try:
            _IDENTIFIER.validate_python(self._sheet.whole(code))
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                yield self._places.error(
                    number,
                    self._sheet.code_column,
                    each["type"],
                    value=code,
                    detail=in_words(each["type"], each["msg"]),
                )

    def _check_owner(self, number: int, values: Mapping[Column, Any]) -> Iterator[CellError]:
        owner, decided_by = values.get(OWNER_COLUMN), self._sheet.kind.collection.decided_by
        if self._own_store is None:
            if decided_by == "stores" and not owner:
                yield self._places.error(number, OWNER_COLUMN, "missing")
        elif owner not in (None, self._own_store):
            yield self._places.error(
                number, OWNER_COLUMN, "another_store", value=owner, expected=self._own_store
            )

    def _check_content(
        self,
        number: int,
        content: Mapping[str, Any],
        wrong: set[str | None],
        cells: Sequence[Cell],
    ) -> Iterator[CellError]:
        """Check the content by its model, but for columns that are wrong already."""
        try:
            self._sheet.kind.content.model_validate(content)
        except ValidationError as error:
            by_column: dict[str, CellError] = {}
            for each in error.errors(include_url=False):
                column = self._places.column(each["loc"])
                name = column.name if column else ""
                if name not in wrong and name not in by_column:
                    by_column[name] = self._places.error(
                        number,
                        column,
                        each["type"],
                        value=self._typed(cells, column),
                        detail=_sentence(each),
                    )
            yield from by_column.values()
