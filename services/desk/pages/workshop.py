"""The workshop's day (车间派工): a live Gantt by technician or by bay, and manual overrides."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components import manual_override
from services.desk.components.absences import absence_dialog
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    Handler,
    badge,
    box,
    button,
    dialog,
    facts,
    link,
    mark,
    panel,
    text,
)
from services.desk.components.gantt import (
    Bar,
    Drop,
    Hands,
    Heat,
    Line,
    Stretch,
    at,
    begins,
    ends,
    gantt,
    span_of,
)
from services.desk.components.job_clock import clock_dialog, clocked_s
from services.desk.components.live import live
from services.desk.components.manual_override import DispatchOptions, Slot
from services.desk.components.overrides import overrides
from services.desk.components.parts import parts_dialog
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.pages.order.work import JOB_TONES
from services.desk.pages.orders import Numbers, number_of, numbers_of, orders_at
from services.desk.pages.today import chosen_day, day_choice
from services.desk.reasons import change_text, risk_text, risk_tone
from services.desk.visit import Visit, together

DUTIES = ("R11", "R12", "R13")

PAGE = Page(
    path="/stores/{store_id}/workshop",
    title="Workshop",
    icon="view_timeline",
    roles=frozenset({"dispatcher", "manager", "advisor", "inspector", "technician"}),
    duties=DUTIES,
    script="gantt.js",
)

_DISPATCHES = ("dispatcher", "manager")
_CORRECTS = ("manager",)
_OPEN = ("planned", "in_progress", "paused")
_COUNTED = ("planned", "in_progress", "paused", "finished", "passed")
_LEGEND = ("planned", "in_progress", "paused", "finished", "passed", "failed")

Job = Mapping[str, Any]


@dataclass(frozen=True)
class Day:
    """The plan of one day; queue numbers by order; who is away; manual overrides for those who
    make them."""

    plan: Mapping[str, Any]
    numbers: Numbers
    absences: Sequence[Mapping[str, Any]]
    overrides: Mapping[str, Any] | None

    @property
    def jobs(self) -> list[Job]:
        """Those with a place in the plan."""
        return [
            job
            for job in self.plan["jobs"]
            if job["status"] != "cancelled" and (job["started_at"] or job["planned_start_at"])
        ]

    @property
    def open_jobs(self) -> list[Job]:
        """Those that are not done."""
        return [job for job in self.plan["jobs"] if job["status"] in _OPEN]

    @property
    def unplanned(self) -> list[Job]:
        """Those that still look for a place."""
        return [
            job
            for job in self.plan["jobs"]
            if job["status"] == "planned" and not job["planned_start_at"]
        ]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The day of the address, today when it names none, with a row a technician or a bay."""
    day = chosen_day(visit)
    rows = visit.query.get("rows", "technician")
    catalogue = await visit.catalogue()
    _toolbar(visit, day, rows)

    async def fetch() -> Day:
        plan, orders, absences, made = await together(
            _ask(visit, "plan", day=f"{day}"),
            orders_at(visit, "opened", "in_work", "ready", "delivered", "settled"),
            _ask(visit, "absences"),
            _overrides(visit, day),
        )
        return Day(plan, numbers_of(visit, orders), absences, made)

    await live(visit, fetch, _Board(visit, catalogue, rows).render)


async def _overrides(visit: Visit, day: date) -> Mapping[str, Any] | None:
    if not visit.person.has(_DISPATCHES):
        return None
    found: Mapping[str, Any] = await _ask(visit, "overrides", **{"from": f"{day}", "to": f"{day}"})
    return found


def _ask(visit: Visit, what: str, **query: str) -> Awaitable[Any]:
    """A view of the workshop that everybody who looks at the same day shares."""
    path = f"{visit.store_path}/{what}"
    return visit.shared(
        " ".join((what, *query.values())), lambda: visit.services.get("workshop", path, **query)
    )


def _toolbar(visit: Visit, day: date, rows: str) -> None:
    with box("toolbar"):
        day_choice(visit, day)
        with box("tabs switch"):
            choices = (("technician", visit.t("By technician")), ("bay", visit.t("By bay")))
            for choice, title in choices:
                classes = "tab current" if choice == rows else "tab"
                mark(
                    f"rows-{choice}",
                    link(title, f"?day={day}&rows={choice}", classes),
                )
        box("spacer")
        link(visit.t("Full screen"), f"/board/{visit.store.id}", "text-link").props("target=_blank")
        with box("legend"):
            for status in _LEGEND:
                _legend(f"status-{status}", visit.t.code("status", status))
            _legend("buffer-swatch", visit.t("Overrun buffer"))
            _legend("promise-swatch", visit.t("Promise"))
            _legend("risk-swatch warn", visit.t("Promise at risk"))
            _legend("risk-swatch bad", visit.t("Promise in danger"))


def _legend(swatch: str, name: str) -> None:
    with box("legend-item"):
        box(f"swatch {swatch}")
        text(name)


@dataclass
class _Board:
    """The day as it is drawn; ``shown`` is always the present one."""

    visit: Visit
    catalogue: Catalogue
    rows: str
    shown: Day = field(init=False)

    def render(self, shown: Day, drawing: Drawing) -> None:
        self.shown = shown
        drawing.part("figures", partial(_figures, self.visit.t), *self._counts())
        if shown.unplanned:
            waiting = [self.name(job) for job in shown.unplanned]
            drawing.part("unplanned", partial(_unplanned, self.visit.t), waiting)
        self._chart(drawing)
        if shown.overrides and shown.overrides["overrides"]:
            names = {job["job_id"]: self.name(job) for job in shown.plan["jobs"]}
            drawing.part("overrides", partial(overrides, self.visit), shown.overrides, names)

    @property
    def options(self) -> DispatchOptions:
        return DispatchOptions(self.shown.plan, self.catalogue.operations, self.name_by_id)

    def name(self, job: Job) -> str:
        """Queue number and operation."""
        operation = self.catalogue.operation(job["operation_id"])
        return f"{number_of(self.shown.numbers, job)} · {operation}"

    def tone(self, job: Job) -> str:
        """The color of the job's promise."""
        return risk_tone(self.visit, job)

    def risk(self, job: Job) -> str:
        """How likely the job's promise is to be kept, and why."""
        return risk_text(self.visit, job["risk"], self.name_by_id)

    def name_by_id(self, job_id: str) -> str:
        """The name of a job of this day, otherwise a word for another one."""
        found = (job for job in self.shown.plan["jobs"] if job["job_id"] == job_id)
        return next(map(self.name, found), self.visit.t("another job"))

    def _counts(self) -> tuple[Mapping[str, int], int]:
        """Jobs by status, and orders whose promise is at risk."""
        jobs = self.shown.plan["jobs"]
        counts = {status: sum(job["status"] == status for job in jobs) for status in _COUNTED}
        return counts, len({job["order_id"] for job in self.shown.open_jobs if self.tone(job)})

    def _chart(self, drawing: Drawing) -> None:
        now, zone = self.visit.now(), self.visit.store.timezone
        span = span_of(self.shown.plan, self.shown.jobs, now)
        lines = self._bay_lines() if self.rows == "bay" else self._technician_lines()
        hands = Hands(bar=self._job_dialog, row=self._absence_dialog, dropped=self._dropped)
        gantt(drawing, span, zone, lines, self._free(), hands, now)

    def _bar(self, job: Job) -> Bar:
        return Bar(
            job_id=job["job_id"],
            status=job["status"],
            begin=begins(job),
            end=ends(job, self.visit.now()),
            buffer_until=at(job["buffer_until"]) if job["buffer_until"] else None,
            promised=at(job["promised_at"]),
            tone=self.tone(job),
            title=number_of(self.shown.numbers, job),
            subtitle=self.catalogue.operation(job["operation_id"]),
            tooltip=self._tooltip(job),
            movable=self._movable(job),
            pinned=job["pinned"],
        )

    def _away(self, technician_id: str) -> list[Mapping[str, Any]]:
        return [each for each in self.shown.absences if each["technician_id"] == technician_id]

    def _absence_dialog(self, technician_id: str) -> None:
        absence_dialog(self.visit, technician_id, self._away(technician_id))

    def _technician_lines(self) -> list[Line]:
        return [self._technician_line(each) for each in self.shown.plan["technicians"]]

    def _technician_line(self, technician: Mapping[str, Any]) -> Line:
        t, key = self.visit.t, technician["technician_id"]
        return Line(
            key=key,
            name=self.visit.colleague(key),
            note=_skills(self.visit, technician),
            windows=[
                Stretch(at(window["starts_at"]), at(window["ends_at"]))
                for window in technician["windows"]
            ],
            absences=[
                Stretch(at(each["from_at"]), at(each["until_at"]), t.code("absence", each["kind"]))
                for each in self._away(key)
            ],
            bars=[self._bar(job) for job in self.shown.jobs if key in job["technician_ids"]],
            openable=self.visit.person.has(_DISPATCHES),
        )

    def _bay_lines(self) -> list[Line]:
        plan, visit = self.shown.plan, self.visit
        open_hours = Stretch(at(plan["opens_at"]), at(plan["closes_at"]))
        return [
            Line(
                key=bay["bay_id"],
                name=visit.bay(bay["bay_id"]),
                note=" · ".join(visit.t.code("bay", each) for each in bay["capabilities"]),
                windows=[open_hours],
                absences=[],
                bars=[self._bar(job) for job in self.shown.jobs if job["bay_id"] == bay["bay_id"]],
            )
            for bay in plan["bays"]
        ]

    def _free(self) -> list[Heat]:
        by_trade: dict[str, dict[datetime, int]] = {}
        for each in self.shown.plan["free"]:
            by_trade.setdefault(each["trade"], {})[at(each["starts_at"])] = each["free_minutes"]
        t = self.visit.t
        return [
            Heat(t("{trade}: free", trade=t.code("trade", trade)), minutes)
            for trade, minutes in by_trade.items()
        ]

    def _tooltip(self, job: Job) -> list[str]:
        t, zone = self.visit.t, self.visit.store.timezone
        planned = formats.span(job["planned_start_at"], job["planned_finish_at"], zone)
        promised = formats.day_and_clock(job["promised_at"], zone, self.visit.now())
        people = self.visit.t.listed(map(self.visit.colleague, job["technician_ids"]))
        sentences = (
            self.name(job),
            f"{t.code('status', job['status'])} · {planned} · {people} · "
            f"{self.visit.bay(job['bay_id'])}",
            t("promised {time}", time=promised),
            self._buffer(job),
            change_text(self.visit, job["reason"], self.name_by_id),
            self.risk(job) if self.tone(job) else "",
        )
        return [sentence for sentence in sentences if sentence]

    def _buffer(self, job: Job) -> str:
        """Until when the overrun buffer behind the job lasts."""
        if not job["buffer_until"]:
            return ""
        zone, now = self.visit.store.timezone, self.visit.now()
        until = formats.day_and_clock(job["buffer_until"], zone, now)
        return self.visit.t("overrun buffer until {time}", time=until)

    def _movable(self, job: Job) -> bool:
        return job["status"] == "planned" and self.visit.person.has(_DISPATCHES)

    def _dropped(self, drop: Drop) -> None:
        """A drop on another planned bar offers to change places, any other one to move."""
        options = self.options
        job = options.job(drop.job_id)
        if drop.onto and drop.onto in options.exchangeable(job):
            manual_override.swap(self.visit, options, job, drop.onto)
        elif drop.row != drop.source or drop.minutes:
            manual_override.move(self.visit, options, job, self._slot(job, drop))

    def _slot(self, job: Job, drop: Drop) -> Slot:
        planned = Slot.of(job)
        start_at = planned.start_at + timedelta(minutes=drop.minutes)
        if self.rows == "bay":
            return Slot(planned.technician_ids, drop.row, start_at)
        people = [drop.row if each == drop.source else each for each in planned.technician_ids]
        return Slot(list(dict.fromkeys(people)), planned.bay_id, start_at)

    def _job_dialog(self, job_id: str) -> None:
        visit, t, zone = self.visit, self.visit.t, self.visit.store.timezone
        job = self.options.job(job_id)
        with dialog(self.name(job)) as opened:
            badge(t.code("status", job["status"]), JOB_TONES[job["status"]])
            if job["pinned"]:
                badge(t("Pinned"), "calm")
            if job["comeback_of"]:
                badge(t("Comeback"), "warn")
            planned = formats.span(job["planned_start_at"], job["planned_finish_at"], zone)
            facts(
                [
                    (t("Technician"), t.listed(map(visit.colleague, job["technician_ids"]))),
                    (t("Bay"), visit.bay(job["bay_id"])),
                    (t("Planned"), planned),
                    (t("Promised"), formats.day_and_clock(job["promised_at"], zone, visit.now())),
                    (t("Standard hours"), formats.hours(job["standard_hours"])),
                    (t("Worked"), formats.span(job["started_at"], job["finished_at"], zone)),
                    (t("Clocked"), formats.stopwatch(clocked_s(job, visit.now(), visit.now()))),
                ]
            )
            _explained(t("Planned so because"), change_text(visit, job["reason"], self.name_by_id))
            _explained(t("Promise"), self.risk(job))
            link(t("Show the order"), f"{visit.store_path}/orders/{job['order_id']}", "text-link")
            if self._movable(job):
                self._hand_buttons(job, opened)
            if job["started_at"] and visit.person.has(_CORRECTS):
                with box("override-actions"):
                    correct = partial(clock_dialog, visit, job, self.name(job))
                    _instead(opened, "correct-clock", t("Correct the clock …"), correct)

    def _hand_buttons(self, job: Job, opened: ui.dialog) -> None:
        visit, options, t = self.visit, self.options, self.visit.t
        press = partial(_instead, opened)
        with box("override-actions"):
            press(
                "move", t("Move …"), lambda: manual_override.move(visit, options, job, Slot.of(job))
            )
            press("swap", t("Swap …"), lambda: manual_override.swap(visit, options, job))
            if job["pinned"]:
                press("unpin", t("Unpin …"), lambda: manual_override.unpin(visit, options, job))
            else:
                press("pin", t("Pin …"), lambda: manual_override.pin(visit, options, job))
            press("forbid", t("Forbid …"), lambda: manual_override.forbid(visit, options, job))
            if job["forbidden_technicians"]:
                press("allow", t("Allow …"), lambda: manual_override.allow(visit, options, job))
            press("parts", t("Parts expected …"), lambda: parts_dialog(visit, job, self.name(job)))


def _figures(t: Words, counts: Mapping[str, int], endangered: int) -> None:
    with box("mini-figures"):
        for status, count in counts.items():
            with box("mini-figure"):
                text(str(count), "mini-value")
                text(t.code("status", status), "mini-name")
        with mark("endangered", box(f"mini-figure {'bad' if endangered else ''}")):
            text(str(endangered), "mini-value")
            text(t("Promises at risk"), "mini-name")


def _unplanned(t: Words, names: Sequence[str]) -> None:
    with panel(t("Waiting for a place in the plan")), box("chips"):
        for name in names:
            text(name, "chip")


def _instead(opened: ui.dialog, name: str, label: str, act: Handler) -> None:
    """A button that goes on from one dialog to the next."""

    def go() -> Any:
        opened.close()
        return act()

    button(label, go, name=name)


def _explained(title: str, sentence: str) -> None:
    if sentence:
        with box("explained"):
            text(title, "card-note")
            text(sentence)


def _skills(visit: Visit, technician: Mapping[str, Any]) -> str:
    ordered: Sequence[tuple[str, int]] = sorted(
        technician["skills"].items(), key=lambda skill: -skill[1]
    )
    return " · ".join(f"{visit.t.code('trade', trade)}{level}" for trade, level in ordered)
