"""Write-up as a whole: its sections, their order by keyboard, and the opening."""

import asyncio
from collections.abc import Iterator, Mapping

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, button, link, panel, test_id, text
from services.desk.components.forms import Form, enter_goes_on, who_was_first
from services.desk.components.who_comes import UNDECIDED
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.pages.write_up.condition import Condition
from services.desk.pages.write_up.owner import Owner
from services.desk.pages.write_up.work import Concern, Work
from shared.calls import ApiError
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import (
    CorrectPlateRequest,
    OpenOrderRequest,
    OrderDetail,
    OrderView,
)
from shared.contracts.reception import PayType

_SHOW_FIRST_ERROR = (
    'document.querySelector(".column-wide .q-field--error, .conflict > *")'
    '?.scrollIntoView({block: "center"})'
)

REQUIREMENTS = ("R3", "R4", "R5", "R11", "R19", "R25")

PAGE = Page(
    path="/stores/{store_id}/reception/{order_id}",
    title="Open order",
    roles=roles_of(ReceptionApi.open_order),
    requirements=REQUIREMENTS,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the form on the left, the cost and the promised time on the right."""
    order_id = ctx.parameters["order_id"]
    order, catalog = await asyncio.gather(
        ctx.services.reception.get_order(ctx.store.id, order_id), ctx.catalog()
    )
    if order.status != "greeted":
        ui.navigate.to(f"{ctx.store_path}/orders/{order_id}")
        return
    await WriteUp(ctx, catalog, order).build()


class WriteUp:
    """Data of the write-up for one order."""

    def __init__(self, ctx: PageContext, catalog: Catalog, order: OrderDetail) -> None:
        self.ctx = ctx
        self.catalog = catalog
        self.order = order

    async def build(self) -> None:
        ctx, t, catalog = self.ctx, self.ctx.t, self.catalog
        text(
            t("Queue number {number}", number=formats.queue_number(self.order.queue_number)),
            "subtitle",
        )
        with box("columns write-up"):
            left = box("column-wide")
            with box("column-side"), panel(t("Estimate and promised time"), "sticky"):
                summary = box("summary")
                button(t("Open order"), self.open, name="open-order", kind="main wide")
                self.form = Form(ctx, self.order.version)
        with left:
            self.conflict = test_id("conflict", box("conflict"))
            self.owner = Owner(ctx, catalog, self.order, self.form)
            self.condition = Condition(ctx, self.order.order_id, self.form)
            self.concern = Concern(ctx, catalog, self.form)
            self.work = Work(ctx, catalog, self.form, summary)
            self._parts()
        enter_goes_on(
            self.owner.last,
            self.condition.odometer,
            self.concern.customer_concern,
            self.concern.symptoms,
        )
        if await self.owner.begin():
            self.condition.odometer.run_method("focus")
        self.condition.compare()
        await self._take_booked_work()
        await self.work.quote()

    def _parts(self) -> None:
        t = self.ctx.t
        with panel(t("Customer and vehicle"), number=1):
            self.owner.show(self._take_in)
        with panel(t("Vehicle check"), number=2):
            self.condition.show(lambda: self.owner.known_km)
        with panel(t("Customer concern"), number=3):
            self.concern.show(self.work.suggest)
        with panel(t("Work and parts"), number=4):
            self.work.show()

    async def _take_in(
        self, operations: Mapping[str, int], parts: Mapping[str, int], pay_type: PayType
    ) -> None:
        """Add work that the vehicle's history suggests."""
        await self.work.choice.take_in(operations, parts, pay_type)

    async def _take_booked_work(self) -> None:
        """Add the booked work; the advisor may remove it."""
        if not self.order.appointment_id:
            return
        for each in await self.ctx.services.reception.list_appointments(self.ctx.store.id):
            if each.appointment_id == self.order.appointment_id:
                parts = {part.part_number: part.quantity for part in each.parts}
                operations = dict.fromkeys(each.op_codes, 1)
                await self.work.choice.take_in(operations, parts, "customer")

    async def open(self) -> None:
        """Register a new customer first, then open the order with the workshop's hold.

        While customer records is unavailable the details go with the order and follow later.
        """
        needed = [*self.owner.missing(), "odometer_km", "customer_concern"]
        if self.work.choice.is_empty:
            needed.append("op_codes")
        if not self.form.require(*needed):
            self.form.say(self.ctx.t("Fill in the marked fields."))
            ui.run_javascript(_SHOW_FIRST_ERROR)
            return
        order = await self.form.send(self._open)
        if order:
            self.ctx.app_context.response_cache.drop(self.ctx.store.id)
            ui.navigate.to(f"{self.ctx.store_path}/orders/{order.order_id}")
        elif self.form.error:
            await self._explain(self.form.error)
            ui.run_javascript(_SHOW_FIRST_ERROR)

    async def _open(self) -> OrderView:
        identified, choice = await self.owner.identify(), self.work.choice
        request = OpenOrderRequest(
            **self.condition.check(),
            op_codes=choice.op_codes,
            parts=choice.parts,
            packages=choice.packages,
            pay_types=choice.pay_types,
            version=self.form.version,
            customer_ref=identified.customer_ref,
            vehicle_ref=identified.vehicle_ref,
            customer=identified.customer,
            customer_concern=self.concern.customer_concern.value,
            symptoms=self.concern.symptoms.value,
        )
        return await self.ctx.services.reception.open_order(
            self.ctx.store.id, self.order.order_id, request, idempotency_key=self.form.attempt
        )

    async def _explain(self, error: ApiError) -> None:
        """Show the changes made meanwhile; the input stays."""
        if error.rule == "odometer_backwards":
            self.condition.ask_why_lower()
        elif error.rule == "not_the_vehicle_that_arrived":
            self._offer_to_correct_plate()
        elif error.rule == UNDECIDED:
            await self.owner.who.ask(self.form, self.open)
        elif self.form.conflict:
            await self._show_changes(error)

    def _offer_to_correct_plate(self) -> None:
        """Offer to correct a plate that was mistyped at the arrival; then open the order."""

        async def correct() -> None:
            self.conflict.clear()
            corrected = await self.form.send(
                lambda: self.ctx.services.reception.correct_plate(
                    self.ctx.store.id,
                    self.order.order_id,
                    CorrectPlateRequest(version=self.form.version, plate=self.owner.plate.value),
                    idempotency_key=self.form.attempt,
                )
            )
            if corrected:
                self.form.version = corrected.version
                await self.open()

        self.conflict.clear()
        with self.conflict:
            text(self.ctx.t("Another plate was recorded at the arrival."))
            button(
                self.ctx.t("Correct the recorded plate and open the order"),
                correct,
                name="correct-plate",
                kind="small",
            )

    async def _show_changes(self, error: ApiError) -> None:
        order_id = self.order.order_id
        order = await self.ctx.services.reception.get_order(self.ctx.store.id, order_id)
        self.conflict.clear()
        with self.conflict:
            text(who_was_first(self.ctx, error))
            for sentence in self._changes(order, error.values["declined_estimate"]):
                text(sentence)
            path = f"{self.ctx.store_path}/orders/{order_id}"
            link(self.ctx.t("Look at the order"), path, "text-link")
        self.order = order

    def _changes(self, order: OrderDetail, declined: int | None) -> Iterator[str]:
        """Yield the differences between the order and the version shown before."""
        t, advisor_id = self.ctx.t, order.advisor_id
        if order.status != self.order.status:
            yield t("The order is now at: {status}.", status=t.code("order_status", order.status))
        if advisor_id != self.order.advisor_id:
            person = self.ctx.colleague(advisor_id)
            yield t("{person} is responsible for this order now.", person=person)
        if declined:
            yield t("The customer has declined estimate {number}.", number=declined)
