"""Front desk of store S01 as its staff use it; the workshop is unavailable or played by events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from deploy.embedded.platform import Platform
from services.reception.application.deps import Deps
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.security import Role
from tests.support.api import STEPS
from tests.support.harness import InProcess, published
from tests.support.workshop_events import WorkshopEvents

ORDERS = "aftersales.reception.order.v1"
E = TypeVar("E", bound=Event)

ADVISOR, COLLEAGUE, MANAGER = "S01-advisor-1", "S01-advisor-2", "S01-manager-1"

CLAIM_DETAILS = {
    "odometer_km": 12_000,
    "in_service_date": "2025-05-01",
    "dtc": "P0301",
    "causal_part_number": "OIL-5W30",
}


@dataclass
class FrontDesk:
    """Calls to reception in the name of one person after another."""

    service: InProcess
    clock: SimulatedClock

    @property
    def deps(self) -> Deps:
        """Return the dependencies of reception's functions."""
        deps: Deps = self.service.app.state.service.deps
        return deps

    async def post(
        self, path: str, body: Any = None, subject: str = ADVISOR, key: str = ""
    ) -> httpx.Response:
        role: Role = "service_manager" if subject == MANAGER else "service_advisor"
        return await self.service.post(f"/stores/S01{path}", role, body, subject=subject, key=key)

    async def done(self, path: str, body: Any = None, subject: str = ADVISOR) -> dict[str, Any]:
        """Send a command that must succeed; return its body."""
        response = await self.post(path, body, subject)
        assert response.is_success, response.text
        content: dict[str, Any] = response.json()
        return content

    async def get(self, path: str, **params: Any) -> Any:
        response = await self.service.get(f"/stores/S01{path}", "service_advisor", **params)
        assert response.is_success, response.text
        return response.json()

    async def assert_rejected(
        self, path: str, body: Any, rule: str, field: str, subject: str = ADVISOR
    ) -> dict[str, Any]:
        """Send a command that must be refused for ``rule`` at ``field``; return the values."""
        response = await self.post(path, body, subject)
        found = [(each["field"], each["rule"]) for each in response.json()["errors"]]
        assert (field, rule) in found, response.text
        values: dict[str, Any] = response.json()["values"]
        return values

    async def arrived(self, plate: str) -> dict[str, Any]:
        """Return a vehicle that stands at reception."""
        return await self.done("/arrivals", {"plate": plate})

    async def greeted(self, plate: str) -> str:
        """Return the order id of a vehicle whose customer was greeted."""
        order = await self.arrived(plate)
        await self.done(f"/orders/{order['order_id']}/greet")
        return str(order["order_id"])

    async def opened(self, plate: str, **changes: Any) -> dict[str, Any]:
        """Return an open order; its promise is provisional, for the workshop is unavailable."""
        order_id = await self.greeted(plate)
        return await self.done(f"/orders/{order_id}/open", write_up(plate, **changes))

    async def steps_done(self, order_id: str, steps: Sequence[str] = STEPS) -> None:
        """Record every step of the delivery, with the signature."""
        for step in steps:
            await self.done(f"/orders/{order_id}/delivery-steps", {"step": step})
        drawn = {"strokes": [[[1000, 5000], [9000, 4000]]]}
        await self.done(f"/orders/{order_id}/signature", drawn)

    async def delivered(self, order_id: str) -> None:
        """Invoice the finished order, pay it and deliver its vehicle."""
        invoice = await self.done(f"/orders/{order_id}/invoice")
        payment = {"method": "cash", "amount_cents": invoice["balance_cents"]}
        await self.done(f"/orders/{order_id}/payments", payment)
        await self.steps_done(order_id)
        await self.done(f"/orders/{order_id}/delivery")


async def ready(desk: FrontDesk, workshop: WorkshopEvents, plate: str, **changes: Any) -> str:
    """Return the id of an order whose work is finished."""
    order = await desk.opened(plate, **changes)
    order_id = str(order["order_id"])
    await workshop.planned(order_id, "MNT-001")
    await workshop.started(order_id, "MNT-001")
    await workshop.finished(order_id, "MNT-001")
    await desk.service.wait_until_idle()
    return order_id


async def invoiced(desk: FrontDesk, order_id: str) -> dict[str, Any]:
    """Invoice a finished order; return the invoice."""
    return await desk.done(f"/orders/{order_id}/invoice")


async def order_events(servers: Platform, order_id: str, *kinds: type[E]) -> list[E]:
    """Return the events about one order that are of these kinds."""
    return [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, kinds)
        and getattr(received.event, received.event.key_field) == order_id
    ]


def write_up(plate: str, **changes: Any) -> dict[str, Any]:
    """Return the write-up of a known customer."""
    return {
        "customer_ref": f"c-{plate[1:]}",
        "vehicle_ref": f"v-{plate[1:]}",
        "odometer_km": 12_000,
        "customer_concern": "冷车启动有异响",
        "op_codes": ["MNT-001"],
        "parts": [{"part_number": "OIL-5W30", "quantity": 4}],
    } | changes


def hours(op_code: str) -> float:
    """Return standard hours of the catalog's operations that the tests use."""
    return {"MNT-001": 0.6, "MNT-006": 0.8}[op_code]
