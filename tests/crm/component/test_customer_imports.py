"""Customers from sales and insurance systems, on real Kafka and PostgreSQL (R19)."""

import csv
import io
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.cli.import_customers import CustomersAsked, import_file
from deploy.customer_import import CustomerFiles
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.application.customer_imports import LARGEST_UPLOAD
from services.crm.domain import customer_import
from shared.calls import ServiceCalls
from shared.clients.crm.client import CrmApi
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person, vin

IMPORTS = "/stores/S01/customer-imports"
MANAGER: Role = "customer_care_manager"
HEADINGS = ["姓名", "手机号", "车牌号", "车架号", "品牌", "车型"]
FIELDS = ["name", "phone", "plate", "vin", "brand", "model"]


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


def table(
    rows: Sequence[Mapping[str, str]],
    headings: Sequence[str] = HEADINGS,
    fields: Sequence[str] = FIELDS,
) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([headings, *([row[name] for name in fields] for row in rows)])
    return written.getvalue()


async def uploaded(crm: InProcess, text: str, encoding: str = "utf-8", **more: Any) -> Any:
    content = b64encode(text.encode(encoding)).decode()
    return await crm.post(IMPORTS, MANAGER, {"source": "sales", "content": content, **more})


async def begun(crm: InProcess, import_id: str) -> httpx.Response:
    return await crm.post(f"{IMPORTS}/{import_id}/begin", MANAGER, {})


async def shown(crm: InProcess, import_id: str) -> dict[str, Any]:
    response = await crm.get(f"{IMPORTS}/{import_id}", MANAGER)
    found: dict[str, Any] = response.json()
    return found


async def test_file_of_customers_is_imported_row_by_row(crm: InProcess) -> None:
    known = await crm.post("/stores/S01/customers", "service_advisor", person(501))
    assert known.status_code == 201, known.text
    rows = [
        person(501),
        person(502, phone="１３９００００" + "0502", plate=""),
        person(503, phone=person(501)["phone"]),
        person(504, phone="12"),
        person(505, name="=HYPERLINK(1)"),
        person(506, vin=vin(501)[:-1] + "9"),
        person(507, name=person(501)["name"], phone=person(501)["phone"][:-1] + "9"),
    ]
    staged = await uploaded(crm, table(rows), "gb18030")
    assert staged.status_code == 201, staged.text
    view = staged.json()
    assert (view["status"], view["rows"], view["wrong"]) == ("staged", 7, 3)
    import_id = view["import_id"]
    preview = (await crm.get(f"{IMPORTS}/{import_id}/rows", MANAGER)).json()
    assert [each["state"] for each in preview] == [
        *("ready", "ready", "ready", "wrong", "wrong", "wrong", "ready")
    ]
    errors = {each["row"]: [(e["column"], e["rule"]) for e in each["errors"]] for each in preview}
    assert errors[5][0][0] == "phone"
    assert ("name", "formula") in errors[6]

    assert (await begun(crm, import_id)).status_code == 200
    await crm.wait_until_idle()
    view = await shown(crm, import_id)
    assert (view["status"], view["to_do"]) == ("applied", 0)
    assert (view["registered"], view["known"], view["undecided"]) == (2, 1, 1)
    found = await crm.get("/stores/S01/customers", MANAGER, vin=vin(502))
    assert found.json()["phone"] == "+8613900000502"
    duplicates = (await crm.get("/stores/S01/duplicates", MANAGER)).json()
    assert any(set(each["signs"]) == {"same_name", "phone_one_off"} for each in duplicates)
    written = await crm.get(f"{IMPORTS}/{import_id}/errors", MANAGER)
    lines = list(csv.reader(io.StringIO(written.content.decode("utf-8-sig"))))
    assert [line[0] for line in lines[1:]] == ["4", "5", "6", "7"]
    assert "'=HYPERLINK(1)" in lines[3]
    assert "person_undecided" in lines[1][-1]
    path = f"/stores/S01/customers/{known.json()['customer_ref']}/kept-data"
    reads = (await crm.get(path, MANAGER)).json()["reads"]
    assert {"list_import_rows", "write_import_errors", "list_duplicates"} <= {
        each["operation"] for each in reads
    }
    again = await begun(crm, import_id)
    assert again.json()["errors"][0]["rule"] == "import_not_open"


async def test_erased_persons_rows_are_not_imported(crm: InProcess) -> None:
    registered = await crm.post("/stores/S01/customers", "service_advisor", person(520))
    same = {name: person(520)[name] for name in ("phone", "vin")}
    rows = [
        person(520),
        person(521),
        person(522, vin=same["vin"]),
        person(523, phone=same["phone"], model=""),
    ]
    import_id = (await uploaded(crm, table(rows))).json()["import_id"]
    await crm.wait_until_idle()
    path = f"/stores/S01/customers/{registered.json()['customer_ref']}/erasure"
    erased = await crm.post(path, MANAGER, {"reason": "requested"})
    assert erased.status_code == 201, erased.text
    kept = (await crm.get(f"{IMPORTS}/{import_id}/rows", MANAGER)).json()
    assert [(each["state"], each["texts"] is None) for each in kept] == [
        ("refused", True),
        ("ready", False),
        ("refused", True),
        ("wrong", True),
    ]
    assert (await begun(crm, import_id)).status_code == 200
    await crm.wait_until_idle()
    view = await shown(crm, import_id)
    assert (view["status"], view["registered"], view["refused"]) == ("applied", 1, 2)
    found = await crm.get("/stores/S01/customers", MANAGER, vin=same["vin"])
    assert found.status_code == 404


async def test_rows_of_stricter_rules_are_refused(
    crm: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = (await uploaded(crm, table([person(530), person(531)]))).json()["import_id"]
    monkeypatch.setattr(customer_import, "registration_of", lambda _: {"name": "王"})
    assert (await begun(crm, import_id)).status_code == 200
    await crm.wait_until_idle()
    view = await shown(crm, import_id)
    assert (view["status"], view["refused"], view["to_do"]) == ("applied", 2, 0)


async def test_import_cancelled_half_way_keeps_what_is_done(crm: InProcess) -> None:
    rows = [person(1000 + number) for number in range(200)]
    import_id = (await uploaded(crm, table(rows))).json()["import_id"]
    assert (await begun(crm, import_id)).status_code == 200
    cancelled = await crm.post(f"{IMPORTS}/{import_id}/cancel", MANAGER, {})
    assert cancelled.status_code == 200, cancelled.text
    await crm.wait_until_idle()
    view = await shown(crm, import_id)
    assert (view["status"], view["registered"]) == ("cancelled", cancelled.json()["registered"])
    assert view["registered"] + view["to_do"] == 200
    assert view["to_do"] > 0


async def test_unknown_headings_and_large_files_are_refused(crm: InProcess) -> None:
    headings = ["客户", "Tel", "车牌", "VIN", "品牌", "车型"]
    text = table([person(511)], headings)
    refused = await uploaded(crm, text)
    assert refused.json()["errors"][0]["rule"] == "columns_undecided"
    assert refused.json()["values"]["missing"] == ["phone"]
    assert (await uploaded(crm, text, columns={"phone": "Tel"})).status_code == 201
    large = await crm.client.post(
        IMPORTS,
        content=b"x" * (LARGEST_UPLOAD + 1),
        headers={
            "Authorization": f"Bearer {crm.token(MANAGER)}",
            "Idempotency-Key": "too-large-file",
            "Content-Type": "application/json",
        },
    )
    assert (large.status_code, large.json()["values"]["largest"]) == (413, LARGEST_UPLOAD)
    technician = await crm.get(IMPORTS, "technician")
    assert technician.status_code == 403


async def test_command_imports_birthdays_and_prints_errors(
    crm: InProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        person(540) | {"birthday": "1980/3/14"},
        person(541) | {"birthday": "30.2."},
        person(542, phone="12") | {"birthday": ""},
        person(543, phone=person(540)["phone"]) | {"birthday": "5月1日"},
        person(540) | {"birthday": "3月15日"},
    ]
    file = tmp_path / "customers.csv"
    file.write_text(table(rows, ["姓名", "Tel", *HEADINGS[2:], "生日"], [*FIELDS, "birthday"]))
    token = crm.token("service_manager", "system", subject="import")
    files = CustomerFiles(CrmApi(ServiceCalls("crm", crm.client, token)), "S01")
    with pytest.raises(EmbeddedError, match="no heading is known for phone; name it by --column"):
        await import_file(files, CustomersAsked.of(file, "S01", None, []))
    asked = CustomersAsked.of(file, "S01", "other", ["phone=Tel"])
    assert not await import_file(files, asked)
    assert capsys.readouterr().out.splitlines() == [
        "5 rows, 2 wrong",
        "row 3: birthday: has a wrong form; right: month and day, or a date: 03-14, 3月14日, "
        "1980-03-14",
        "row 4: phone: has a wrong form; right: a telephone number: 13800138000, 021-63501234, "
        "+852 2123 4567",
        "row 5: may be another customer's; register it at the desk, which asks whose",
        "applied: 1 registered, 1 known already, 1 undecided, 0 refused, 2 wrong",
    ]
    found = (await crm.get("/stores/S01/customers", MANAGER, vin=vin(540))).json()
    path = f"/stores/S01/customers/{found['customer_ref']}/birthday"
    assert (await crm.get(path, MANAGER)).json()["month_day"] == "03-14"


@pytest.mark.parametrize(
    ("store", "source", "columns", "said"),
    [
        (None, None, [], "from a file, XLSX or CSV, with --store"),
        ("S01", "paper", [], "no source paper; known are sales, insurance, other"),
        ("S01", None, ["tel=Tel"], "--column is a column and its heading, phone=Tel, of name"),
        ("S01", None, ["phone"], "--column is a column"),
    ],
)
def test_wrong_options_of_command_are_refused(
    store: str | None, source: str | None, columns: list[str], said: str
) -> None:
    with pytest.raises(EmbeddedError, match=said):
        CustomersAsked.of(Path(__file__), store, source, columns)
