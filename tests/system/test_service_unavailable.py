"""Effect on users while a part of the platform is unavailable (R4, R5, R11, R19)."""

import asyncio
import os
import signal
from datetime import datetime, timedelta

from tests.support.api import ADVISOR, Api, customer
from tests.support.polling import PATIENCE_S


async def stopped(api: Api, name: str) -> None:
    process = api.platform.process(name)
    process.kill()
    await asyncio.sleep(0.5)


async def test_promise_without_workshop_is_provisional(api: Api) -> None:
    order_id = await api.greeted("沪B10001")
    body = await api.write_up(11, "沪B10001")
    await api.wait_until_idle()
    await stopped(api, "workshop")
    order = await api.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
    assert order["promise_provisional"] is True

    await api.platform.restart("workshop")
    await api.platform.ready("workshop")
    await api.wait_until_idle()
    jobs = await api.get("workshop", f"/jobs?order_id={order_id}", ADVISOR)
    assert [bool(job["technician_ids"]) for job in jobs] == [True]
    order = await api.get("reception", f"/orders/{order_id}", ADVISOR)
    assert order["promise_provisional"] is False
    ends_at = max(datetime.fromisoformat(job["planned_finish_at"]) for job in jobs)
    assert datetime.fromisoformat(order["promised_at"]) >= ends_at + timedelta(minutes=20)


async def test_order_without_crm_opens_and_links_later(api: Api) -> None:
    order_id = await api.greeted("沪B10002")
    body = await api.write_up(12, "沪B10012")
    await stopped(api, "crm")
    details = (
        body | {"customer_ref": None, "vehicle_ref": None} | {"customer": customer(13, "沪B10002")}
    )
    order = await api.done("reception", f"/orders/{order_id}/open", ADVISOR, details)
    assert (order["status"], order["customer_ref"]) == ("opened", None)

    await api.platform.restart("crm")
    await api.platform.ready("crm")
    await api.wait_until_idle()
    order = await api.get("reception", f"/orders/{order_id}", ADVISOR)
    known = await api.get("crm", "/customers?plate=沪B10002", ADVISOR)
    assert order["customer_ref"] == known["customer_ref"]
    assert order["vehicle_ref"] == known["vehicle_ref"]


async def test_order_opens_without_broker(api: Api) -> None:
    broker = api.platform.process("kafka").pid
    os.kill(broker, signal.SIGSTOP)
    try:
        order_id = await api.opened(14, "沪B10003")
        order = await api.get("reception", f"/orders/{order_id}", ADVISOR)
        assert order["status"] == "opened"
    finally:
        os.kill(broker, signal.SIGCONT)
    await api.wait_until_idle()
    assert await api.get("workshop", f"/jobs?order_id={order_id}", ADVISOR)


async def test_command_without_database_may_be_repeated(api: Api) -> None:
    await stopped(api, "postgres")
    key = "repeated-after-outage"
    body = {"plate": "沪B10004"}
    response = await api.post("reception", "/arrivals", ADVISOR, body, key=key)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "nothing was changed" in response.json()["detail"]

    await api.platform.restart("postgres")
    async with asyncio.timeout(PATIENCE_S):
        while (
            response := await api.post("reception", "/arrivals", ADVISOR, body, key=key)
        ).status_code == 503:
            await asyncio.sleep(0.5)
    assert response.status_code == 201
