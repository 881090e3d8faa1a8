"""The inspector's list (质检): finished jobs, accepted or sent back item by item."""

from collections.abc import Collection, Mapping
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, empty, link, mark, text
from services.desk.components.forms import Form, dialog_actions, send_now
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.pages.my_jobs import open_jobs
from services.desk.pages.workshop import Numbers, number_of
from services.desk.visit import Visit

DUTIES = ("R14",)

PAGE = Page(
    path="/stores/{store_id}/inspection",
    title="Inspection",
    icon="fact_check",
    roles=frozenset({"inspector"}),
    duties=DUTIES,
)

Finished = tuple[list[dict[str, Any]], Numbers]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The jobs that wait for an inspector, the earliest promise first."""
    catalogue = await visit.catalogue()

    async def fetch() -> Finished:
        jobs, numbers = await open_jobs(visit)
        finished = [job for job in jobs if job["status"] == "finished"]
        return sorted(finished, key=lambda job: job["promised_at"]), numbers

    def render(finished: Finished, _: EverySecond) -> None:
        jobs, numbers = finished
        if not jobs:
            empty(visit.t("Nothing waits for inspection."))
        with box("job-cards"):
            for job in jobs:
                _card(visit, catalogue, job, numbers)

    await live(visit, fetch, render)


def items_of(visit: Visit, trade: str) -> dict[str, str]:
    """The inspection checklist of a trade."""
    return {each["item"]: visit.t.of(each) for each in visit.desk.inspection.get(trade, ())}


def _results(visit: Visit, job: Mapping[str, Any], failed: Collection[str]) -> dict[str, str]:
    return {item: "failed" if item in failed else "ok" for item in items_of(visit, job["trade"])}


def _card(visit: Visit, catalogue: Catalogue, job: Mapping[str, Any], numbers: Numbers) -> None:
    t, zone = visit.t, visit.store.timezone
    with mark(f"job-{job['operation_id']}", box("job-card finished")):
        with box("job-head"):
            text(number_of(numbers, job), "queue-number")
            with box("card-names"):
                text(catalogue.operation(job["operation_id"]), "job-name")
                people = "、".join(map(visit.colleague, job["technician_ids"]))
                text(f"{people} · {job['bay_id'] or ''}", "card-note")
            if job["rework_of"]:
                badge(t("Rework"), "warn")
        with box("checklist quiet"):
            for name in items_of(visit, job["trade"]).values():
                text(f"· {name}", "card-note")
        finished = formats.clock(job["finished_at"], zone)
        promised = formats.day_and_clock(job["promised_at"], zone, visit.now())
        text(
            t("Finished {finished}, promised {promised}", finished=finished, promised=promised),
            "card-note",
        )
        with box("card-actions"):
            attempt = new_attempt()
            button(
                t("Accept"),
                lambda: send_now(
                    visit,
                    "workshop",
                    f"/jobs/{job['job_id']}/inspection",
                    {"items": _results(visit, job, ())},
                    attempt=attempt,
                ),
                name="accept",
                kind="main",
            )
            button(t("Send back"), lambda: _send_back(visit, job), name="send-back")
            link(t("Order"), f"{visit.store_path}/orders/{job['order_id']}", "text-link")


async def _send_back(visit: Visit, job: Mapping[str, Any]) -> None:
    t = visit.t
    with dialog(t("Send back for rework")) as opened:
        form = Form(visit)
        failed = form.field(
            "items",
            ui.select(
                items_of(visit, job["trade"]), label=t("Items that failed"), multiple=True
            ).props("use-chips"),
        )

        async def send() -> None:
            if not form.require("items"):
                return
            path = f"{visit.store_path}/jobs/{job['job_id']}/inspection"
            body = {"items": _results(visit, job, failed.value or ())}
            if await form.send(
                lambda: visit.services.command("workshop", path, body, attempt=form.attempt)
            ):
                opened.close()
                await visit.changed()

        dialog_actions(visit, opened, t("Send back"), send)
