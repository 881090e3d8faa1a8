"""Expected arrival of a job's parts (配件到货); the plan follows."""

from collections.abc import Mapping
from typing import Any

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

REASONS = ("ordered", "delayed", "wrong_part", "arrived")
"""订货在途、到货延误、错件重订、已到货."""


def parts_dialog(ctx: PageContext, job: Mapping[str, Any], name: str) -> None:
    """Ask for the expected arrival; an empty one means that the parts are there."""
    t = ctx.t
    with dialog(f"{t('Parts expected')} · {name}") as opened:
        text(t("Leave the time empty when the parts are there."), "hint")
        form = Form(ctx, job["version"])
        expected = moment_field(form, "at", t("Parts ETA"), job["parts_eta"])
        reason = form.field("reason", ui.select(choices(t, "parts", REASONS), label=t("Reason")))

        async def send() -> None:
            if not form.require("reason"):
                return
            body = {"at": moment_of(form, expected), "reason": reason.value}
            path = f"/jobs/{job['job_id']}/parts-eta"
            await submit(form, opened, "workshop", path, body)

        dialog_actions(form, opened, t("Save"), send)
