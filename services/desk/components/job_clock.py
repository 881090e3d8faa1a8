"""Clock of a job (工时): the time clocked so far, and its correction (工时更正)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge, box, dialog, facts, test_id, text
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    submit,
)
from services.desk.components.partial_renderer import EverySecond
from services.desk.context import PageContext

REASONS = ("forgot_to_start", "forgot_to_finish", "wrong_job", "other")
"""忘记开工打卡、忘记完工打卡、打错任务、其他."""

Job = Mapping[str, Any]


def clocked_s(job: Job, seen_at: datetime, now: datetime) -> float:
    """Return the seconds on a job so far. Time that runs since a resumed pause counts from
    ``seen_at``.
    """
    if job["status"] != "in_progress":
        return float(job["clocked_s"])
    begun = seen_at if job["clocked_s"] else datetime.fromisoformat(job["started_at"])
    return float(job["clocked_s"]) + (now - begun).total_seconds()


def own_s(clocking: Mapping[str, Any], now: datetime) -> float:
    """Return the seconds that one technician has clocked so far."""
    clocked = float(clocking["clocked_s"])
    if clocking["resumed_at"]:
        clocked += (now - datetime.fromisoformat(clocking["resumed_at"])).total_seconds()
    return clocked


def running_clock(ctx: PageContext, job: Job, every_second: EverySecond, classes: str) -> None:
    """Show the time on a job, second by second."""
    seen_at = ctx.now()
    label = text("", classes)

    def tell(now: datetime) -> None:
        label.set_text(formats.stopwatch(clocked_s(job, seen_at, now)))

    tell(seen_at)
    if job["status"] == "in_progress":
        every_second(tell)


async def clock_dialog(ctx: PageContext, job: Job, name: str) -> None:
    """Ask when the technicians really began and ended; a time that is not edited stays."""
    t, path = ctx.t, f"/jobs/{job['job_id']}"
    with dialog(f"{t('Correct time')} · {name}") as opened:
        clocked = formats.stopwatch(clocked_s(job, ctx.now(), ctx.now()))
        facts([(t("Clocked"), clocked)])
        earlier = box("corrections")
        form = Form(ctx, job["version"])
        moments = {"started_at": moment_field(form, "started_at", t("Begun"), job["started_at"])}
        if job["finished_at"]:
            made = moment_field(form, "finished_at", t("Finished"), job["finished_at"])
            moments["finished_at"] = made
        as_it_was = {field: made.value for field, made in moments.items()}
        reason = form.field(
            "reason", ui.select(choices(t, "correction", REASONS), label=t("Reason"))
        )
        text(t("Pauses stay as they were; a report that is out stays too."), "hint")

        async def send() -> None:
            if not form.require(*moments, "reason"):
                return
            changed = {
                field: moment_of(form, made)
                for field, made in moments.items()
                if made.value != as_it_was[field]
            }
            body = {**changed, "reason": reason.value}
            await submit(form, opened, "workshop", f"{path}/time-correction", body)

        dialog_actions(form, opened, t("Correct"), send)
    found = await form.send(
        lambda: ctx.services.get("workshop", f"{ctx.store_path}{path}/time-corrections")
    )
    with earlier:
        _corrections(ctx, found or ())


def _corrections(ctx: PageContext, found: Sequence[Mapping[str, Any]]) -> None:
    """Show earlier corrections of the clock: by whom, when and why."""
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    for each in found:
        with test_id("correction", box("state-line")):
            badge(t.code("correction", each["reason"]), "warn")
            clocked = (each["original_clocked_s"], each["clocked_s"])
            text(" → ".join(map(formats.stopwatch, clocked)), "number")
            at = formats.day_and_clock(each["corrected_at"], zone, now)
            text(f"{ctx.colleague(each['corrected_by'])} · {at}", "card-note")
