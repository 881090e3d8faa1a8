"""Expected arrival of a job's parts (配件到货); the plan follows."""

from collections.abc import Awaitable
from typing import get_args

from nicegui import ui

from services.desk.components.elements import dialog, text
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    submit,
)
from services.desk.context import PageContext
from shared.clients.workshop.models import JobView, PartsEtaRequest, PartsReason, PlannedJobView

REASONS = get_args(PartsReason)
"""订货在途、到货延误、错件重订、已到货."""


def parts_dialog(ctx: PageContext, job: PlannedJobView, name: str) -> None:
    """Ask for the expected arrival; an empty one means that the parts are there."""
    t = ctx.t
    with dialog(f"{t('Parts expected')} · {name}") as opened:
        text(t("Leave the time empty if the parts have arrived."), "hint")
        form = Form(ctx, job.version)
        expected = moment_field(form, "at", t("Parts ETA"), job.parts_eta)
        reason = form.field("reason", ui.select(choices(t, "parts", REASONS), label=t("Reason")))

        def set_eta() -> Awaitable[JobView]:
            return ctx.services.workshop.set_parts_eta(
                ctx.store.id,
                job.job_id,
                PartsEtaRequest(
                    version=form.version,
                    at=moment_of(form, expected) if expected.value else None,
                    reason=reason.value,
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("reason"):
                await submit(form, opened, set_eta)

        dialog_actions(form, opened, t("Save"), send)
