"""A technician's absences (缺勤): recording and cancelling them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

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

_KINDS = ("sick", "leave", "training", "other")


def absence_dialog(
    ctx: PageContext, technician_id: str, absences: Sequence[Mapping[str, Any]]
) -> None:
    """Show the recorded absences and a form for one more; planned work goes to others."""
    t, zone = ctx.t, ctx.store.timezone
    with dialog(f"{t('Absence')} · {ctx.colleague(technician_id)}") as opened:
        for absence in absences:
            _known(ctx, absence, opened)
        form = Form(ctx)
        kinds = choices(t, "absence", _KINDS)
        kind = form.field("kind", ui.select(kinds, label=t("Reason"), value=_KINDS[0]))
        closing = datetime.combine(ctx.today(), ctx.store.closing, zone)
        begin = moment_field(form, "starts_at", t("From"), ctx.now())
        end = moment_field(form, "ends_at", t("Until"), closing)

        async def send() -> None:
            if not form.require("kind", "starts_at", "ends_at"):
                return
            path = f"/technicians/{technician_id}/absences"
            body = {
                "kind": kind.value,
                "starts_at": moment_of(form, begin),
                "ends_at": moment_of(form, end),
            }
            await submit(form, opened, "workshop", path, body)

        dialog_actions(form, opened, t("Record absence"), send)


def _known(ctx: PageContext, absence: Mapping[str, Any], opened: ui.dialog) -> None:
    t, zone, attempt = ctx.t, ctx.store.timezone, new_attempt()

    async def cancel() -> None:
        path = f"/absences/{absence['absence_id']}/cancel"
        if await send_now(ctx, "workshop", path, attempt=attempt):
            opened.close()

    with box("known-absence"):
        begin, end = (
            formats.day_and_clock(absence[edge], zone, ctx.now())
            for edge in ("starts_at", "ends_at")
        )
        text(f"{t.code('absence', absence['kind'])} · {begin} – {end}")
        button(t("Take back"), cancel, name="cancel", kind="small")
