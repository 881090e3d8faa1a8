"""One workshop in the test's own process, with reception played by a publisher."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from services.workshop.app import create_app
from shared.clock import SteppedClock
from shared.contracts import Event
from shared.contracts.reception import OrderedOperation, OrderOpened, VehicleArrived
from shared.ids import new_id
from shared.problems import ProblemDetails
from tests.harness import InProcess, Publisher, in_process, published, publisher
from tests.stack import MORNING

OPENING = MORNING + timedelta(minutes=30)
"""08:00 in Shanghai, when the early shift begins."""

JOBS = "aftersales.workshop.job.v1"

Answer = dict[str, Any]


def refused(answer: httpx.Response, status: int, rule: str, field: str) -> ProblemDetails:
    """The problem that a command was refused with."""
    assert answer.status_code == status, answer.text
    problem = ProblemDetails.model_validate(answer.json())
    assert [(error.rule, error.field) for error in problem.errors] == [(rule, field)]
    return problem


@dataclass
class Floor:
    """What people of store S01 do in the workshop."""

    service: InProcess
    publisher: Publisher
    servers: Platform
    clock: SteppedClock

    async def post(self, path: str, subject: str, body: Any = None) -> httpx.Response:
        """A command of one person, whose role is in their id."""
        role = subject.split("-")[1]
        return await self.service.post(f"/stores/S01/{path}", role, body, subject=subject)

    async def done(self, path: str, subject: str, body: Any = None) -> Answer:
        """A command that must succeed."""
        answer = await self.post(path, subject, body)
        assert answer.is_success, answer.text
        await self.service.at_rest()
        return answer.json()

    async def get(self, path: str, role: Any = "dispatcher", **params: Any) -> Any:
        answer = await self.service.get(f"/stores/S01/{path}", role, **params)
        assert answer.is_success, answer.text
        return answer.json()

    async def open_order(self, *operations: str, **changes: Any) -> list[Answer]:
        """An order with its vehicle's arrival; its jobs once they are planned."""
        now = self.clock.now()
        order_id = str(new_id())
        arrived = VehicleArrived(
            store_id="S01",
            order_id=order_id,
            queue_number=7,
            plate_ref="k1-plate",
            arrived_at=now,
            greeting_due_at=now,
        )
        opened = OrderOpened.model_validate(
            {
                "store_id": "S01",
                "order_id": order_id,
                "advisor_id": "S01-advisor-1",
                "customer_ref": "c1",
                "vehicle_ref": f"k1-{order_id}",
                "odometer_km": 1,
                "symptoms": [],
                "operations": [
                    OrderedOperation(operation_id=each, standard_hours=0.6) for each in operations
                ],
                "lines": [],
                "estimate_cents": 0,
                "promised_at": now + timedelta(hours=4),
                "promise_confidence": 0.95,
                "hold_id": None,
                "opened_at": now,
            }
            | changes
        )
        await self.publisher.publish(arrived, opened, at=now)
        return await self.jobs(order_id)

    async def jobs(self, order_id: str) -> list[Answer]:
        """The order's jobs when nothing is left to be planned."""
        await self.service.at_rest()
        jobs: list[Answer] = await self.get("jobs", order_id=order_id)
        return jobs

    async def job(self, job: Answer) -> Answer:
        """The job as it is now."""
        jobs = await self.jobs(job["order_id"])
        return next(each for each in jobs if each["job_id"] == job["job_id"])

    async def work(self, job: Answer, action: str, body: Any = None) -> Answer:
        """What the job's technician does with it."""
        technician_id = job["technician_ids"][0]
        return await self.done(f"jobs/{job['job_id']}/{action}", technician_id, body)

    async def inspect(self, job: Answer, *failed: str) -> Answer:
        """The inspection of a finished job."""
        lists = (await self.get("inspection-checklists"))["checklists"]
        items = {
            each["item"]: "failed" if each["item"] in failed else "ok"
            for each in lists[job["trade"]]
        }
        path = f"jobs/{job['job_id']}/inspection"
        return await self.done(path, "S01-inspector-1", {"items": items})

    async def accepted(self, *operations: str, **changes: Any) -> list[Answer]:
        """An order whose every job was done and accepted."""
        jobs = await self.open_order(*operations, **changes)
        for job in jobs:
            await self.work(job, "start")
            await self.work(job, "finish")
            await self.inspect(job)
        return jobs

    async def events(self, kind: type[Event], order_id: str) -> list[Any]:
        """The order's events of one kind."""
        await self.service.at_rest()
        return [
            received.event
            for received in await published(self.servers, [JOBS])
            if isinstance(received.event, kind) and received.event.order_id == order_id
        ]

    def at(self, hours: float) -> datetime:
        """So many hours after the opening of the first day."""
        return OPENING + timedelta(hours=hours)


@asynccontextmanager
async def open_floor(servers: Platform, clock: SteppedClock) -> AsyncIterator[Floor]:
    """The workshop at the beginning of the early shift."""
    clock.set(OPENING)
    async with (
        in_process(servers, "workshop", create_app) as running,
        publisher(servers) as reception,
    ):
        yield Floor(running, reception, servers, clock)
