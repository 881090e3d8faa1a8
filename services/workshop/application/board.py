"""The big screen in the workshop (车间看板): all its content in one response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView, view
from services.workshop.application.workplace import Operations
from services.workshop.domain import board
from services.workshop.domain.board import Light
from services.workshop.domain.job import Job


class BoardJob(JobView):
    """A job with its queue number and its order's light.

    The light says how the order stands against the promise.
    """

    queue_number: int | None
    light: Light


class BoardBay(BaseModel):
    bay_id: str
    type: str
    job: BoardJob | None
    next_job: BoardJob | None


class ReadyVehicle(BaseModel):
    order_id: str
    queue_number: int | None
    ready_at: datetime


class BoardCounts(BaseModel):
    """Counts of the day.

    Jobs planned, in progress and waiting for an inspector now; vehicles ready today, and those of
    them later than promised.
    """

    planned: int
    wip: int
    to_inspect: int
    ready_today: int
    late_today: int


class BoardView(BaseModel):
    """Content of the big screen.

    ``waiting``: the next job of each vehicle on which no technician works; ``ready``: vehicles that
    were ready today and are still here.
    """

    bays: Sequence[BoardBay]
    waiting: Sequence[BoardJob]
    to_inspect: Sequence[BoardJob]
    ready: Sequence[ReadyVehicle]
    counts: BoardCounts


async def get_board(store_id: str, deps: Deps) -> BoardView:
    """Return the bays, the vehicles that wait or are ready, and the day's counts."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        workplace = await deps.workplace(connection, store_id)
        store, bays = workplace.store, workplace.bays
        begin, _end = store.day_bounds(workplace.today)
        jobs = await persistence.current_jobs(connection, store_id)
        done = await persistence.ready_orders_since(connection, store_id, begin)
        order_ids = sorted({job.order_id for job in jobs})
        numbers = await persistence.queue_numbers(connection, store_id, order_ids)
        operations = await deps.operations(connection, [job.op_code for job in jobs])
    close = timedelta(minutes=workplace.rules.close_promise_minutes)
    lights = board.lights(jobs, store.delivery_lead_minutes, close, now)
    faces = _Faces(operations, numbers, lights)
    states = board.bay_states(jobs, [bay.bay_id for bay in bays])
    return BoardView(
        bays=[
            BoardBay(
                bay_id=bay.bay_id,
                type=bay.type,
                job=faces.of(states[bay.bay_id].job),
                next_job=faces.of(states[bay.bay_id].next_job),
            )
            for bay in bays
        ],
        waiting=[faces.show(job) for job in board.waiting(jobs)],
        to_inspect=[faces.show(job) for job in jobs if job.status == "finished"],
        ready=[
            ReadyVehicle(
                order_id=order.order_id,
                queue_number=order.queue_number,
                ready_at=order.ready_at,
            )
            for order in done
            if order.ready_at and order.delivered_at is None
        ],
        counts=_counts(jobs, done),
    )


@dataclass(frozen=True)
class _Faces:
    """Presentation of jobs: with numbers and lights."""

    operations: Operations
    numbers: Mapping[str, int]
    lights: Mapping[str, Light]

    def of(self, job: Job | None) -> BoardJob | None:
        return self.show(job) if job else None

    def show(self, job: Job) -> BoardJob:
        return BoardJob(
            **dict(view(job, self.operations)),
            queue_number=self.numbers.get(job.order_id),
            light=self.lights[job.order_id],
        )


def _counts(jobs: Sequence[Job], done: Sequence[persistence.RepairOrderProjection]) -> BoardCounts:
    counts = board.counts(jobs)
    return BoardCounts(
        planned=counts.get("planned", 0),
        wip=counts.get("in_progress", 0) + counts.get("paused", 0),
        to_inspect=counts.get("finished", 0),
        ready_today=len(done),
        late_today=sum(bool(order.late_min) for order in done),
    )
