"""Workshop of a store in the test's own process; a publisher stands in for reception."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from services.workshop.app import create_app
from services.workshop.application.deps import Deps
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import (
    LaborOperation,
    OrderCancelled,
    OrderOpened,
    VehicleArrived,
    WorkWithdrawn,
)
from shared.ids import new_id
from shared.problems import ProblemDetails
from tests.support.catalog import defined
from tests.support.harness import ROLE_IN_ID, InProcess, Publisher, in_process, published, publisher
from tests.support.stack import MORNING

OPENING = MORNING + timedelta(minutes=30)
"""Start of the early shift, 08:00 in Shanghai."""

JOBS = "aftersales.workshop.job.v1"
STORE = "aftersales.workshop.store.v1"

JsonObject = dict[str, Any]


def assert_rejected(response: httpx.Response, status: int, rule: str, field: str) -> ProblemDetails:
    """Return the problem that a command was refused with."""
    assert response.status_code == status, response.text
    problem = ProblemDetails.model_validate(response.json())
    assert [(error.rule, error.field) for error in problem.errors] == [(rule, field)]
    return problem


@dataclass(frozen=True)
class WorkshopHarness:
    """Commands and queries of the people of one store in the workshop."""

    service: InProcess
    publisher: Publisher
    servers: Platform
    clock: SimulatedClock
    store_id: str = "S01"

    @property
    def deps(self) -> Deps:
        """Return the dependencies of the workshop's application functions."""
        deps: Deps = self.service.app.state.service.deps
        return deps

    def of(self, store_id: str) -> "WorkshopHarness":
        """Return the workshop of another store."""
        return replace(self, store_id=store_id)

    async def post(self, path: str, who: str, body: Any = None) -> httpx.Response:
        """Send a command of ``who``: a role, or the id of a person, which contains the role.

        A body without a ``version`` gets the present one.
        """
        word = who.removeprefix(f"{self.store_id}-").partition("-")[0]
        role: Any = ROLE_IN_ID.get(word, word)
        token = self.service.token(role, stores=(self.store_id,), subject=who)
        full = f"/stores/{self.store_id}/{path}"
        return await self.service.client.post(
            full,
            json=await self.service.seen(full, body),
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
        )

    async def done(self, path: str, who: str, body: Any = None) -> JsonObject:
        """Send a command that must succeed, and wait for its effects."""
        response = await self.post(path, who, body)
        assert response.is_success, response.text
        await self.service.wait_until_idle()
        found: JsonObject = response.json()
        return found

    async def get(self, path: str, role: Any = "dispatcher", **params: Any) -> Any:
        token = self.service.token(role, stores=(self.store_id,))
        response = await self.service.client.get(
            f"/stores/{self.store_id}/{path}",
            params=params,
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.is_success, response.text
        return response.json()

    async def quote(self, *op_codes: str, confidence: float = 0.95) -> timedelta:
        """Return how long a customer would have to wait."""
        body = {"op_codes": list(op_codes), "confidence": confidence}
        response = await self.done("quotes", "service_advisor", body)
        return datetime.fromisoformat(response["promised_at"]) - self.clock.now()

    async def publish(self, *events: Event) -> None:
        """Publish events of other services, and wait for their effects."""
        await self.publisher.publish(*events, at=self.clock.now())
        await self.service.wait_until_idle()

    async def open_order(
        self, *op_codes: str, held: bool = False, confidence: float = 0.95, **changes: Any
    ) -> list[JsonObject]:
        """Open an order with its vehicle's arrival; return its jobs once they are planned.

        ``held``: its time was reserved with that confidence and the promise is the one quoted.
        """
        now, order_id = self.clock.now(), str(new_id())
        arrived = VehicleArrived(
            store_id=self.store_id,
            order_id=order_id,
            queue_number=7,
            vehicle_ref=f"k1-{order_id}",
            arrived_at=now,
            greeting_due_at=now,
        )
        given: JsonObject = {
            "store_id": self.store_id,
            "order_id": order_id,
            "advisor_id": f"{self.store_id}-advisor-1",
            "customer_ref": "c1",
            "vehicle_ref": f"k1-{order_id}",
            "odometer_km": 1,
            "symptoms": [],
            "labor_operations": [
                LaborOperation(
                    op_code=each,
                    standard_hours=defined("catalog", f"operation:{each}").standard_hours,
                )
                for each in op_codes
            ],
            "lines": [],
            "estimate_cents": 0,
            "promised_at": now + timedelta(hours=4),
            "promise_confidence": confidence,
            "hold_id": None,
            "opened_at": now,
        }
        if held:
            body = {"op_codes": list(op_codes), "confidence": confidence}
            hold = await self.done("capacity-holds", "service_advisor", body)
            given |= {"promised_at": hold["promised_at"], "hold_id": hold["hold_id"]}
        await self.publish(arrived, OrderOpened.model_validate(given | changes))
        return await self.jobs(order_id)

    async def cancelled(self, order_id: str) -> None:
        """Cancel the order: the customer has changed their mind."""
        await self.publish(
            OrderCancelled(store_id=self.store_id, order_id=order_id, reason="waited_too_long")
        )

    async def withdrawn(self, order_id: str, *op_codes: str) -> None:
        """Withdraw these operations, which the customer does not want any more."""
        event = WorkWithdrawn(
            store_id=self.store_id,
            order_id=order_id,
            withdrawn_op_codes=op_codes,
            labor_operations=(),
            lines=(),
            estimate_cents=0,
            replaced_versions=(1,),
            reason="vehicle_needed",
            channel="in_person",
            recorded_by=f"{self.store_id}-advisor-1",
            withdrawn_at=self.clock.now(),
        )
        await self.publish(event)

    async def jobs(self, order_id: str) -> list[JsonObject]:
        """Return the order's jobs when all of them are planned."""
        await self.service.wait_until_idle()
        jobs: list[JsonObject] = await self.get("jobs", order_id=order_id)
        return jobs

    async def job(self, job: JsonObject) -> JsonObject:
        """Return the job as it is now."""
        jobs = await self.jobs(job["order_id"])
        return next(each for each in jobs if each["job_id"] == job["job_id"])

    async def work(self, job: JsonObject, action: str, body: Any = None) -> JsonObject:
        """Send the technician's command on the job."""
        technician_id = job["technician_ids"][0]
        return await self.done(f"jobs/{job['job_id']}/{action}", technician_id, body)

    async def inspect(self, job: JsonObject, *failed: str) -> JsonObject:
        """Inspect a finished job."""
        lists = (await self.get("inspection-checklists"))["checklists"]
        items = {
            each["item"]: "failed" if each["item"] in failed else "ok"
            for each in lists[job["skill_code"]]
        }
        path = f"jobs/{job['job_id']}/inspection"
        return await self.done(path, f"{self.store_id}-inspector-1", {"items": items})

    async def worked(self, job: JsonObject, minutes: float) -> None:
        """Do the job in so many minutes and accept it."""
        await self.work(job, "start")
        await self.wait(minutes)
        await self.work(job, "finish")
        await self.inspect(job)

    async def accepted(self, *op_codes: str, **changes: Any) -> list[JsonObject]:
        """Open an order, and have its every job done and accepted."""
        jobs = await self.open_order(*op_codes, **changes)
        for job in jobs:
            await self.worked(job, 0)
        return jobs

    async def wait(self, minutes: float) -> None:
        """Advance the time, and wait until its deadlines have fired."""
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))
        await self.service.wait_until_idle()

    async def events(
        self, kind: type[Event], order_id: str | None = None, topic: str = JOBS
    ) -> list[Any]:
        """Return the store's events of one kind, of one order if it is named."""
        await self.service.wait_until_idle()
        return [
            received.event
            for received in await published(self.servers, [topic])
            if isinstance(received.event, kind)
            and received.event.store_id == self.store_id
            and order_id in (None, getattr(received.event, "order_id", None))
        ]

    def at(self, hours: float) -> datetime:
        """Return the time so many hours after the opening of the first day."""
        return OPENING + timedelta(hours=hours)


@asynccontextmanager
async def open_workshop_harness(
    servers: Platform, clock: SimulatedClock
) -> AsyncIterator[WorkshopHarness]:
    """Yield the workshop at the beginning of the early shift."""
    clock.set(OPENING)
    async with (
        in_process(servers, "workshop", create_app) as running,
        publisher(servers) as reception,
    ):
        yield WorkshopHarness(running, reception, servers, clock)
