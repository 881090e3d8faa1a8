"""The workshop's day (车间派工): a live Gantt by technician or by bay, and manual overrides."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components import manual_override
from services.desk.components.absences import absence_dialog
from services.desk.components.day_choice import chosen_day, day_choice
from services.desk.components.elements import (
    Handler,
    badge,
    box,
    button,
    dialog,
    facts,
    link,
    panel,
    test_id,
    text,
)
from services.desk.components.gantt import (
    Bar,
    ChartHandlers,
    Drop,
    Heat,
    Line,
    Stretch,
    gantt,
    span_of,
    stretch_of,
)
from services.desk.components.job_clock import clock_dialog, clocked_s
from services.desk.components.live import live
from services.desk.components.manual_override import DispatchOptions, Slot
from services.desk.components.overrides import overrides
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.parts import parts_dialog
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.jobs import JOB_TONES
from services.desk.orders import Numbers, number_of, numbers_of, orders_at
from services.desk.page import Page
from services.desk.reasons import change_text, risk_text, risk_tone
from shared.clients.access import roles_of
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import (
    AbsenceView,
    OverridesView,
    PlannedJobView,
    PlanView,
    TechnicianView,
)

REQUIREMENTS = ("R11", "R12", "R13")

PAGE = Page(
    path="/stores/{store_id}/workshop",
    title="Workshop",
    icon="view_timeline",
    roles=roles_of(WorkshopApi.get_plan),
    requirements=REQUIREMENTS,
    script="gantt.js",
)

_OPEN = ("planned", "in_progress", "paused")
_COUNTED = ("planned", "in_progress", "paused", "finished", "passed")
_LEGEND = ("planned", "in_progress", "paused", "finished", "passed", "failed")

Bars = Sequence[tuple[PlannedJobView, Bar]]
"""Jobs with a place in the plan, and their bars on the chart."""


@dataclass(frozen=True)
class Day:
    """Plan of one day; queue numbers by order; absent technicians; manual overrides for people who
    may see them.
    """

    plan: PlanView
    numbers: Numbers
    absences: Sequence[AbsenceView]
    overrides: OverridesView | None

    @property
    def open_jobs(self) -> list[PlannedJobView]:
        """Return the jobs that are not done."""
        return [job for job in self.plan.jobs if job.status in _OPEN]

    @property
    def unplanned(self) -> list[PlannedJobView]:
        """Return the jobs that have no slot yet."""
        return [
            job for job in self.plan.jobs if job.status == "planned" and not job.planned_start_at
        ]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the day of the address, today when it names none, with a row a technician or a bay."""
    day = chosen_day(ctx)
    rows = ctx.query.get("rows", "technician")
    catalog = await ctx.catalog()
    _toolbar(ctx, day, rows)

    async def fetch() -> Day:
        workshop, store_id = ctx.services.workshop, ctx.store.id
        plan, orders, absences, made = await asyncio.gather(
            ctx.shared(f"plan {day}", lambda: workshop.get_plan(store_id, day=day)),
            orders_at(ctx, "opened", "in_progress", "ready", "delivered", "closed"),
            ctx.shared("absences", lambda: workshop.list_absences(store_id)),
            _overrides(ctx, day),
        )
        return Day(plan, numbers_of(ctx, orders), absences, made)

    await live(ctx, fetch, _Board(ctx, catalog, rows).render)


async def _overrides(ctx: PageContext, day: date) -> OverridesView | None:
    workshop = ctx.services.workshop
    if not ctx.may(workshop.list_overrides):
        return None
    return await ctx.shared(
        f"overrides {day}",
        lambda: workshop.list_overrides(ctx.store.id, from_=day, to=day),
    )


def _toolbar(ctx: PageContext, day: date, rows: str) -> None:
    with box("toolbar"):
        day_choice(ctx, day)
        with box("tabs switch"):
            choices = (("technician", ctx.t("By technician")), ("bay", ctx.t("By bay")))
            for choice, title in choices:
                classes = "tab current" if choice == rows else "tab"
                test_id(
                    f"rows-{choice}",
                    link(title, f"?day={day}&rows={choice}", classes),
                )
        box("spacer")
        link(ctx.t("Full screen"), f"/board/{ctx.store.id}", "text-link").props("target=_blank")
        with box("legend"):
            for status in _LEGEND:
                _legend(f"status-{status}", ctx.t.code("status", status))
            _legend("buffer-swatch", ctx.t("Overrun buffer"))
            _legend("promise-swatch", ctx.t("Promised time"))
            _legend("risk-swatch warn", ctx.t("Promised time at risk"))
            _legend("risk-swatch bad", ctx.t("Promised time likely missed"))


def _legend(swatch: str, name: str) -> None:
    with box("legend-item"):
        box(f"swatch {swatch}")
        text(name)


@dataclass
class _Board:
    """Board of the day; ``shown`` is always the present one."""

    ctx: PageContext
    catalog: Catalog
    rows: str
    shown: Day = field(init=False)

    def render(self, shown: Day, renderer: PartialRenderer) -> None:
        self.shown = shown
        renderer.section("figures", partial(_figures, self.ctx.t), *self._counts())
        if shown.unplanned:
            waiting = [self.name(job) for job in shown.unplanned]
            renderer.section("unplanned", partial(_unplanned, self.ctx.t), waiting)
        self._chart(renderer)
        if shown.overrides and shown.overrides.overrides:
            names = {job.job_id: self.name(job) for job in shown.plan.jobs}
            renderer.section("overrides", partial(overrides, self.ctx), shown.overrides, names)

    @property
    def options(self) -> DispatchOptions:
        return DispatchOptions(self.shown.plan, self.name_by_id)

    def name(self, job: PlannedJobView) -> str:
        """Return queue number and operation."""
        operation = self.catalog.operation(job.op_code)
        return f"{number_of(self.shown.numbers, job.order_id)} · {operation}"

    def tone(self, job: PlannedJobView) -> str:
        """Return the color of the job's promise."""
        return risk_tone(self.ctx, job)

    def risk(self, job: PlannedJobView) -> str:
        """Return the probability of the job's promise, and its reason."""
        return risk_text(self.ctx, job.risk, self.name_by_id)

    def name_by_id(self, job_id: str) -> str:
        """Return the name of a job of this day, otherwise a word for another one."""
        found = (job for job in self.shown.plan.jobs if job.job_id == job_id)
        return next(map(self.name, found), self.ctx.t("another job"))

    def _counts(self) -> tuple[Mapping[str, int], int]:
        """Count jobs by status, and orders whose promise is at risk."""
        jobs = self.shown.plan.jobs
        counts = {status: sum(job.status == status for job in jobs) for status in _COUNTED}
        return counts, len({job.order_id for job in self.shown.open_jobs if self.tone(job)})

    def _chart(self, renderer: PartialRenderer) -> None:
        now, zone, bars = self.ctx.now(), self.ctx.store.timezone, self._bars()
        span = span_of(self._opening, [bar.time for _, bar in bars])
        lines = self._bay_lines(bars) if self.rows == "bay" else self._technician_lines(bars)
        handlers = ChartHandlers(
            bar=self._job_dialog, row=self._absence_dialog, dropped=self._dropped
        )
        gantt(renderer, span, zone, lines, self._free(), handlers, now)

    @property
    def _opening(self) -> Stretch:
        return Stretch(self.shown.plan.opens_at, self.shown.plan.closes_at)

    def _bars(self) -> Bars:
        now = self.ctx.now()
        return [
            (job, self._bar(job, time))
            for job in self.shown.plan.jobs
            if job.status != "cancelled" and (time := stretch_of(job, now))
        ]

    def _bar(self, job: PlannedJobView, time: Stretch) -> Bar:
        return Bar(
            job_id=job.job_id,
            status=job.status,
            time=time,
            buffer_until=job.buffer_until,
            promised=job.promised_at,
            tone=self.tone(job),
            title=number_of(self.shown.numbers, job.order_id),
            subtitle=self.catalog.operation(job.op_code),
            tooltip=self._tooltip(job),
            movable=self._movable(job),
            pinned=job.pinned,
        )

    def _away(self, technician_id: str) -> list[AbsenceView]:
        return [each for each in self.shown.absences if each.technician_id == technician_id]

    def _absence_dialog(self, technician_id: str) -> None:
        absence_dialog(self.ctx, technician_id, self._away(technician_id))

    def _technician_lines(self, bars: Bars) -> list[Line]:
        return [self._technician_line(each, bars) for each in self.shown.plan.technicians]

    def _technician_line(self, technician: TechnicianView, bars: Bars) -> Line:
        t, key = self.ctx.t, technician.technician_id
        return Line(
            key=key,
            name=self.ctx.colleague(key),
            note=_skills(self.ctx, technician),
            windows=[Stretch(window.starts_at, window.ends_at) for window in technician.windows],
            absences=[
                Stretch(each.starts_at, each.ends_at, t.code("absence", each.kind))
                for each in self._away(key)
            ],
            bars=[bar for job, bar in bars if key in job.technician_ids],
            openable=self.ctx.may(self.ctx.services.workshop.record_absence),
        )

    def _bay_lines(self, bars: Bars) -> list[Line]:
        ctx = self.ctx
        return [
            Line(
                key=bay.bay_id,
                name=ctx.bay(bay.bay_id),
                note=" · ".join(ctx.t.code("bay", each) for each in bay.capabilities),
                windows=[self._opening],
                absences=[],
                bars=[bar for job, bar in bars if job.bay_id == bay.bay_id],
            )
            for bay in self.shown.plan.bays
        ]

    def _free(self) -> list[Heat]:
        by_skill: dict[str, dict[datetime, int]] = {}
        for each in self.shown.plan.free:
            by_skill.setdefault(each.skill_code, {})[each.starts_at] = each.free_minutes
        t = self.ctx.t
        return [
            Heat(t("{skill_code}: free", skill_code=t.code("skill_code", skill_code)), minutes)
            for skill_code, minutes in by_skill.items()
        ]

    def _tooltip(self, job: PlannedJobView) -> list[str]:
        t, zone = self.ctx.t, self.ctx.store.timezone
        planned = formats.span(job.planned_start_at, job.planned_finish_at, zone)
        promised = formats.day_and_clock(job.promised_at, zone, self.ctx.now())
        people = self.ctx.t.listed(map(self.ctx.colleague, job.technician_ids))
        sentences = (
            self.name(job),
            f"{t.code('status', job.status)} · {planned} · {people} · {self.ctx.bay(job.bay_id)}",
            t("promised {time}", time=promised),
            self._buffer(job),
            change_text(self.ctx, job.reason, self.name_by_id),
            self.risk(job) if self.tone(job) else "",
        )
        return [sentence for sentence in sentences if sentence]

    def _buffer(self, job: PlannedJobView) -> str:
        """Return the end of the overrun buffer behind the job."""
        if not job.buffer_until:
            return ""
        zone, now = self.ctx.store.timezone, self.ctx.now()
        until = formats.day_and_clock(job.buffer_until, zone, now)
        return self.ctx.t("overrun buffer until {time}", time=until)

    def _movable(self, job: PlannedJobView) -> bool:
        dispatches = self.ctx.may(self.ctx.services.workshop.reassign_job)
        return job.status == "planned" and dispatches

    def _dropped(self, drop: Drop) -> None:
        """Offer to swap on a drop on another planned bar, and to move on any other drop."""
        options = self.options
        job = options.job(drop.job_id)
        if drop.onto and drop.onto in options.exchangeable(job):
            manual_override.swap(self.ctx, options, job, drop.onto)
        elif drop.row != drop.source or drop.minutes:
            manual_override.move(self.ctx, options, job, self._slot(job, drop))

    def _slot(self, job: PlannedJobView, drop: Drop) -> Slot:
        planned = Slot.of(job)
        later = timedelta(minutes=drop.minutes)
        starts_at = planned.starts_at + later if planned.starts_at else None
        if self.rows == "bay":
            return Slot(planned.technician_ids, drop.row, starts_at)
        people = [drop.row if each == drop.source else each for each in planned.technician_ids]
        return Slot(list(dict.fromkeys(people)), planned.bay_id, starts_at)

    def _job_dialog(self, job_id: str) -> None:
        ctx, t, zone = self.ctx, self.ctx.t, self.ctx.store.timezone
        job = self.options.job(job_id)
        with dialog(self.name(job)) as opened:
            badge(t.code("status", job.status), JOB_TONES[job.status])
            if job.pinned:
                badge(t("Pinned"), "calm")
            if job.comeback_of:
                badge(t("Comeback"), "warn")
            planned = formats.span(job.planned_start_at, job.planned_finish_at, zone)
            facts(
                [
                    (t("Technician"), t.listed(map(ctx.colleague, job.technician_ids))),
                    (t("Bay"), ctx.bay(job.bay_id)),
                    (t("Planned"), planned),
                    (
                        t("Promised time"),
                        formats.day_and_clock(job.promised_at, zone, ctx.now()),
                    ),
                    (t("Standard hours"), formats.hours(job.standard_hours)),
                    (t("Worked"), formats.span(job.started_at, job.finished_at, zone)),
                    (t("Clocked"), formats.stopwatch(clocked_s(job, ctx.now(), ctx.now()))),
                ]
            )
            _explained(t("Reason for this slot"), change_text(ctx, job.reason, self.name_by_id))
            _explained(t("Promised time"), self.risk(job))
            link(t("Show the order"), f"{ctx.store_path}/orders/{job.order_id}", "text-link")
            if self._movable(job):
                self._hand_buttons(job, opened)
            if job.status == "planned" and ctx.may(ctx.services.workshop.set_parts_eta):
                with box("override-actions"):
                    expected = partial(parts_dialog, ctx, job, self.name(job))
                    _instead(opened, "parts", t("Parts expected …"), expected)
            if job.started_at and ctx.may(ctx.services.workshop.correct_job_clock):
                with box("override-actions"):
                    correct = partial(clock_dialog, ctx, job, self.name(job))
                    _instead(opened, "correct-clock", t("Correct time…"), correct)

    def _hand_buttons(self, job: PlannedJobView, opened: ui.dialog) -> None:
        ctx, options, t = self.ctx, self.options, self.ctx.t
        press = partial(_instead, opened)
        with box("override-actions"):
            press(
                "move", t("Move …"), lambda: manual_override.move(ctx, options, job, Slot.of(job))
            )
            press("swap", t("Swap …"), lambda: manual_override.swap(ctx, options, job))
            if job.pinned:
                press("unpin", t("Unpin …"), lambda: manual_override.unpin(ctx, options, job))
            else:
                press("pin", t("Pin …"), lambda: manual_override.pin(ctx, options, job))
            press(
                "forbid",
                t("Exclude technician…"),
                lambda: manual_override.forbid(ctx, options, job),
            )
            if job.forbidden_technicians:
                press(
                    "allow",
                    t("Remove exclusion…"),
                    lambda: manual_override.allow(ctx, options, job),
                )


def _figures(t: Translator, counts: Mapping[str, int], endangered: int) -> None:
    with box("mini-figures"):
        for status, count in counts.items():
            with box("mini-figure"):
                text(str(count), "mini-value")
                text(t.code("status", status), "mini-name")
        with test_id("endangered", box(f"mini-figure {'bad' if endangered else ''}")):
            text(str(endangered), "mini-value")
            text(t("Promised times at risk"), "mini-name")


def _unplanned(t: Translator, names: Sequence[str]) -> None:
    with panel(t("Awaiting planning")), box("chips"):
        for name in names:
            text(name, "chip")


def _instead(opened: ui.dialog, name: str, label: str, act: Handler) -> None:
    """Add a button that leads from one dialog to the next."""

    def go() -> object:
        opened.close()
        return act()

    button(label, go, name=name)


def _explained(title: str, sentence: str) -> None:
    if sentence:
        with box("explained"):
            text(title, "card-note")
            text(sentence)


def _skills(ctx: PageContext, technician: TechnicianView) -> str:
    ordered = sorted(technician.skills.items(), key=lambda skill: -skill[1])
    return " · ".join(
        f"{ctx.t.code('skill_code', skill_code)}{level}" for skill_code, level in ordered
    )
