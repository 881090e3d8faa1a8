"""A technician's absences (缺勤): recording and cancelling them."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import box, button, dialog, text
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    send_now,
    submit,
)
from services.desk.context import PageContext
from shared.clients.workshop.models import AbsenceKind, AbsenceRequest, AbsenceView


def absence_dialog(ctx: PageContext, technician_id: str, absences: Sequence[AbsenceView]) -> None:
    """Show the recorded absences and a form for one more; planned work goes to others."""
    t, zone = ctx.t, ctx.store.timezone
    with dialog(f"{t('Absence')} · {ctx.colleague(technician_id)}") as opened:
        for absence in absences:
            _known(ctx, absence, opened)
        form = Form(ctx)
        kinds = choices(t, "absence", get_args(AbsenceKind))
        kind = form.field("kind", ui.select(kinds, label=t("Reason"), value="sick"))
        closing = datetime.combine(ctx.today(), ctx.store.closing, zone)
        begin = moment_field(form, "starts_at", t("From"), ctx.now())
        end = moment_field(form, "ends_at", t("Until"), closing)

        def record() -> Awaitable[AbsenceView]:
            return ctx.services.workshop.record_absence(
                ctx.store.id,
                technician_id,
                AbsenceRequest(
                    kind=kind.value,
                    starts_at=moment_of(form, begin),
                    ends_at=moment_of(form, end),
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("kind", "starts_at", "ends_at"):
                await submit(form, opened, record)

        dialog_actions(form, opened, t("Record absence"), send)


def _known(ctx: PageContext, absence: AbsenceView, opened: ui.dialog) -> None:
    t, attempt = ctx.t, new_attempt()

    def take_back() -> Awaitable[AbsenceView]:
        return ctx.services.workshop.cancel_absence(
            ctx.store.id, absence.absence_id, idempotency_key=attempt
        )

    async def cancel() -> None:
        if await send_now(ctx, take_back):
            opened.close()

    with box("known-absence"):
        begin, end = (
            formats.day_and_clock(edge, ctx.store.timezone, ctx.now())
            for edge in (absence.starts_at, absence.ends_at)
        )
        text(f"{t.code('absence', absence.kind)} · {begin} – {end}")
        button(t("Cancel absence"), cancel, name="cancel", kind="small")
