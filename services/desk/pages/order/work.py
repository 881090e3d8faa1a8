"""Work on the vehicle: the concern, lines that the customer has agreed to, jobs."""

from collections.abc import Sequence
from functools import partial

from services.desk import formats
from services.desk.components.elements import badge, box, cell, cell_box, panel, row, table, text
from services.desk.components.job_clock import running_clock
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.jobs import JOB_TONES
from services.desk.pages.order.data import OrderPage
from shared.clients.reception.models import OrderLine
from shared.clients.workshop.models import JobView
from shared.contracts.reception import PayType

PAY_TONES = {"warranty": "calm", "goodwill": "warn", "internal": "quiet"}


def concern(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show the customer's concern and the symptoms (故障描述)."""
    order = page.data.order
    renderer.section("concern", partial(_concern, page), order.customer_concern, order.symptoms)


def work(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show the done and invoiced work, and the workshop's jobs for it."""
    shown = partial(_work, page, renderer.every_second)
    renderer.section("work", shown, page.data.order.lines, page.data.jobs)


def _concern(page: OrderPage, customer_concern: str | None, symptoms: Sequence[str]) -> None:
    with panel(page.ctx.t("Customer concern")):
        if customer_concern:
            text(f"“{customer_concern}”", "customer_concern")
        with box("chips"):
            for code in symptoms:
                badge(page.catalog.symptom(code), "quiet")


def _work(
    page: OrderPage, every_second: EverySecond, lines: Sequence[OrderLine], jobs: Sequence[JobView]
) -> None:
    ctx, catalog = page.ctx, page.catalog
    t, zone = ctx.t, ctx.store.timezone
    amounts = (t("Quantity"), t("Hours"), t("Amount"))
    with panel(t("Work and parts")):
        with table([t("Item"), t("Payer"), *amounts], amounts):
            for line in lines:
                with row():
                    cell(catalog.line(line.kind, line.code))
                    with cell_box():
                        payer(ctx, line.pay_type)
                    cell(str(line.quantity), "figure")
                    cell(formats.hours(line.standard_hours), "figure")
                    cell(formats.money(line.amount_cents), "figure")
        if jobs:
            text(t("Jobs in the workshop"), "section-title")
            who_and_where = [t("Technician"), t("Bay"), t("Planned"), t("Clocked")]
            with table([t("Job"), t("Status"), *who_and_where], [t("Clocked")]):
                for job in jobs:
                    with row():
                        cell(catalog.operation(job.op_code))
                        with cell_box():
                            badge(t.code("status", job.status), JOB_TONES[job.status])
                        cell(t.listed(map(ctx.colleague, job.technician_ids)) or "—")
                        cell(ctx.bay(job.bay_id))
                        cell(
                            formats.span(job.planned_start_at, job.planned_finish_at, zone),
                            "number",
                        )
                        with cell_box("figure"):
                            running_clock(ctx, job, every_second, "number")


def payer(ctx: PageContext, pay_type: PayType) -> None:
    """Show the payer of a line, where it is not the customer."""
    word = ctx.t.code("pay", pay_type)
    if pay_type == "customer":
        text(word)
    else:
        badge(word, PAY_TONES[pay_type])
