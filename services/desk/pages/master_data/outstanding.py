"""What a store or a bay that ends has still to finish (未完业务), as its services answer."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from functools import partial

from services.desk import formats
from services.desk.components.elements import (
    badge,
    cell,
    cell_box,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.orders import ORDER_TONES
from services.desk.pages.master_data.record import MasterRecord
from shared.clients.management.models import RecordView
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import AppointmentView, OrderView, OutstandingBusiness
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import JobView

Outstanding = OutstandingBusiness | list[JobView]

_UNFINISHED = ("planned", "in_progress", "paused")


async def show_outstanding(record: MasterRecord, view: Callable[[], Awaitable[RecordView]]) -> None:
    """Show what is open in a store or a bay that ends, for those who may see it."""
    ctx = record.ctx
    of_store = record.kind == "store" and ctx.may(ReceptionApi.list_outstanding)
    of_bay = record.kind == "bay" and ctx.may(WorkshopApi.list_jobs)
    if not of_store and not of_bay:
        return

    async def fetch() -> Outstanding | None:
        last = next(iter((await view()).versions[::-1]), None)
        if last is None or last.content:
            return None
        return await _ask(record, date.fromisoformat(last.valid_from))

    def render(found: Outstanding | None, renderer: PartialRenderer) -> None:
        if isinstance(found, OutstandingBusiness):
            renderer.section("outstanding", partial(_of_store, ctx, record.code), found)
        elif found is not None:
            renderer.section("outstanding", partial(_of_bay, ctx), found)

    await live(ctx, fetch, render)


async def _ask(record: MasterRecord, ends_on: date) -> Outstanding:
    ctx = record.ctx
    if record.kind == "store":
        reception, store_id = ctx.services.reception, record.code
        return await ctx.shared(
            f"outstanding {store_id} {ends_on}",
            lambda: reception.list_outstanding(store_id, day_from=ends_on),
        )
    jobs = await ctx.shared("open jobs", lambda: ctx.services.workshop.list_jobs(ctx.store.id))
    return [job for job in jobs if job.bay_id == record.code and job.status in _UNFINISHED]


def _of_store(ctx: PageContext, store_id: str, found: OutstandingBusiness) -> None:
    t = ctx.t
    with panel(t("Still to be finished"), name="outstanding"):
        if not found.orders and not found.appointments:
            empty(t("Nothing is open here."))
            return
        if found.orders:
            with table([t("No."), t("Status"), t("Arrived"), t("Promised time"), t("Advisor")]):
                for order in found.orders:
                    _order(ctx, store_id, order)
        if found.appointments:
            with table([t("Appointment"), t("Work")]):
                for appointment in found.appointments:
                    _appointment(ctx, appointment)


def _order(ctx: PageContext, store_id: str, order: OrderView) -> None:
    zone, now = ctx.store.timezone, ctx.now()
    with test_id(f"open-{order.order_id}", row("row-link")):
        with cell_box():
            address = f"/stores/{store_id}/orders/{order.order_id}"
            link(formats.queue_number(order.queue_number), address, "row-anchor number")
        with cell_box():
            badge(ctx.t.code("order_status", order.status), ORDER_TONES[order.status])
        cell(formats.day_and_clock(order.arrived_at, zone, now), "number")
        cell(formats.day_and_clock(order.promised_at, zone, now), "number")
        cell(ctx.colleague(order.advisor_id) if order.advisor_id else NOTHING)


def _appointment(ctx: PageContext, appointment: AppointmentView) -> None:
    with test_id(f"booked-{appointment.appointment_id}", row()):
        at = appointment.appointment_at
        cell(formats.day_and_clock(at, ctx.store.timezone, ctx.now()), "number")
        cell(ctx.t.listed(appointment.op_codes))


def _of_bay(ctx: PageContext, jobs: Sequence[JobView]) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with panel(t("Still to be finished"), name="outstanding"):
        if not jobs:
            empty(t("Nothing is open here."))
            return
        with table([t("Work"), t("Status"), t("Technician"), t("Until")]):
            for job in jobs:
                with test_id(f"open-{job.job_id}", row("row-link")):
                    with cell_box():
                        address = f"{ctx.store_path}/orders/{job.order_id}"
                        link(job.op_code, address, "row-anchor")
                    cell(t.code("status", job.status))
                    cell(t.listed(ctx.colleague(each) for each in job.technician_ids))
                    cell(formats.day_and_clock(job.planned_finish_at, zone, now), "number")
