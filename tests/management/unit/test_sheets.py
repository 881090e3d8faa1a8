"""Sheets of master data are read with an error for each cell, and written as they are read."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.management.clients import workbooks
from services.management.clients.workbooks import read_sheet, write_workbook
from services.management.domain import sheet_rows
from services.management.domain.sheet_cells import Cell, CellRefusedError, shown
from services.management.domain.sheet_rows import Places, SheetRow
from services.management.domain.sheet_words import (
    BAY_WORDS,
    CODED_FIELDS,
    CODED_KEYS,
    ROLE_WORDS,
    SKILL_WORDS,
)
from services.management.domain.sheets import SHEET_KINDS, SHEETS, Column, SheetKind
from shared.contracts.management import BAY_TYPES, GROUP_ROLES, SKILLS, STORE_ROLES
from shared.table_files import LARGEST_UNPACKED

HEADINGS = [column.heading for column in SHEETS["part"].columns]
RIGHT = ["OIL-1", "机油", "Engine oil", "maintenance", "liter", 128.5, 66]
TITLE = SHEETS["part"].title
SHEET = "xl/worksheets/sheet1.xml"


def workbook(
    *rows: list[Any], title: str = TITLE, change: Callable[..., Any] | None = None
) -> bytes:
    """Return a workbook with rows below the headings of parts; ``change`` gets book and sheet."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet(title)
        for number, row in enumerate([HEADINGS, *rows]):
            sheet.write_row(number, 0, row)
        if change:
            change(book, sheet)
    return written.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the workbook with one of its parts changed."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for each in source.namelist():
            part_of = source.read(each)
            archive.writestr(each, change(part_of) if each == name else part_of)
    return written.getvalue()


def found(content: bytes, kind: SheetKind | None = "part") -> list[tuple[str, str]]:
    """Return the cells with errors and the rules that they break."""
    rows = read_sheet(content, kind, None).rows
    return [(error.cell, error.rule) for row in rows for error in row.errors]


def part(**changes: Any) -> list[Any]:
    names = (column.name for column in SHEETS["part"].columns)
    return [changes.get(name, cell) for name, cell in zip(names, RIGHT, strict=True)]


def content_of(content: bytes) -> Mapping[str, Any]:
    [row] = read_sheet(content, None, None).rows
    assert row.content is not None, row.errors
    return row.content


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"list_price_cents": "１２８．５"}, 12850),
        ({"list_price_cents": "¥1,128.50"}, 112850),
        ({"list_price_cents": 19.9}, 1990),
        ({"list_price_cents": "0"}, 0),
    ],
)
def test_money_in_yuan_becomes_cents(changes: dict[str, Any], expected: int) -> None:
    assert content_of(workbook(part(**changes)))["list_price_cents"] == expected


def test_full_width_code_and_word_are_read() -> None:
    [row] = read_sheet(workbook(part(code="ＯＩＬ－１", skill_code="保养")), None, None).rows
    assert (row.code, row.content and row.content["skill_code"]) == ("part:OIL-1", "maintenance")


def test_number_stands_for_code() -> None:
    [row] = read_sheet(workbook(part(code=4711)), None, None).rows
    assert row.code == "part:4711"


@pytest.mark.parametrize(
    ("changes", "cell", "rule"),
    [
        ({"list_price_cents": "1.005"}, "F2", "too_many_decimals"),
        ({"list_price_cents": -1}, "F2", "greater_than_equal"),
        ({"list_price_cents": "free"}, "F2", "not_a_number"),
        ({"list_price_cents": "NaN"}, "F2", "not_a_number"),
        ({"list_price_cents": "88,50"}, "F2", "not_a_number"),
        ({"list_price_cents": "1,2,3"}, "F2", "not_a_number"),
        ({"list_price_cents": "1_000"}, "F2", "not_a_number"),
        ({"list_price_cents": "88.5%"}, "F2", "not_a_number"),
        ({"list_price_cents": "1e999999"}, "F2", "not_a_number"),
        ({"cost_cents": None}, "G2", "missing"),
        ({"skill_code": "magic"}, "D2", "not_in_list"),
        ({"zh": "油" * 101}, "B2", "string_too_long"),
        ({"code": "OIL 1"}, "A2", "string_pattern_mismatch"),
        ({"code": 12345678901234567}, "A2", "not_a_text"),
        ({"en": True}, "C2", "not_a_text"),
    ],
)
def test_wrong_cell_is_named(changes: dict[str, Any], cell: str, rule: str) -> None:
    assert found(workbook(part(**changes))) == [(cell, rule)]


def test_all_wrong_cells_are_listed() -> None:
    wrong = part(code="OIL-2", zh=None, skill_code="magic", cost_cents="x")
    assert found(workbook(part(), wrong)) == [
        ("B3", "missing"),
        ("D3", "not_in_list"),
        ("G3", "not_a_number"),
    ]


def test_error_says_what_is_right() -> None:
    [row] = read_sheet(workbook(part(skill_code="magic")), None, None).rows
    [error] = row.errors
    assert (error.sheet, error.column, error.value) == (TITLE, "skill_code", "magic")
    assert error.expected.startswith("maintenance, ")


@pytest.mark.parametrize(
    ("price", "bound"),
    [("10000000000.01", "or equal to 10,000,000,000"), ("-0.01", "or equal to 0")],
)
def test_bound_of_price_is_told_in_yuan(price: str, bound: str) -> None:
    [row] = read_sheet(workbook(part(list_price_cents=price)), None, None).rows
    [error] = row.errors
    assert error.detail.endswith(bound)
    assert error.expected == "128.50 (≥ 0, ≤ 10,000,000,000)"


def test_error_shows_what_stands_in_cell() -> None:
    content = workbook(
        part(list_price_cents=-5, unit="件"),
        change=lambda _, sheet: sheet.write_formula("G2", '=IF(A2<"b",1,2)', None, 2),
    )
    [row] = read_sheet(content, None, None).rows
    assert {each.cell: each.value for each in row.errors} == {
        "E2": "件",
        "F2": "-5",
        "G2": '=IF(A2<"b",1,2)',
    }


def test_wrong_part_of_cell_lists_its_codes() -> None:
    with pytest.raises(CellRefusedError) as refused:
        column("person", "posts").form.read("boss/S01/yes")
    assert refused.value.expected == ", ".join(ROLE_WORDS)


def test_refusal_names_part_as_typed() -> None:
    sheet = SHEETS["operation"]
    content = {"parts": {"OIL-1": 1, "NO.1": 2}}
    refused = Places("", sheet, {}).refusal(
        SheetRow(2, "operation:A", None, content), "content.parts.NO.1", "unknown_part", "", ["N-1"]
    )
    assert (refused.column, refused.value, refused.expected) == ("parts", "NO.1", "N-1")


def test_formula_and_merged_cells_are_refused() -> None:
    def change(_: Any, sheet: Any) -> None:
        sheet.write_formula("F2", "=1+1", None, 2)
        sheet.write_formula("G2", "=1/0", None, "#DIV/0!")
        sheet.merge_range("B3:C3", "机油")

    content = workbook(part(), part(code="OIL-2"), change=change)
    assert found(content) == [
        ("F2", "formula"),
        ("G2", "formula"),
        ("B3", "merged"),
    ]


def test_code_that_stands_twice_names_first() -> None:
    [_, row] = read_sheet(workbook(part(), part()), None, None).rows
    assert [(each.cell, each.rule, each.expected) for each in row.errors] == [
        ("A3", "code_twice", "≠ A2")
    ]


def test_empty_rows_are_left_out() -> None:
    content = workbook(part(), ["", None, "  "])
    blank = b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (n, n) for n in range(4, 60_000))
    content = with_part(
        content, SHEET, lambda xml: xml.replace(b"</sheetData>", blank + b"</sheetData>")
    )
    rows = read_sheet(content, None, None).rows
    assert [row.number for row in rows] == [2]


def test_headings_must_be_those_of_sheet() -> None:
    without = HEADINGS[:-1]
    headings = ",".join(["code", "中文", "颜色", "zh"])
    wrong = found(headings.encode() + b"\n")
    assert wrong[:2] == [("C1", "unknown_heading"), ("D1", "heading_twice")]
    assert {rule for _, rule in wrong[2:]} == {"column_missing"}
    assert found(",".join(without).encode()) == [("G1", "column_missing")]


def test_too_many_headings_are_one_error() -> None:
    assert found(",".join("abcd" * 50_000).encode()) == [("GS1", "unknown_heading")]


def test_known_headings_are_listed_once() -> None:
    [row] = read_sheet(",".join([*HEADINGS, "x", "y"]).encode(), "part", None).rows
    assert [bool(error.expected) for error in row.errors] == [True, False]


def test_what_is_no_character_is_refused() -> None:
    content = with_part(
        workbook(part(skill_code="Engine oil")),
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b"Engine oil", b"a_x0000_b"),
    )
    [row] = read_sheet(content, None, None).rows
    assert [(each.cell, each.rule, each.value) for each in row.errors] == [
        ("C2", "not_a_text", "a\ufffdb"),
        ("D2", "not_a_text", "a\ufffdb"),
    ]
    assert shown("\ud800") == "\ufffd"


def column(kind: SheetKind, name: str) -> Column:
    return next(each for each in SHEETS[kind].columns if each.name == name)


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("tax_rate_bp", "13 %", 1300),
        ("tax_rate_bp", 13, 1300),
        ("tax_rate_bp", "0.5%", 50),
        ("risk_threshold", "80％", 0.8),
        ("risk_threshold", 0.8, 0.8),
    ],
)
def test_percentage_may_have_its_sign(name: str, cell: Cell, value: float) -> None:
    assert column("store", name).form.read(cell) == value


def test_fraction_in_percent_is_refused() -> None:
    with pytest.raises(CellRefusedError) as refused:
        column("store", "tax_rate_bp").form.read(0.13)
    assert (refused.value.rule, refused.value.expected) == ("below_one_percent", "13.00%; 0.13%")


@pytest.mark.parametrize("shown_as", ["0%", "0.00%", '[Red]0.0%" of all"'])
def test_cell_shown_in_percent_is_read_so(shown_as: str) -> None:
    def change(book: Any, sheet: Any) -> None:
        sheet.write_number("F2", 0.13, book.add_format({"num_format": shown_as}))
        sheet.write_number("G2", 0.13, book.add_format({"num_format": '0.00"%"'}))

    [row] = read_sheet(workbook(part(), change=change), None, None).rows
    assert [(each.cell, each.value) for each in row.errors] == [("F2", "13.00%")]


def test_blank_text_is_not_missing() -> None:
    assert found(workbook(part(zh="  ", en=None))) == [("B2", "blank"), ("C2", "missing")]


def test_order_of_columns_does_not_matter() -> None:
    turned = [[each[::-1] for each in (HEADINGS, RIGHT)]]
    text = "\n".join(",".join(map(str, row)) for rows in turned for row in rows)
    [row] = read_sheet(text.encode(), "part", None).rows
    assert (row.code, row.errors) == ("part:OIL-1", [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_file_is_read(encoding: str) -> None:
    text = f"{','.join(HEADINGS)}\r\n{','.join(map(str, RIGHT))}\r\n"
    [row] = read_sheet(text.encode(encoding), "part", None).rows
    assert row.content is not None
    assert (row.content["zh"], row.content["list_price_cents"]) == ("机油", 12850)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "column_missing"),
        (b"PK\x03\x04 no workbook", "unreadable"),
        (b"\xd0\xcf\x11\xe0\0\0", "unreadable"),
        (workbook()[:500], "unreadable"),
        (workbook(), "no_rows"),
    ],
)
def test_file_without_sheet_is_refused(content: bytes, rule: str) -> None:
    assert found(content)[0][1] == rule


def test_unpacked_size_is_bounded() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.xml", b"0" * (LARGEST_UNPACKED // 3))
    assert len(written.getvalue()) < 1_000_000
    assert found(written.getvalue()) == [("", "too_large")]


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "b">]><workbook>&b;</workbook>'
    content = with_part(workbook(part()), "xl/workbook.xml", lambda _: bomb)
    assert found(content) == [("", "unreadable")]


def test_too_many_rows_stop_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    more = b"".join(
        b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(3, 100_002)
    )
    content = with_part(
        workbook(part()), SHEET, lambda xml: xml.replace(b"</sheetData>", more + b"</sheetData>")
    )
    monkeypatch.setattr(workbooks, "CalamineWorkbook", None)
    [row] = read_sheet(content, None, None).rows
    assert [(each.cell, each.rule, each.expected) for each in row.errors] == [
        ("A50002", "too_many_rows", f"≤ {sheet_rows.MOST_ROWS}")
    ]


def test_too_many_errors_stop_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_rows, "MOST_ERRORS", 2)
    wrong = [part(code=f"OIL-{number}", unit="件") for number in range(4)]
    assert found(workbook(*wrong)) == [
        ("A4", "too_many_errors"),
        ("E2", "string_pattern_mismatch"),
        ("E3", "string_pattern_mismatch"),
    ]


def test_hidden_sheet_is_not_read() -> None:
    def change(book: Any, sheet: Any) -> None:
        book.add_worksheet("x").activate()
        sheet.hide()

    assert found(workbook(part(), change=change)) == [("", "sheet_hidden")]


def test_unclear_kind_is_asked_for() -> None:
    assert found(workbook(part(), title="Sheet1"), None) == []
    assert read_sheet(b"code,for_store,price_cents\n", None, None).kinds == [
        "part_price",
        "operation_price",
        "labor_rate",
    ]
    assert read_sheet(b"name,color\n", None, None).kinds == SHEET_KINDS


@pytest.mark.parametrize("kind", ["store", "person", "bay", "operation", "part"])
def test_headings_say_kind(kind: SheetKind) -> None:
    typed = ["color", *(each.words[0] for each in SHEETS[kind].columns[1:])]
    read = read_sheet(",".join(typed).encode(), None, None)
    assert read.kind == kind
    assert {error.rule for row in read.rows for error in row.errors} == {
        "unknown_heading",
        "column_missing",
    }


def test_store_decides_on_its_own_alone() -> None:
    headings = ",".join(column.name for column in SHEETS["bay"].columns)
    text = f"{headings}\nB-1,S02,lift,1,lift\nB-2,,lift,2,举升；快修\n".encode()
    [other, own] = read_sheet(text, "bay", "S01").rows
    assert [(each.cell, each.rule) for each in other.errors] == [("B2", "another_store")]
    assert (own.for_store, own.content and own.content["capabilities"]) == (
        "S01",
        ["lift", "quick"],
    )
    assert [rule for _, rule in found(text, "bay")] == ["missing"]


@pytest.mark.parametrize("typed", ["2026/3/1", "2026年3月1日", "20260301", "２０２６－０３－０１"])
def test_day_as_text_is_read(typed: str) -> None:
    assert column("store", "closed_days").form.read(f"{typed}；2026-03-02") == [
        "2026-03-01",
        "2026-03-02",
    ]


COSTS_OF_MONTHS = """\
Month,Decided by store,场地成本（不含税）（元）,人员成本（不含税）（元）,working_capital_cents,\
广告成本（不含税）（元）,售车台数,vehicle_profit_cents
2026年1月,,120000,380000.50,45000,98000,64,-25600
2026/1,,1,1,1,1,1,1
2026-2-15,,一万,1,1,1,1.5,1
2026-03-01,,1,1,1,-1,1,1
"""


def test_costs_of_months_are_checked_cell_by_cell() -> None:
    read = read_sheet(COSTS_OF_MONTHS.encode("gb18030"), None, "S01")
    assert read.kind == "monthly_costs"
    january = read.rows[0]
    assert (january.code, january.for_store, january.errors) == ("2026-01", "S01", [])
    assert january.content == {
        "kind": "monthly_costs",
        "building_cents": 12_000_000,
        "staff_cents": 38_000_050,
        "working_capital_cents": 4_500_000,
        "advertising_cents": 9_800_000,
        "vehicles_sold": 64,
        "vehicle_profit_cents": -2_560_000,
    }
    assert [(error.cell, error.rule) for row in read.rows[1:] for error in row.errors] == [
        ("A3", "code_twice"),
        ("A4", "not_a_month"),
        ("C4", "not_a_number"),
        ("G4", "not_whole"),
        ("F5", "greater_than_equal"),
    ]
    assert read.rows[3].code == "2026-03"


def test_words_name_all_codes() -> None:
    assert (tuple(SKILL_WORDS), tuple(BAY_WORDS)) == (SKILLS, BAY_TYPES)
    assert set(ROLE_WORDS) == {*STORE_ROLES, *GROUP_ROLES}


def test_text_never_becomes_formula() -> None:
    content = read_sheet(workbook(part(zh="机油")), None, None).rows[0].content
    assert content is not None
    risky = [("P-1", None, {**content, "zh": text}) for text in ("=1+1", "+1", "-1", "@A1", "\t=1")]
    with zipfile.ZipFile(io.BytesIO(write_workbook("part", risky))) as archive:
        sheet, styles = archive.read("xl/worksheets/sheet1.xml"), archive.read("xl/styles.xml")
    assert re.search(rb"<f[ />]", sheet) is None
    assert sheet.count(b"<is>") > len(risky)
    assert b'quotePrefix="1"' in styles


_IDENTIFIER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
_CODE = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
_MONTH = st.dates(date(1990, 1, 1), date(2100, 12, 31)).map(lambda day: f"{day:%Y-%m}")
_DAY = st.dates().filter(lambda day: 1990 <= day.year <= 2100).map(str)
_CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_TEXT = st.text(_CHARACTERS, min_size=1, max_size=40).filter(str.strip)


def _values(name: str, described: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """Return a strategy for the values that a schema of a content model describes."""
    if "anyOf" in described:
        return st.one_of([_values(name, each, parts) for each in described["anyOf"]])
    if "$ref" in described:
        return _values(name, parts[described["$ref"].rpartition("/")[2]], parts)
    if "properties" in described:
        fields = described["properties"].items()
        return st.fixed_dictionaries({each: _values(each, of, parts) for each, of in fields})
    if described["type"] == "array":
        each = _values(name, described["items"], parts)
        return st.lists(each, min_size=described.get("minItems", 0), max_size=4)
    if described["type"] == "object":
        [value] = described["patternProperties"].values()
        keys = st.sampled_from(SKILLS) if name in CODED_KEYS else _IDENTIFIER
        return st.dictionaries(keys, _values(name, value, parts), max_size=4)
    return _single(name, described)


def _single(name: str, described: Mapping[str, Any]) -> Any:
    lowest = described.get("minimum", described.get("exclusiveMinimum"))
    open_below = "exclusiveMinimum" in described
    match described["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(lowest, described["maximum"])
        case "number":
            return st.floats(lowest, described["maximum"], exclude_min=open_below)
    return st.sampled_from([*CODED_FIELDS[name]]) if name in CODED_FIELDS else _texts(described)


def _texts(described: Mapping[str, Any]) -> Any:
    if "const" in described:
        return st.just(described["const"])
    pattern = described.get("pattern", "")
    if "format" in described:
        return st.ip_addresses(v=4).map(lambda each: f"{each}/32")
    if pattern.startswith(r"^\d{4}"):
        return _DAY
    if pattern.startswith("^([01]"):
        return st.times().map(lambda each: f"{each:%H:%M}")
    return {"": _TEXT, "^[!-~]+$": _IDENTIFIER}.get(pattern, _CODE)


@st.composite
def _entries(draw: st.DrawFn) -> tuple[SheetKind, str, str | None, dict[str, Any]]:
    kind = draw(st.sampled_from(SHEET_KINDS))
    model = SHEETS[kind].kind.content
    schema = model.model_json_schema()
    given_content = draw(_values("", schema, schema.get("$defs", {})))
    assume(given_content.get("cost_cents", 0) is not None)
    content = model.model_validate(given_content).model_dump(mode="json")
    codes = _MONTH if kind == "monthly_costs" else _IDENTIFIER
    code = SHEETS[kind].whole(draw(codes))
    decided_by_group = SHEETS[kind].kind.collection.decided_by == "group"
    return kind, code, None if decided_by_group else draw(_IDENTIFIER), content


@settings(max_examples=60, deadline=None)
@given(_entries())
def test_exported_record_is_imported_unchanged(
    entry: tuple[SheetKind, str, str | None, dict[str, Any]],
) -> None:
    kind, code, for_store, content = entry
    [row] = read_sheet(write_workbook(kind, [(code, for_store, content)]), None, None).rows
    assert row.errors == []
    read = SHEETS[kind].kind.content.model_validate(row.content).model_dump(mode="json")
    assert (row.code, row.for_store, read) == (code, for_store, content)
