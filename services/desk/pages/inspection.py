"""The inspector's list (质检): finished jobs, inspected item by item."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.drawing import Drawing
from services.desk.components.elements import badge, box, button, dialog, empty, link, mark, text
from services.desk.components.forms import Form, dialog_foot, submit
from services.desk.components.live import live
from services.desk.page import Page
from services.desk.pages.my_jobs import open_jobs
from services.desk.pages.orders import Numbers, number_of
from services.desk.visit import Visit

DUTIES = ("R14",)

PAGE = Page(
    path="/stores/{store_id}/inspection",
    title="Inspection",
    icon="fact_check",
    roles=frozenset({"inspector"}),
    duties=DUTIES,
)

_RESULTS = ("ok", "failed", "not_applicable")
_CHECKLISTS_FRESH_S = 300.0

Job = Mapping[str, Any]
Checklist = Sequence[Mapping[str, Any]]
Finished = tuple[list[Job], Numbers]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The jobs that wait for an inspector, the earliest promise first."""
    catalogue = await visit.catalogue()
    checklists = await _checklists(visit)

    async def fetch() -> Finished:
        jobs, numbers = await open_jobs(visit)
        finished = [job for job in jobs if job["status"] == "finished"]
        return sorted(finished, key=lambda job: job["promised_at"]), numbers

    def render(finished: Finished, drawing: Drawing) -> None:
        jobs, numbers = finished
        if not jobs:
            drawing.part("none", empty, visit.t("Nothing waits for inspection."))
        with drawing.frame("cards", box, "job-cards"):
            for job in jobs:
                shown = partial(_card, visit, catalogue, checklists[job["trade"]])
                drawing.part(job["job_id"], shown, job, number_of(numbers, job))

    await live(visit, fetch, render)


async def _checklists(visit: Visit) -> Mapping[str, Checklist]:
    answer = await visit.desk.answers.get(
        ("checklists", visit.store.id),
        lambda: visit.services.get("workshop", f"{visit.store_path}/inspection-checklists"),
        _CHECKLISTS_FRESH_S,
    )
    checklists: Mapping[str, Checklist] = answer["checklists"]
    return checklists


def _card(visit: Visit, catalogue: Catalogue, checklist: Checklist, job: Job, number: str) -> None:
    t, zone = visit.t, visit.store.timezone
    operation = catalogue.operation(job["operation_id"])
    with mark(f"job-{job['operation_id']}", box("job-card finished")):
        with box("job-head"):
            text(number, "queue-number")
            with box("card-names"):
                text(operation, "job-name")
                people = t.listed(map(visit.colleague, job["technician_ids"]))
                text(f"{people} · {visit.bay(job['bay_id'])}", "card-note")
            if job["rework_of"]:
                badge(t("Rework"), "warn")
            if job["comeback_of"]:
                badge(t("Comeback"), "warn")
        with box("checklist quiet"):
            for item in checklist:
                text(f"· {t.of(dict(item))}", "card-note")
        finished = formats.clock(job["finished_at"], zone)
        promised = formats.day_and_clock(job["promised_at"], zone, visit.now())
        text(
            t("Finished {finished}, promised {promised}", finished=finished, promised=promised),
            "card-note",
        )
        with box("card-actions"):
            button(
                t("Inspect"),
                lambda: _Sheet(visit, job, checklist).open(f"{number} · {operation}"),
                name="inspect",
                kind="main",
            )
            link(t("Order"), f"{visit.store_path}/orders/{job['order_id']}", "text-link")


class _Sheet:
    """The checklist of one job (质检单); every item is answered before it can be sent."""

    def __init__(self, visit: Visit, job: Job, checklist: Checklist) -> None:
        self._visit = visit
        self._job = job
        self._checklist = checklist
        self._rows: dict[str, ui.element] = {}
        self._answers: dict[str, str] = {}

    def open(self, name: str) -> None:
        t = self._visit.t
        with dialog(name) as self._opened:
            self._form = Form(self._visit, self._job["version"])
            for item in self._checklist:
                self._row(item)
            with dialog_foot(self._form):
                button(t("Cancel"), self._opened.close, name="dialog-cancel")
                self._send = button(t("Accept"), self._submit, name="dialog-send", kind="main")

    def _row(self, item: Mapping[str, Any]) -> None:
        t = self._visit.t
        results = {
            result: t.code("result", result)
            for result in _RESULTS
            if not (item["critical"] and result == "not_applicable")
        }
        with mark(f"item-{item['item']}", box("inspection-item")) as row:
            with box("item-name"):
                text(t.of(dict(item)))
                if item["critical"]:
                    badge(t("Critical"), "warn")
            chosen = ui.toggle(results).props("no-caps unelevated").classes("result-toggle")
        self._rows[item["item"]] = row
        chosen.on_value_change(lambda event: self._answer(item["item"], event.value))

    def _answer(self, item: str, result: str) -> None:
        self._answers[item] = result
        self._rows[item].classes(remove="missing")
        failed = "failed" in self._answers.values()
        self._send.set_text(self._visit.t("Send back for rework" if failed else "Accept"))

    async def _submit(self) -> None:
        visit, job, form = self._visit, self._job, self._form
        missing = [item for item in self._rows if item not in self._answers]
        for item in missing:
            self._rows[item].classes("missing")
        if missing:
            form.say(visit.t("Please answer every item."))
            return
        path, body = f"/jobs/{job['job_id']}/inspection", {"items": self._answers}
        await submit(form, self._opened, "workshop", path, body)
