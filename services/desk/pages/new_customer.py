"""Registration of a customer and a vehicle at the counter (建档)."""

from typing import get_args

from nicegui import ui

from services.desk.components.elements import box, button, panel, test_id
from services.desk.components.forms import Form, choices, enter_goes_on
from services.desk.components.who_comes import WhoComes
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.vehicles import has_unusual_digit
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CustomerKind, RegisterCustomerRequest

PAGE = Page(
    path="/stores/{store_id}/new-customer",
    title="New customer",
    roles=roles_of(CrmApi.register_customer),
    requirements=("R19",),
)

_FIELDS = ("name", "phone", "plate", "vin", "brand", "model")


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Take the details; ask who comes where the vehicle or the number is known."""
    t = ctx.t
    with box("narrow"), panel():
        form, who = Form(ctx), WhoComes(ctx)
        kinds = choices(t, "customer_kind", get_args(CustomerKind))
        with box("fields form-fields"):
            kind = form.field("kind", ui.select(kinds, label=t("Kind"), value="person"))
            labels = (t("Name"), t("Phone"), t("Plate"), t("VIN"), t("Brand"), t("Model"))
            fields = {
                name: form.field(name, ui.input(label))
                for name, label in zip(_FIELDS, labels, strict=True)
            }
            confirmed = test_id("vin-confirmed", ui.checkbox(t("Matches the vehicle")))
        confirmed.set_visibility(False)
        for element in fields.values():
            element.on_value_change(who.forget)

        def ask_for_vin() -> None:
            confirmed.set_value(False)
            confirmed.set_visibility(has_unusual_digit(fields["vin"].value or ""))

        fields["vin"].on_value_change(ask_for_vin)
        enter_goes_on(*fields.values())

        async def register() -> None:
            if not form.require(*_FIELDS):
                return
            registered = await form.send(
                lambda: ctx.services.crm.register_customer(
                    ctx.store.id,
                    RegisterCustomerRequest(
                        **{name: element.value for name, element in fields.items()},
                        kind=kind.value,
                        vin_confirmed=confirmed.value,
                        decision=who.decision,
                    ),
                    idempotency_key=form.attempt,
                )
            )
            if registered:
                ui.navigate.to(f"{ctx.store_path}/customers/{registered.customer_ref}")
            else:
                await who.ask(form, register)

        form.speak_here()
        who.show()
        with box("card-actions"):
            button(t("Register"), register, name="register-customer", kind="main")
