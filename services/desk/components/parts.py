"""When a job's parts are expected (配件到货); the plan follows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk.components.elements import dialog, text
from services.desk.components.forms import Form, dialog_actions
from services.desk.visit import Visit

REASONS = ("ordered", "delayed", "wrong_part", "arrived")
"""订货在途、到货延误、错件重订、已到货."""


def parts_dialog(visit: Visit, job: Mapping[str, Any], name: str) -> None:
    """The expected arrival; left empty when the parts are there."""
    t, zone = visit.t, visit.store.timezone
    with dialog(f"{t('Parts expected')} · {name}") as opened:
        text(t("Leave the time empty when the parts are there."), "hint")
        form = Form(visit)
        reasons = {reason: t.code("parts", reason) for reason in REASONS}
        known = job["parts_at"] and datetime.fromisoformat(job["parts_at"]).astimezone(zone)
        made = ui.input(t("Expected"), value=known.strftime("%Y-%m-%dT%H:%M") if known else "")
        expected = form.field("at", made.props("type=datetime-local"))
        reason = form.field("reason", ui.select(reasons, label=t("Reason")))

        async def send() -> None:
            if not form.require("reason"):
                return
            local = datetime.fromisoformat(expected.value) if expected.value else None
            body = {
                "at": local.replace(tzinfo=zone).isoformat() if local else None,
                "reason": reason.value,
            }
            path = f"{visit.store_path}/jobs/{job['job_id']}/parts-expected"
            if await form.send(
                lambda: visit.services.command("workshop", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(form, opened, t("Save"), send)
