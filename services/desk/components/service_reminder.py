"""Service reminders (保养提醒) as pages show and answer them."""

from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import badge, button, dialog
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.clients.crm.models import AnswerReminderRequest, ReminderDetail, ReminderView

ANSWER_TONES = {
    "booked": "good",
    "visited": "good",
    "later": "calm",
    "declined": "bad",
    "done_elsewhere": "bad",
    "vehicle_sold": "quiet",
    "expired": "quiet",
}

_GIVEN = ("later", "declined", "done_elsewhere", "vehicle_sold")
_SOON_DAYS = 7

Shown = ReminderView | ReminderDetail


def due_badge(ctx: PageContext, reminder: Shown) -> None:
    """Show in how many days something is due, in the color of its urgency."""
    left = (reminder.due_on - ctx.today()).days
    if left < 0:
        badge(ctx.t("Overdue by {count} days", count=-left), "bad")
    else:
        badge(ctx.t("In {count} days", count=left), "warn" if left <= _SOON_DAYS else "calm")


def answer_badge(t: Translator, reminder: Shown) -> None:
    """Show what came of an invitation."""
    if reminder.answer:
        badge(t.code("reminder_answer", reminder.answer), ANSWER_TONES[reminder.answer])
    else:
        badge(t("To invite") if reminder.state == "due" else t("Planned"), "warn")


def needs_text(t: Translator, catalog: Catalog, reminder: Shown) -> str:
    """Return what a vehicle needs: the work, or how it is inspected."""
    if reminder.op_codes:
        return t.listed(map(catalog.operation, reminder.op_codes))
    return formats.NOTHING


def figures_text(t: Translator, reminder: Shown) -> str:
    """Return the figures from which a day was predicted."""
    if reminder.odometer_km is None:
        return formats.NOTHING
    read = t(
        "{km} km on {day}",
        km=f"{reminder.odometer_km:,}",
        day=reminder.read_on.isoformat() if reminder.read_on else "",
    )
    if reminder.km_per_day is None:
        return read
    return f"{read} · {t('{km} km a day', km=f'{reminder.km_per_day:.1f}')}"


def reminder_actions(ctx: PageContext, reminder: Shown) -> None:
    """Offer to book an appointment for the invited customer, or to record another answer."""
    address = (
        f"{ctx.store_path}/appointments?reminder={reminder.reminder_id}"
        f"&vehicle={reminder.vehicle_ref}&work={','.join(reminder.op_codes)}"
    )
    button(
        ctx.t("Book appointment…"),
        lambda: ui.navigate.to(address),
        name="book-reminder",
        kind="small",
    )
    button(
        ctx.t("Answer…"), lambda: answer_dialog(ctx, reminder), name="answer-reminder", kind="small"
    )


async def answer_dialog(ctx: PageContext, reminder: Shown) -> None:
    """Ask what the customer has answered."""
    t = ctx.t
    with dialog(t("Answer of the customer")) as opened:
        form = Form(ctx)
        given = form.field(
            "answer", ui.select(choices(t, "reminder_answer", _GIVEN), label=t("Answer"))
        )
        remind_on = form.field(
            "remind_on", ui.input(t("Invite again on")).props("type=date stack-label")
        )
        remind_on.bind_visibility_from(given, "value", value="later")

        async def command() -> Any:
            body = AnswerReminderRequest.model_validate(
                {
                    "answer": given.value,
                    "remind_on": remind_on.value if given.value == "later" else None,
                }
            )
            return await ctx.services.crm.answer_reminder(
                ctx.store.id, reminder.reminder_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            needed = ("answer", "remind_on") if given.value == "later" else ("answer",)
            if form.require(*needed):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
