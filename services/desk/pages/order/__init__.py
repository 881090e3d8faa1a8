"""One order (工单详情): promise, estimates, work, delivery, invoice, and its history of events."""

from functools import partial

from services.desk.catalog import Catalog
from services.desk.client import found
from services.desk.components.complaint import Concerned, concern_buttons
from services.desk.components.elements import box, panel
from services.desk.components.event_fields import lines_of
from services.desk.components.history import history
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.signature import SCRIPT
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.pages.order.data import (
    AT_WORK,
    BEFORE_OPENING,
    FINISHED,
    RETURNED,
    OrderData,
    OrderPage,
    read,
)
from services.desk.pages.order.delivery import delivery
from services.desk.pages.order.estimates import estimates
from services.desk.pages.order.feedback import feedback
from services.desk.pages.order.invoicing import invoicing
from services.desk.pages.order.summary import summary
from services.desk.pages.order.work import concern, work
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reporting.models import HistoryEntry

REQUIREMENTS = (
    "R3",
    "R4",
    "R5",
    "R6",
    "R7",
    "R8",
    "R9",
    "R10",
    "R12",
    "R13",
    "R22",
    "R23",
    "R28",
    "R33",
)

PAGE = Page(
    path="/stores/{store_id}/orders/{order_id}",
    title="Order",
    roles=roles_of(ReceptionApi.get_order),
    requirements=REQUIREMENTS,
    script=SCRIPT,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the order and its events, which follow the services, each in its own section."""
    catalog = await ctx.catalog()
    page = OrderPage(ctx, catalog)

    def render(data: OrderData, renderer: PartialRenderer) -> None:
        page.data = data
        summary(page, renderer)
        _customer_concern(page, renderer)
        awaiting = data.order.awaiting_estimates > 0
        if awaiting:
            estimates(page, renderer)
        if data.status in RETURNED:
            feedback(page, renderer)
        if data.status in FINISHED:
            _money(page, renderer)
            delivery(page, renderer)
        if data.status not in BEFORE_OPENING:
            work(page, renderer)
            concern(page, renderer)
        if not awaiting:
            estimates(page, renderer)
        if data.status in AT_WORK:
            _money(page, renderer)

    with box("columns"):
        with box("column-wide"):
            await live(ctx, lambda: read(ctx, catalog), render)
        with box("column-side"), panel(ctx.t("History")):
            await live(
                ctx,
                lambda: _events(ctx, catalog),
                partial(history, ctx, catalog),
            )


def _customer_concern(page: OrderPage, renderer: PartialRenderer) -> None:
    """Offer to open a complaint or to record an inquiry of the order's customer."""
    order = page.data.order
    if order.customer_ref:
        concerned = Concerned(order.customer_ref, order.order_id)
        renderer.section("concern-buttons", partial(_concern_buttons, page.ctx), concerned)


def _concern_buttons(ctx: PageContext, concerned: Concerned) -> None:
    with box("card-actions"):
        concern_buttons(ctx, concerned)


def _money(page: OrderPage, renderer: PartialRenderer) -> None:
    if page.ctx.sees_money:
        invoicing(page, renderer)


async def _events(ctx: PageContext, catalog: Catalog) -> list[HistoryEntry]:
    order_id, reporting = ctx.parameters["order_id"], ctx.services.reporting
    events = await ctx.shared(
        f"history {order_id}", lambda: found(reporting.order_history(ctx.store.id, order_id))
    )
    await catalog.know_parts_of(line for each in events or () for line in lines_of(each.data))
    return events or []
