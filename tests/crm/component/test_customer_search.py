"""Finding a person by what is known of them, on real Kafka and PostgreSQL (R19)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person, vin

MIGRATIONS = Path(__file__).parents[3] / "services/crm/migrations"
SEARCH = (MIGRATIONS / "20261130_0014_erasures_up_0015_search.sql").read_text()
BACKFILL = SEARCH[SEARCH.index("ALTER TABLE timer") :]
ZENG = person(501, name="曾国藩", phone="13712345678", plate="沪AD12345")
NEIL = person(502, name="Anna O'Neil", phone="13798765678", plate="使014578")


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        for each in (ZENG, NEIL):
            response = await running.post("/stores/S01/customers", "service_advisor", each)
            assert response.status_code == 201, response.text
        yield running


async def search(crm: InProcess, text: str, role: Role = "service_advisor") -> list[dict[str, Any]]:
    response = await crm.post("/stores/S01/customer-searches", role, {"text": text})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


@pytest.mark.parametrize(
    ("text", "matched"),
    [
        ("曾国藩", "name"),
        ("zengguofan", "pinyin"),
        ("Cēng Guó Fān", "pinyin"),
        ("zgf", "initials"),
        ("+86 137 1234 5678", "phone"),
        ("5678", "phone_last_4"),
        ("沪A·D12345", "plate"),
        ("12345", "plate_last_5"),
        ("345", "plate_last_3"),
        (vin(501), "vin"),
        (vin(501)[-8:].lower(), "vin_last_8"),
        (vin(501)[-6:], "vin_last_6"),
    ],
)
async def test_person_is_found_by_every_token(crm: InProcess, text: str, matched: str) -> None:
    found = {each["name"]: each for each in await search(crm, text)}
    assert found["曾国藩"]["matched"] == matched
    (car,) = found["曾国藩"]["vehicles"]
    assert (car["plate"], car["model"], car["role"]) == ("沪AD12345", "Q5", "owner")


@pytest.mark.parametrize("text", ["国藩", "guofan", "1234", "23456", "A1230N", "ngguo", "．．"])
async def test_part_of_value_finds_nobody(crm: InProcess, text: str) -> None:
    assert "曾国藩" not in [each["name"] for each in await search(crm, text)]


async def test_closest_matches_come_first_at_most_twenty(crm: InProcess) -> None:
    for number in range(510, 533):
        body = person(number, name="林中", phone=f"1391111{number:04d}")
        await crm.post("/stores/S01/customers", "service_advisor", body)
    assert len(await search(crm, "林中")) == 20
    named = person(540, name="5678", phone="13711110540", plate="沪C90540")
    await crm.post("/stores/S01/customers", "service_advisor", named)
    assert [(each["name"], each["matched"]) for each in await search(crm, "5678")] == [
        ("5678", "name"),
        ("曾国藩", "phone_last_4"),
        ("Anna O'Neil", "phone_last_4"),
    ]


async def test_ended_values_find_nobody(crm: InProcess, servers: Platform) -> None:
    first = person(551, name="单雄信", phone="13755550001", plate="沪C55511")
    known = (await crm.post("/stores/S01/customers", "service_advisor", first)).json()
    corrected = first | {
        "name": "单信雄",
        "phone": "13755550002",
        "plate": "沪C55522",
        "decision": {"answer": "same_person", "customer_ref": known["customer_ref"]},
    }
    again = await crm.post("/stores/S01/customers", "service_advisor", corrected)
    assert again.status_code == 201, again.text
    for text in ("单雄信", "shanxiongxin", "13755550001", "沪C55511", "55511"):
        assert await search(crm, text) == []
    for text in ("单信雄", "sxx", "13755550002", "55522", vin(551)):
        assert [each["name"] for each in await search(crm, text)] == ["单信雄"]
    connection = await asyncpg.connect(servers.database_url("crm"))
    await connection.execute("SELECT set_config('app.stores', 'S02', false)")
    assert await connection.fetchval("SELECT count(*) FROM search_token") == 0
    await connection.close()


async def test_earlier_customers_become_findable_in_batches(
    crm: InProcess, servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.crm.application.search_tokens.BATCH", 1)
    texts = ("zengguofan", "5678", "沪AD12345", vin(501))
    found = [await search(crm, text) for text in texts]
    connection = await asyncpg.connect(servers.admin_url)
    try:
        await connection.execute("SET search_path TO crm; DELETE FROM search_token")
        assert [await search(crm, text) for text in texts] == [[]] * len(texts)
        await connection.execute(BACKFILL)
    finally:
        await connection.close()
    await crm.wait_until_idle()
    assert [await search(crm, text) for text in texts] == found


async def test_search_reaches_only_own_stores(crm: InProcess) -> None:
    both = crm.issuer.token("x", roles=["service_advisor"], stores=["S01", "S02"])
    headers = {"Authorization": f"Bearer {both}"}
    path = "/stores/S02/customer-searches"
    found = await crm.client.post(path, json={"text": "曾国藩"}, headers=headers)
    assert [(each["store_id"], each["name"]) for each in found.json()] == [("S01", "曾国藩")]
    other = crm.issuer.token("y", roles=["service_advisor"], stores=["S02"])
    headers = {"Authorization": f"Bearer {other}"}
    assert (await crm.client.post(path, json={"text": "曾国藩"}, headers=headers)).json() == []
    refused = await crm.post("/stores/S01/customer-searches", "cashier", {"text": "曾国藩"})
    assert refused.status_code == 403
