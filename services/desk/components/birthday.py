"""Birthday of a customer (生日), month and day, to see and to change."""

from collections.abc import Awaitable

from nicegui import ui

from services.desk.components.elements import box, button
from services.desk.components.forms import Form
from services.desk.context import PageContext
from shared.clients.crm.models import BirthdaySet, SetBirthdayRequest


async def birthday_form(ctx: PageContext, customer_ref: str) -> None:
    """Show the birthday as far as it is known, and let it be changed or removed."""
    t, crm = ctx.t, ctx.services.crm
    known = await crm.get_birthday(ctx.store.id, customer_ref)
    form = Form(ctx)
    label = t("Birthday (month-day, like 03-14)")
    typed = form.field("month_day", ui.input(label, value=known.month_day or ""))

    def command() -> Awaitable[BirthdaySet]:
        return crm.set_birthday(
            ctx.store.id,
            customer_ref,
            SetBirthdayRequest(month_day=(typed.value or "").strip() or None),
            idempotency_key=form.attempt,
        )

    async def save() -> None:
        if await form.send(command):
            ui.notify(t("Saved."), type="positive", position="top")

    if ctx.may(crm.set_birthday):
        with box("card-actions"):
            button(t("Save"), save, name="save-birthday", kind="small")
