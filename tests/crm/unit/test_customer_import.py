"""Files of customers from other systems, row by row (R19)."""

from datetime import UTC, datetime
from io import BytesIO

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from services.crm.clients.tables import read_table
from services.crm.domain.customer_import import (
    KEPT_FOR,
    CustomerImport,
    RowState,
    advance,
    begin,
    cancel,
    columns_of,
    expire,
    formulas_in,
    neutral,
    read_row,
    stage,
)
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
STAGED = CustomerImport("S01", "i-1", "sales", "P01", NOW, NOW)
HEADINGS = ["客户姓名", " 手机号 ", "ＶＩＮ", "品牌", "车型", "备注"]

done: st.SearchStrategy[RowState] = st.sampled_from(["registered", "known", "undecided", "refused"])


def test_columns_are_known_by_headings() -> None:
    columns = columns_of(HEADINGS, {})
    assert columns == {"name": 0, "phone": 1, "vin": 2, "brand": 3, "model": 4}
    assert read_row(["王 ", "138"], columns)["name"] == "王"
    with pytest.raises(RuleViolation) as refused:
        columns_of(["Name", "Tel", "VIN", "Make", "Model"], {})
    assert refused.value.rule == "columns_undecided"
    assert refused.value.values["missing"] == ["phone"]
    named = columns_of(["Name", "Tel", "VIN", "Make", "Model"], {"phone": "Tel"})
    assert named["phone"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_either_encoding(encoding: str) -> None:
    content = "姓名,电话\r\n王小明,138\r\n\r\n".encode(encoding)
    assert read_table(content, 2) == [["姓名", "电话"], ["王小明", "138"]]


def test_workbook_is_read_as_text_without_computing() -> None:
    written = BytesIO()
    with xlsxwriter.Workbook(written) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["姓名", "电话"])
        sheet.write_row(1, 0, ["王小明", 13812345678])
        sheet.write_formula(2, 0, "=1+1", None, "")
        sheet.write_string(2, 1, "x")
    assert read_table(written.getvalue(), 5)[1:] == [["王小明", "13812345678"], ["", "x"]]
    assert [each.rule for each in formulas_in({"name": "=cmd()", "phone": "+86138"})] == ["formula"]
    assert neutral("=1+1") == "'=1+1"


@pytest.mark.parametrize("content", [b"PK\x03\x04broken", b"\0\0\xff"])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(RuleViolation) as refused:
        read_table(content, 5)
    assert refused.value.rule == "unreadable_file"


def test_file_with_too_many_rows_is_refused() -> None:
    with pytest.raises(RuleViolation) as refused:
        read_table(b"a\n1\n2\n3", 2)
    assert refused.value.values == {"most": 2}


@given(st.lists(st.lists(done, max_size=4), min_size=1, max_size=6), st.integers(0, 5))
def test_every_row_is_counted_once(portions: list[list[RowState]], wrong: int) -> None:
    right = sum(map(len, portions))
    found = begin(stage(STAGED, wrong, right + wrong), "P01", NOW)
    for portion in portions:
        if found.status == "applying":
            found = advance(found, portion, NOW)
    assert (found.status, found.to_do) == ("applied", 0)
    assert found.wrong + found.done == found.rows
    with pytest.raises(RuleViolation) as refused:
        cancel(found, NOW)
    assert refused.value.rule == "import_not_open"


@given(st.lists(done, min_size=1, max_size=5), st.integers(1, 9))
def test_cancelled_import_keeps_what_is_done(portion: list[RowState], left: int) -> None:
    begun = begin(stage(STAGED, 0, len(portion) + left), "P01", NOW)
    ended = cancel(advance(begun, portion, NOW), NOW)
    assert (ended.status, ended.done, ended.to_do) == ("cancelled", len(portion), left)


def test_stuck_import_is_cancelled_after_second_term() -> None:
    applying = begin(stage(STAGED, rows=5, wrong=1), "P02", NOW)
    prolonged = expire(applying, NOW + KEPT_FOR)
    assert (prolonged.status, prolonged.expires_at) == ("applying", NOW + 2 * KEPT_FOR)
    assert expire(prolonged, prolonged.expires_at).status == "cancelled"
    assert expire(stage(STAGED, rows=5, wrong=1), NOW + KEPT_FOR).status == "expired"
