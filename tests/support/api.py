"""Platform as its users call it: over HTTP, each person with their own token."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from shared.formats import vin_check_digit
from shared.ids import new_id
from tests.support.harness import ROLE_IN_ID
from tests.support.seen_versions import SIGHTS, Sight

SERVICES = ("reception", "workshop", "crm", "reporting", "management")
ADVISOR, DISPATCHER, INSPECTOR = "S01-advisor-1", "S01-dispatcher-1", "S01-inspector-1"
MANAGER = "S01-manager-1"
STEPS = (
    "work_explained",
    "invoice_explained",
    "operation_explained",
    "old_parts_shown",
    "vehicle_clean",
    "next_service_told",
    "belongings_returned",
)


def vin(number: int) -> str:
    """Return a VIN with its check digit."""
    draft = f"LSVAA4180{number:08d}"
    return draft[:8] + vin_check_digit(draft) + draft[9:]


def customer(number: int, plate: str) -> dict[str, Any]:
    """Return a person and vehicle as the counter takes them down."""
    return {
        "name": "王小明",
        "phone": f"138{number:08d}",
        "plate": plate,
        "vin": vin(number),
        "brand": "启岳",
        "model": "X1",
    }


@dataclass
class Api:
    """Calls in the name of one person of a store after another.

    In another store than S01, a person of S01 stands for the one with the same post.
    """

    platform: Platform
    client: httpx.AsyncClient
    store: str = "S01"

    def token(self, subject: str, stores: tuple[str, ...] = (), **claims: Any) -> str:
        role = ROLE_IN_ID[subject.split("-")[1]]
        here = stores or (self.store,)
        return self.platform.issuer.token(self._here(subject), roles=[role], stores=here, **claims)

    def _here(self, subject: str) -> str:
        return subject.replace("S01-", f"{self.store}-", 1)

    async def post(
        self,
        service: str,
        path: str,
        subject: str,
        body: Any = None,
        *,
        key: str = "",
        token: str = "",
        store: str = "",
        method: str = "POST",
    ) -> httpx.Response:
        """Send a command; a body without a ``version`` gets the present one."""
        full = f"/stores/{store or self.store}{path}"
        return await self.client.request(
            method,
            f"{self.platform.url(service)}{full}",
            json=await (await self._sight(service)).look(
                full, body, lambda shown: self._shown(service, shown)
            ),
            headers={
                "Authorization": f"Bearer {token or self.token(subject)}",
                "Idempotency-Key": key or str(new_id()),
            },
        )

    async def _sight(self, service: str) -> Sight:
        if service not in SIGHTS:
            found = await self.client.get(f"{self.platform.url(service)}/openapi.json")
            SIGHTS[service] = Sight.of(found.json())
        return SIGHTS[service]

    async def _shown(self, service: str, path: str) -> Any:
        store = path.split("/")[2]
        manager = self.token(f"{store}-manager-1", (store,))
        headers = {"Authorization": f"Bearer {manager}"}
        response = await self.client.get(f"{self.platform.url(service)}{path}", headers=headers)
        return response.json() if response.is_success else {"version": "unseen"}

    async def get(self, service: str, path: str, subject: str, store: str = "") -> Any:
        response = await self.client.get(
            f"{self.platform.url(service)}/stores/{store or self.store}{path}",
            headers={"Authorization": f"Bearer {self.token(subject)}"},
        )
        return response.raise_for_status().json()

    async def done(self, *args: Any, **kwargs: Any) -> Any:
        """Send a post that must succeed; return its body."""
        response = await self.post(*args, **kwargs)
        assert response.is_success, response.text
        return response.json()

    async def wait_until_idle(self, services: tuple[str, ...] = SERVICES) -> None:
        """Wait until nothing is to be read, sent or fired anywhere."""
        headers = {"Authorization": f"Bearer {self.token('platform-operator-1')}"}
        idle_rounds: list[Any] = []
        async with asyncio.timeout(120):
            while len(idle_rounds) < 3 or idle_rounds[-1] != idle_rounds[-3]:
                states = [
                    (
                        await self.client.get(f"{self.platform.url(s)}/status", headers=headers)
                    ).json()
                    for s in services
                ]
                waits = any(s["lag"] != 0 or s["outbox"] or s["due_timers"] for s in states)
                idle_rounds = (
                    []
                    if waits
                    else [*idle_rounds, [(s["published"], s["applied"]) for s in states]]
                )
                await asyncio.sleep(0.1)

    async def greeted(self, plate: str) -> str:
        """Return the order id of a vehicle whose customer was greeted."""
        order = await self.done("reception", "/arrivals", ADVISOR, {"plate": plate})
        await self.done("reception", f"/orders/{order['order_id']}/greet", ADVISOR)
        return str(order["order_id"])

    async def write_up(self, number: int, plate: str, **changes: Any) -> dict[str, Any]:
        """Return the body that opens an order for a registered customer."""
        known = await self.done("crm", "/customers", ADVISOR, customer(number, plate))
        return {
            "customer_ref": known["customer_ref"],
            "vehicle_ref": known["vehicle_ref"],
            "odometer_km": 12_000,
            "customer_concern": "冷车启动有异响",
            "op_codes": ["MNT-001"],
            "parts": [{"part_number": "OIL-5W30", "quantity": 4}],
        } | changes

    async def opened(self, number: int, plate: str) -> str:
        """Return the id of an open order."""
        order_id = await self.greeted(plate)
        body = await self.write_up(number, plate)
        await self.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
        return order_id

    async def worked(self, order_id: str) -> None:
        """Start, finish and accept every job of the order."""
        await self.wait_until_idle()
        lists = await self.get("workshop", "/inspection-checklists", INSPECTOR)
        checklists = lists["checklists"]
        for job in await self.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER):
            path, technician = f"/jobs/{job['job_id']}", job["technician_ids"][0]
            await self.done("workshop", f"{path}/start", technician)
            await self.done("workshop", f"{path}/finish", technician)
            items = {each["item"]: "ok" for each in checklists[job["skill_code"]]}
            await self.done("workshop", f"{path}/inspection", INSPECTOR, {"items": items})
        await self.wait_until_idle()

    async def begun(self, order_id: str) -> Any:
        """Start the first job of the order and return it."""
        await self.wait_until_idle()
        job = (await self.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER))[0]
        path = f"/jobs/{job['job_id']}/start"
        return await self.done("workshop", path, job["technician_ids"][0])

    async def withdrawn(self, order_id: str, unwanted: dict[str, Any]) -> httpx.Response:
        """Withdraw work that the customer does not want any more; return the response."""
        path = f"/orders/{order_id}"
        await self.wait_until_idle()
        order = await self.get("reception", path, ADVISOR)
        decision = {"reason": "vehicle_needed", "channel": "in_person", "version": order["version"]}
        return await self.post("reception", f"{path}/withdrawals", ADVISOR, decision | unwanted)

    async def paid(self, order_id: str) -> None:
        """Invoice the order and pay it."""
        path = f"/orders/{order_id}"
        invoice = await self.done("reception", f"{path}/invoice", ADVISOR)
        payment = {"method": "cash", "amount_cents": invoice["balance_cents"]}
        await self.done("reception", f"{path}/payments", ADVISOR, payment)

    async def delivered(self, order_id: str) -> None:
        """Pay the invoice, record every delivery step and deliver the vehicle."""
        await self.paid(order_id)
        await self.steps_done(order_id)
        await self.done("reception", f"/orders/{order_id}/delivery", ADVISOR)

    async def steps_done(self, order_id: str) -> None:
        """Record every step of the delivery, with the signature."""
        for step in STEPS:
            await self.done(
                "reception", f"/orders/{order_id}/delivery-steps", ADVISOR, {"step": step}
            )
        drawn = {"strokes": [[[1000, 5000], [9000, 4000]]]}
        await self.done("reception", f"/orders/{order_id}/signature", ADVISOR, drawn)
