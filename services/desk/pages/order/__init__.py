"""One order (工单详情): promise, estimates, work, delivery, bill, and its history of events."""

from functools import partial

from services.desk.components.drawing import Drawing
from services.desk.components.elements import box, panel
from services.desk.components.history import history
from services.desk.components.live import live
from services.desk.components.signature import SCRIPT
from services.desk.page import Page
from services.desk.pages.order.delivery import delivery
from services.desk.pages.order.estimates import estimates
from services.desk.pages.order.feedback import feedback
from services.desk.pages.order.file import (
    AT_WORK,
    BEFORE_OPENING,
    FINISHED,
    RETURNED,
    Entry,
    File,
    Opened,
    read,
)
from services.desk.pages.order.settlement import settlement
from services.desk.pages.order.summary import summary
from services.desk.pages.order.work import fault, work
from services.desk.visit import Visit

DUTIES = ("R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R12", "R13", "R28", "R33")

PAGE = Page(
    path="/stores/{store_id}/orders/{order_id}",
    title="Order",
    roles=frozenset(
        {"advisor", "manager", "dispatcher", "inspector", "technician", "agent", "group_manager"}
    ),
    duties=DUTIES,
    script=SCRIPT,
)


@PAGE.shows
async def show(visit: Visit) -> None:
    """The order and its events follow the services, each in its own part."""
    catalogue = await visit.catalogue()
    page = Opened(visit, catalogue)

    def render(file: File, drawing: Drawing) -> None:
        page.file = file
        summary(page, drawing)
        awaiting = bool(file.order["awaiting_estimates"])
        if awaiting:
            estimates(page, drawing)
        if file.stage in RETURNED:
            feedback(page, drawing)
        if file.stage in FINISHED:
            _money(page, drawing)
            delivery(page, drawing)
        if file.stage not in BEFORE_OPENING:
            work(page, drawing)
            fault(page, drawing)
        if not awaiting:
            estimates(page, drawing)
        if file.stage in AT_WORK:
            _money(page, drawing)

    with box("columns"):
        with box("column-wide"):
            await live(visit, lambda: read(visit), render)
        with box("column-side"), panel(visit.t("History")):
            await live(
                visit,
                lambda: _events(visit),
                partial(history, visit, catalogue),
            )


def _money(page: Opened, drawing: Drawing) -> None:
    if page.visit.sees_money:
        settlement(page, drawing)


async def _events(visit: Visit) -> list[Entry]:
    order_id = visit.parameters["order_id"]
    path = f"{visit.store_path}/orders/{order_id}/history"
    events: list[Entry] | None = await visit.shared(
        f"history {order_id}", lambda: visit.services.find("reporting", path)
    )
    return events or []
