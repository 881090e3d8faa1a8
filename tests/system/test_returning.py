"""A customer who comes again is known on sight, in every store of the group (R2, R16, R25)."""

from tests.system.api import ADVISOR, MANAGER

PLATE = "沪D10001"
ELSEWHERE = "S02-advisor-1"


async def visited(api):
    order_id = await api.opened(41, PLATE)
    await api.worked(order_id)
    await api.delivered(order_id)
    await api.at_rest()
    return order_id


async def test_a_returning_customer_arrives_with_tier_and_visits_of_the_whole_group(api):
    await visited(api)
    once = await api.get("reception", f"/vehicles/{PLATE}", ADVISOR)
    assert (once["visits"], once["tier"]) == (1, None)

    order_id = await visited(api)
    arrived = await api.done("reception", "/arrivals", ADVISOR, {"plate": PLATE})
    assert (arrived["vehicle"]["visits"], arrived["vehicle"]["tier"]) == (2, "bronze")
    assert arrived["vehicle"]["history"][0]["order_id"] == order_id

    token = api.token(ELSEWHERE, ("S02",))
    body = {"plate": PLATE}
    asked = await api.post("reception", "/arrivals", ELSEWHERE, body, token=token, store="S02")
    assert asked.json()["values"]["store_id"] == "S01"
    body |= {"elsewhere_confirmed": True}
    there = await api.done("reception", "/arrivals", ELSEWHERE, body, token=token, store="S02")
    vehicle = there["vehicle"]
    assert (vehicle["visits"], vehicle["tier"], vehicle["customer_ref"]) == (2, "bronze", None)


async def test_what_is_taken_back_from_a_bill_counts_no_more(api):
    (order_id, *_) = [
        order["order_id"] for order in await api.get("reception", "/orders?stage=settled", MANAGER)
    ]
    path = f"/orders/{order_id}"
    paid = (await api.get("reception", path, MANAGER))["invoiced_cents"]
    back = {"method": "cash", "amount_cents": paid, "reason": "paid_too_much"}
    order = await api.done("reception", f"{path}/refunds", MANAGER, back)
    note = {"amount_cents": paid, "reason": "wrong_price", "version": order["version"]}
    await api.done("reception", f"{path}/credit-notes", MANAGER, note)
    await api.at_rest()
    vehicle = await api.get("reception", f"/vehicles/{PLATE}", ADVISOR)
    assert (vehicle["visits"], vehicle["tier"]) == (2, None)
