"""The workshop's day (车间派工): a live Gantt by technician, and changes by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.elements import badge, box, dialog, facts, link, text
from services.desk.components.forms import Form, dialog_actions
from services.desk.components.gantt import Face, gantt
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.pages.order import JOB_TONES
from services.desk.pages.orders import orders_at
from services.desk.pages.reception import t_number
from services.desk.pages.today import chosen_day, day_choice
from services.desk.visit import Visit, together

DUTIES = ("R11", "R12", "R13")

PAGE = Page(
    path="/stores/{store_id}/workshop",
    title="Workshop",
    icon="view_timeline",
    roles=frozenset({"dispatcher", "manager", "advisor", "inspector", "technician"}),
    duties=DUTIES,
)

_SOON = timedelta(minutes=5)
_DISPATCHES = ("dispatcher", "manager")
_LEGEND = ("planned", "in_progress", "paused", "finished", "passed", "failed")

_REASONS = (
    "customer_request",
    "skill",
    "handover",
    "workload",
    "bay",
    "vehicle",
    "training",
    "other",
)

Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Day:
    """The plan of one day, with the queue numbers of its orders."""

    plan: Mapping[str, Any]
    numbers: Numbers


@PAGE.shows
async def show(visit: Visit) -> None:
    """The day of the address, today when it names none."""
    day = chosen_day(visit)
    catalogue = await visit.catalogue()
    _toolbar(visit, day)

    async def fetch() -> Day:
        plan, orders = await together(
            visit.shared(
                f"plan {day}",
                lambda: visit.services.get("workshop", f"{visit.store_path}/plan", day=f"{day}"),
            ),
            orders_at(visit, "opened", "in_work", "ready", "delivered", "settled"),
        )
        return Day(plan, {order["order_id"]: order["queue_number"] for order in orders})

    def render(shown: Day, every_second: EverySecond) -> None:
        _figures(visit, shown.plan["jobs"])
        gantt(
            shown.plan,
            lambda technician: _skills(visit, technician),
            _face(visit, catalogue, shown),
            visit.now(),
            every_second,
        )

    await live(visit, fetch, render)


def _toolbar(visit: Visit, day: date) -> None:
    with box("toolbar"):
        day_choice(visit, day)
        box("spacer")
        with box("legend"):
            for status in _LEGEND:
                with box("legend-item"):
                    box(f"swatch status-{status}")
                    text(visit.t.code("status", status))
            with box("legend-item"):
                box("swatch promise-swatch")
                text(visit.t("Promise"))


def _figures(visit: Visit, jobs: Sequence[Mapping[str, Any]]) -> None:
    with box("mini-figures"):
        for status in ("planned", "in_progress", "paused", "finished", "passed"):
            count = sum(job["status"] == status for job in jobs)
            with box("mini-figure"):
                text(str(count), "mini-value")
                text(visit.t.code("status", status), "mini-name")


def _skills(visit: Visit, technician: Mapping[str, Any]) -> str:
    ordered = sorted(technician["skills"].items(), key=lambda skill: -skill[1])
    return " · ".join(f"{visit.t.code('trade', trade)}{level}" for trade, level in ordered)


def number_of(numbers: Numbers, job: Mapping[str, Any]) -> str:
    """The queue number of the job's order."""
    number = numbers.get(job["order_id"])
    return t_number(number) if number else "···"


def _face(visit: Visit, catalogue: Catalogue, shown: Day) -> Face:
    t, zone = visit.t, visit.store.timezone

    def tooltip(job: Mapping[str, Any]) -> str:
        return " · ".join(
            (
                number_of(shown.numbers, job),
                catalogue.operation(job["operation_id"]),
                t.code("status", job["status"]),
                formats.span(job["planned_start_at"], job["planned_finish_at"], zone),
                t(
                    "promised {time}",
                    time=formats.day_and_clock(job["promised_at"], zone, visit.now()),
                ),
            )
        )

    return Face(
        title=lambda job: number_of(shown.numbers, job),
        subtitle=lambda job: catalogue.operation(job["operation_id"]),
        tooltip=tooltip,
        chosen=lambda job: _job_dialog(visit, catalogue, shown, job),
        local_hour=lambda hour: formats.clock(hour, zone),
    )


def _job_dialog(visit: Visit, catalogue: Catalogue, shown: Day, job: Mapping[str, Any]) -> None:
    t, zone = visit.t, visit.store.timezone
    name = f"{number_of(shown.numbers, job)} · {catalogue.operation(job['operation_id'])}"
    with dialog(name) as opened:
        badge(t.code("status", job["status"]), JOB_TONES[job["status"]])
        facts(
            [
                (t("Technician"), "、".join(map(visit.colleague, job["technician_ids"]))),
                (t("Bay"), job["bay_id"] or formats.NOTHING),
                (
                    t("Planned"),
                    formats.span(job["planned_start_at"], job["planned_finish_at"], zone),
                ),
                (t("Promised"), formats.day_and_clock(job["promised_at"], zone, visit.now())),
                (t("Standard hours"), formats.hours(job["standard_hours"])),
                (t("Clocked"), formats.stopwatch(job["clocked_s"])),
            ]
        )
        link(t("Show the order"), f"{visit.store_path}/orders/{job['order_id']}", "text-link")
        if visit.person.has(_DISPATCHES) and job["status"] == "planned":
            _reassignment(visit, catalogue, shown, job, opened)


def _reassignment(
    visit: Visit, catalogue: Catalogue, shown: Day, job: Mapping[str, Any], opened: ui.dialog
) -> None:
    t, zone = visit.t, visit.store.timezone
    operation = catalogue.operations.get(job["operation_id"], {})
    text(t("Reassign"), "section-title")
    form = Form(visit)
    people = form.field(
        "technician_ids",
        ui.select(
            _able(visit, shown.plan["technicians"], operation, job["trade"]),
            label=t("Technician"),
            multiple=True,
            value=list(job["technician_ids"]),
        ).props("use-chips"),
    )
    bays = {
        bay["bay_id"]: f"{bay['bay_id']} · {t.code('bay', bay['type'])}"
        for bay in shown.plan["bays"]
        if operation.get("bay") in (None, *bay["capabilities"])
    }
    bay = form.field("bay_id", ui.select(bays, label=t("Bay"), value=job["bay_id"]))
    start = form.field(
        "start_at",
        ui.input(t("Start"), value=_later(visit, job)).props("type=datetime-local"),
    )
    reasons = {each: t.code("hand", each) for each in _REASONS}
    reason = form.field("reason", ui.select(reasons, label=t("Reason")))

    async def send() -> None:
        if not form.require("technician_ids", "bay_id", "start_at", "reason"):
            return
        start_at = datetime.fromisoformat(start.value or "").replace(tzinfo=zone)
        body = {
            "technician_ids": people.value,
            "bay_id": bay.value,
            "start_at": start_at.isoformat(),
            "reason": reason.value,
            "version": job["version"],
        }
        path = f"{visit.store_path}/jobs/{job['job_id']}/reassignment"
        if await form.send(
            lambda: visit.services.command("workshop", path, body, attempt=form.attempt)
        ):
            opened.close()
            await visit.changed()

    dialog_actions(visit, opened, t("Reassign"), send)


def _able(
    visit: Visit,
    technicians: Sequence[Mapping[str, Any]],
    operation: Mapping[str, Any],
    trade: str,
) -> dict[str, str]:
    level = operation.get("level", 1)
    return {
        each["technician_id"]: f"{each['name']} · {_skills(visit, each)}"
        for each in technicians
        if each["skills"].get(trade, 0) >= level
    }


def _later(visit: Visit, job: Mapping[str, Any]) -> str:
    """The planned start, or soon when that has passed, on the store's clocks."""
    soon = visit.now().replace(second=0, microsecond=0) + _SOON
    planned = datetime.fromisoformat(job["planned_start_at"])
    return max(planned, soon).astimezone(visit.store.timezone).strftime("%Y-%m-%dT%H:%M")
