"""A store's jobs (派工单), as pages list and color them."""

import asyncio

from services.desk.context import PageContext
from services.desk.orders import Numbers, numbers_of, orders_at
from shared.clients.workshop.models import JobView

JOB_TONES = {
    "planned": "calm",
    "in_progress": "busy",
    "paused": "warn",
    "finished": "warn",
    "passed": "good",
    "failed": "bad",
    "stopped": "quiet",
    "cancelled": "quiet",
}

OpenJobs = tuple[list[JobView], Numbers]


async def open_jobs(ctx: PageContext) -> OpenJobs:
    """Return the store's unfinished and uninspected jobs, and the queue numbers of their orders."""
    jobs, orders = await asyncio.gather(
        ctx.shared("open jobs", lambda: ctx.services.workshop.list_jobs(ctx.store.id)),
        orders_at(ctx, "opened", "in_progress"),
    )
    return jobs, numbers_of(ctx, orders)
