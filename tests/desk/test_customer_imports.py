"""Customers from a file of the sales system, imported at the desk (R19)."""

import csv
import io

from playwright.async_api import expect

from tests.support.api import customer
from tests.support.desk import Desk

CARE = "S01-customer-care-manager-1"
FIELDS = ("name", "phone", "plate", "vin", "brand", "model", "birthday")


async def test_file_is_checked_imported_and_its_errors_downloaded(desk: Desk) -> None:
    written = io.StringIO()
    rows = [
        customer(81, "沪A81001") | {"birthday": "3月14日"},
        customer(82, "沪A81002") | {"phone": "12"},
        customer(83, "沪A81003"),
    ]
    headings = ["客户姓名", "Tel", "车牌号", "车架号", "品牌", "车型", "生日"]
    lines = [[row.get(name, "") for name in FIELDS] for row in rows]
    csv.writer(written).writerows([headings, *lines])
    content = written.getvalue().encode("gb18030")
    care = await desk.sign_in(CARE)
    await care.go("/stores/S01/customer-imports")
    await (
        care.at("customer-file")
        .locator("input[type=file]")
        .set_input_files({"name": "sales.csv", "mimeType": "text/csv", "buffer": content})
    )
    await care.pick("column-phone", "Tel")
    await care.keep("import-columns")
    await care.press("columns-send")

    await expect(care.at("row-3").first).to_contain_text("电话")
    await expect(care.at("row-2")).to_contain_text("3月14日")
    await expect(care.at("customer-import")).to_contain_text("待导入")
    await care.keep("import-staged")
    await care.press("begin-import")
    await expect(care.at("customer-import")).to_contain_text("已导入")
    await expect(care.at("import-progress")).to_contain_text("2 行中的 2 行")
    async with care.page.expect_download() as downloading:
        await care.press("download-errors")
    downloaded = await downloading.value
    assert downloaded.suggested_filename.endswith(".csv")
    await care.keep("import-done")
    await care.go("/stores/S01/record-gaps")
    await expect(care.at("record-gap").first).to_contain_text("缺第二联系方式")
    await care.keep("record-gaps")
    await care.fits("phone")
    assert care.faults == []
