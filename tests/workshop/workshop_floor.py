"""One store's workshop as its people use it; reception is played by events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from deploy.embedded.platform import Platform
from services.workshop.workforce import load_workforce
from shared.clock import SteppedClock
from shared.contracts import Event
from shared.contracts.reception import OrderCancelled, OrderedOperation, OrderOpened
from shared.security import Role
from shared.settings import Settings
from tests.harness import InProcess, Publisher, published

E = TypeVar("E", bound=Event)

JOBS = "aftersales.workshop.job.v1"
STORE = "aftersales.workshop.store.v1"


@dataclass
class WorkshopFloor:
    """Calls the workshop in the name of one person after another."""

    service: InProcess
    publisher: Publisher
    clock: SteppedClock
    store_id: str = "S01"
    orders: int = 0

    async def post(
        self, path: str, role: Role, body: Any = None, subject: str = "", key: str = ""
    ) -> httpx.Response:
        token = self.service.token(role, stores=(self.store_id,), subject=subject)
        self.orders += 1
        return await self.service.client.post(
            f"/stores/{self.store_id}/{path}",
            json=body,
            headers={
                "Authorization": f"Bearer {token}",
                "Idempotency-Key": key or f"command-{self.store_id}-{self.orders}",
            },
        )

    async def done(self, path: str, role: Role, body: Any = None, subject: str = "") -> Any:
        """A command that must succeed, and whatever it sets off; answers with its body."""
        response = await self.post(path, role, body, subject)
        assert response.is_success, response.text
        await self.service.at_rest()
        return response.json()

    async def get(self, path: str, role: Role = "dispatcher", **params: Any) -> Any:
        token = self.service.token(role, stores=(self.store_id,))
        response = await self.service.client.get(
            f"/stores/{self.store_id}/{path}",
            params=params,
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.is_success, response.text
        return response.json()

    async def quote(self, *operations: str, confidence: float = 0.95) -> timedelta:
        """How long a customer would have to wait."""
        body = {"operations": list(operations), "confidence": confidence}
        answer = (await self.post("quotes", "advisor", body)).json()
        return datetime.fromisoformat(answer["promised_at"]) - self.clock.now()

    async def publish(self, event: Event) -> None:
        """Something that happened elsewhere, and whatever it sets off here."""
        await self.publisher.publish(event, at=self.clock.now())
        await self.service.at_rest()

    async def opened(self, *operations: str, held: bool = True, **changes: Any) -> str:
        """An order with a promise, in the plan; its id."""
        self.orders += 1
        order_id = f"order-{self.store_id}-{self.orders}"
        body = {"operations": list(operations)}
        hold = await self.done("capacity-holds", "advisor", body) if held else None
        promised_at = hold["promised_at"] if hold else self.clock.now() + timedelta(hours=8)
        workforce = load_workforce(Settings().group_folder)
        given = {
            "store_id": self.store_id,
            "order_id": order_id,
            "advisor_id": f"{self.store_id}-advisor-1",
            "customer_ref": f"customer-{self.orders}",
            "vehicle_ref": f"vehicle-{self.orders}",
            "odometer_km": 42_000,
            "symptoms": (),
            "operations": [
                OrderedOperation(
                    operation_id=operation_id,
                    standard_hours=workforce.operation(operation_id).standard_hours,
                )
                for operation_id in operations
            ],
            "lines": (),
            "estimate_cents": 0,
            "promised_at": promised_at,
            "promise_confidence": 0.95,
            "hold_id": hold and hold["hold_id"],
            "opened_at": self.clock.now(),
        } | changes
        await self.publish(OrderOpened.model_validate(given))
        return order_id

    async def cancelled(self, order_id: str) -> None:
        """The customer has changed their mind."""
        await self.publish(
            OrderCancelled(store_id=self.store_id, order_id=order_id, reason="customer_left")
        )

    async def job(self, order_id: str, place: int = 0) -> dict[str, Any]:
        """One job of the order."""
        found: list[dict[str, Any]] = await self.get("jobs", order_id=order_id)
        return found[place]

    async def start(self, job: dict[str, Any]) -> None:
        await self.done(f"jobs/{job['job_id']}/start", "technician", subject=_first(job))

    async def finish(self, job: dict[str, Any]) -> None:
        await self.done(f"jobs/{job['job_id']}/finish", "technician", subject=_first(job))

    async def accept(self, job: dict[str, Any]) -> None:
        """The inspection of a finished job finds nothing."""
        lists = (await self.get("inspection-checklists"))["checklists"]
        items = {each["item"]: "ok" for each in lists[job["trade"]]}
        await self.done(f"jobs/{job['job_id']}/inspection", "inspector", {"items": items})

    async def wait(self, minutes: float) -> None:
        """Time passes, and with it the deadlines."""
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))
        await self.service.at_rest()

    async def worked(self, order_id: str, minutes: float) -> None:
        """The order's only job is done in so many minutes and accepted."""
        job = await self.job(order_id)
        await self.start(job)
        await self.wait(minutes)
        await self.finish(job)
        await self.accept(job)

    async def events(self, servers: Platform, kind: type[E], topic: str = JOBS) -> list[E]:
        """Every event of the kind that the store's workshop has published."""
        found = [received.event for received in await published(servers, [topic])]
        return [
            event for event in found if isinstance(event, kind) and event.store_id == self.store_id
        ]


def _first(job: dict[str, Any]) -> str:
    return str(job["technician_ids"][0])
