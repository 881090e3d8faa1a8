"""Workbooks (XLSX) and text files with a sheet: read and written in processes with bounds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from functools import partial
from io import BytesIO
from itertools import chain
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import xlsxwriter
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from python_calamine import CalamineError, CalamineWorkbook

from services.management.clients.sheet_scan import SheetScan
from services.management.domain import errors
from services.management.domain.sheet_cells import DIGITS, Cell, shown
from services.management.domain.sheet_rows import (
    HEADINGS_ROW,
    MOST_ROWS,
    SheetRow,
    Table,
    read_rows,
    too_many_rows,
    wrong_file,
)
from services.management.domain.sheets import (
    SHEET_KINDS,
    SHEETS,
    Sheet,
    SheetKind,
    as_heading,
    kind_titled,
    kinds_headed,
)
from shared.table_files import (
    LARGEST_UNPACKED,
    MEMORY_BYTES,
    WORKBOOK,
    is_too_large,
    rows_of_csv,
)
from shared.worker_processes import ConfinedWorkers, ExhaustedError

NOTES = "说明 Notes"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Entry = tuple[str, str | None, Mapping[str, Any]]
"""Code of a record, the store that decides on it, and its content as JSON."""

_AT_ONCE = 2
_CPU_S = 120
_LONGEST_CELL = 32_767
_WIDTHS = 10, 60
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ReadSheet:
    """Rows of a sheet, and where its columns stand; without rows it may be of several ``kinds``."""

    kind: SheetKind | None
    rows: Sequence[SheetRow]
    title: str = ""
    places: Mapping[str, int] = field(default_factory=dict)
    kinds: Sequence[SheetKind] = ()


class Workbooks:
    """Reader and writer of two files at a time, each in a process with its own limits."""

    def __init__(self) -> None:
        self._workers = ConfinedWorkers(_AT_ONCE, memory_bytes=MEMORY_BYTES, cpu_s=_CPU_S)

    async def read(
        self, content: bytes, kind: SheetKind | None, own_store: str | None
    ) -> ReadSheet:
        """Read a workbook or a CSV file as :func:`read_sheet` does."""
        try:
            return await self._workers.compute(partial(read_sheet, content, kind, own_store))
        except ExhaustedError:
            return ReadSheet(kind, [wrong_file("too_costly", f"≤ {MOST_ROWS}")])

    async def write(self, kind: SheetKind, entries: Sequence[Entry]) -> bytes:
        """Return a workbook as :func:`write_workbook` does.

        Raises:
            RuleViolation: as there, or it took too much memory or time.
        """
        try:
            return await self._workers.compute(partial(write_workbook, kind, entries))
        except ExhaustedError as error:
            raise errors.too_many_records(MOST_ROWS) from error


def read_sheet(content: bytes, kind: SheetKind | None, own_store: str | None) -> ReadSheet:
    """Read the sheet of a kind from a workbook or a CSV file.

    Without a kind, its title names one, or its headings are those of one.

    What is wrong with the file stands in its rows.
    """
    if not content.startswith(WORKBOOK):
        rows = rows_of_csv(content)
        if rows is None:
            return ReadSheet(kind, [wrong_file("unreadable", "XLSX; CSV: UTF-8, GB18030")])
        return _read(Table("", rows), kind, own_store)
    try:
        with ZipFile(BytesIO(content)) as archive:
            if is_too_large(archive):
                return ReadSheet(kind, [wrong_file("too_large", f"≤ {LARGEST_UNPACKED} B")])
            return _read_workbook(content, archive, kind, own_store)
    except (
        BadZipFile,
        CalamineError,
        DefusedXmlException,
        KeyError,
        NotImplementedError,
        OSError,
        ParseError,
        RuntimeError,
        ValueError,
    ):
        return ReadSheet(kind, [wrong_file("unreadable", "XLSX; CSV: UTF-8, GB18030")])


@dataclass(frozen=True)
class _Listed:
    """Sheet as the workbook lists it, with the part in which it stands."""

    title: str
    visible: bool
    part: str


def _read_workbook(
    content: bytes, archive: ZipFile, kind: SheetKind | None, own_store: str | None
) -> ReadSheet:
    chosen = _chosen(list(_listed(archive)), kind)
    if chosen is None:
        return _read(Table("", ()), kind, own_store)
    kind = kind or kind_titled(chosen.title)
    if not chosen.visible:
        return ReadSheet(kind, [wrong_file("sheet_hidden", chosen.title, chosen.title)])
    scanned = SheetScan.of(archive, chosen.part)
    if scanned.one_too_many:
        return ReadSheet(kind, [too_many_rows(chosen.title, scanned.one_too_many)])
    with CalamineWorkbook.from_filelike(BytesIO(content)) as workbook:
        cells = workbook.get_sheet_by_name(chosen.title).to_python(skip_empty_area=False)
    rows = (
        [
            _percentage(each) if place in scanned.percentages.get(number, ()) else _cell(each)
            for place, each in enumerate(row)
        ]
        for number, row in enumerate(cells, HEADINGS_ROW)
    )
    return _read(Table(chosen.title, rows, scanned.faults), kind, own_store)


def _read(table: Table, kind: SheetKind | None, own_store: str | None) -> ReadSheet:
    rows = iter(table.rows)
    headings = next(rows, ())
    kinds = [kind] if kind else kinds_headed(filter(None, map(shown, headings)))
    if len(kinds) != 1:
        return ReadSheet(None, (), table.sheet, kinds=kinds or SHEET_KINDS)
    found, places = read_rows(
        replace(table, rows=chain([headings], rows)), SHEETS[kinds[0]], own_store
    )
    return ReadSheet(kinds[0], found, table.sheet, places)


def _listed(archive: ZipFile) -> Iterator[_Listed]:
    """Yield the sheets of a workbook in their order; one with a chart alone is left out."""
    targets = {
        each.get("Id"): each.get("Target", "")
        for each in fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        if each.get("Type", "").endswith("/worksheet")
    }
    for each in fromstring(archive.read("xl/workbook.xml")).iter():
        if each.tag.rpartition("}")[2] == "sheet":
            link = next((value for name, value in each.items() if name.endswith("}id")), None)
            if target := targets.get(link):
                part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
                is_visible = each.get("state", "visible") == "visible"
                yield _Listed(each.get("name", ""), is_visible, part)


def _chosen(listed: Sequence[_Listed], kind: SheetKind | None) -> _Listed | None:
    """Return the sheet whose title names the kind, or else a kind, or else the first one."""
    titled = [each for each in listed if kind_titled(each.title)]
    of_kind = [each for each in titled if kind_titled(each.title) == kind]
    others = [each for each in listed if as_heading(each.title) != as_heading(NOTES)]
    return next(iter(of_kind or ([] if kind else titled) or others), None)


def _percentage(value: Any) -> Cell:
    """Return a number as a workbook shows it in a percentage format."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _cell(value)
    return f"{Decimal(f'{value:.{DIGITS}g}') * 100:f}%"


def _cell(value: Any) -> Cell:
    """Return a cell as it was read; a duration is text."""
    return value if isinstance(value, str | int | float | date | time) else str(value)


def write_workbook(kind: SheetKind, entries: Sequence[Entry]) -> bytes:
    """Return a workbook with the sheet of a kind and notes on its columns; without entries, it is a
    template.

    Texts are written as texts, whatever they begin with, and quoted, so that none ever becomes a
    formula.

    Raises:
        RuleViolation: a list is too long for a cell.
    """
    sheet, written = SHEETS[kind], BytesIO()
    with xlsxwriter.Workbook(written, {"constant_memory": True}) as workbook:
        _Writer(workbook, sheet).write(entries)
    return written.getvalue()


class _Writer:
    """Writer of the sheet of a kind into a workbook."""

    def __init__(self, workbook: Any, sheet: Sheet) -> None:
        self._workbook, self._sheet = workbook, sheet
        self._text = workbook.add_format({"num_format": "@"})
        self._quoted = workbook.add_format({"num_format": "@", "quote_prefix": True})
        self._bold = workbook.add_format({"bold": True, "num_format": "@", "text_wrap": True})
        self._needed = workbook.add_format(
            {"bold": True, "num_format": "@", "text_wrap": True, "bg_color": "#FFE699"}
        )

    def write(self, entries: Sequence[Entry]) -> None:
        made = self._workbook.add_worksheet(self._sheet.title)
        for place, column in enumerate(self._sheet.columns):
            lowest, highest = _WIDTHS
            width = min(highest, max(lowest, len(column.heading)))
            made.set_column(place, place, width, self._text)
            if column.form.choices:
                made.data_validation(
                    HEADINGS_ROW,
                    place,
                    MOST_ROWS,
                    place,
                    {"validate": "list", "source": list(column.form.choices)},
                )
        made.freeze_panes(HEADINGS_ROW, 1)
        for place, column in enumerate(self._sheet.columns):
            style = self._needed if column.required else self._bold
            made.write_string(0, place, column.heading, style)
        for number, (code, for_store, content) in enumerate(entries, HEADINGS_ROW):
            for place, cell in enumerate(self._sheet.cells(code, for_store, content)):
                self._put(made, number, place, cell, code)
        self._notes()

    def _put(self, made: Any, row: int, place: int, cell: Cell, code: str) -> None:
        if cell is None:
            return
        if not isinstance(cell, str):
            made.write_number(row, place, cell)
            return
        if len(cell) > _LONGEST_CELL:
            raise errors.too_long_for_cell(code, self._sheet.columns[place].name)
        made.write_string(row, place, cell, self._quoted if cell.startswith(_RISKY) else self._text)

    def _notes(self) -> None:
        made = self._workbook.add_worksheet(NOTES)
        for place, width in enumerate((48, 14, 48, 80)):
            made.set_column(place, place, width, self._text)
        lines: list[Sequence[str]] = [
            [
                "每行一条，标黄的列必填。表头请勿改动。 / "
                "One record a row; yellow columns are required. Leave the headings as they are."
            ],
            ["空单元格取默认值。 / An empty cell stands for the default."],
            [],
            ["列 / Column", "必填 / Required", "示例 / Example", "代码 / Codes"],
        ]
        for column in self._sheet.columns:
            required = "是 / yes" if column.required else ""
            codes = (f"{code} = {' / '.join(both)}" for code, both in column.form.codes.items())
            lines.append([column.heading, required, self._sheet.expected(column), "; ".join(codes)])
        for number, line in enumerate(lines):
            for place, text in enumerate(line):
                made.write_string(number, place, text, self._text)
