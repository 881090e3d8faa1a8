"""A technician's own jobs (我的任务), made for a phone: start, pause, finish."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, empty, link, mark, text
from services.desk.components.forms import Form, dialog_actions, send_now
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.pages.order import JOB_TONES
from services.desk.pages.orders import orders_at
from services.desk.pages.workshop import Numbers, number_of
from services.desk.visit import Visit, together

DUTIES = ("R13",)

PAGE = Page(
    path="/stores/{store_id}/my-jobs",
    title="My jobs",
    icon="handyman",
    roles=frozenset({"technician"}),
    duties=DUTIES,
)

_PAUSES = ("break", "waiting_part", "waiting_customer", "other_job", "tool", "end_of_shift")
_ORDER = {"in_progress": 0, "paused": 1, "planned": 2}

Mine = tuple[list[dict[str, Any]], Numbers]


@PAGE.shows
async def show(visit: Visit) -> None:
    """Work in hand first, then what is planned."""
    catalogue = await visit.catalogue()

    async def fetch() -> Mine:
        jobs, numbers = await open_jobs(visit)
        mine = [
            job
            for job in jobs
            if visit.person.subject in job["technician_ids"] and job["status"] in _ORDER
        ]
        return sorted(mine, key=_turn), numbers

    def render(mine: Mine, every_second: EverySecond) -> None:
        jobs, numbers = mine
        if not jobs:
            empty(visit.t("Nothing is assigned to you at the moment."))
        with box("job-cards"):
            for job in jobs:
                _card(visit, catalogue, job, numbers, every_second)

    await live(visit, fetch, render)


async def open_jobs(visit: Visit) -> tuple[list[dict[str, Any]], Numbers]:
    """The store's unfinished and uninspected jobs, and the queue numbers of their orders."""
    jobs, orders = await together(
        visit.shared(
            "open jobs", lambda: visit.services.get("workshop", f"{visit.store_path}/jobs")
        ),
        orders_at(visit, "opened", "in_work"),
    )
    return jobs, {order["order_id"]: order["queue_number"] for order in orders}


def _turn(job: Mapping[str, Any]) -> tuple[int, str]:
    return _ORDER[job["status"]], job["planned_start_at"] or ""


def _card(
    visit: Visit,
    catalogue: Catalogue,
    job: Mapping[str, Any],
    numbers: Numbers,
    every_second: EverySecond,
) -> None:
    t, zone = visit.t, visit.store.timezone
    with mark(f"job-{job['operation_id']}", box(f"job-card {job['status']}")):
        with box("job-head"):
            text(number_of(numbers, job), "queue-number")
            with box("card-names"):
                text(catalogue.operation(job["operation_id"]), "job-name")
                text(f"{job['bay_id'] or ''} · {t.code('trade', job['trade'])}", "card-note")
            badge(t.code("status", job["status"]), JOB_TONES[job["status"]])
        with box("job-times"):
            planned = formats.span(job["planned_start_at"], job["planned_finish_at"], zone)
            _time(t("Planned"), planned)
            _time(t("Standard hours"), formats.hours(job["standard_hours"]))
            _time(t("Promised"), formats.day_and_clock(job["promised_at"], zone, visit.now()))
            clocked = _time(t("Clocked"), formats.stopwatch(job["clocked_s"]))
        if job["status"] == "in_progress":
            _run_clock(visit, job, clocked, every_second)
        with box("card-actions"):
            _actions(visit, job)
            link(t("Order"), f"{visit.store_path}/orders/{job['order_id']}", "text-link")


def _time(name: str, value: str) -> ui.label:
    with box("job-time"):
        text(name, "card-note")
        return text(value, "number")


def _run_clock(
    visit: Visit, job: Mapping[str, Any], label: ui.label, every_second: EverySecond
) -> None:
    """Time on the job so far, without its pauses as far as the page has seen them."""
    begun = visit.now()
    if job["clocked_s"] == 0 and job["started_at"]:
        begun = datetime.fromisoformat(job["started_at"])

    def tell(now: datetime) -> None:
        label.set_text(formats.stopwatch(job["clocked_s"] + (now - begun).total_seconds()))

    tell(visit.now())
    every_second(tell)


def _actions(visit: Visit, job: Mapping[str, Any]) -> None:
    t, path, attempt = visit.t, f"/jobs/{job['job_id']}", new_attempt()

    def press(action: str, label: str, kind: str) -> None:
        button(
            label,
            lambda: send_now(visit, "workshop", f"{path}/{action}", attempt=attempt),
            name=action,
            kind=kind,
        )

    match job["status"]:
        case "planned":
            press("start", t("Start"), "main")
        case "paused":
            press("resume", t("Resume"), "main")
        case _:
            press("finish", t("Finish"), "main")
            button(t("Pause"), lambda: _pause_dialog(visit, job), name="pause")


async def _pause_dialog(visit: Visit, job: Mapping[str, Any]) -> None:
    t = visit.t
    with dialog(t("Pause")) as opened:
        form = Form(visit)
        reasons = {reason: t.code("pause", reason) for reason in _PAUSES}
        reason = form.field("reason", ui.select(reasons, label=t("Reason"), value=_PAUSES[0]))

        async def send() -> None:
            path, body = f"{visit.store_path}/jobs/{job['job_id']}/pause", {"reason": reason.value}
            if await form.send(
                lambda: visit.services.command("workshop", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(visit, opened, t("Pause"), send)
