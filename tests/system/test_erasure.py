"""A person with an order, a photo, feedback and messages is erased everywhere (R19)."""

from pathlib import Path
from typing import Any

import asyncpg

from shared.clock import SimulatedClock
from shared.ids import new_id
from tests.support.api import ADVISOR, MANAGER, SERVICES, Api, customer
from tests.support.pictures import picture

PLATE, NUMBER = "沪D10077", 77
CONCERN, COMMENT = "冷车启动有异响", "等了一个小时，没人管"


async def test_erased_person_is_readable_nowhere(api: Api, clock: SimulatedClock) -> None:
    order_id = await api.opened(NUMBER, PLATE)
    photo = await photographed(api, order_id)
    await api.worked(order_id)
    await api.delivered(order_id)
    ratings = {"work_quality": 5, "technical_skill": 5, "service_attitude": 4}
    path = f"/orders/{order_id}"
    await api.done("reception", f"{path}/feedback", ADVISOR, ratings | {"comment": COMMENT})
    await api.wait_until_idle()
    order = await api.get("reception", path, ADVISOR)
    reports = await api.get("reporting", "/daily-kpis", MANAGER)
    kept = photos(api)
    assert (order["customer_concern"], photo in kept) == (CONCERN, True)

    care = api.platform.issuer.token("S01-care-1", roles=["customer_care_manager"], stores=["S01"])
    found = await kept_elsewhere(api, order["customer_ref"], care)
    assert found["reception"] >= {("concern", True), ("signature", True), ("photo", True)}
    assert ("invoice", False) in found["reception"]
    assert found["workshop"] == {("job", False)}
    assert found["reporting"] == {("figure", False)}
    assert found["management"] == set()

    erased = await api.post(
        "crm",
        f"/customers/{order['customer_ref']}/erasure",
        MANAGER,
        {"reason": "requested"},
        token=care,
    )
    assert erased.status_code == 201, erased.text
    await api.wait_until_idle()

    order = await api.get("reception", path, ADVISOR)
    assert (order["customer_concern"], order["status"]) == (None, "closed")
    feedback = await api.get("reception", f"{path}/feedback", MANAGER)
    assert (feedback["comment"], feedback["service_attitude"]) == (None, 4)
    signature = await api.get("reception", f"{path}/signature", ADVISOR)
    assert signature == {"strokes": None, "png": None}
    assert await api.get("reception", f"{path}/photos", ADVISOR) == []
    assert photo not in photos(api)
    assert (await api.get("reception", f"/vehicles/{PLATE}", ADVISOR))["visits"] == 0
    assert await keys(api) == set()
    assert await api.get("reporting", "/daily-kpis", MANAGER) == reports

    known = await api.done("crm", "/customers", ADVISOR, customer(NUMBER, PLATE))
    assert known["customer_ref"] != order["customer_ref"]


async def kept_elsewhere(api: Api, ref: str, token: str) -> dict[str, set[tuple[str, bool]]]:
    """Return the kinds that each other service keeps of a person, and whether an erasure takes
    them.
    """
    response = await api.client.get(
        f"{api.platform.url('crm')}/stores/S01/customers/{ref}/kept-data",
        headers={"Authorization": f"Bearer {token}"},
    )
    kept = response.raise_for_status().json()["elsewhere"]
    assert all(each["is_available"] for each in kept)
    return {
        each["service"]: {(entry["kind"], entry["is_erased"]) for entry in each["entries"]}
        for each in kept
    }


async def photographed(api: Api, order_id: str) -> str:
    """Return the id of a photo of the order's vehicle."""
    response = await api.client.post(
        f"{api.platform.url('reception')}/stores/S01/orders/{order_id}/photos",
        params={"kind": "walkaround"},
        content=picture(),
        headers={
            "Authorization": f"Bearer {api.token(ADVISOR)}",
            "Idempotency-Key": str(new_id()),
        },
    )
    assert response.status_code == 201, response.text
    return str(response.json()["photo_id"])


def photos(api: Api) -> set[str]:
    """Return the ids of all photos whose content is kept."""
    folder = Path(api.platform.environment("reception")["AFTERSALES_FILES"]) / "S01" / "photos"
    return {file.name for file in folder.iterdir()}


async def keys(api: Api) -> set[str]:
    """Return the data subjects of all services whose texts can be read."""
    connection = await asyncpg.connect(api.platform.admin_url)
    try:
        found: set[Any] = set()
        for service in set(SERVICES) - {"management", "reporting"}:
            rows = await connection.fetch(
                f"SELECT data_subject_id FROM {service}.subject_key WHERE wrapped_key IS NOT NULL"
            )
            found |= {row["data_subject_id"] for row in rows}
        return found
    finally:
        await connection.close()
