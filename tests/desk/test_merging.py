"""Duplicates side by side at the desk, merged and separated again (R19)."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from tests.support.api import ADVISOR, Api, customer
from tests.support.desk import Desk
from tests.support.polling import PATIENCE_S

CARE = "S01-customer-care-manager-1"


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)


async def test_duplicates_are_merged_and_separated(api: Api, desk: Desk) -> None:
    first = await api.done("crm", "/customers", ADVISOR, customer(71, "沪A71001"))
    near = customer(72, "沪A71002") | {"name": "王小名", "phone": customer(71, "")["phone"]}
    other = near | {"decision": {"answer": "another_person"}}
    second = await api.done("crm", "/customers", ADVISOR, other)

    care = await desk.sign_in(CARE)
    await care.go("/stores/S01/duplicates")
    pair = care.at("duplicate")
    await expect(pair).to_contain_text("同一电话")
    await expect(pair).to_contain_text("王小名")
    await expect(pair).to_contain_text("沪A71001")
    await care.keep("duplicates")
    await care.fits("phone")
    await care.at("compared").filter(has_text="沪A71001").get_by_test_id("keep").click()
    await expect(pair).to_have_count(0)

    await care.go(f"/stores/S01/customers/{second['customer_ref']}")
    merged = care.at("merged-record")
    await expect(merged).to_contain_text("王小名")
    await expect(care.at("vehicle")).to_have_count(2)
    await care.keep("merged-customer")
    await care.press("separate")
    await expect(merged).to_have_count(0)
    await care.go(f"/stores/S01/customers/{first['customer_ref']}")
    await expect(care.at("vehicle")).to_have_count(1)
    assert care.faults == []
