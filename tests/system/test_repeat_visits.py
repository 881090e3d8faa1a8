"""Repeat customers, recognized at arrival in every store of the group, and the first customer of a
new store (R2, R16, R25, R40).
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.clock import SimulatedClock
from shared.group import GROUP_ZONE
from shared.ids import new_id
from tests.support.api import ADVISOR, DISPATCHER, MANAGER, Api

PLATE = "沪D10001"
ELSEWHERE = "S02-advisor-1"


async def visited(api: Api) -> str:
    order_id = await api.opened(41, PLATE)
    await api.worked(order_id)
    await api.delivered(order_id)
    await api.wait_until_idle()
    return order_id


async def test_returning_customer_arrives_with_group_tier_and_visits(api: Api) -> None:
    await visited(api)
    once = await api.get("reception", f"/vehicles/{PLATE}", ADVISOR)
    assert (once["visits"], once["tier"]) == (1, None)

    order_id = await visited(api)
    arrived = await api.done("reception", "/arrivals", ADVISOR, {"plate": PLATE})
    assert (arrived["vehicle"]["visits"], arrived["vehicle"]["tier"]) == (2, "bronze")
    assert arrived["vehicle"]["history"][0]["order_id"] == order_id

    token = api.token(ELSEWHERE, ("S02",))
    body: dict[str, Any] = {"plate": PLATE}
    asked = await api.post("reception", "/arrivals", ELSEWHERE, body, token=token, store="S02")
    assert asked.json()["values"]["store_id"] == "S01"
    body |= {"elsewhere_confirmed": True}
    there = await api.done("reception", "/arrivals", ELSEWHERE, body, token=token, store="S02")
    vehicle = there["vehicle"]
    assert (vehicle["visits"], vehicle["tier"], vehicle["customer_ref"]) == (2, "bronze", None)


async def test_credited_invoice_no_longer_counts_for_tier(api: Api) -> None:
    (order_id, *_) = [
        order["order_id"] for order in await api.get("reception", "/orders?status=closed", MANAGER)
    ]
    path = f"/orders/{order_id}"
    paid = (await api.get("reception", path, MANAGER))["invoiced_cents"]
    back = {"method": "cash", "amount_cents": paid, "reason": "paid_too_much"}
    order = await api.done("reception", f"{path}/refunds", MANAGER, back)
    note = {"amount_cents": paid, "reason": "wrong_price", "version": order["version"]}
    await api.done("reception", f"{path}/credit-notes", MANAGER, note)
    await api.wait_until_idle()
    vehicle = await api.get("reception", f"/vehicles/{PLATE}", ADVISOR)
    assert (vehicle["visits"], vehicle["tier"]) == (2, None)


async def test_stopped_work_is_invoiced_and_reoffered(api: Api, clock: SimulatedClock) -> None:
    plate = "沪D10009"
    order_id = await api.greeted(plate)
    body = await api.write_up(49, plate, op_codes=["MNT-001", "MNT-006"])
    await api.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
    first = await api.begun(order_id)
    path, unwanted = f"/orders/{order_id}", {"op_codes": ["MNT-001", "MNT-006"]}
    preview = await api.done("reception", f"{path}/withdrawal-preview", ADVISOR, unwanted)
    assert [(line["code"], line["standard_hours"]) for line in preview["lines"]] == [
        (first["op_code"], 0.1),
        ("OIL-5W30", None),
    ]
    refused = await api.withdrawn(order_id, unwanted | {"agreed_cents": 1})
    assert refused.json()["values"] == {"amount_cents": preview["estimate_cents"]}
    agreed = unwanted | {"agreed_cents": preview["estimate_cents"]}
    assert (await api.withdrawn(order_id, agreed)).is_success
    await api.wait_until_idle()

    jobs = await api.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER)
    assert sorted(job["status"] for job in jobs) == ["cancelled", "stopped"]
    await api.delivered(order_id)
    order = await api.get("reception", path, ADVISOR)
    assert (order["status"], order["invoiced_cents"]) == ("closed", preview["estimate_cents"])
    clock.set(clock.now() + timedelta(hours=1))
    again = await api.greeted(plate)
    (declined,) = await api.get("reception", f"/orders/{again}/work-to-reoffer", ADVISOR)
    assert [line["code"] for line in declined["lines"]] == unwanted["op_codes"]


async def test_new_store_delivers_first_order(api: Api, clock: SimulatedClock) -> None:
    there = replace(api, store="S07")
    posts = {
        "advisor": "service_advisor",
        "dispatcher": "dispatcher",
        "inspector": "quality_inspector",
        "manager": "service_manager",
    }
    names = {"zh": "周岚", "en": "Lan Zhou"}
    body = {
        "like": "S01",
        "first_day": clock.now().astimezone(GROUP_ZONE).date().isoformat(),
        "reason": "新店开业",
        "zh": "南京启岳江宁店",
        "en": "Qiyue Nanjing Jiangning",
        "city": {"zh": "南京", "en": "Nanjing"},
        "staff": [{"code": f"S07-{who}-1", **names, "role": role} for who, role in posts.items()],
    }
    manager = api.platform.issuer.token("group-manager-1", roles=["group_manager"], stores=[])
    headers = {"Authorization": f"Bearer {manager}", "Idempotency-Key": str(new_id())}
    url = f"{api.platform.url('management')}/group/stores/S07/open"
    opened = await api.client.post(url, json=body, headers=headers)
    assert opened.is_success, opened.text

    technician = {
        "version": "0",
        "valid_from": body["first_day"],
        "reason": "入职",
        "content": {
            "kind": "person",
            "posts": [{"role": "technician", "in_store": "S07"}],
            "skills": {"maintenance": 3},
            "shift": "early",
            **names,
        },
    }
    hired = await api.client.put(
        f"{api.platform.url('management')}/stores/S07/staff/S07-technician-1",
        json=technician,
        headers={
            "Authorization": f"Bearer {there.token(MANAGER)}",
            "Idempotency-Key": str(new_id()),
        },
    )
    assert hired.is_success, hired.text
    await there.wait_until_idle()
    order_id = await there.opened(71, "沪D10071")
    await there.worked(order_id)
    await there.delivered(order_id)
    assert (await there.get("reception", f"/orders/{order_id}", ADVISOR))["status"] == "closed"
